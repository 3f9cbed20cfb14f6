"""The house: what importing costs, which way imports go, how large things get, and a wheel that stands alone."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("router", "planner", "dashboards")
HEAVY = ("numpy", "scipy", "pandas", "torch", "diffusers", "transformers", "ray", "pynvml", "streamlit", "plotly",
         "pydantic", "rich", "plotext", "matplotlib", "fpdf")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(tree: ast.Module) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def parameters(function: Function) -> list[ast.arg]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return named[1:] if named and named[0].arg in ("self", "cls") else named


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    prose = first.end_lineno - first.lineno + 1 if ast.get_docstring(function, clean=False) is not None else 0
    return function.end_lineno - function.lineno + 1 - prose


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("PYTHON", "BREAKEVEN_", "COV_", "VIRTUAL_ENV"))}
    return subprocess.run([str(part) for part in command], cwd=cwd, env=clean | environ, capture_output=True, text=True,
                          check=False)


@pytest.mark.parametrize("imported", ["router", "router.cli", "router.catalog", "router.tables"])
def test_importing_the_router_pulls_in_nothing_heavy(imported: str) -> None:
    code = f"import sys, {imported}; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = run(sys.executable, "-c", code, cwd=ROOT)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_importing_the_planner_command_pulls_in_nothing_heavy() -> None:
    code = f"import sys, planner.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = run(sys.executable, "-c", code, cwd=ROOT)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_every_module_of_the_router_imports_without_anything_heavy() -> None:
    names = [module_of(path) for path in FILES if path.is_relative_to(ROOT / "router")]
    code = f"import sys, {', '.join(names)}; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = run(sys.executable, "-c", code, cwd=ROOT)
    assert answer.stdout.strip() == "[]", answer.stderr


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", folder / "pyproject.toml",
               cwd=folder)


def test_imports_go_down_only() -> None:
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout
    assert "0 broken" in answer.stdout


@pytest.mark.parametrize(("package", "code", "broken"), [
    ("router", "import planner\n", "imports go down only"),
    ("router", "def late():\n    import planner\n", "imports go down only"),
    ("router", "def late():\n    from dashboards import page\n", "imports go down only"),
    ("planner", "def late():\n    import dashboards\n", "imports go down only"),
    ("router", "import numpy\n", "the router stays light"),
    ("router", "def late():\n    from pandas import DataFrame\n", "the router stays light"),
    ("router", "def late():\n    import torch.nn\n", "the router stays light"),
    ("router", "def late():\n    import diffusers\n", "the router stays light"),
    ("router", "def late():\n    import streamlit\n", "the router stays light"),
])
def test_the_import_check_can_fail(tmp_path: Path, package: str, code: str, broken: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "dashboards" / "page.py").write_text("")
    (tmp_path / package / "bad.py").write_text(code)
    answer = lint_imports(tmp_path)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"{broken} BROKEN" in answer.stdout


def absolute_self_imports(tree: ast.Module, package: str) -> list[int]:
    nodes = list(ast.walk(tree))
    named = [(node.lineno, alias.name) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [(node.lineno, node.module or "") for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return [line for line, name in named if name.split(".")[0] == package]


def test_the_router_imports_itself_relatively() -> None:
    found = {relative(path): lines for path in FILES if path.is_relative_to(ROOT / "router")
             if (lines := absolute_self_imports(ast.parse(path.read_text()), "router"))}
    assert found == {}


def test_an_absolute_self_import_is_seen() -> None:
    tree = ast.parse("def late():\n    from router.errors import RouterError\nimport router.tables\nimport os\n")
    assert absolute_self_imports(tree, "router") == [3, 2]


def public_names(tree: ast.Module) -> set[str]:
    """Names a module defines at its top level, without imports, private names and type variables."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and "TypeVar" not in ast.dump(node.value):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def type_aliases(tree: ast.Module) -> set[str]:
    """Aliases such as `Document = dict[str, Any]`: a name for a hint need not be public."""
    return {target.id for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
            for target in node.targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_public_names_are_listed(path: Path) -> None:
    tree = ast.parse(path.read_text())
    defined = public_names(tree)
    if path.name == "__init__.py" and not defined:
        return
    listed = getattr(importlib.import_module(module_of(path)), "__all__", None)
    assert listed is not None, "no __all__"
    assert len(listed) == len(set(listed))
    assert defined - set(listed) <= type_aliases(tree)
    if path.name != "__init__.py":
        assert set(listed) <= defined


def test_an_unlisted_name_is_seen() -> None:
    tree = ast.parse('from os import path\nT = TypeVar("T")\nLIMIT: int = 3\n_own = 1\nAlias = dict[str, int]\n'
                     "def f(): ...\n")
    assert public_names(tree) == {"LIMIT", "Alias", "f"}
    assert type_aliases(tree) == {"Alias"}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_functions_and_signatures_stay_small_and_typed(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) < 300
    for function in functions(tree):
        where = f"{relative(path)}:{function.lineno} {function.name}"
        given = parameters(function)
        assert length(function) <= 40, where
        assert len(given) <= 8, where
        assert all(argument.annotation for argument in given), where
        assert function.returns is not None, where


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_public_functions_take_at_most_two_arguments_by_position(path: Path) -> None:
    for function in functions(ast.parse(path.read_text())):
        by_position = [argument for argument in [*function.args.posonlyargs, *function.args.args]
                       if argument.arg not in ("self", "cls")]
        assert function.name.startswith("_") or len(by_position) <= 2, f"{function.name}, line {function.lineno}"


def test_the_measures_of_a_function_count_what_they_should() -> None:
    tree = ast.parse('class A:\n  def f(self, a, *, b: int, **c):\n    """One\n    two."""\n    return 1\n')
    function = functions(tree)[0]
    assert length(function) == 2
    assert [argument.arg for argument in parameters(function)] == ["a", "b", "c"]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_nothing_catches_everything_or_keeps_module_state(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    caught = [ast.unparse(node.type) if node.type else "" for node in nodes if isinstance(node, ast.ExceptHandler)]
    edge = ["Exception"] if relative(path) == "router/server/desk.py" else []
    assert [name for name in caught if name in {"", "Exception", "BaseException"}] == edge
    assert not [node for node in nodes if isinstance(node, ast.Global)]


def test_no_file_has_a_vague_name() -> None:
    vague = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert [relative(path) for path in FILES if vague & set(path.with_suffix("").parts)] == []


def test_constraints_pin_every_dependency_exactly_and_name_no_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(line.count("==") == 1 and not {"@", "/", "+", " "} & set(line) for line in pins)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins}
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["worker"], *extras["dev"]]
    assert {item.split(">=")[0].split("[")[0].lower() for item in wanted} <= pinned
    assert "torch==2.13.0" in pins


