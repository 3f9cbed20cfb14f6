"""One loaded Flux 2 on one device: an order goes in, pictures and the seconds they took come out. One thread only."""

from __future__ import annotations

import gc
import traceback
from logging import CRITICAL
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import OutOfMemory
from .clocks import Clock, StepWatch
from .encoding import opened_reference
from .fine_tunes import Rack
from .identity import facts_of
from .opening import open_pipeline
from .order import Ran, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from PIL.Image import Image

    from .fine_tunes import FineTune
    from .loading import Loading
    from .order import Facts, Order

__all__ = ["Pipeline"]

# Torch has no type of its own for the CPU's allocator: it raises a bare RuntimeError with this name in its text.
_CPU_ALLOCATOR = "DefaultCPUAllocator"


class Pipeline:
    """A loaded model. Attributes: `facts`, what is loaded."""

    def __init__(self, pipe: Any, facts: Facts, shelf: Mapping[str, FineTune]) -> None:
        self._pipe, self.facts, self._rack = pipe, facts, Rack(pipe, shelf)

    @classmethod
    def load(cls, loading: Loading, roots: Iterable[Path], *,
             shelf: Mapping[str, FineTune] = MappingProxyType({})) -> Pipeline:
        """Load a model; the data folders tell which card it is, `shelf` the fine-tunes that orders may name.

        Raises:
            CannotLoad: the model or one of its options.
        """
        _quiet()
        folders = tuple(roots)
        opened = open_pipeline(loading, folders)
        return cls(opened.pipe, facts_of(opened, loading, roots=folders), shelf)

    def run(self, order: Order, on_step: Callable[[int, int], None] | None = None) -> Ran:
        """Make a batch.

        Args:
            order: what to make.
            on_step: called with (steps done, steps in all) after each; what it raises stops the work and comes out
                of here, and the pipeline is as before. On a card one further step may be under way by then.

        Raises:
            OutOfMemory: it did not fit; the memory is given back.
            BadRequest: a reference that cannot be decoded.
            CannotLoad: a fine-tune that is not registered or does not fit; none is active then.
        """
        references = [opened_reference(each) for each in order.references]
        try:
            return self._run(order, references, on_step)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            # The frames hold the tensors that did fit.
            traceback.clear_frames(error.__traceback__)
        self._give_back()
        raise OutOfMemory(f"{order.n} x {order.size} with {len(references)} references did not fit on "
                          f"{self.facts.device}; ask for fewer images or pixels")

    def vram(self) -> tuple[int, int] | None:
        """Bytes used on the card, by anybody, and bytes it has; None without CUDA."""
        import torch  # noqa: PLC0415 (loading it takes seconds)

        if not self.facts.device.startswith("cuda"):
            return None
        free, total = torch.cuda.mem_get_info(self.facts.device)
        return total - free, total

    def _run(self, order: Order, references: list[Image], on_step: Callable[[int, int], None] | None) -> Ran:
        import torch  # noqa: PLC0415 (as above)

        switching = self._rack.switch(order.lora)
        generators = [torch.Generator("cpu").manual_seed(order.seed + each) for each in range(order.n)]
        watch = StepWatch(self.facts.device, on_step)
        self._pipe.progress_bar = watch.of
        asked: dict[str, Any] = {"image": references} if references else {}
        made = None
        try:
            with torch.inference_mode(), Clock(self.facts.device) as clock:
                made = self._pipe(
                    prompt=order.prompt, height=order.size.height, width=order.size.width,
                    num_inference_steps=order.steps, num_images_per_prompt=order.n, generator=generators,
                    guidance_scale=self.facts.default_guidance if order.guidance is None else order.guidance, **asked)
        finally:
            if made is None:
                # A whole call ends with this: offloaded parts leave the card, caches of steps forget the picture.
                self._pipe.maybe_free_model_hooks()
        return Ran(tuple(made.images), Seconds(clock.wall, clock.device, watch.seconds, switching), clock.peak_bytes)

    def _give_back(self) -> None:
        import torch  # noqa: PLC0415 (as above)

        gc.collect()
        if self.facts.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _is_out_of_memory(error: BaseException) -> bool:
    import torch  # noqa: PLC0415 (as above)

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or _CPU_ALLOCATOR in str(error)


def _quiet() -> None:
    """Keep the libraries' own bars and advice off standard error: a server's log is its own."""
    from diffusers.utils import logging as of_diffusers  # noqa: PLC0415 (as above)
    from huggingface_hub.utils import logging as of_hub  # noqa: PLC0415 (as above)
    from transformers.utils import logging as of_transformers  # noqa: PLC0415 (as above)

    of_hub.set_verbosity(CRITICAL)
    for each in (of_diffusers, of_transformers):
        each.set_verbosity(CRITICAL)
        each.disable_progress_bar()
