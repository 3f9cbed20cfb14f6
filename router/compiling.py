"""Policies over today's catalogue, kept while they are in use: the one in force, and one on trial. An edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .acceptance import Acceptance
from .building import catalogue_of
from .decide import compile_policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from .decide import Compiled
    from .policy import Policy
    from .settings import Settings

__all__ = ["CompiledPolicies"]

_KEPT = 2


class CompiledPolicies:
    """Made anew when the day of the prices changes, another policy comes, or more is known of acceptance."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], data: Path | None) -> None:
        self._settings, self._environ, self._data = settings, environ, data
        self._made: dict[str, Compiled] = {}
        self._acceptance = Acceptance()

    def of(self, policy: Policy, *, on: date) -> Compiled:
        """A policy over the catalogue of a day.

        Raises:
            TableError: a table cannot be read.
        """
        known = self._made.get(policy.digest)
        if known is None or known.on != on:
            known = compile_policy(policy, catalogue_of(self._settings, self._environ, data=self._data, on=on), on=on,
                                   acceptance=self._acceptance)
            others = [one for digest, one in self._made.items() if digest != policy.digest and one.on == on]
            self._made = {one.digest: one for one in (*others[1 - _KEPT:], known)}
        return known

    def learn(self, acceptance: Acceptance) -> None:
        """From now on options are ordered by what people accepted."""
        if acceptance != self._acceptance:
            self._acceptance, self._made = acceptance, {}
