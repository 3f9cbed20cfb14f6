"""Every row of the vendors' table leads to a backend, and only what is spoken is loaded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest

from router import vendors
from router.backends.registry import PROTOCOLS, open_backends
from router.backends.sandbox import SandboxBackend
from router.building import shipped_settings
from router.errors import TableError
from tests.router.backends.bench import DIALECTS, VENDORS, settings_for
from tests.tables import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-never-shown"


def test_every_vendor_has_a_backend_that_hides_its_key() -> None:
    settings = replace(shipped_settings({}), backends=tuple(settings_for(name, "https://example.com", KEY)
                                                            for name in VENDORS))
    opened = open_backends(settings, data=None, environ={})
    assert set(opened) == {f"my-{name}" for name in VENDORS}
    assert set(PROTOCOLS) == set(get_args(vendors.Protocol))
    for backend in opened.values():
        assert KEY not in repr(backend) + repr(vars(backend))


def test_a_simulated_backend_is_the_sandbox_whatever_it_speaks() -> None:
    opened = open_backends(shipped_settings({}), data=None, environ={})
    assert {type(backend) for backend in opened.values()} == {SandboxBackend}


def test_a_server_without_a_dialect_is_refused(tmp_path: Path) -> None:
    stranger = replace(VENDORS["worker"], id="stranger")
    backend = replace(settings_for("worker", "https://example.com", KEY), vendor=stranger)
    settings = replace(shipped_settings({}), backends=(backend,))
    with pytest.raises(TableError, match=r"dialects.csv: id = 'stranger': no such row"):
        open_backends(settings, data=tmp_path, environ={})


def test_a_sandbox_loads_no_client() -> None:
    code = ("import sys; from router.backends.registry import open_backends; from router.building import "
            "shipped_settings; open_backends(shipped_settings({}), data=None, environ={}); "
            "print([name for name in ('aiohttp', 'openai', 'pydantic') if name in sys.modules])")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_both_tables_name_their_sources() -> None:
    assert set(DIALECTS) == {row.id for row in VENDORS.values() if row.protocol == "compatible"}
    for row in (*VENDORS.values(), *DIALECTS.values()):
        assert row.source
        assert row.as_of.text.startswith("2026")
    for name, dialect in DIALECTS.items():
        row = VENDORS[name]
        assert row.edits is bool(dialect.references_as)
        assert row.masks is bool(dialect.mask_field)
        assert row.loras is bool(dialect.lora_as)
        assert row.seeds is bool(dialect.seed_field)
        assert row.steps is bool(dialect.steps_field)
        assert row.max_images == 1 or dialect.n_field
