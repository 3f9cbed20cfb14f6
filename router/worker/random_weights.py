"""Flux 2 pipelines of real or tiny configuration with random weights: no download, real classes, pictures of noise.

A random matrix multiplies as fast as a trained one, so a pipeline of the real configuration times like the real
model. What a tiny one keeps: every class, the VAE's scale of 8, 2 x 2 latent patches, the text layers that are stacked
(hence 30 or 28 tiny text layers), 512 text tokens, chat templates, dev's guidance embedding and klein's lack of it.
The tokenizer is byte-level in both: prompts are padded to 512 tokens, so the work is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import CannotLoad

if TYPE_CHECKING:
    from pathlib import Path

    from ..models import Architecture

__all__ = ["Blueprint", "Kind", "TextNumbers", "VaeNumbers", "blueprint_of", "build", "save_tiny", "save_tiny_lora",
           "tiny"]

Kind = Literal["dev", "klein", "klein-base"]
_LAYERS_STACKED = 3
_MISTRAL_CHAT = (
    "{% for m in messages %}{% set c = m['content'] if m['content'] is string else "
    "(m['content'] | map(attribute='text') | join('')) %}"
    "{{ '[SYSTEM_PROMPT]' + c + '[/SYSTEM_PROMPT]' if m['role'] == 'system' else '[INST]' + c + '[/INST]' }}"
    "{% endfor %}")
_QWEN_CHAT = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' }}{% endif %}")
_MISTRAL_WORDS = ("<unk>", "<s>", "</s>", "<pad>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]",
                  "[IMG_BREAK]", "[IMG_END]")
_QWEN_WORDS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")


@dataclass(frozen=True)
class TextNumbers:
    """A text encoder; `vocabulary` of None is that of the byte-level tokenizer."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    head_dim: int
    inner: int
    vocabulary: int | None
    tied: bool


@dataclass(frozen=True)
class VaeNumbers:
    """A VAE of four stages."""

    widths: tuple[int, int, int, int]
    layers: int
    latent_channels: int
    groups: int


@dataclass(frozen=True)
class Blueprint:
    """All numbers of one pipeline; `rope` are the rotary axes, which add up to head_dim."""

    kind: Kind
    double_blocks: int
    single_blocks: int
    heads: int
    head_dim: int
    rope: tuple[int, int, int, int]
    text: TextNumbers
    vae: VaeNumbers


_REAL_VAE = VaeNumbers((128, 256, 512, 512), 2, 32, 32)
# The parameter counts they give are those of models/architectures.csv, which a test holds them to.
_REAL_TEXT = {
    "Qwen3-4B": TextNumbers(2560, 36, 32, 8, 128, 9728, 151_936, tied=True),
    "Qwen3-8B": TextNumbers(4096, 36, 32, 8, 128, 12_288, 151_936, tied=False),
    "Mistral-Small-3.2-24B-Instruct-2506": TextNumbers(5120, 40, 32, 8, 128, 32_768, 131_072, tied=True),
}
_TINY_TEXT_LAYERS: dict[Kind, int] = {"dev": 30, "klein": 28, "klein-base": 28}


def blueprint_of(architecture: Architecture, kind: Kind) -> Blueprint:
    """The real configuration of an architecture.

    Raises:
        CannotLoad: no numbers of its text encoder are known here.
    """
    text = _REAL_TEXT.get(architecture.encoder)
    if text is None or architecture.style != "flux-2":
        raise CannotLoad(f"{architecture.id}: no configuration to fill with random weights; use one of "
                         "flux-2-klein-4b, flux-2-klein-9b, flux-2-dev")
    quarter = architecture.head_dim // 4
    return Blueprint(kind, architecture.double_blocks, architecture.single_blocks, architecture.heads,
                     architecture.head_dim, (quarter, quarter, quarter, quarter), text, _REAL_VAE)


def tiny(kind: Kind, *, heads: int = 2, double_blocks: int = 2, single_blocks: int = 2) -> Blueprint:
    """A configuration of 2 MB that makes a small picture in a tenth of a second on one CPU core."""
    return Blueprint(kind, double_blocks, single_blocks, heads, 16, (4, 4, 4, 4),
                     TextNumbers(32, _TINY_TEXT_LAYERS[kind], 2, 1, 16, 64, None, tied=True),
                     VaeNumbers((8, 8, 16, 16), 1, 4, 4))


def save_tiny(folder: Path, kind: Kind, *, seed: int = 0) -> Path:
    """Write a tiny pipeline that `from_pretrained` loads; the folder is returned."""
    import torch  # noqa: PLC0415 (loading it takes seconds)
    from transformers.utils import logging  # noqa: PLC0415 (as above)

    logging.disable_progress_bar()
    build(tiny(kind), seed=seed, device="cpu", dtype=torch.float32).save_pretrained(folder, safe_serialization=True)
    return folder


def save_tiny_lora(path: Path, kind: Kind, *, heads: int = 2, seed: int = 0) -> Path:
    """Write a fine-tune of rank 2 of the attention of a tiny pipeline, of random numbers; the file is returned."""
    import torch  # noqa: PLC0415 (as above)
    from diffusers.utils import convert_state_dict_to_diffusers  # noqa: PLC0415 (as above)
    from peft import LoraConfig, get_peft_model_state_dict  # noqa: PLC0415 (as above)

    pipe = build(tiny(kind, heads=heads), seed=seed, device="cpu", dtype=torch.float32)
    pipe.transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False,
                                            target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipe.transformer))
    type(pipe).save_lora_weights(path.parent, transformer_lora_layers=layers, weight_name=path.name)
    return path


