"""Where the tables lie: the checkout or the wheel's package data, then a user's overlay folder of the same format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DATA_VARIABLE", "data_roots", "is_installed", "table_files"]

DATA_VARIABLE = "BREAKEVEN_DATA"
_MARKER = "SOURCES.md"


def data_roots(overlay: Path | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders to read tables from, base first; rows of a later folder replace rows of the same id.

    Args:
        overlay: the folder given with `--data`; it outranks the environment variable BREAKEVEN_DATA.
        environ: the process environment.

    Raises:
        TableError: the overlay is named but is no folder.
    """
    named = overlay or (Path(environ[DATA_VARIABLE]) if environ.get(DATA_VARIABLE) else None)
    if named is None:
        return (_base(),)
    if not _is_folder(named):
        raise TableError(named, 0, key="--data", value=str(named), problem="no such folder",
                         remedy=f"create it, or leave out --data and {DATA_VARIABLE}")
    return (_base(), named)


def table_files(roots: Iterable[Path], pattern: str) -> tuple[Path, ...]:
    """Files matching `pattern` (as in `prices/*.csv`), base folder first, sorted by name inside a folder."""
    return tuple(path for root in roots for path in sorted(root.glob(pattern)))


def is_installed(root: Path) -> bool:
    """Whether a folder is that of the installed package, which is never written to."""
    return root.resolve() == (Path(__file__).parent / "_data").resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _base() -> Path:
    packaged = Path(__file__).parent / "_data"
    checkout = Path(__file__).parent.parent / "data"
    return packaged if (packaged / _MARKER).is_file() else checkout
