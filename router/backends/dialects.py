"""How servers that speak OpenAI's Images API differ from it: one row each, so that another server is a row."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ..catalog import table_files
from ..quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from ..tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Dialect", "load_dialects"]


@dataclass(frozen=True)
class Dialect:
    """One server's way to ask for images.

    Attributes:
        id: id of its row in `backends/vendors.csv`.
        generate_path, edit_path: below the base address; `{slug}` in the first is the model's name in small letters
            with dashes for dots. An empty `edit_path` where references go with a generation.
        one_format, more_formats: the word of `response_format` for one image and for several; `file` is raw bytes.
        size_as: one field `size`, or the two `width` and `height`.
        n_field: the field for the number of images; empty where the server has none or passes over it.
        seed_field, steps_field: empty where there is none.
        short_models, short_steps: models distilled to few steps, as a regular expression over their names, and the
            steps to send for them where the caller asks for none and the server's default is wrong; empty for none.
        guidance_field, short_guidance: the same for guidance.
        format_field: the field for the picture's format; empty where the server chooses.
        references_as: `multipart` parts `image[]`; `numbered` base64 texts `input_image`, `input_image_2` and on; any
            other word is the name of a JSON list of data URIs; empty for no edits.
        mask_field: empty where a mask is not used.
        lora_as: `object` is `lora: {name, path, scale}`; `list` is `image_loras: [{path, scale}]`; empty for none.
        tenant_header: the header that says whose request it is, for a server that shares itself out; empty for none.
        extra: fields that are always sent, as a JSON object.
        health: what to ask for a diagnosis: below the base address, or from the root where it begins with a slash.
        hosts: https hosts and their subdomains that pictures may be fetched from, parted by blanks.
    """

    id: str
    generate_path: str
    edit_path: str
    one_format: str
    more_formats: str
    size_as: Literal["size", "width_height"]
    n_field: str
    seed_field: str
    steps_field: str
    short_models: str
    short_steps: int | None
    guidance_field: str
    short_guidance: float | None
    format_field: str
    references_as: str
    mask_field: str
    lora_as: Literal["", "object", "list"]
    tenant_header: str
    extra: str
    health: str
    hosts: str
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row no request could be made by."""
        try:
            re.compile(self.short_models)
        except re.error:
            raise Invalid("short_models", self.short_models, "no regular expression", "mend it") from None
        try:
            usable = isinstance(json.loads(self.extra or "{}"), dict)
        except ValueError:
            usable = False
        if not usable:
            raise Invalid("extra", self.extra, "no JSON object", 'write it as {"name": value}')
        if bool(self.edit_path) != (self.references_as == "multipart"):
            raise Invalid("edit_path", self.edit_path, "does not fit references_as",
                          "a form needs its own path; data URIs go with a generation")

    @cached_property
    def extra_fields(self) -> Mapping[str, Any]:
        """`extra`, read."""
        return MappingProxyType(json.loads(self.extra or "{}"))

    @cached_property
    def fetch_hosts(self) -> tuple[str, ...]:
        """`hosts` as suffixes of a host with a dot before it."""
        return tuple(f".{host}" for host in self.hosts.split())

    def path_of(self, model: str) -> str:
        """Where to ask for a generation with a model."""
        return self.generate_path.replace("{slug}", model.lower().replace(".", "-"))

    def is_short(self, model: str) -> bool:
        """Whether a model is distilled to few steps."""
        return bool(self.short_models) and re.search(self.short_models, model, re.IGNORECASE) is not None


def load_dialects(roots: Iterable[Path]) -> Mapping[str, Dialect]:
    """Every row of `backends/dialects.csv` by id; a later folder's row replaces the row of the same id.

    Raises:
        TableError: a row cannot be read.
    """
    return {row.id: row for path in table_files(roots, "backends/dialects.csv") for row in read_rows(path, Dialect)}