def build(blueprint: Blueprint, *, seed: int, device: str, dtype: Any) -> Any:
    """The pipeline, made where and as it is to run, so that nothing large passes through the host's memory.

    Args:
        blueprint: its numbers.
        seed: of the weights.
        device: of torch, as in `cuda:0`; `meta` makes one without memory, to be counted.
        dtype: of torch.
    """
    import torch  # noqa: PLC0415 (as above)
    from diffusers import Flux2KleinPipeline, Flux2Pipeline  # noqa: PLC0415

    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            transformer, vae = _transformer(blueprint), _vae(blueprint.vae)
            tokenizer, encoder = _mistral(blueprint.text) if blueprint.kind == "dev" else _qwen(blueprint.text)
    finally:
        torch.set_default_dtype(before)
    parts = {"scheduler": _scheduler(), "vae": vae.eval(), "text_encoder": encoder.eval(), "tokenizer": tokenizer,
             "transformer": transformer.eval()}
    if blueprint.kind == "dev":
        return Flux2Pipeline(**parts)
    return Flux2KleinPipeline(**parts, is_distilled=blueprint.kind == "klein")


def _transformer(numbers: Blueprint) -> Any:
    from diffusers import Flux2Transformer2DModel  # noqa: PLC0415 (as above)

    return Flux2Transformer2DModel(
        in_channels=4 * numbers.vae.latent_channels, num_layers=numbers.double_blocks,
        num_single_layers=numbers.single_blocks, attention_head_dim=numbers.head_dim,
        num_attention_heads=numbers.heads, joint_attention_dim=_LAYERS_STACKED * numbers.text.hidden,
        axes_dims_rope=numbers.rope, rope_theta=2000, guidance_embeds=numbers.kind == "dev")


def _vae(numbers: VaeNumbers) -> Any:
    from diffusers import AutoencoderKLFlux2  # noqa: PLC0415 (as above)

    return AutoencoderKLFlux2(block_out_channels=numbers.widths, layers_per_block=numbers.layers,
                              latent_channels=numbers.latent_channels, norm_num_groups=numbers.groups)


def _scheduler() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: PLC0415 (as above)

    return FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15,
                                           base_image_seq_len=256, max_image_seq_len=4096)


def _bytes_and(words: tuple[str, ...]) -> dict[str, int]:
    from tokenizers import pre_tokenizers  # noqa: PLC0415 (as above)

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return {token: at for at, token in enumerate([*words, *alphabet])}


def _qwen(numbers: TextNumbers) -> tuple[Any, Any]:
    from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM  # noqa: PLC0415 (as above)

    tokenizer = Qwen2Tokenizer(vocab=_bytes_and(_QWEN_WORDS), merges=[],
                               additional_special_tokens=list(_QWEN_WORDS[1:]), model_max_length=4096)
    tokenizer.chat_template = _QWEN_CHAT
    encoder = Qwen3ForCausalLM(Qwen3Config(
        vocab_size=numbers.vocabulary or len(tokenizer), hidden_size=numbers.hidden, intermediate_size=numbers.inner,
        num_hidden_layers=numbers.layers, num_attention_heads=numbers.heads, num_key_value_heads=numbers.key_heads,
        head_dim=numbers.head_dim, max_position_embeddings=4096, tie_word_embeddings=numbers.tied, bos_token_id=0,
        eos_token_id=0, pad_token_id=0))
    return tokenizer, encoder


def _mistral(numbers: TextNumbers) -> tuple[Any, Any]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 (as above)
    from transformers import (  # noqa: PLC0415
        Mistral3Config,
        Mistral3ForConditionalGeneration,
        MistralConfig,
        PixtralVisionConfig,
        PreTrainedTokenizerFast,
    )

    plain = Tokenizer(models.BPE(vocab=_bytes_and(_MISTRAL_WORDS), merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",  # noqa: S106 (marks, no secrets)
        additional_special_tokens=list(_MISTRAL_WORDS[4:]), padding_side="left", model_max_length=4096)
    tokenizer.chat_template = _MISTRAL_CHAT
    text = MistralConfig(
        vocab_size=numbers.vocabulary or len(tokenizer), hidden_size=numbers.hidden, intermediate_size=numbers.inner,
        num_hidden_layers=numbers.layers, num_attention_heads=numbers.heads, num_key_value_heads=numbers.key_heads,
        head_dim=numbers.head_dim, max_position_embeddings=4096, sliding_window=None, bos_token_id=1, eos_token_id=2,
        pad_token_id=3)
    vision = None if numbers.vocabulary else PixtralVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, head_dim=16, image_size=64,
        patch_size=8).to_dict()
    whole = Mistral3Config(text_config=text.to_dict(), vision_config=vision,
                           image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"), spatial_merge_size=2,
                           vision_feature_layer=-1, tie_word_embeddings=numbers.tied)
    return tokenizer, Mistral3ForConditionalGeneration(whole)
