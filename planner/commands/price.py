"""`planner price`: the router's own command, so that plan and dispatch can never price differently."""

from __future__ import annotations

from router import cli

__all__ = ["price"]

price = cli.price
