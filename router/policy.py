"""What may go where: a policy that finance can read, and the digest that stands on every row of the books."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .errors import SettingsError
from .quantities import Size
from .toml_fields import Fields, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .request import DataClass

__all__ = ["ANY_SEGMENT", "AfterBatch", "AtLimit", "DataRule", "OnRefusal", "OverflowBy", "Policy",
           "SegmentPolicy", "load_policy", "read_policy"]

OnRefusal = Literal["stop", "elsewhere"]
AtLimit = Literal["refuse", "downgrade", "queue"]
AfterBatch = Literal["stop", "sync"]
OverflowBy = Literal["request", "image"]
ANY_SEGMENT = "default"
_DATA_CLASSES: tuple[DataClass, ...] = ("public", "confidential", "restricted")
_DIGEST_CHARS = 16
_MOST_WORDS, _LONGEST_DEADLINE_S = 10_000, 86_400


@dataclass(frozen=True)
class SegmentPolicy:
    """How one kind of work is treated.

    Attributes:
        models: cards that may make it; empty for any.
        qualities: by card or family, what `auto` means, first choice first; the rest are the steps down.
        size: what `auto` means.
        deadline_s: seconds to the answer where the caller states none.
        words_limit: words a model with a known limit on text may be asked to render.
        on_refusal: whether a provider's refusal ends the request or another may be asked.
        at_limit: what happens where a budget is spent.
        after_batch: whether what a batch lane failed to make may be made in the sync lane, at its price.
        most_wait_s: seconds an image may wait for a card of ours while others may make it; None for as long as the
            deadline allows. Where nobody else may, it waits.
        overflow_by: whether what would wait too long goes elsewhere as a whole request or image by image.
        accepted_share: by card, the share of images people accept; 1 where nothing is said, and then assumed.
    """

    name: str
    models: tuple[str, ...]
    qualities: Mapping[str, tuple[str, ...]]
    size: Size
    deadline_s: float
    words_limit: int
    on_refusal: OnRefusal
    at_limit: AtLimit
    after_batch: AfterBatch
    accepted_share: Mapping[str, float]
    most_wait_s: float | None = None
    overflow_by: OverflowBy = "request"


@dataclass(frozen=True)
class DataRule:
    """Where data of a class may go.

    Attributes:
        own_only: never to a host of somebody else.
        regions: where a hosted backend must stand; empty for anywhere.
        most_retention_days: how long a vendor may keep prompt and image; None for as long as it likes.
        may_train: whether a vendor may train on them.
    """

    own_only: bool
    regions: tuple[str, ...]
    most_retention_days: int | None
    may_train: bool


@dataclass(frozen=True)
class Policy:
    """A whole policy.

    Attributes:
        digest: 16 hexadecimal digits of the SHA-256 of its content; comments and layout do not change it.
        licences: cards for which a commercial licence is held.
        fallbacks: where a failed attempt may go next, by option or card; what is not named may go anywhere allowed.
        pacing: shares of a month's limit at which a warning is due.
    """

    name: str
    digest: str
    segments: Mapping[str, SegmentPolicy]
    data_classes: Mapping[DataClass, DataRule]
    licences: frozenset[str]
    fallbacks: Mapping[str, tuple[str, ...]]
    pacing: tuple[float, ...]

    def segment(self, name: str) -> SegmentPolicy:
        """The treatment of a segment; the default one where the policy does not know its name."""
        return self.segments.get(name) or self.segments[ANY_SEGMENT]


def load_policy(path: Path) -> Policy:
    """The policy of a TOML file.

    Raises:
        SettingsError: it cannot be used; every problem is in the text.
    """
    return read_policy(read_document(path), str(path))


def read_policy(document: Mapping[str, Any], where: str) -> Policy:
    """The policy of a parsed document.

    Args:
        document: as `parse_toml` gives it.
        where: what to call it in messages.

    Raises:
        SettingsError: every problem together.
    """
    problems: list[str] = []
    fields = Fields(dict(document), "", problems)
    if fields.count("schema", 1) != 1:
        fields.refuse("schema", "another schema than this version reads", remedy="write schema = 1")
    policy = Policy(fields.text("name", "unnamed"), _digest(document), _segments(fields), _data_classes(fields),
                    frozenset(fields.texts("licences_held")), MappingProxyType(fields.lists("fallbacks")),
                    _pacing(fields))
    fields.text("summary")
    fields.done()
    _refuse_circles(policy.fallbacks, problems)
    if problems:
        raise SettingsError(where, tuple(problems))
    return policy


def _digest(document: Mapping[str, Any]) -> str:
    content = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGEST_CHARS]


def _segments(fields: Fields) -> Mapping[str, SegmentPolicy]:
    known = fields.table("segment")
    base = SegmentPolicy(ANY_SEGMENT, (), MappingProxyType({}), Size(1024, 1024), 180.0, 4, "stop", "refuse", "stop",
                         MappingProxyType({}))
    default = _segment(known.table(ANY_SEGMENT), ANY_SEGMENT, base=base)
    named = {name: _segment(known.table(name), name, base=default) for name in known.names() if name != ANY_SEGMENT}
    return MappingProxyType({ANY_SEGMENT: default, **named})


def _segment(fields: Fields, name: str, *, base: SegmentPolicy) -> SegmentPolicy:
    """A segment says only where it differs from the default one."""
    made = SegmentPolicy(
        name, fields.texts("models", base.models),
        MappingProxyType(dict(base.qualities) | fields.lists("qualities")), fields.size("size", base.size),
        fields.number("deadline_s", base.deadline_s, least=1, most=_LONGEST_DEADLINE_S) or base.deadline_s,
        fields.count("words_limit", base.words_limit, most=_MOST_WORDS) or 0,
        fields.word("on_refusal", base.on_refusal, words=("stop", "elsewhere")),
        fields.word("at_limit", base.at_limit, words=("refuse", "downgrade", "queue")),
        fields.word("after_batch", base.after_batch, words=("stop", "sync")),
        MappingProxyType(dict(base.accepted_share) | fields.shares("accepted_share")),
        fields.number("most_wait_s", base.most_wait_s, most=_LONGEST_DEADLINE_S),
        fields.word("overflow_by", base.overflow_by, words=("request", "image")))
    fields.text("note")
    fields.done()
    return made


def _data_classes(fields: Fields) -> Mapping[DataClass, DataRule]:
    """What is not said is closed: confidential data needs stated terms, restricted data stays on own hosts."""
    known = fields.table("data_class")
    made = {name: _data_rule(known.table(name), closed=name != "public") for name in _DATA_CLASSES}
    if not made["restricted"].own_only:
        known.refuse("restricted", "restricted data would leave our hosts", remedy="write own_only = true")
    known.done()
    return MappingProxyType(made)


def _data_rule(fields: Fields, *, closed: bool) -> DataRule:
    rule = DataRule(fields.flag("own_only", default=fields.at.endswith("restricted")), fields.texts("regions"),
                    fields.count("most_retention_days", 0 if closed else None, most=36_500),
                    fields.flag("may_train", default=not closed))
    fields.done()
    return rule


def _pacing(fields: Fields) -> tuple[float, ...]:
    table = fields.table("pacing")
    shares = tuple(share for name in table.names() if (share := table.number(name, 0.0, most=1.0)))
    return tuple(sorted(shares))


def _refuse_circles(fallbacks: Mapping[str, tuple[str, ...]], problems: list[str]) -> None:
    try:
        tuple(TopologicalSorter(fallbacks).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        problems.append(f"fallbacks: a circle, {circle}; take one of them out")
