"""Books of an earlier version, brought up to date in place: new tables and columns only, nothing is rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.schema import CreateColumn

from .tables import METADATA, SCHEMA_VERSION, attempts, schema_versions

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection

__all__ = ["MIGRATABLE", "migrate"]

_NEW_COLUMNS: tuple[tuple[int, Column[str]], ...] = ((2, attempts.c.kept),)
"""Columns by the version that brought them."""
MIGRATABLE = range(1, SCHEMA_VERSION)


def migrate(connection: Connection, version: int) -> None:
    """Bring tables of a version in `MIGRATABLE` to this one, inside the transaction of the connection."""
    METADATA.create_all(connection)
    for since, column in _NEW_COLUMNS:
        if since > version:
            written = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {written}")
    connection.execute(update(schema_versions).values(version=SCHEMA_VERSION))
