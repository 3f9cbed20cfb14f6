"""The tables of the books. Instants are microseconds since 1970 (UTC), money whole micro-dollars, texts bounded."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

__all__ = ["METADATA", "SCHEMA_VERSION", "attempts", "bounds", "budgets", "jobs", "keys", "messages", "months",
           "outcomes", "owners", "requests", "rollups", "schema_versions", "shadows"]

SCHEMA_VERSION = 2
METADATA = MetaData()


def _text(name: str, most: int) -> Column[str]:
    return Column(name, String(most), nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


schema_versions = Table("schema_versions", METADATA, Column("version", Integer, primary_key=True))

requests = Table(
    "requests", METADATA,
    Column("id", String(100), primary_key=True), _big("received_at"),
    _text("tenant", 100), _text("project", 100), _text("segment", 60), _text("brand", 100), _text("campaign", 100),
    _text("cost_center", 100), _text("operation", 20), _text("model_asked", 100), _text("size_asked", 20),
    _text("quality_asked", 20), _count("n_asked"), _count("references"), _count("text_words"), _text("data_class", 20),
    _text("prompt_hash", 128), _count("prompt_chars"), _text("fingerprint", 128), _text("policy_digest", 128),
    _text("verdicts", 2_000), _text("tags", 1_000), Column("prompt", String(32_000)),
    _text("state", 20), _text("code", 100), _count("http_status"), _text("backend", 100), _text("model", 100),
    _text("quality", 20), _text("size_delivered", 20), _count("n_delivered"), _big("usd_micro"),
    Column("latency_s", Float), Column("closed_at", BigInteger), _text("flags", 500),
)
Index("requests_by_time", requests.c.received_at)

attempts = Table(
    "attempts", METADATA,
    Column("id", String(100), primary_key=True), _text("request_id", 100), _text("owner", 40), _count("number"),
    _text("backend", 100), _text("model", 100), _text("quality", 20), _text("tier", 20), _count("n"), _text("size", 20),
    _big("reserve_micro_usd"), _text("quoted_usd", 40), _text("price_row", 200), _big("reserved_at"),
    _text("budgets", 2_000), _text("state", 20), Column("sent_at", BigInteger), Column("settled_at", BigInteger),
    _count("settlements"), _text("kind", 40), _text("code", 100), _big("settled_micro_usd"), _text("actual_usd", 40),
    _text("provider_job", 200), _text("provider_request", 200), _count("images"), _big("image_bytes"), _big("pixels"),
    _text("digests", 1_000), _text("flags", 500), _text("kept", 600),
)
Index("attempts_by_time", attempts.c.reserved_at, attempts.c.id)
Index("attempts_of_request", attempts.c.request_id)
_still_open = attempts.c.state.in_(("reserved", "sent"))
Index("attempts_open", attempts.c.owner, sqlite_where=_still_open, postgresql_where=_still_open)

budgets = Table(
    "budgets", METADATA,
    Column("scope", String(200), primary_key=True), Column("period", String(20), primary_key=True),
    _big("settled_micro_usd"), _big("reserved_micro_usd"), _big("pruned_micro_usd"),
    CheckConstraint("settled_micro_usd >= 0 AND reserved_micro_usd >= 0", name="budgets_are_not_negative"),
)

keys = Table(
    "idempotency_keys", METADATA,
    Column("tenant", String(100), primary_key=True), Column("key", String(255), primary_key=True),
    _text("fingerprint", 128), _text("request_id", 100), _text("owner", 40), _text("state", 10),
    _text("answer", 16_384), _big("claimed_at"), _big("expires_at"),
)
Index("idempotency_keys_by_expiry", keys.c.expires_at)
Index("idempotency_keys_of_request", keys.c.request_id)

jobs = Table(
    "jobs", METADATA,
    Column("id", String(100), primary_key=True), _text("tenant", 100), _text("owner", 40), _text("state", 20),
    _text("operation", 20), _text("segment", 60), _text("urgency", 20), _count("n"), _text("parcel", 100),
    _text("key", 255), _text("webhook_url", 2_000), _big("created_at"), _big("due_at"), _big("not_before"),
    Column("started_at", BigInteger), Column("ended_at", BigInteger), Column("expires_at", BigInteger),
    _count("starts"), _count("cancel_asked"), Column("expected_s", Float),
    _text("parts", 100), _text("code", 100), _text("message", 500),
    _count("http_status"), _big("usd_micro"), _text("answer", 16_384), _count("messages"),
)
_unfinished = jobs.c.state.in_(("queued", "running"))
Index("jobs_unfinished", jobs.c.state, jobs.c.not_before, jobs.c.created_at, sqlite_where=_unfinished,
      postgresql_where=_unfinished)
Index("jobs_of_tenant", jobs.c.tenant, jobs.c.created_at, jobs.c.id)

messages = Table(
    "job_messages", METADATA,
    Column("job_id", String(100), primary_key=True), Column("number", Integer, primary_key=True),
    _text("tenant", 100), _text("owner", 40), _text("state", 20), _text("url", 2_000), _text("body", 8_000),
    _big("created_at"), _big("not_before"), Column("ended_at", BigInteger), _count("tries"), _text("code", 100),
)
_unsent = messages.c.state == "waiting"
Index("job_messages_waiting", messages.c.not_before, sqlite_where=_unsent, postgresql_where=_unsent)

shadows = Table(
    "shadows", METADATA,
    Column("id", String(100), primary_key=True), _big("watched_at"), _text("tenant", 100), _text("segment", 60),
    _text("operation", 20), _count("n"), _text("data_class", 20), _text("policy_digest", 128), _text("option", 200),
    _text("reason", 100), _big("usd_micro"), Column("p50_s", Float), Column("p95_s", Float), _text("actual_model", 100),
    _text("actual_state", 20), Column("actual_usd_micro", BigInteger), Column("actual_latency_s", Float),
)
Index("shadows_by_time", shadows.c.watched_at, shadows.c.id)

owners = Table(
    "owners", METADATA,
    Column("id", String(40), primary_key=True), _text("host", 100), _count("pid"), _big("started_at"),
    _big("lease_until"), _big("batch"),
)

outcomes = Table(
    "outcomes", METADATA,
    Column("request_id", String(100), primary_key=True), Column("image", Integer, primary_key=True),
    _text("verdict", 20), _text("reason", 500), Column("reviewer_seconds", Float), _big("at"),
)

rollups = Table(
    "month_rollups", METADATA,
    Column("month", String(7), primary_key=True), Column("tenant", String(100), primary_key=True),
    Column("segment", String(60), primary_key=True), Column("model", String(100), primary_key=True),
    Column("quality", String(20), primary_key=True), Column("backend", String(100), primary_key=True),
    _big("requests"), _big("attempts"), _big("images"), _big("settled_micro_usd"), _big("failures"),
)

months = Table(
    "months", METADATA,
    Column("month", String(7), primary_key=True), _big("rolled_up_at"), _count("stale"),
    Column("pruned_at", BigInteger),
)


def bounds(table: Table) -> dict[str, int]:
    """The longest text each text column of a table holds, in characters."""
    return {column.name: column.type.length or 0 for column in table.columns if isinstance(column.type, String)}
