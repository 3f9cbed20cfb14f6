"""A ledger that does not exist yet, on SQLite and on PostgreSQL, as the ledger's own tests have it."""

from __future__ import annotations

from tests.router.ledger.conftest import postgres, url

__all__ = ["postgres", "url"]
