"""The `brief` command: a CSV of prompts, written back with what each prompt wants legible."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from .brief import Brief, read_brief
from .errors import BriefError, short_text
from .text_files import Unreadable, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["brief"]

_EVERY = 1_000
_STDIN = "-"


class _Asked(TypedDict):
    column: str
    words: int
    output: Path | None
    force: bool


@click.command()
@click.argument("file", metavar="FILE.csv")
@click.option("--column", default="prompt", show_default=True, help="The column that holds the prompts.")
@click.option("--words", type=click.IntRange(min=0), default=5, show_default=True,
              help="N of the column over_N_words: 1 where more than N words must be legible.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here rather than to the screen.")
@click.option("--force", is_flag=True, help="Replace the output file where it exists.")
def brief(file: str, **asked: Unpack[_Asked]) -> None:
    """Which words the prompts of FILE.csv (- for stdin) want legible: the rows again, with four columns added.

    needs_text and over_N_words are 0 or 1; spans are START-END:KIND parted by blanks, in characters of the prompt. A
    column of the file that has one of these names is kept as given_NAME.
    """
    output = asked["output"]
    _refuse_output(file, output, force=asked["force"])
    header, rows = _table(file, _text(file))
    if asked["column"] not in header:
        has = ", ".join(header)
        raise BriefError(f"{file}: no column {short_text(asked['column'])}; it has {has}; name one by --column")
    text = io.StringIO()
    _write(text, header=header, rows=rows, asked=asked)
    if output is None:
        click.echo(text.getvalue(), nl=False)
    else:
        _save(output, text.getvalue())


def _refuse_output(file: str, output: Path | None, *, force: bool) -> None:
    if output is None or not output.exists():
        return
    if file != _STDIN and Path(file).exists() and output.samefile(file):
        raise BriefError(f"{output}: is the input; name another file")
    if not force:
        raise BriefError(f"{output}: exists already; name another file or add --force")


def _text(file: str) -> str:
    """The file as text; carriage returns and line ends inside fields stay as they are."""
    try:
        if file == _STDIN:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return read_text(Path(file))
    except UnicodeDecodeError as error:
        raise BriefError(f"stdin: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except Unreadable as error:
        raise BriefError(f"{file}: {error}") from None


def _table(file: str, text: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV, each row as long as the header."""
    limit = csv.field_size_limit(max(len(text), 1))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise BriefError(f"{file}: not a CSV ({error}); save it as CSV with quoted fields") from None
    finally:
        csv.field_size_limit(limit)
    if not rows:
        raise BriefError(f"{file}: empty; give a CSV with a header")
    header, *body = rows
    twins = sorted({name for name in header if header.count(name) > 1})
    if twins:
        raise BriefError(f"{file}: two columns are called {short_text(twins[0])}; rename one")
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise BriefError(f"{file}: row {number} has {len(row)} fields, the header {len(header)}; mend the row")
    return header, body


def _write(out: io.StringIO, *, header: list[str], rows: list[list[str]], asked: _Asked) -> None:
    """Header and rows with the added columns; progress goes to a person's screen only."""
    added = ("needs_text", "rendered_words", f"over_{asked['words']}_words", "spans")
    kept = [_kept_name(name, added, header) for name in header]
    at = header.index(asked["column"])
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*kept, *added])
    with click.progressbar(rows, file=sys.stderr, label="prompts", update_min_steps=_EVERY,
                           hidden=not sys.stderr.isatty() or len(rows) < _EVERY) as counted:
        for row in counted:
            writer.writerow([*row, *_values(read_brief(row[at]), most_words=asked["words"])])


def _kept_name(name: str, added: tuple[str, ...], header: list[str]) -> str:
    """The name of a given column beside the added ones: `given_` goes before a name that is taken."""
    kept = name
    while kept in added or (kept != name and kept in header):
        kept = f"given_{kept}"
    return kept


def _values(read: Brief, *, most_words: int) -> Iterator[str]:
    yield str(int(read.needs_text))
    yield str(read.rendered_words)
    yield str(int(read.rendered_words > most_words))
    yield " ".join(f"{span.start}-{span.end}:{span.kind}" for span in read.spans)


def _save(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BriefError(f"{output}: cannot be written ({type(error).__name__}); name another place") from None
