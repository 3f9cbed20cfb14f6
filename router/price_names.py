"""Which offer a name means."""

from __future__ import annotations

import difflib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from .errors import PriceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .price_rows import Offer

__all__ = ["VENDOR_ALIASES", "find_offer"]

VENDOR_ALIASES: Mapping[str, str] = MappingProxyType({
    "cloudflareworkersai": "cloudflare", "workersai": "cloudflare", "azureopenai": "azure", "azurefoundry": "azure",
    "azureai": "azure", "falai": "fal", "togetherai": "together", "blackforestlabs": "bfl"})
_CLOSE = 5


def find_offer(name: str, offers: Iterable[Offer]) -> Offer:
    """The one offer a name means: its id, its name on the wire, or a model that one vendor alone sells.

    Raises:
        PriceError: nothing or more than one offer fits; the text lists what comes closest.
    """
    known = tuple(offers)
    wanted, plain = name.strip(), _plain(name)
    tests: tuple[Callable[[Offer], bool], ...] = (
        lambda offer: offer.vendor_model == wanted and "/" in wanted,
        lambda offer: _key(offer.model) == _key(wanted),
        lambda offer: (offer.vendor, _plain(offer.vendor_model)) == _key(wanted),
        lambda offer: _plain(offer.vendor_model) == plain and "/" in wanted,
        lambda offer: _plain(offer.model.partition("/")[2]) == plain,
        lambda offer: _plain(offer.vendor_model) == plain,
    )
    for fits in tests:
        found = [offer for offer in known if fits(offer)]
        if len(found) == 1:
            return found[0]
        if found:
            raise PriceError(f"model = {name!r}: more than one vendor sells it; use one of "
                             f"{', '.join(offer.model for offer in found)}")
    raise PriceError(f"model = {name!r}: unknown; {_closest(wanted, known)}")


def _key(name: str) -> tuple[str, str]:
    vendor, _, model = name.partition("/")
    plain = re.sub(r"[^a-z0-9]", "", vendor.lower())
    return VENDOR_ALIASES.get(plain, plain), _plain(model)


def _plain(name: str) -> str:
    """Letters and digits alone, without the day of a snapshot."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name.strip().lower()))


def _closest(name: str, offers: tuple[Offer, ...]) -> str:
    models = [offer.model for offer in offers]
    close = difflib.get_close_matches(name.lower(), models, n=_CLOSE, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(close)}?"
    return f"models are named vendor/model; vendors are {', '.join(sorted({offer.vendor for offer in offers}))}"
