"""Terms of a roll-out as people write them: 10%, +5pp, 90m."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError, short_text
from .rollout import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TERMS", "read_terms"]

_SHARE = re.compile(r"\+?([0-9]{1,7}(?:\.[0-9]{1,9})?)\s*(%|pp)?")
_WINDOW = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,9})?)\s*(s|m|h|d)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SHARES = {"share": "share", "most_cost": "most_cost_share", "most_refused": "most_refused_share",
           "most_failed": "most_failed_share"}
TERMS = (*_SHARES, "tenants", "window", "least", "promote_after_window")


def read_terms(document: Mapping[str, Any]) -> Terms:
    """Terms from texts or numbers; what is left out or None keeps its default.

    Raises:
        SettingsError: every problem together.
    """
    told: dict[str, Any] = {}
    problems = [f"{short_text(name)}: unknown; use only {', '.join(TERMS)}" for name in document if name not in TERMS]
    for name, value in document.items():
        if value is None or name not in TERMS:
            continue
        if name in _SHARES:
            told[_SHARES[name]] = _number(name, value, _SHARE, problems, remedy="10% or 0.1")
        elif name == "window":
            told["window_s"] = _number(name, value, _WINDOW, problems, remedy="seconds, or 30m, 1h, 2d")
        else:
            told[name] = value
    if problems:
        raise SettingsError("roll-out", tuple(problems))
    return Terms.read(told, "roll-out")


def _number(name: str, value: object, form: re.Pattern[str], problems: list[str], *, remedy: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = form.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        problems.append(f"{name} = {short_text(value)}: give {remedy}")
        return 0.0
    number, unit = float(found[1]), found[2]
    return number / 100 if unit in ("%", "pp") else number * _SECONDS.get(unit or "s", 1.0)
