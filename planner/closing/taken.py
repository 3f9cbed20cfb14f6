"""What the books say of the last months, laid over a scenario: where next month's plan starts. Pure.

Taken over: each segment's images a month, images a request, the share accepted of a model where enough were judged, and
seconds of an own image. What the books do not tell stays as the scenario states it, and is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.errors import PlannerError
from planner.scenario import Scenario
from router.acceptance import ENOUGH_OUTCOMES
from router.errors import RouterError
from router.quantities import HOURS_PER_MONTH
from router.request import MOST_IMAGES

from .own_times import ENOUGH_ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.models import Models

    from .recent import Recent

__all__ = ["Stays", "Taken", "TakenOver", "taken_over"]


@dataclass(frozen=True)
class Taken:
    """One key of the scenario that the books replaced: what it was, what it is, from how many of what."""

    key: str
    was: str
    now: str
    rows: int
    of: str


@dataclass(frozen=True)
class Stays:
    """One key that stays as the scenario states it, and why."""

    key: str
    why: str


@dataclass(frozen=True)
class TakenOver:
    """A scenario with what the books say, and the account of it.

    Attributes:
        source: the ledger and the months that were read.
    """

    scenario: Scenario
    source: str
    taken: tuple[Taken, ...]
    stays: tuple[Stays, ...]

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"Taken over from the books ({self.source}):"
        yield from (f"  {one.key} = {one.now}, was {one.was}: {one.rows:,} {one.of}" for one in self.taken)
        yield from (f"  {one.key} stays as stated: {one.why}" for one in self.stays)

    def as_json(self) -> dict[str, Any]:
        """The same as a document."""
        return {"source": self.source, "taken": [one.__dict__ for one in self.taken],
                "stays": [one.__dict__ for one in self.stays]}


def taken_over(scenario: Scenario, recent: Recent, *, models: Models) -> TakenOver:
    """A scenario that starts from what the books say.

    Args:
        scenario: as it is stated.
        recent: what the last months hold.
        models: cards, by which names of a model are one.

    Raises:
        PlannerError: the books hold nothing of these months.
    """
    if not recent.requests:
        raise PlannerError(f"{recent.source}: no request that brought an image; name a ledger and months with traffic")
    made = _Laying(scenario, recent, models)
    made.volumes()
    made.images_of_request()
    made.acceptance()
    made.own_seconds()
    document = made.document
    replaced = {one.key for one in made.taken} | {f"{one.key.rpartition('.')[0]}.deliverables" for one in made.taken}
    document["override"] = [row for row in document.get("override", ())
                            if not any(row["key"] == key or row["key"].startswith(f"{key}.") for key in replaced)]
    return TakenOver(Scenario.model_validate(document), recent.source, tuple(made.taken), tuple(made.stays))


class _Laying:
    """One scenario's document, key by key."""

    def __init__(self, scenario: Scenario, recent: Recent, models: Models) -> None:
        self._scenario, self._recent, self._models = scenario, recent, models
        self.document: dict[str, Any] = scenario.model_dump(by_alias=True, exclude_unset=True)
        self.taken: list[Taken] = []
        self.stays: list[Stays] = []

    def volumes(self) -> None:
        """Images a month of each segment."""
        known = {segment.name for segment in self._scenario.segment}
        for segment, row in zip(self._scenario.segment, self.document["segment"], strict=True):
            found = self._recent.segments.get(segment.name)
            key = f"segment.{segment.name}.images_per_month"
            if found is None or not found.images:
                self.stays.append(Stays(key, "the books hold no image of it"))
                continue
            row.pop("deliverables", None)
            row["images_per_month"] = round(found.images / self._recent.hours * HOURS_PER_MONTH, 1)
            self.taken.append(Taken(key, f"{segment.volume:,.0f}", f"{row['images_per_month']:,.0f}", found.requests,
                                    found.of))
        for name, found in sorted(self._recent.segments.items()):
            if name not in known and found.images:
                self.stays.append(Stays(f"segment {name}", f"the scenario does not have it; {found.images:,} images of "
                                        "the books are not in the plan"))

    def images_of_request(self) -> None:
        """The mix of images a request, of all segments; of those with traffic of their own, their own."""
        if self._lays(self._scenario.traffic.trace, "traffic"):
            self._mix("traffic", self.document.setdefault("traffic", {}), self._recent.images_of_request)
        for segment, row in zip(self._scenario.segment, self.document["segment"], strict=True):
            found = self._recent.segments.get(segment.name)
            if segment.traffic is not None and found is not None and self._lays(
                    segment.traffic.trace, f"segment.{segment.name}.traffic"):
                self._mix(f"segment.{segment.name}.traffic", row["traffic"], found.images_of_request)

    def _lays(self, trace: str | None, key: str) -> bool:
        if trace is not None:
            self.stays.append(Stays(f"{key}.images_of_request", "its trace brings it"))
        return trace is None

    def _mix(self, key: str, traffic: dict[str, Any], counts: dict[int, int]) -> None:
        kept = {number: count for number, count in sorted(counts.items()) if 1 <= number <= MOST_IMAGES and count}
        whole = sum(kept.values())
        if not whole:
            self.stays.append(Stays(f"{key}.images_of_request", "the rows are pruned"))
            return
        was = traffic.get("images_of_request")
        traffic["images_of_request"] = {number: round(count / whole, 6) for number, count in kept.items()}
        self.taken.append(Taken(f"{key}.images_of_request", "the archetype's" if was is None else _shares(was),
                                _shares(traffic["images_of_request"]), whole, "requests"))

    def acceptance(self) -> None:
        """Today's share of each segment, and that of every other model that was judged, over all segments."""
        rows = list(self.document.get("acceptance", ()))
        for segment, row in zip(self._scenario.segment, self.document["segment"], strict=True):
            today = self._card(segment.today.model)
            quality = segment.today.quality or ""
            judged = [one for (name, model, grade), one in self._recent.judged.items()
                      if name == segment.name and self._card(model) == today and grade in (quality, "")]
            self._share(f"segment.{segment.name}.today.acceptance_share", segment.today.acceptance_share, row["today"],
                        "acceptance_share", sum(one.accepted for one in judged), sum(one.judged for one in judged))
        todays = {self._card(segment.today.model) for segment in self._scenario.segment}
        for model in sorted({self._card(name) for _, name, _ in self._recent.judged} - todays):
            judged = [one for (_, name, _), one in self._recent.judged.items() if self._card(name) == model]
            accepted, number = sum(one.accepted for one in judged), sum(one.judged for one in judged)
            if model == self._card(self._scenario.own.model) and self._scenario.own.acceptance_share is not None:
                self._share("own.acceptance_share", self._scenario.own.acceptance_share, self.document["own"],
                            "acceptance_share", accepted, number)
                continue
            stated = next((one for one in rows if self._card(one["model"]) == model), None)
            new = {"model": model, "accepted_share": 0.0, "source": ""} if stated is None else dict(stated)
            if self._share(f"acceptance.{model}", None if stated is None else stated["accepted_share"], new,
                           "accepted_share", accepted, number):
                new["source"] = f"the books: {accepted:,} of {number:,} judged; {self._recent.source}"
                rows = [*(one for one in rows if one is not stated), new]
        if rows:
            self.document["acceptance"] = rows

    def _share(self, key: str, was: float | None, place: dict[str, Any], name: str, accepted: int,
               judged: int) -> bool:
        if judged < ENOUGH_OUTCOMES or not accepted:
            self.stays.append(Stays(key, f"{judged:,} images were judged, {ENOUGH_OUTCOMES} are needed" if accepted
                                    or not judged else f"none of {judged:,} judged images was accepted"))
            return False
        place[name] = round(accepted / judged, 4)
        self.taken.append(Taken(key, "as today's" if was is None else f"{was:g}", f"{place[name]:g}", judged, "judged"))
        return True

    def own_seconds(self) -> None:
        """Seconds of an own image, where one number may stand for every segment."""
        key, own, found = "own.seconds_per_image", self._scenario.own, self._recent.own_times
        if found is None or found.alone < ENOUGH_ALONE:
            alone = 0 if found is None else found.alone
            self.stays.append(Stays(key, f"{alone:,} attempts had the cards to themselves, {ENOUGH_ALONE} are needed"))
            return
        if own.seconds_per_image is None and len({*found.sizes, *(one.size for one in self._scenario.segment)}) > 1:
            self.stays.append(Stays(key, "the throughput law tells it by size, and there are several sizes"))
            return
        self.document["own"]["seconds_per_image"] = found.median_s
        source = f"the books: {found.alone:,} attempts that had the cards to themselves; {self._recent.source}"
        self.document["range"] = [*(one for one in self.document.get("range", ()) if one["driver"] != "seconds"),
                                  {"driver": "seconds", "low": found.low_s, "high": found.high_s, "source": source}]
        self.taken.append(Taken(key, "the throughput law's" if own.seconds_per_image is None else
                                f"{own.seconds_per_image:g}", f"{found.median_s:g}", found.alone,
                                f"attempts that had the cards to themselves ({found.rows:,} looked at)"))

    def _card(self, model: str) -> str:
        try:
            return self._models.find(model).id
        except RouterError:
            return model


def _shares(shares: dict[int, float]) -> str:
    return ", ".join(f"{number}: {share:.1%}" for number, share in sorted(shares.items()))
