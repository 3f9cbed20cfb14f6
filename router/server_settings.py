"""Settings of the server and of the picture store, and how their tables are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .request import ImageRequest
    from .toml_fields import Fields

__all__ = ["JobSettings", "ServerSettings", "StoreSettings", "read_jobs", "read_server", "read_store"]

_MIB = 2**20
_LONGEST_S = 30 * 86_400
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True)
class ServerSettings:
    """Where the server listens and how much it holds at once.

    Attributes:
        mode: `serve`, or `shadow` for one that only watches and never sends anything.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    most_in_flight: int = 512
    answer_bytes_in_flight: int = 32 * _MIB
    most_body_bytes: int = 64 * _MIB
    public_url: str = ""
    image_hosts: tuple[str, ...] = ()
    mode: Literal["serve", "shadow"] = "serve"


@dataclass(frozen=True)
class StoreSettings:
    """Where images lie that are asked for by address or by idempotency key, and for how long."""

    folder: Path = Path("breakeven-images")
    ttl_s: int = 86_400
    most_bytes: int = 10 * 1024 * _MIB


@dataclass(frozen=True)
class JobSettings:
    """Requests whose answer is fetched later.

    Attributes:
        most_running: jobs that one process works on at once, those in a batch lane aside; 0 leaves them to others.
        most_batched: jobs of one process that wait in batch lanes at once.
        most_queued: unfinished jobs of one tenant; more are refused.
        deadline_s: to the answer where neither request nor urgency says.
        patience_s: to the answer of work that can wait, where the request says nothing.
        webhook_hosts: hosts of ours that events may be sent to; all others must be public and speak https.
    """

    most_running: int = 32
    most_batched: int = 10_000
    most_queued: int = 20_000
    deadline_s: float = 3_600.0
    patience_s: float = 2 * 86_400.0
    webhook_hosts: tuple[str, ...] = ()

    def patience_of(self, request: ImageRequest) -> float:
        """Seconds that a job may take from its acceptance to its answer."""
        return request.deadline_s or (self.patience_s if request.urgency == "can_wait" else self.deadline_s)


def read_jobs(fields: Fields) -> JobSettings:
    """The table `[jobs]`."""
    plain = JobSettings()
    made = JobSettings(
        fields.count("most_running", plain.most_running) or 0,
        fields.count("most_batched", plain.most_batched, least=1) or plain.most_batched,
        fields.count("most_queued", plain.most_queued, least=1) or plain.most_queued,
        fields.number("deadline_s", plain.deadline_s, least=1, most=_LONGEST_S) or plain.deadline_s,
        fields.number("patience_s", plain.patience_s, least=1, most=_LONGEST_S) or plain.patience_s,
        fields.texts("webhook_hosts"))
    if not all(_HOST.fullmatch(host) for host in made.webhook_hosts):
        fields.refuse("webhook_hosts", "no host", remedy="write it as hooks.internal or 10.0.0.7, without scheme, port "
                      "or path")
    fields.done()
    return made


def read_server(fields: Fields) -> ServerSettings:
    """The table `[server]`."""
    plain = ServerSettings()
    mib = 16 * 1024
    made = ServerSettings(
        fields.text("host", plain.host), fields.count("port", plain.port, most=65_535) or 0,
        fields.count("most_in_flight", plain.most_in_flight, least=1) or plain.most_in_flight,
        (fields.count("answer_mib_in_flight", 32, least=16, most=mib) or 32) * _MIB,
        (fields.count("most_body_mib", 64, least=1, most=mib) or 64) * _MIB,
        fields.text("public_url").rstrip("/"), fields.texts("image_hosts"),
        fields.word("mode", plain.mode, words=("serve", "shadow")))
    fields.done()
    return made


def read_store(fields: Fields, folder: Path) -> StoreSettings:
    """The table `[store]`; a relative folder starts from `folder`."""
    plain = StoreSettings()
    made = StoreSettings(folder / fields.text("folder", str(plain.folder)),
                         fields.count("ttl_s", plain.ttl_s, least=60) or plain.ttl_s,
                         (fields.count("most_mib", 10 * 1024, least=1) or 1) * _MIB)
    fields.done()
    return made
