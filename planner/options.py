"""Cost per image and per accepted image of every option for a segment, the refused ones with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .hosted import HostedOption, Refused, hosted_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .breakeven import BreakEven
    from .case import Case
    from .curve import CostCurve
    from .scenario import Segment

__all__ = ["OptionCost", "cheapest_first", "option_costs", "own_option_costs"]


@dataclass(frozen=True)
class OptionCost:
    """One option: USD per generated and per accepted image (list price beside a contracted one), or why not."""

    label: str
    usd_per_image: float | None
    list_usd_per_image: float | None
    usd_per_accepted_image: float | None
    routable: bool
    note: str
    refused: str = ""


def option_costs(case: Case, segment: Segment) -> tuple[OptionCost, ...]:
    """Every hosted option for the segment's image, cheapest accepted image first, the refused ones last."""
    return cheapest_first(_hosted(case, segment, option) for option in hosted_options(case, segment))


def own_option_costs(case: Case, segment: Segment, *, curve: CostCurve, found: BreakEven, images: float) -> (
        tuple[OptionCost, ...]):
    """Own GPUs at `images` of today's images a month, everything included, and at full load, cards alone."""
    share = case.own_acceptance_share(segment)
    look = case.scenario.review.usd_per_image
    name = f"own {case.scenario.own.gpu} {case.scenario.own.model}"
    now = float(curve.own_usd(images)) / (images * float(curve.own_images_per_image)) - look
    full = found.full_load_usd_per_image
    return (OptionCost(f"{name} at {images:,.0f} a month", now, now, (now + look) / share, routable=False,
                       note="staff, licence and storage included"),
            OptionCost(f"{name} at full load", full, full, (full + look) / share, routable=False,
                       note="cards alone, as busy as the promise allows"))


def cheapest_first(rows: Iterable[OptionCost]) -> tuple[OptionCost, ...]:
    """Rows by cost per accepted image; refused ones last."""
    return tuple(sorted(rows, key=lambda row: (row.usd_per_accepted_image is None, row.usd_per_accepted_image or 0.0)))


def _hosted(case: Case, segment: Segment, option: HostedOption | Refused) -> OptionCost:
    if isinstance(option, Refused):
        return OptionCost(option.label, None, None, None, routable=False, note="", refused=option.reason)
    share = case.acceptance_share(option.card, segment)
    usd = float(option.usd_per_image)
    why = f"priced, not routable: {option.not_routable}" if option.not_routable else ""
    return OptionCost(option.label, usd, float(option.list_usd_per_image),
                      (usd + case.scenario.review.usd_per_image) / share, routable=option.routable,
                      note="; ".join(filter(None, (why, *option.flags))))
