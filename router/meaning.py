"""What a caller's model means here: an option, an offer, or whoever makes a card's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BadRequest, OutOfReach
from .names import find_named

if TYPE_CHECKING:
    from .options import Catalogue

__all__ = ["options_meant"]


def options_meant(catalogue: Catalogue, name: str) -> frozenset[str] | None:
    """Labels of the options a name means: an option, an offer, a backend's or anybody's model; None for auto.

    Raises:
        BadRequest: no option's.
    """
    if name in ("", "auto"):
        return None
    options = catalogue.options
    exact = frozenset(option.label for option in options
                      if name in (option.label, option.label.partition("@")[0], option.model, option.wire_model))
    if exact:
        return exact
    try:
        card = find_named(name, catalogue.models.cards.values(), kind="model")
    except OutOfReach as error:
        raise BadRequest(str(error), param="model", code="model_not_found") from None
    found = frozenset(option.label for option in options if option.card.id == card.id)
    if not found:
        raise BadRequest(f"model = {name!r}: no backend here makes it; ask auto, or one of "
                         f"{', '.join(sorted({option.card.id for option in options}))}", param="model",
                         code="model_not_found")
    return found
