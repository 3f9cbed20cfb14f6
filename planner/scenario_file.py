"""Scenarios on disk: read a TOML file, lay it over its base, apply stated overrides, validate. An edge."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from router.text_files import Unreadable, parse_toml, read_plain_text

from .errors import ScenarioError
from .scenario import SCHEMA_VERSION, Scenario, WhatIf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails

__all__ = ["find_scenario", "load_scenario", "with_changes"]

Document = dict[str, Any]
_IDENTITY = {"segment": "name", "what_if": "name", "range": "driver", "acceptance": "model", "licence": "vendor"}
_DEEPEST = 8  # files in one chain of bases


def find_scenario(name: str, shipped: Iterable[Path]) -> Path:
    """The file a scenario is meant by: a path as it is, or the name of a shipped one.

    Raises:
        ScenarioError: neither exists; the shipped names are listed.
    """
    path = Path(name)
    if _is_file(path):
        return path
    known = {file.stem: file for file in shipped}
    if path.suffix in ("", ".toml") and path.stem in known and path.parent in (Path(), Path("data/scenarios")):
        return known[path.stem]
    raise ScenarioError(name, key="SCENARIO", value=name, problem="no such file or shipped scenario",
                        remedy=f"give a TOML file, or one of {', '.join(sorted(known))}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def load_scenario(path: Path, *, settings: Sequence[tuple[str, str]] = ()) -> Scenario:
    """A validated scenario: its base, then the file, then its overrides, then `settings` (key, TOML value).

    Raises:
        ScenarioError: unreadable file, unknown key, value out of range; one line with file, key, value and remedy.
    """
    document = _composed(path, seen=())
    stated = [{"key": key, "value": _value(path, key, text), "says": "set on the command line", "confirmed": False}
              for key, text in settings]
    document["override"] = [*_list(path, document, "override"), *stated]
    for override in document["override"]:
        if isinstance(override, dict) and isinstance(override.get("key"), str) and "value" in override:
            _set(path, document, override["key"], override["value"])
    return _validated(path, document)


def with_changes(scenario: Scenario, changed: WhatIf) -> Scenario:
    """The scenario with a what-if's dotted keys dropped and set.

    Raises:
        ScenarioError: a key that does not exist or a value that does not fit, naming the what-if.
    """
    called = f"what-if {changed.name!r}"
    document = scenario.model_dump(by_alias=True, exclude_unset=True)
    for key in changed.drop:
        for place in _places(called, document, key):
            place.pop(key.rsplit(".", 1)[-1], None)
    for key, value in changed.set.items():
        _set(called, document, key, value)
    return _validated(called, {**document, "what_if": []})


def _composed(path: Path, *, seen: tuple[Path, ...]) -> Document:
    if path in seen or len(seen) >= _DEEPEST:
        raise ScenarioError(path, key="base", value=path.name, problem="the chain of bases has no end",
                            remedy="let a scenario rest on another one that does not rest on it")
    document = _read(path)
    _beside(path, document)
    if "base" not in document:
        return document
    base = path.parent / str(document.pop("base"))
    return _merged(_composed(base, seen=(*seen, path)), document)


def _beside(path: Path, document: Document) -> None:
    """Let the traces that a file names stand relative to that file; addresses of books stay as they are."""
    for table in (document, *(row for row in _list(path, document, "segment") if isinstance(row, dict))):
        traffic = table.get("traffic")
        if isinstance(traffic, dict) and isinstance(trace := traffic.get("trace"), str) and "://" not in trace:
            traffic["trace"] = trace and str(path.parent / trace)


def _read(path: Path) -> Document:
    try:
        document = parse_toml(read_plain_text(path))
    except Unreadable as error:
        raise ScenarioError(path, key="file", value=path.name, problem=error.problem, remedy=error.remedy) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(path, key="TOML", value=path.name, problem=str(error),
                            remedy="mend the line it names") from None
    version = document.get("schema", document.get("base") and SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        raise ScenarioError(path, key="schema", value=version,
                            problem="written for a newer planner" if newer else "not a schema this planner knows",
                            remedy="update the planner" if newer else f"write schema = {SCHEMA_VERSION}")
    return document


def _merged(base: Document, over: Document) -> Document:
    merged = dict(base)
    for key, value in over.items():
        before = base.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and value.get("kind") in (None, before.get("kind")):
            merged[key] = _merged(before, value)
        elif isinstance(before, list) and isinstance(value, list) and key in _IDENTITY:
            merged[key] = _merged_rows(before, value, _IDENTITY[key])
        else:
            merged[key] = value
    return merged


def _merged_rows(base: list[Any], over: list[Any], identity: str) -> list[Any]:
    rows = {str(row.get(identity)): row for row in base if isinstance(row, dict)}
    for row in over:
        name = str(row.get(identity)) if isinstance(row, dict) else ""
        rows[name] = _merged(rows.get(name, {}), row) if isinstance(row, dict) else row
    return list(rows.values())


def _list(path: object, document: Document, key: str) -> list[Any]:
    value = document.get(key, [])
    if not isinstance(value, list):
        raise ScenarioError(path, key=key, value=value, problem="not a list of tables", remedy=f"write [[{key}]]")
    return value


def _value(path: Path, key: str, text: str) -> Any:
    try:
        if "\n" not in text:
            return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if text.replace("-", "").replace("_", "").replace("/", "").replace(".", "").isalnum():
            return text
        raise ScenarioError(path, key=key, value=text, problem="not a TOML value",
                            remedy='write a number, true or false, or "text"') from None


def _set(path: object, document: Document, key: str, value: Any) -> None:
    for place in _places(path, document, key):
        place[key.rsplit(".", 1)[-1]] = value


def _places(path: object, document: Document, key: str) -> list[Document]:
    """The tables that hold a dotted key; rows of a list go by their name, or `*` for all of them."""
    places: list[Any] = [document]
    parents = key.split(".")[:-1]
    for depth, step in enumerate(parents):
        places = [place for parent in places for place in _step(path, parent, step, ".".join(parents[:depth]), key)]
    for place in places:
        if not isinstance(place, dict):
            raise ScenarioError(path, key=key, value=place, problem="no table stands there",
                                remedy="name a key inside a table, as in own.cost.usd_per_gpu_h")
    return places


def _step(path: object, parent: Any, step: str, above: str, key: str) -> list[Any]:
    if isinstance(parent, dict):
        return [parent.setdefault(step, {})]
    if isinstance(parent, (list, tuple)):
        identity = _IDENTITY.get(above, "name")
        rows = [row for row in parent if isinstance(row, dict) and step in ("*", row.get(identity))]
        if rows:
            return rows
        names = ", ".join(str(row.get(identity)) for row in parent if isinstance(row, dict))
        raise ScenarioError(path, key=key, value=step, problem=f"no {above} of that {identity}",
                            remedy=f"use one of {names}, or *")
    raise ScenarioError(path, key=key, value=step, problem="no table stands there",
                        remedy="name a key inside a table, as in own.cost.usd_per_gpu_h")


def _validated(path: object, document: Document) -> Scenario:
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        raise _told(path, document, error.errors(include_url=False)) from None


def _told(path: object, document: Document, problems: list[ErrorDetails]) -> ScenarioError:
    first = problems[0]
    key = ".".join(_place(document, first["loc"]))
    others = len(problems) - 1
    remedy = _remedy(first) + (f" (and {others} more to mend)" if others else "")
    value = "(missing)" if first["type"] == "missing" else first["input"]
    if isinstance(value, (dict, list, tuple, BaseModel)):
        value = "(a table)"
    if isinstance(value, Decimal):
        value = float(value)
    return ScenarioError(path, key=key or "scenario", value=value, problem=first["msg"].removeprefix("Value error, "),
                         remedy=remedy)


def _place(document: Document, steps: Sequence[int | str]) -> list[str]:
    """The dotted key of a problem as `--set` takes it: rows by their name, ways to pay for a card left out."""
    told = [str(step) for step in steps if step not in ("rented", "serverless", "owned", "existing")]
    if len(steps) > 1 and isinstance(steps[1], int) and steps[0] in _IDENTITY:
        rows = document.get(str(steps[0]))
        row = rows[steps[1]] if isinstance(rows, (list, tuple)) and steps[1] < len(rows) else None
        name = row.get(_IDENTITY[str(steps[0])]) if isinstance(row, dict) else None
        if isinstance(name, str) and name:
            told[1] = name
    return told


def _remedy(problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind == "missing":
        return "add it"
    if kind == "extra_forbidden":
        return _spelling(str(problem["loc"][-1]))
    if kind == "literal_error":
        return f"use {problem['ctx']['expected']}"
    if kind.startswith("union_tag"):
        return "use kind = 'rented', 'serverless', 'owned' or 'existing'"
    if kind.endswith(("_parsing", "_type")):
        return "write a value of that kind"
    return "write a value in that range" if "than" in problem["msg"] else "correct it"


def _spelling(key: str) -> str:
    known = _every_key(Scenario, set())
    close = get_close_matches(key, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "remove it, or see docs/scenarios.md for the keys"


def _every_key(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    if model in seen:
        return set()
    seen.add(model)
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        for inner in _models_in(field.annotation):
            keys |= _every_key(inner, seen)
    return keys


def _models_in(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for arm in getattr(hint, "__args__", ()) for model in _models_in(arm)]
