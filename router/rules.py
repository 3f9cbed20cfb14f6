"""What a model may make: one rule, one verdict. Pure; the tables and the policy are arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from .models import ModelCard
    from .quantities import Size

__all__ = ["fits_native_size", "has_open_weights", "licence_held", "references_fit", "text_is_reliable"]
