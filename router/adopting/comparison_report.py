"""A comparison for a person and as a document, with what it cannot know said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..quantities import usd_from_micro

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .comparing import Comparison, Side

__all__ = ["UNKNOWN", "comparison_json", "comparison_lines"]

_NAME, _CELL, _MOST_LINES = 34, 14, 12
UNKNOWN = (
    "whether people would have accepted the other model's images",
    "whether words in them would have been spelt right: the policy's limit on words is all that was applied",
    "whether a refusal or failure would have happened again elsewhere: each is counted as made here, at its full price",
    "waiting: nothing was sent, so every backend stood idle, and no limit a minute and no budget was ever reached",
    "what own GPUs cost while they stand idle: an image of theirs counts the power it draws",
)


def comparison_json(told: Comparison) -> dict[str, Any]:
    """Both sides as a document; amounts are text in US dollars."""
    return {
        "requests": told.requests, "images": told.images, "policies": dict(told.digests.most_common()),
        "would_have": _side_json(told.would) | {"p50_s": told.would_s.at(0.5), "p95_s": told.would_s.at(0.95)},
        "really": _side_json(told.really) | {"not_said": told.silent, "p50_s": told.really_s.at(0.5),
                                             "p95_s": told.really_s.at(0.95)},
        "on_the_same_images": {
            "images": told.both, "would_have_usd": _usd(told.both_would_micro), "really_usd": _usd(
                told.both_really_micro), "saved_usd": _usd(told.both_really_micro - told.both_would_micro)},
        "made_here_but_not_really": told.rescued, "made_really_but_not_here": told.lost, "not_known": list(UNKNOWN)}


def comparison_lines(told: Comparison) -> Iterator[str]:
    """Both sides for a terminal."""
    would, really = told.would, told.really
    yield _row("", "would have", "really")
    yield _row("requests", f"{told.requests:,}", f"{told.requests - told.silent:,}")
    yield _row("  made", f"{would.requests:,}", f"{really.requests:,}")
    yield _row("  not made", f"{would.unmade.total():,}", f"{really.unmade.total():,}")
    yield _row("images", f"{would.images:,}", f"{really.images:,}")
    yield _row("  with a known cost", f"{would.priced:,}", f"{really.priced:,}")
    yield _row("cost, USD", _usd(would.usd_micro), _usd(really.usd_micro))
    yield _row("  an image", _each(would), _each(really))
    for name, share in (("half within, s", 0.5), ("19 of 20 within, s", 0.95)):
        yield _row(name, _seconds(told.would_s.at(share)), _seconds(told.really_s.at(share)))
    if told.silent:
        yield f"  how {told.silent:,} requests really ended is not said"
    yield from _mix("would have gone to", would)
    yield from _mix("really went to", really)
    yield from _unmade("would not have been made, for", would)
    yield from _unmade("was really not made", really)
    yield from _saved(told)
    yield "not known:"
    yield from (f"  {line}" for line in UNKNOWN)


def _saved(told: Comparison) -> Iterator[str]:
    if not told.both:
        yield "no request has a cost on both sides, so nothing can be said of a saving"
    else:
        saved, before = told.both_really_micro - told.both_would_micro, told.both_really_micro
        share = f" ({abs(saved) / before:.1%})" if before else ""
        yield (f"on the {told.both:,} images with a cost on both sides: {_usd(told.both_would_micro)} USD in place of "
               f"{_usd(before)}, {_usd(abs(saved))} {'saved' if saved >= 0 else 'more'}{share}")
    if told.rescued or told.lost:
        yield (f"  {told.rescued:,} requests that were refused or failed would have been tried here; "
               f"{told.lost:,} that were made would not have been")


def _mix(title: str, side: Side) -> Iterator[str]:
    yield _row(f"{title}:", "images", "USD", "of images") if side.mix else f"{title}: nowhere"
    shares = sorted(side.mix.items(), key=lambda pair: (-pair[1].images, pair[0]))
    for name, share in shares[:_MOST_LINES]:
        yield _row(f"  {name}", f"{share.images:,}", _usd(share.usd_micro), f"{share.images / side.images:.1%}")
    if len(shares) > _MOST_LINES:
        yield f"  and {len(shares) - _MOST_LINES} more"


def _unmade(title: str, side: Side) -> Iterator[str]:
    if side.unmade:
        told = ", ".join(f"{why} {count:,}" for why, count in side.unmade.most_common(_MOST_LINES))
        yield f"{title}: {told}"


def _side_json(side: Side) -> dict[str, Any]:
    return {"requests": side.requests, "images": side.images, "images_with_a_cost": side.priced,
            "usd": _usd(side.usd_micro), "usd_per_image": side.usd_per_image, "not_made": dict(
                side.unmade.most_common()),
            "mix": {name: {"requests": share.requests, "images": share.images, "usd": _usd(share.usd_micro)}
                    for name, share in sorted(side.mix.items())}}


def _row(name: str, *cells: str) -> str:
    return f"{name:<{_NAME}}{''.join(f'{cell:>{_CELL}}' for cell in cells)}".rstrip()


def _usd(micro: int) -> str:
    return f"{usd_from_micro(micro):.6f}"


def _each(side: Side) -> str:
    return "-" if side.usd_per_image is None else f"{side.usd_per_image:.6f}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3g}"
