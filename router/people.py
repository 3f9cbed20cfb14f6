"""Who sits at the terminal, for the audit."""

from __future__ import annotations

import getpass
import os

__all__ = ["who"]


def who() -> str:
    """The name of this user, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
