"""Why an option may not make a request, whatever the hour: one rule, one verdict, the losers kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .rules import fits_native_size, licence_held, references_fit, text_is_reliable
from .sides import largest_side_px, reference_fits, sides_fit
from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from .options import Option
    from .policy import Policy, SegmentPolicy
    from .quantities import Size
    from .request import ImageRequest

__all__ = ["Asked", "Rule", "RuleMemory", "first_refusal", "ladder_of", "quality_step"]

_ANSWERS_KEPT = 4096


@dataclass(frozen=True)
class Asked:
    """A request with everything `auto` resolved that the policy resolves.

    Attributes:
        wanted: ids of the options the caller's model means; None for `auto`.
    """

    request: ImageRequest
    policy: Policy
    segment: SegmentPolicy
    size: Size
    wanted: frozenset[str] | None


class Rule(NamedTuple):
    """One rule, and all that its verdict depends on beside the policy.

    Attributes:
        of_request, of_option: what it reads; equal readings get equal verdicts.
    """

    judge: Callable[[Asked, Option], Verdict]
    of_request: Callable[[Asked], Hashable]
    of_option: Callable[[Option], Hashable]


class RuleMemory:
    """What each rule said of every option, by what it reads; a set of options is a number with one bit for each."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._alike = [_alike(rule, options) for rule in _RULES]
        self._said: list[dict[Hashable, int]] = [{} for _ in _RULES]

    def refused(self, asked: Asked) -> int:
        """The options that some rule speaks against."""
        bits = 0
        for rule, alike, said in zip(_RULES, self._alike, self._said, strict=True):
            reading = rule.of_request(asked)
            known = said.get(reading)
            if known is None:
                known = sum(members for option, members in alike if rule.judge(asked, option).reason is not None)
                if len(said) >= _ANSWERS_KEPT:
                    said.clear()
                said[reading] = known
            bits |= known
        return bits


def _alike(rule: Rule, options: Sequence[Option]) -> list[tuple[Option, int]]:
    """One option of each group that a rule cannot tell apart, with the bits of the group."""
    groups: dict[Hashable, tuple[Option, int]] = {}
    for at, option in enumerate(options):
        reading = rule.of_option(option)
        first, bits = groups.get(reading, (option, 0))
        groups[reading] = (first, bits | 1 << at)
    return list(groups.values())


def first_refusal(asked: Asked, option: Option) -> Verdict:
    """The first rule that speaks against an option, or allowed."""
    for rule in _RULES:
        verdict = rule.judge(asked, option)
        if verdict.reason is not None:
            return verdict
    return allowed()


def ladder_of(segment: SegmentPolicy, option: Option) -> tuple[str, ...]:
    """The qualities `auto` means for an option, first choice first; empty where the policy names none."""
    return segment.qualities.get(option.card.id) or segment.qualities.get(option.card.family) or ()


def quality_step(asked: Asked, option: Option) -> int:
    """How far down its ladder an option stands; 0 for the first choice and for what was asked explicitly."""
    ladder = ladder_of(asked.segment, option)
    if asked.request.quality != "auto" or option.quality not in ladder:
        return 0
    return ladder.index(option.quality)


def _stays_home(asked: Asked, option: Option) -> Verdict:
    """Restricted data stays on own hosts; confidential data goes only where the terms are stated and good enough."""
    name, backend = asked.request.data_class, option.backend
    rule = asked.policy.data_classes[name]
    if backend.is_own:
        return allowed()
    if rule.own_only or name == "restricted":
        return refused(Reason.DATA_CLASS, asked=name)
    if rule.most_retention_days is not None and (
            backend.retention_days is None or backend.retention_days > rule.most_retention_days):
        return refused(Reason.TERMS, asked=name, limit=f"kept at most {rule.most_retention_days} days")
    if not rule.may_train and backend.may_train is not False:
        return refused(Reason.TERMS, asked=name, limit="no training")
    if rule.regions and backend.region not in rule.regions:
        return refused(Reason.TERMS, asked=name, limit=f"region {' or '.join(rule.regions)}")
    return allowed()


def _stays_in_region(asked: Asked, option: Option) -> Verdict:
    region = asked.request.residency
    if region and option.backend.region != region:
        return refused(Reason.RESIDENCY, asked=region, limit=option.backend.region or "an unknown region")
    return allowed()


def _licence(asked: Asked, option: Option) -> Verdict:
    """A host that sells a model brings its own licence; own hosts need yours."""
    if not option.backend.is_own:
        return allowed()
    return licence_held(option.card, held=option.card.id in asked.policy.licences)


def _key(_asked: Asked, option: Option) -> Verdict:
    backend = option.backend
    if backend.simulated or backend.key.value or backend.is_own:
        return allowed()
    return refused(Reason.NO_KEY, asked=backend.key_env)


def _model(asked: Asked, option: Option) -> Verdict:
    if asked.wanted is not None and option.label not in asked.wanted:
        return refused(Reason.OTHER_MODEL, asked=asked.request.model)
    return allowed()


