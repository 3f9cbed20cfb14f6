"""What the licences of published weights allow, and what a commercial one costs where that is known."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 (pydantic reads field types at run time)
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from router.catalog import table_files

from .toml_document import Fact, PartialDay, UniqueIds, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["KnownLicence", "load_licences"]


class KnownLicence(Fact):
    """Terms as read, not a licence held: a scenario states what its owner has signed.

    Attributes:
        models: model card ids the terms cover.
        commercial: running the model commercially is `free`, `bought` (needs this licence) or `forbidden`.
        usd_per_month: None where no price was found; never to be read as 0.
        usd_per_image_beyond: price of an image beyond `included_images_per_month`.
        verified: False where only a third party's recollection stands behind the figures.
    """

    id: str
    name: str
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    commercial: Literal["free", "bought", "forbidden"]
    usd_per_month: Annotated[Decimal, Field(ge=0)] | None = None
    included_images_per_month: Annotated[int, Field(ge=0)] | None = None
    usd_per_image_beyond: Annotated[Decimal, Field(ge=0)] | None = None
    reporting: str | None = None
    verified: bool
    note: str
    source: str
    as_of: PartialDay


class _Licences(Fact):
    licence: Annotated[tuple[KnownLicence, ...], UniqueIds]


def load_licences(roots: Iterable[Path]) -> tuple[KnownLicence, ...]:
    """The licences of `licences.toml`; a later folder's licence stands in place of the one of the same id.

    Raises:
        TableError: unknown key, missing source, or a value that does not fit; file and line are named.
    """
    documents = (read_document(path, _Licences) for path in table_files(roots, "licences.toml"))
    by_id = {licence.id: licence for document in documents for licence in document.licence}
    return tuple(by_id.values())