PAGES = [*ROOT.glob("*.md"), ROOT / "data" / "SOURCES.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


README_COMMANDS = sorted(set(re.findall(r"`(planner [^`]+)`", (ROOT / "README.md").read_text())))


@pytest.mark.parametrize("command", README_COMMANDS)
def test_commands_of_the_readme_run(command: str, tmp_path: Path) -> None:
    name, *arguments = shlex.split(command)
    answer = run(Path(sys.executable).with_name(name), *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that holds the wheel and its dependencies, away from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    wheel = next(folder.glob("breakeven-*.whl"))
    installed = run(binaries / "python", "-m", "pip", "install", "-qq", "--constraint", ROOT / "constraints.txt", wheel,
                    cwd=folder)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return binaries


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_answers_away_from_the_checkout(away: Path, tmp_path: Path) -> None:
    price = run(away / "planner", "price", "openai/gpt-image-2", "--size", "1024x1024", "--quality", "high", "--on",
                "2026-11-22", "--json", cwd=tmp_path)
    assert json.loads(price.stdout)["usd"] == "0.21072", price.stderr
    claims = run(away / "planner", "claims", "--json", cwd=tmp_path)
    assert len(json.loads(claims.stdout)["claim"]) == 14, claims.stderr
    assert run(away / "router", "--help", cwd=tmp_path).returncode == 0
    assert run(away / "planner", "--help", cwd=tmp_path).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_answers_the_article_away_from_the_checkout(away: Path, tmp_path: Path) -> None:
    answer = run(away / "planner", "breakeven", "article", "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert 8_000 <= float(json.loads(answer.stdout)["break_even"]["p50"]) <= 12_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_carries_its_tables_inside_the_packages(away: Path) -> None:
    site = next((away.parent / "lib").glob("python3*/site-packages"))
    shipped = {path.relative_to(ROOT / "data").as_posix() for path in (ROOT / "data").rglob("*") if path.is_file()}
    packed = {path.relative_to(site / "router" / "_data").as_posix()
              for path in (site / "router" / "_data").rglob("*") if path.is_file()}
    assert packed == shipped
    top = {path.name for path in site.iterdir()}
    assert set(PACKAGES) <= top
    assert not {"data", "tests", "docs", "benchmarks"} & top
