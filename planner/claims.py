"""The article's claims: what we found about each, and what the product does about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from router.catalog import table_files

from .toml_document import Fact, PartialDay, UniqueIds, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["VERDICTS", "Claim", "Claims", "Evidence", "load_claims", "verdict_counts"]

Verdict = Literal["true", "true-under-conditions", "partly-true", "not-supported", "false"]
VERDICTS: tuple[str, ...] = get_args(Verdict)


class Evidence(Fact):
    """Where the evidence was read, and when."""

    name: str
    as_of: PartialDay


class Claim(Fact):
    """One claim of the article.

    Attributes:
        says: the claim, in our words.
        evidence: what we found, with its numbers.
        product: what the product does about it.
    """

    id: str
    says: str
    verdict: Verdict
    evidence: str
    product: str
    sources: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class Claims(Fact):
    """An article and its claims, in the article's order."""

    article: str
    reviewed_on: PartialDay
    claim: Annotated[tuple[Claim, ...], UniqueIds]


def load_claims(roots: Iterable[Path]) -> Claims:
    """The claims of `claims.toml`; a later folder's claim stands in place of the claim of the same id.

    Raises:
        TableError: unknown key, missing source or verdict; file and line are named.
    """
    documents = [read_document(path, Claims) for path in table_files(roots, "claims.toml")]
    by_id = {claim.id: claim for document in documents for claim in document.claim}
    return documents[0].model_copy(update={"claim": tuple(by_id.values())})


def verdict_counts(claims: Claims) -> dict[str, int]:
    """How many claims each verdict has, in the order of VERDICTS, verdicts nobody got left out."""
    counted = Counter(claim.verdict for claim in claims.claim)
    return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}  # type: ignore[index]
