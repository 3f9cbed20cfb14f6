"""How batches are filled, sent and asked about."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INPUT_KEPT_S", "MOST_DATA_URL_CHARS", "OUTPUT_KEPT_S", "TERMS", "BatchTerms"]

MOST_DATA_URL_CHARS = 20_971_520
"""The longest a reference may be as a data URL (OpenAI's reference of image edits)."""
INPUT_KEPT_S = 48 * 3600
"""Prompts and references stay with the vendor no longer than the 24 h of a batch, and as long again for its queue."""
OUTPUT_KEPT_S = 7 * 24 * 3600
"""Time for a service that was down to come back for what it paid for; the vendor's own rule is 30 days."""


@dataclass(frozen=True)
class BatchTerms:
    """Limits and patience.

    Attributes:
        wait_s: how long a request waits for others. Half a minute is nothing beside the hours of a batch, gathers what
            a job asks for piece by piece, and makes at most 120 batches an hour of a model; the vendor takes 2,000.
        most_requests: the vendor takes 50,000. 5,000 pictures are some 10 GB of output, and a download that breaks may
            have to begin again.
        most_bytes: of an input file, where the vendor takes 200 MB.
        first_poll_s, longest_poll_s, poll_growth: waits between questions about a batch.
        most_misses: questions in a row without an answer, which is some seven hours at the longest wait.
        longest_s: a batch that is not over after so long never will be; the vendor ends it after 24 h.
        looks, between_looks_s: times a batch is looked for that may never have been created, and how far apart. Whoever
            looks comes a quarter of a minute after the process that made it, whose lease has run out.
    """

    wait_s: float = 30.0
    most_requests: int = 5_000
    most_bytes: int = 190_000_000
    first_poll_s: float = 2.0
    longest_poll_s: float = 60.0
    poll_growth: float = 1.5
    most_misses: int = 420
    longest_s: float = 48 * 3600.0
    looks: int = 3
    between_looks_s: float = 20.0


TERMS = BatchTerms()
