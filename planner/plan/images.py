"""Who makes a stream's images in a month, at which price, and how sure that price is. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from planner.hosted import HostedOption, hosted_option
from planner.mix.documents import KEPT

from .fleet import key_of
from .lines import OWN, ImageLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.case import Case
    from planner.mix.streams import Stream
    from planner.scenario import Segment

    from .fleet import Fleet

__all__ = ["image_lines"]


def image_lines(case: Case, fleet: Fleet, *, stream: Stream, load: float) -> Iterator[ImageLine]:
    """Own cards and the hosted option of a stream; one of them with a share of 0 where the other makes everything."""
    may = stream.own and bool(fleet.own_shares[key_of(stream)].any())
    own = float(fleet.own_share(key_of(stream), load)) if may else 0.0
    name = stream.segment
    segment = next(one for one in case.scenario.segment if one.name == name.removesuffix(KEPT))
    if may:
        paying = fleet.mix.paying
        each = stream.own_usd + paying.usd_per_busy_s * stream.seconds / (1 - paying.lost_share)
        yield ImageLine(name, stream.can_wait, OWN, stream.images_per_month, own, 1.0, Decimal(repr(each)),
                        case.own_acceptance_share(segment), f"{case.scenario.own.gpu}, {paying.word}")
    if stream.leaves:
        card = stream.hosted.partition("/")[2].partition("@")[0]
        option = _option(case, segment, stream.hosted)
        yield ImageLine(name, stream.can_wait, stream.hosted, stream.images_per_month, 1 - own, stream.hosted_again,
                        Decimal(repr(stream.usd)), case.acceptance_share(card, segment),
                        f"price table, {case.on}" if option is None else option.spread.source,
                        None if option is None else option.spread)


def _option(case: Case, segment: Segment, label: str) -> HostedOption | None:
    """What the price tables say of an option that the router names, as in `openai/gpt-image-2@low+batch`."""
    model, _, rest = label.partition("@")
    quality, _, tier = rest.partition("+")
    found = hosted_option(case, segment, model=model, quality=quality or None, tier=tier or "sync")
    return found if isinstance(found, HostedOption) else None