def _segment(asked: Asked, option: Option) -> Verdict:
    """A model the caller names outranks the segment's choice."""
    models = asked.segment.models
    if asked.wanted is None and models and option.card.id not in models:
        return refused(Reason.SEGMENT, asked=asked.segment.name, limit=" or ".join(models))
    return allowed()


def _quality(asked: Asked, option: Option) -> Verdict:
    """An explicit quality is kept by models that have qualities; `auto` means what the policy's table says."""
    quality, own = asked.request.quality, option.quality
    if not own:
        return allowed()
    if quality != "auto":
        return allowed() if own == quality else refused(Reason.QUALITY, asked=quality)
    ladder = ladder_of(asked.segment, option)
    return refused(Reason.NOT_IN_LADDER, asked=own) if own not in ladder else allowed()


def _size(asked: Asked, option: Option) -> Verdict:
    return fits_native_size(option.card, asked.size)


def _sides(asked: Asked, option: Option) -> Verdict:
    return sides_fit(option.sides, asked.size, multiple_px=option.card.side_multiple)


def _reference_side_px(asked: Asked) -> int:
    return largest_side_px(picture.size for picture in asked.request.references)


def _references(asked: Asked, option: Option) -> Verdict:
    return reference_fits(option.sides, _reference_side_px(asked))


def _edits(asked: Asked, option: Option) -> Verdict:
    request, vendor = asked.request, option.backend.vendor
    if request.operation == "edit" and not vendor.edits:
        return refused(Reason.NO_EDITS, asked="edit")
    if request.mask is not None and (not vendor.masks or option.card.family != "gpt-image"):
        return refused(Reason.NO_MASK, asked="mask")
    return references_fit(option.card, len(request.references))


def _text(asked: Asked, option: Option) -> Verdict:
    """A caller who insists on exact text gets a model without a known limit, however few the words."""
    limit = asked.segment.words_limit
    words = max(asked.request.text_words, limit + 1) if asked.request.needs_exact_text else asked.request.text_words
    return text_is_reliable(option.card, words, words_limit=limit)


def _lora(asked: Asked, option: Option) -> Verdict:
    lora = asked.request.lora
    able = option.card.lora and option.backend.vendor.loras
    if lora is not None and not (able and lora.name in option.backend.loras):
        return refused(Reason.NO_LORA, asked=lora.name)
    return allowed()


def _format(asked: Asked, option: Option) -> Verdict:
    request, formats = asked.request, option.backend.vendor.formats.split()
    if request.output_format not in formats:
        return refused(Reason.NO_FORMAT, asked=request.output_format, limit=" or ".join(formats))
    if request.background == "transparent" and not option.backend.vendor.transparent:
        return refused(Reason.NO_TRANSPARENCY, asked="transparent")
    return allowed()


def _steps(asked: Asked, option: Option) -> Verdict:
    steps = asked.request.steps
    if steps is not None and (not option.backend.vendor.steps or option.card.family != "flux"):
        return refused(Reason.NO_STEPS, asked=steps)
    return allowed()


def _lane(asked: Asked, option: Option) -> Verdict:
    """Nobody on the line waits a day; and a batch streams nothing."""
    if option.is_batched and (asked.request.urgency != "can_wait" or asked.request.partial_images):
        return refused(Reason.LANE, asked=asked.request.urgency)
    return allowed()


def _tier(option: Option) -> Hashable:
    return option.tier


def _backend(option: Option) -> Hashable:
    return option.backend.name


def _card(option: Option) -> Hashable:
    return option.card.id


def _label(option: Option) -> Hashable:
    return option.label


def _backend_and_card(option: Option) -> Hashable:
    return option.backend.name, option.card.id


def _quality_and_card(option: Option) -> Hashable:
    return option.quality, option.card.id


_RULES: tuple[Rule, ...] = (
    Rule(_stays_home, lambda asked: asked.request.data_class, _backend),
    Rule(_stays_in_region, lambda asked: asked.request.residency, _backend),
    Rule(_licence, lambda _: None, _backend_and_card),
    Rule(_model, lambda asked: asked.wanted, _label),
    Rule(_segment, lambda asked: (asked.wanted is None, asked.segment.name), _card),
    Rule(_quality, lambda asked: (asked.request.quality, asked.segment.name), _quality_and_card),
    Rule(_size, lambda asked: asked.size, _card),
    Rule(_sides, lambda asked: asked.size, lambda option: (option.card.id, option.sides)),
    Rule(_edits, lambda asked: (asked.request.operation, asked.request.mask is None, len(asked.request.references)),
         _backend_and_card),
    Rule(_references, _reference_side_px, lambda option: option.sides),
    Rule(_text, lambda asked: (asked.request.needs_exact_text, asked.request.text_words, asked.segment.name), _card),
    Rule(_lora, lambda asked: asked.request.lora and asked.request.lora.name, _backend_and_card),
    Rule(_format, lambda asked: (asked.request.output_format, asked.request.background == "transparent"), _backend),
    Rule(_steps, lambda asked: asked.request.steps is None, _backend_and_card),
    Rule(_lane, lambda asked: (asked.request.urgency, asked.request.partial_images > 0), _tier),
    Rule(_key, lambda _: None, _backend))
