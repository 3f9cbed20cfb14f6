"""A worker from its parts: model, fine-tunes, predictions, works and app; for uvicorn and for a replica of Ray."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CannotLoad, NoReading, OutOfReach
from ..gpus import find_gpu
from ..nvml import card_with
from ..quantities import Size
from ..service_time import load_law
from .app import make_app
from .fine_tunes import registered
from .order import Order
from .pace import Pace
from .pipeline import Pipeline
from .works import Works

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from starlette.applications import Starlette

    from ..nvml import Card
    from .admission import Limits
    from .fine_tunes import FineTune
    from .loading import Loading

__all__ = ["Building"]

_WARM_UP_SIDE = 512


@dataclass(frozen=True)
class Building:
    """A loaded worker before its door opens."""

    pipeline: Pipeline
    shelf: Mapping[str, FineTune]
    works: Works
    licence: str
    unread: str

    @classmethod
    def of(cls, loading: Loading, roots: Iterable[Path], *, limits: Limits, loras: Sequence[str] = (),
           lora_folder: Path | None = None) -> Building:
        """Load everything.

        Args:
            loading: the model.
            roots: data folders.
            limits: of requests and line.
            loras: fine-tunes as NAME=FILE.
            lora_folder: more of them, by their stems.

        Raises:
            CannotLoad: the model, one of its options or a fine-tune.
            TableError: a table cannot be read.
        """
        folders = tuple(roots)
        shelf = registered([_named(each) for each in loras], lora_folder)
        law = load_law(folders)
        pipeline = Pipeline.load(loading, folders, shelf=shelf)
        try:
            gpu = find_gpu(law.gpus, pipeline.facts.device_name).id
        except OutOfReach:
            gpu = ""
        meter, unread = _meter(pipeline.facts.device)
        works = Works(pipeline, limits=limits, pace=Pace(pipeline.facts, law, gpu), meter=meter)
        card = law.models.cards.get(pipeline.facts.model)
        return cls(pipeline, shelf, works, card.licence if card is not None and card.licence_needed else "", unread)

    def told(self) -> Iterator[str]:
        """What is loaded, for whoever starts it."""
        facts = self.pipeline.facts
        options = [f"{name} {value}" for name, value in (
            ("compile", facts.compile), ("offload", facts.offload), ("quantisation", facts.quantisation),
            ("cache", facts.cache)) if value != "none"]
        yield (f"{facts.pipeline}, {facts.model or 'a configuration in no table'}, {facts.parameters / 1e9:.2f} G "
               f"parameters, {facts.weights} weights, {facts.dtype} on {facts.device} ({facts.device_name})"
               + "".join(f", {each}" for each in options))
        if self.shelf:
            yield f"fine-tunes: {', '.join(sorted(self.shelf))}"
        if self.unread:
            yield self.unread
        if self.licence:
            yield f"licence {self.licence}: images for customers need a commercial licence of the maker"

    def warm_up(self) -> float:
        """Make one small image; seconds of the pipeline."""
        size = Size(_WARM_UP_SIDE, _WARM_UP_SIDE)
        order = Order("warm-up", size, n=1, steps=self.pipeline.facts.default_steps, seed=0)
        return self.pipeline.run(order).seconds.wall

    def app(self, *, key: str = "", names: tuple[str, ...] = ()) -> Starlette:
        """The app; it starts and stops the works itself. See `make_app`."""
        return make_app(self.works, shelf=self.shelf, key=key, names=names)


def _named(text: str) -> tuple[str, Path]:
    name, found, path = text.partition("=")
    if not found or not path:
        raise CannotLoad(f"--lora {text}: write it as NAME=FILE, as in brand=loras/brand.safetensors")
    return name, Path(path)


def _meter(device: str) -> tuple[Card | None, str]:
    """The card under a device, or why it cannot be read: joules and memory are missing from the metrics then."""
    if not device.startswith("cuda"):
        return None, ""
    import torch  # noqa: PLC0415 (loading it takes seconds)

    try:
        return card_with(str(torch.cuda.get_device_properties(device).uuid)), ""
    except NoReading as error:
        return None, str(error)
