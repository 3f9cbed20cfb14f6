"""The closed form of the FLOPs: by hand, and against the real modules counted on torch's meta device."""

from __future__ import annotations

from typing import Any

import pytest

from router.flops import decode_flop, encode_flop, forward_flop, image_tokens, reference_tokens
from router.quantities import Size
from tests.tables import law

OPEN = ("flux-2-dev", "flux-2-klein-9b", "flux-2-klein-4b", "flux-1-dev")


def test_a_token_is_sixteen_pixels_square() -> None:
    assert image_tokens(Size(1024, 1024)) == 4096
    assert image_tokens(Size(1440, 810)) == 90 * 51


def test_a_reference_is_shrunk_to_a_megapixel() -> None:
    assert reference_tokens(Size(2048, 2048), 2) == 2 * 4096
    assert reference_tokens(Size(512, 512), 1) == 1024
    assert reference_tokens(Size(512, 512), 0) == 0


@pytest.mark.parametrize(("model", "c0", "c1", "c2"), [
    ("flux-2-dev", 96_466_894_848, 54_965_305_344, 1_376_256),
    ("flux-2-klein-9b", 51_071_942_656, 13_960_740_864, 524_288),
    ("flux-2-klein-4b", 23_695_196_160, 6_135_742_464, 307_200)])
def test_the_coefficients_are_those_of_the_architecture(model: str, c0: int, c1: int, c2: int) -> None:
    forward = forward_flop(law().models.architectures[model], 4096)
    assert (forward.c0, forward.c1, forward.c2, forward.tokens) == (c0, c1, c2, 4608)


def transformer(architecture: Any) -> Any:
    import torch
    from diffusers import Flux2Transformer2DModel, FluxTransformer2DModel
    with torch.device("meta"):
        if architecture.style == "flux-1":
            return FluxTransformer2DModel(
                num_layers=architecture.double_blocks, num_single_layers=architecture.single_blocks,
                num_attention_heads=architecture.heads, attention_head_dim=architecture.head_dim,
                in_channels=architecture.in_channels, joint_attention_dim=architecture.text_width,
                pooled_projection_dim=architecture.pooled_width, guidance_embeds=True).eval()
        return Flux2Transformer2DModel(
            num_layers=architecture.double_blocks, num_single_layers=architecture.single_blocks,
            num_attention_heads=architecture.heads, attention_head_dim=architecture.head_dim,
            in_channels=architecture.in_channels, joint_attention_dim=architecture.text_width,
            axes_dims_rope=(32,) * 4, guidance_embeds=architecture.guidance).eval()


def counted_flop(architecture: Any, model: Any, tokens: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta")
    ids = 4 if architecture.style == "flux-2" else 3
    text = architecture.text_tokens
    given: dict[str, Any] = {
        "hidden_states": empty(1, tokens, architecture.in_channels), "timestep": empty(1),
        "encoder_hidden_states": empty(1, text, architecture.text_width), "img_ids": empty(tokens, ids),
        "txt_ids": empty(text, ids), "guidance": empty(1) if architecture.guidance else None, "return_dict": False}
    if architecture.pooled_width is not None:
        given["pooled_projections"] = empty(1, architecture.pooled_width)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(**given)
    return counter.get_total_flops()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OPEN)
def test_the_closed_form_is_what_the_real_modules_do(name: str) -> None:
    architecture = law().models.architectures[name]
    model = transformer(architecture)
    assert sum(weight.numel() for weight in model.parameters()) == architecture.parameters
    for tokens in (1024, 4096, 8192):
        assert counted_flop(architecture, model, tokens) == forward_flop(architecture, tokens).total


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [512, 1024])
def test_the_vae_costs_what_the_real_one_costs(side: int) -> None:
    import torch
    from diffusers import AutoencoderKLFlux2
    from torch.utils.flop_counter import FlopCounterMode
    with torch.device("meta"):
        vae = AutoencoderKLFlux2().eval()
    architecture, tokens = law().models.architectures["flux-2-dev"], (side // 16) ** 2
    with torch.no_grad(), FlopCounterMode(display=False) as decoding:
        vae.decode(torch.empty(1, 32, side // 8, side // 8, device="meta"), return_dict=False)
    with torch.no_grad(), FlopCounterMode(display=False) as encoding:
        vae.encode(torch.empty(1, 3, side, side, device="meta"))
    assert decode_flop(architecture, tokens) == pytest.approx(decoding.get_total_flops(), rel=0.001)
    assert encode_flop(architecture, tokens) == pytest.approx(encoding.get_total_flops(), rel=0.001)
