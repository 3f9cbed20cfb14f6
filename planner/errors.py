"""Errors of the planner.

    PlannerError
    └── ScenarioError   a scenario cannot be used: which file, key and value, and how to mend it

"No fleet fits" and "never" are answers, not errors: they are values with the binding constraint and its numbers.
"""

from __future__ import annotations

from router.errors import short_text

__all__ = ["PlannerError", "ScenarioError"]


class PlannerError(Exception):
    """Base of everything the planner raises on purpose; its text is one line for a person."""


class ScenarioError(PlannerError):
    """A scenario that the planner refuses: file, key, value and remedy, in one line."""

    def __init__(self, file: object, *, key: str, value: object, problem: str, remedy: str) -> None:
        self.file, self.key, self.value, self.remedy = file, key, value, remedy
        super().__init__(f"{file}: {key} = {short_text(value)}: {problem}; {remedy}")
