"""The two files a mix is run with: `router.toml` says what stands where, `policy.toml` who may make what."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planner.gpu_costs import Existing, Rented
from router.card_hours import hours_text
from router.errors import SettingsError
from router.policy import read_policy
from router.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.case import Case
    from planner.scenario import Segment
    from router.policy import Policy
    from router.settings import Settings

__all__ = ["KEPT", "OWN", "Rules", "confidential_terms", "hosted_vendors", "planned_policy", "planned_settings",
           "policy_document", "settings_document"]

OWN = "own"
KEPT = "-kept"
"""The backend of one's own cards, and what the part of a segment is called that stays with today's model."""
_USUAL = ("openai", "bfl", "fal")
_LEAST_DEADLINE_S, _LONGEST_DEADLINE_S = 600.0, 86_400.0


class Rules:
    """What a plan may choose of a policy.

    Attributes:
        most_wait_s: by segment, for a card of ours while others may make the image.
        by_image: whether single images overflow.
    """

    def __init__(self, most_wait_s: Mapping[str, float], *, by_image: bool = True) -> None:
        self.most_wait_s, self.by_image = dict(most_wait_s), by_image


def settings_document(case: Case, cards: Sequence[int], *, vendors: Sequence[str],
                      tiers: Mapping[str, str]) -> dict[str, Any]:
    """`router.toml` as a document.

    Args:
        case: scenario and tables.
        cards: own cards by hour of the week; all 0 for none.
        vendors: hosted vendors with an account.
        tiers: the tier of each account that is not the first.
    """
    trusted = _trusted(case)
    hosted = [{"name": name, "vendor": name} | ({"tier": tiers[name]} if name in tiers else {})
              | ({"retention_days": 0, "may_train": False} if name in trusted else {}) for name in vendors]
    document: dict[str, Any] = {"backend": hosted}
    if not any(cards):
        return document
    own, most = case.scenario.own, max(cards)
    gpus: dict[str, Any] = {"gpu": own.gpu, "cards": most, "engine": own.engine, "precision": own.precision,
                            "compile": own.compile}
    if own.steps is not None:
        gpus["steps"] = own.steps
    if own.seconds_per_image is not None:
        gpus["seconds_per_image"] = own.seconds_per_image
    if isinstance(own.cost, Rented):
        gpus["usd_per_gpu_h"] = own.cost.usd_per_gpu_h or Decimal(0)
    if isinstance(own.cost, Existing):
        gpus["usd_per_kwh"] = own.cost.usd_per_kwh * Decimal(str(own.cost.pue))
        if own.cost.power_w is not None:
            gpus["watts"] = own.cost.power_w
    else:  # the rent, or the month of an owned server, holds the power already
        gpus |= {"watts": 0, "usd_per_kwh": Decimal(0)}
    if len(set(cards)) > 1:
        gpus["hours"] = hours_text(cards)
    document["backend"].append({"name": OWN, "vendor": "worker", "base_url": "http://127.0.0.1:8091/v1",
                                "models": [own.model], "gpus": gpus})
    return document


def policy_document(case: Case, rules: Rules) -> dict[str, Any]:
    """`policy.toml` as a document: one segment of the policy for every segment of the scenario."""
    scenario = case.scenario
    find = case.book.models.find
    licensed = [find(name).id for held in scenario.licence for name in held.models]
    if scenario.licence_waived:
        licensed.append(find(scenario.own.model).id)
    segments: dict[str, Any] = {"default": {"words_limit": scenario.text_words_limit}}
    for segment in scenario.segment:
        if segment.movable_share > 0:
            segments[segment.name] = _segment(case, segment, rules)
        if segment.movable_share < 1:
            segments[segment.name + KEPT] = _kept(case, segment)
    return {"schema": 1, "name": f"plan: {scenario.name}"[:80], "licences_held": sorted(set(licensed)),
            "segment": segments}


def planned_settings(case: Case, document: Mapping[str, Any]) -> Settings:
    """The settings as the router reads them, with every key said to be there.

    Raises:
        SettingsError: the router would not take them.
    """
    book = case.book
    keys = {vendor.key_env: "planned" for vendor in book.vendors.values() if vendor.key_env}
    return read_settings(document, book.vendors, environ=keys, where="the plan's router.toml", folder=book.roots[0],
                         limits=book.limits)


def planned_policy(document: Mapping[str, Any]) -> Policy:
    """The policy as the router reads it.

    Raises:
        SettingsError: the router would not take it.
    """
    return read_policy(document, "the plan's policy.toml")


def hosted_vendors(case: Case, wanted: Sequence[str]) -> tuple[str, ...]:
    """The hosted vendors of a plan: those named, else the usual ones and whoever makes the images today.

    Raises:
        SettingsError: one that the router cannot send to without an address of the account's own, or nobody knows.
    """
    known = {name: vendor for name, vendor in case.book.vendors.items() if not vendor.own and vendor.id != "sandbox"}
    for name in wanted:
        if name not in known or "{" in known[name].base_url:
            able = ", ".join(one for one, vendor in known.items() if "{" not in vendor.base_url)
            raise SettingsError("--vendors", (f"{name!r}: no vendor a plan can address; use one of {able}",))
    if wanted:
        return tuple(dict.fromkeys(wanted))
    today = [case.book.prices.find(segment.today.model).dispatcher for segment in case.scenario.segment]
    return tuple(name for name in dict.fromkeys((*today, *_USUAL)) if name in known and "{" not in known[name].base_url)


def confidential_terms(case: Case) -> tuple[str, ...]:
    """What the plan takes for granted of vendors that make confidential work today, a sentence each."""
    return tuple(f"confidential work may go to {name}, which makes such work today: router.toml states that it keeps "
                 "nothing and trains on nothing; check your contract before you run it"
                 for name in sorted(_trusted(case)))


def _trusted(case: Case) -> set[str]:
    return {case.book.prices.find(one.today.model).dispatcher for one in case.scenario.segment
            if one.data_class == "confidential"}


def _segment(case: Case, segment: Segment, rules: Rules) -> dict[str, Any]:
    own, find, today = case.scenario.own, case.book.models.find, segment.today
    promise = segment.promise or case.scenario.promise
    longest = max(one for one in (promise.p95_s, promise.p99_s, 60.0) if one is not None)
    todays_card = case.book.prices.find(today.model).card
    made: dict[str, Any] = {
        "models": list(dict.fromkeys((find(own.model).id, todays_card))),
        "size": str(segment.size), "deadline_s": min(_LONGEST_DEADLINE_S, max(_LEAST_DEADLINE_S, 10 * longest)),
        "overflow_by": "image" if rules.by_image else "request",
        "accepted_share": _shares(case, segment, (find(own.model).id, todays_card))}
    if segment.name in rules.most_wait_s:
        made["most_wait_s"] = rules.most_wait_s[segment.name]
    if today.quality is not None:
        made["qualities"] = {find(todays_card).family: [today.quality]}
    return made


def _kept(case: Case, segment: Segment) -> dict[str, Any]:
    card = case.book.prices.find(segment.today.model).card
    made: dict[str, Any] = {"models": [card], "size": str(segment.size), "deadline_s": _LEAST_DEADLINE_S,
                            "note": "what its owner will not let another model make"}
    if segment.today.quality is not None:
        made["qualities"] = {case.book.models.find(card).family: [segment.today.quality]}
    return made


def _shares(case: Case, segment: Segment, cards: Sequence[str]) -> dict[str, Decimal]:
    return {card: Decimal(str(case.acceptance_share(card, segment))) for card in dict.fromkeys(cards)}
