"""Fine-tunes (LoRA) by registered name: which files may be loaded, and which is active on a pipeline.

A request can only say a name. A file is looked at when it is registered, without torch: it must be a safetensors file
(tensors and nothing that could run), whole, and lie where it was registered, links followed.
"""

from __future__ import annotations

import json
import math
import re
import struct
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..errors import CannotLoad, short_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ..request import Lora

__all__ = ["FineTune", "Rack", "registered"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = ".safetensors"
# Of the safetensors format: 8 bytes little-endian length of a JSON header, at most 100 MB, then the tensors.
_LENGTH_BYTES, _MOST_HEADER_BYTES = 8, 100_000_000
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
         "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64}
_MOST_LOADED = 4


@dataclass(frozen=True)
class FineTune:
    """A registered file: the name that requests use, where it lies, its length and number of tensors."""

    name: str
    path: Path
    file_bytes: int
    tensors: int


def registered(named: Iterable[tuple[str, Path]], folder: Path | None = None) -> Mapping[str, FineTune]:
    """The files that requests may name: each of `named`, and every *.safetensors of a folder by its stem.

    Raises:
        CannotLoad: a name or a file that is not to be trusted, or a name twice.
    """
    found: dict[str, FineTune] = {}
    inside = sorted(folder.glob(f"*{_SUFFIX}")) if folder is not None and folder.is_dir() else ()
    if folder is not None and not folder.is_dir():
        raise CannotLoad(f"{folder}: no folder of fine-tunes; name one that holds *{_SUFFIX} files")
    for name, path in (*named, *((each.stem, each) for each in inside)):
        if not _NAME.fullmatch(name):
            raise CannotLoad(f"lora {short_text(name)}: no name; use 1 to 64 letters, digits, dots, dashes and "
                             "underscores, beginning with a letter or digit")
        if name in found:
            raise CannotLoad(f"lora {name}: is given twice; rename one of {found[name].path} and {path}")
        found[name] = _checked(name, path)
    return found


def _checked(name: str, path: Path) -> FineTune:
    try:
        real = path.resolve(strict=True)
        if real.parent != path.parent.resolve():
            raise CannotLoad(f"lora {name}: {path} leads out of its folder, to {real}; put the file itself there")
        if path.suffix != _SUFFIX or not real.is_file():
            raise CannotLoad(f"lora {name}: {path} is no {_SUFFIX} file; other formats can run code when loaded: "
                             "convert it")
        with real.open("rb") as file:
            length = real.stat().st_size
            tensors = _tensors(file.read(_LENGTH_BYTES), length, file)
    except OSError as error:
        raise CannotLoad(f"lora {name}: {path} cannot be read: {error.strerror}") from error
    if tensors is None:
        raise CannotLoad(f"lora {name}: {path} is not a whole safetensors file; fetch or convert it again")
    return FineTune(name, real, length, tensors)


def _tensors(first: bytes, file_bytes: int, file: Any) -> int | None:
    """Number of tensors of a whole safetensors file, its first 8 bytes read; None where it is none."""
    if len(first) < _LENGTH_BYTES:
        return None
    (header_bytes,) = struct.unpack("<Q", first)
    if not 2 <= header_bytes <= min(_MOST_HEADER_BYTES, file_bytes - _LENGTH_BYTES):  # noqa: PLR2004 (`{}`)
        return None
    try:
        header = json.loads(file.read(header_bytes))
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict):
        return None
    header.pop("__metadata__", None)
    spans = sorted(span for span in map(_span, header.values()) if span is not None)
    ends = [0, *(end for _, end in spans)]
    whole = len(spans) == len(header) and all(begin == end for (begin, _), end in zip(spans, ends, strict=False))
    return len(header) if whole and header and ends[-1] == file_bytes - _LENGTH_BYTES - header_bytes else None


def _span(tensor: object) -> tuple[int, int] | None:
    if not isinstance(tensor, dict):
        return None
    bits: int | None
    shape: Any
    span: Any
    bits, shape, span = _BITS.get(str(tensor.get("dtype"))), tensor.get("shape"), tensor.get("data_offsets")
    if bits is None or not _counts(shape) or not _counts(span) or len(span) != 2:  # noqa: PLR2004 (begin and end)
        return None
    return (span[0], span[1]) if math.prod(shape) * bits == 8 * (span[1] - span[0]) else None


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PEFT's warnings that a second fine-tune comes beside the first, or that one leaves: both are meant."""
    with warnings.catch_warnings():
        for told in ("Already found a `peft_config`", "Adapter fine_tune_[0-9]+ was active which is now deleted"):
            warnings.filterwarnings("ignore", message=told)
        yield


class Rack:
    """The fine-tunes of one pipeline: loaded at their first use, the least recently used leaves after four."""

    def __init__(self, pipe: Any, shelf: Mapping[str, FineTune]) -> None:
        self._pipe, self.shelf = pipe, shelf
        self._loaded: dict[str, str] = {}
        self._count = 0
        self._active: Lora | None = None

    def switch(self, lora: Lora | None) -> float:
        """Make a fine-tune the active one, or none; seconds it took, 0.0 where nothing changed.

        Raises:
            CannotLoad: the name is not registered, or the file does not fit this model; none is active then.
        """
        if lora == self._active:
            return 0.0
        begun = perf_counter()
        if lora is None:
            self._pipe.disable_lora()
        else:
            adapter = self._load(lora.name)
            self._pipe.enable_lora()
            self._pipe.set_adapters([adapter], [lora.scale])
        self._active = lora
        return perf_counter() - begun

    def _load(self, name: str) -> str:
        """The name of a fine-tune among the adapters of the pipeline: PEFT's may hold neither dots nor dashes."""
        if name not in self.shelf:
            raise CannotLoad(f"lora {short_text(name)}: is not registered here; registered are "
                             f"{', '.join(sorted(self.shelf)) or 'none'}")
        if name in self._loaded:
            self._loaded[name] = adapter = self._loaded.pop(name)
            return adapter
        # Looked at again: what was registered may have been replaced on disk since.
        file = _checked(name, self.shelf[name].path).path
        self._count += 1
        adapter = f"fine_tune_{self._count}"
        try:
            with _quiet():
                self._pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=adapter,
                                             local_files_only=True, use_safetensors=True)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            self._forget(adapter)
            raise CannotLoad(f"lora {name}: does not fit this model: its tensors are not of its layers") from error
        if adapter not in self._adapters():
            self._forget(adapter)
            raise CannotLoad(f"lora {name}: does not fit this model: none of its tensors belongs to the transformer")
        self._loaded[name] = adapter
        if len(self._loaded) > _MOST_LOADED:
            self._pipe.delete_adapters(self._loaded.pop(next(iter(self._loaded))))
        return adapter

    def _forget(self, adapter: str) -> None:
        """Take back what a file that did not fit has left, and stand without any fine-tune."""
        if adapter in self._adapters():
            with _quiet():
                self._pipe.delete_adapters(adapter)
        if self._loaded:
            self._pipe.disable_lora()
        self._active = None

    def _adapters(self) -> tuple[str, ...]:
        return tuple(getattr(self._pipe.transformer, "peft_config", {}))
