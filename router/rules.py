"""What a model may make: one rule, one verdict. Pure; the tables and the policy are arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from .models import ModelCard
    from .quantities import Size

__all__ = ["fits_native_size", "has_open_weights", "licence_held", "references_fit", "text_is_reliable"]


def fits_native_size(card: ModelCard, size: Size) -> Verdict:
    """Flux 2 makes up to 4 MP, GPT Image 2 up to 8.29 MP."""
    if size.pixels > card.max_pixels:
        return refused(Reason.TOO_LARGE, asked=size.pixels, limit=card.max_pixels)
    if size.pixels < card.min_pixels:
        return refused(Reason.TOO_SMALL, asked=size.pixels, limit=card.min_pixels)
    return allowed()


def references_fit(card: ModelCard, references: int) -> Verdict:
    """A request may carry so many reference images and no more."""
    if references > card.max_references:
        return refused(Reason.TOO_MANY_REFERENCES, asked=references, limit=card.max_references)
    return allowed()


def text_is_reliable(card: ModelCard, words: int, *, words_limit: int) -> Verdict:
    """A model with a known limit renders up to `words_limit` words; how many that are is policy, not fact."""
    if card.text_words is not None and words > words_limit:
        return refused(Reason.TEXT, asked=words, limit=words_limit)
    return allowed()


def has_open_weights(card: ModelCard) -> Verdict:
    """Only published weights run on own GPUs."""
    return allowed() if card.weights == "open" else refused(Reason.CLOSED_WEIGHTS, asked=card.id)


def licence_held(card: ModelCard, *, held: bool) -> Verdict:
    """FLUX.2 [dev] and [klein] 9B stay locked until a commercial licence is stated."""
    return allowed() if held or not card.licence_needed else refused(Reason.NO_LICENCE, asked=card.id)
