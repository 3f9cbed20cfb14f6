"""A roll-out for a person and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .judging import Judgement
    from .likeness import Fared
    from .rollout import Rollout

__all__ = ["rollout_json", "rollout_lines"]


def rollout_json(running: Rollout, found: Judgement | None, *, at: datetime) -> dict[str, Any]:
    """The roll-out with what the books say of it, where they were asked."""
    elapsed_s = (at - running.started_at).total_seconds()
    told = running.document() | {"elapsed_s": elapsed_s, "window_is_over": elapsed_s >= running.terms.window_s}
    return told | ({"judgement": {"action": found.action, "why": found.why} | found.facts()} if found else {})


def rollout_lines(running: Rollout, found: Judgement | None, *, at: datetime) -> Iterator[str]:
    """The same for a terminal."""
    terms = running.terms
    elapsed_s = (at - running.started_at).total_seconds()
    yield f"version {running.version} {running.digest} decides {running.reach}, beside {running.control_digest}"
    yield (f"  since {running.started_at:%Y-%m-%d %H:%M:%S} UTC by {running.by}, {elapsed_s:,.0f} of "
           f"{terms.window_s:,.0f} s")
    yield (f"  taken back by itself above {terms.most_cost_share:+.0%} cost an image, "
           f"{terms.most_refused_share * 100:+g} points refused, {terms.most_failed_share * 100:+g} points failed, "
           f"from {terms.least} requests on")
    yield f"  after its window: {'put in force by itself' if terms.promote_after_window else 'stays until promoted'}"
    if found is not None:
        yield _fared("in force", found.control)
        yield _fared("on trial", found.candidate)
        if found.cost.more_share is not None:
            yield (f"  cost of the same work {found.cost.more_share:+.1%}, over {found.cost.covered_share:.0%} of its "
                   "images")
        yield f"  {found.action.replace('_', ' ')}: {found.why}"


def _fared(name: str, arm: Fared) -> str:
    each = "-" if arm.usd_per_image is None else f"{arm.usd_per_image:.6f}"
    return (f"  {name}: {arm.requests:,} requests, {arm.images:,} images at {each} USD, {arm.refused:,} refused, "
            f"{arm.failed:,} failed")
