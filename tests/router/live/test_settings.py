"""`router.toml`: every problem at once, keys by the name of their variable alone, and nothing secret ever shown."""

from __future__ import annotations

import base64
import json
import textwrap
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.building import environment_settings, settings_of, shipped_settings
from router.catalog import data_roots
from router.errors import SettingsError
from router.server_settings import JobSettings
from router.settings import Secret, Settings, read_settings
from router.text_files import parse_toml
from router.vendor_limits import load_limits
from router.vendors import load_vendors

from .documents import documents

VENDORS, LIMITS = load_vendors(data_roots(None, {})), load_limits(data_roots(None, {}))
SECRET = f"sk-proj-{2**48:x}"
ENVIRON = {"OPENAI_API_KEY": SECRET, "SECOND_KEY": " two\n", "BOOKS": f"postgresql://me:{SECRET}@db/books",
           "BREAKEVEN_HASH_KEY": SECRET}
ONE = '[[backend]]\nname = "openai"\nvendor = "openai"\n'
KEYS = (
    "server", "ledger", "store", "budget", "backend", "tenant", "policy", "name", "vendor", "key_env",
    "base_url", "simulated", "models", "loras", "time_scale", "region", "retention_days", "may_train",
    "images_per_minute", "concurrent", "tier", "deployments", "usd_per_month", "gpus", "gpu", "cards", "watts",
    "key_sha256", "project_usd_per_month", "answers", "data_class", "host", "port", "url", "url_env", "hash_key_env",
    "folder", "ttl_s", "most_mib", "most_body_mib", "jobs", "webhook_hosts", "webhook_secret_env", "most_running",
    "deadline_s", "patience_s")


def settings_from(text: str, environ: dict[str, str] | None = None) -> Settings:
    return read_settings(parse_toml(textwrap.dedent(text)), VENDORS, environ=ENVIRON if environ is None else environ,
                         where="router.toml", folder=Path("/srv"), limits=LIMITS)


def problems_of(text: str) -> str:
    with pytest.raises(SettingsError) as error:
        settings_from(text)
    shown = "".join(traceback.format_exception(error.value))
    assert SECRET not in shown
    return "\n".join(error.value.problems)


def test_what_is_left_out_is_careful() -> None:
    known = settings_from(ONE)
    openai = known.backends[0]
    assert (known.server.host, known.server.port, known.usd_per_month, known.open_to_all) == (
        "127.0.0.1", 8080, None, True)
    assert (openai.base_url, openai.key_env, openai.region, openai.retention_days, openai.may_train) == (
        "https://api.openai.com/v1", "OPENAI_API_KEY", "", None, None)
    assert (openai.key.value, openai.simulated, known.ledger.value) == (
        SECRET, False, "sqlite:////srv/breakeven.sqlite")


def test_keys_come_from_the_environment_by_name_without_the_line_end_of_their_file() -> None:
    known = settings_from(ONE + 'key_env = "SECOND_KEY"\n' + ONE.replace('name = "openai"', 'name = "b"')
                          + 'key_env = "NOT_SET"\n')
    assert [backend.key.value for backend in known.backends] == ["two", ""]


def test_no_secret_is_shown_wherever_settings_are_printed() -> None:
    known = settings_from('[ledger]\nurl_env = "BOOKS"\n' + ONE)
    for shown in (repr(known), str(known), f"{known}", repr(known.backends[0]), f"{known.ledger} {known.hash_key!r}",
                  "%s" % known.hash_key, repr(known.__dict__)):  # noqa: UP031 (one more way to print)
        assert SECRET not in shown
        assert "***" in shown
    with pytest.raises(TypeError):
        json.dumps(known.__dict__)
    assert (repr(Secret("")), known.ledger.value) == ("(none)", ENVIRON["BOOKS"])


@pytest.mark.parametrize("line", [
    f'key_env = "{SECRET}"', f'key = "{SECRET}"', f'api_key = "{SECRET}"', f'token = "{SECRET}"',
    f'secret = "{SECRET}"', f'Password = "{SECRET}"', f'base_url = "https://me:{SECRET}@host/v1"',
    f'base_url = "https://host/v1?key={SECRET}"', f'key_env = ["{SECRET}"]', 'key_env = "9f86d081884c7d65"'])
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(line: str) -> None:
    told = problems_of(ONE + line)
    assert "***" in told
    assert "9f86d081884c7d65" not in told


def test_a_secret_in_another_table_is_not_repeated_either() -> None:
    problems_of(f'{ONE}[ledger]\nurl = ["postgresql://me:{SECRET}@db"]\nurl_env = "{SECRET}"\n'
                f'hash_key_env = "{SECRET}"\n[[tenant]]\nname = "a"\nkey_sha256 = ["{SECRET}"]\n')


def test_every_problem_is_told_at_once_with_key_value_and_remedy() -> None:
    told = problems_of("""
        polcy = "p.toml"
        [server]
        port = 70000
        answer_mib_in_flight = 1
        [store]
        ttl_s = 5
        [budget]
        usd_per_month = "1000"
        [[backend]]
        name = "Open AI"
        vendor = "opnai"
        usd_per_month = -1
        may_train = "no"
        [[backend]]
        vendor = "worker"
        base_url = "host"
        gpus = { cards = 0, watts = nan, power = 3 }
        [[backend]]
        name = "b"
        gpus = { gpu = "l40s" }
        [[tenant]]
        key_sha256 = ["abc"]
        data_class = "secret"
        project_usd_per_month = { web = "1" }
        [ledger]
        url_env = "NOT_SET"
    """)
    for start in (
            "polcy = 'p.toml': unknown key; use only backend, budget", "server.port = 70000: no whole number",
            "server.answer_mib_in_flight = 1: no whole number from 16", "store.ttl_s = 5: no whole number from 60",
            "budget.usd_per_month = '1000': no amount", "backend[1].name = 'Open AI': no plain name",
            "backend[1].vendor = 'opnai': unknown; use one of openai, bfl", "backend[1].usd_per_month = -1: no amount",
            "backend[1].may_train = 'no': neither true nor false", "backend[2].name: missing",
            "backend[2].base_url = ***: no address", "backend[2].models: missing; name what it serves",
            "backend[2].gpus.gpu: missing", "backend[2].gpus.cards = 0: no whole number",
            "backend[2].gpus.watts = nan: no number", "backend[2].gpus.power = 3: unknown key",
            "backend[3].vendor: missing; use one of openai", "backend[3].gpus = {'gpu': 'l40s'}: unknown key",
            "tenant[1].name: missing", "tenant[1].key_sha256 = ***: no SHA-256; write 64",
            "tenant[1].data_class = 'secret': unknown", "tenant[1].project_usd_per_month.web = '1': no amount",
            "ledger.url_env = ***: NOT_SET is not set"):
        assert f"\n{start}" in f"\n{told}", start
    assert told.count("\n") + 1 == 23


@pytest.mark.parametrize(("text", "told"), [
    ("", "backend: none; add a [[backend]]"), ("backend = 3", "backend = 3: no list of tables; write [[backend]]"),
    ('backend = ["openai"]', "backend[1] = 'openai': not a table; write [backend]"),
    (ONE + ONE, "backend.name = 'openai': stands twice"),
    (ONE + '[[tenant]]\nname = "a"\n[[tenant]]\nname = "a"', "tenant.name = 'a': stands twice"),
    (ONE + f'[[tenant]]\nname = "a"\nkey_sha256 = ["{"0" * 64}"]\n[[tenant]]\nname = "b"\nkey_sha256 = ["{"0" * 64}"]',
     "tenant.key_sha256: one key stands twice"),
    (ONE + '[ledger]\nurl = ""', "ledger.url = ***: empty"),
    (ONE + 'base_url = "ftp://host"', "base_url = ***: no address"),
    (ONE + 'base_url = "https://host/v1 x"', "no address"), (ONE + 'base_url = "https://"', "no address")])
def test_what_cannot_be_used_is_said(text: str, told: str) -> None:
    assert told in problems_of(text)


HOOKED = ONE + '[[tenant]]\nname = "acme"\nwebhook_secret_env = ["HOOK"]\n'
KEY = base64.b64encode(bytes(range(200, 232))).decode()


def test_secrets_that_sign_webhooks_come_from_the_environment_and_several_may_hold_at_once() -> None:
    known = settings_from(HOOKED.replace('"HOOK"', '"HOOK", "NEXT"'),
                          {"HOOK": f" whsec_{KEY}\n", "NEXT": "whsec_" + "A" * 32})
    secrets = known.tenants[0].webhook_secrets
    assert [secret.value for secret in secrets] == [f"whsec_{KEY}", "whsec_" + "A" * 32]
    assert KEY not in repr(known)
    assert settings_from(ONE + '[[tenant]]\nname = "acme"').tenants[0].webhook_secrets == ()


@pytest.mark.parametrize("size", range(20, 70))
def test_a_signing_secret_has_24_to_64_bytes(size: int) -> None:
    text = "whsec_" + base64.b64encode(bytes([250] * size)).decode()
    for written in (text, text.rstrip("=")):
        if 24 <= size <= 64:
            assert settings_from(HOOKED, {"HOOK": written}).tenants[0].webhook_secrets[0].value == written
        else:
            with pytest.raises(SettingsError, match="HOOK holds no signing secret"):
                settings_from(HOOKED, {"HOOK": written})


@pytest.mark.parametrize("secret", [
    KEY, f"WHSEC_{KEY}", f"whsec_{KEY}!", f"whsec_ {KEY}", "whsec_" + "A" * 33, "whsec_", f"whsk_{KEY}"])
def test_a_bad_signing_secret_is_one_problem_that_does_not_repeat_it(secret: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_from(HOOKED, {"HOOK": secret})
    (problem,) = error.value.problems
    assert problem.startswith("tenant[1].webhook_secret_env = ***: HOOK holds no signing secret; set it to")
    assert len(secret) == 6 or secret[6:] not in problem


@pytest.mark.parametrize(("written", "told"), [
    ('["HOOK"]', "webhook_secret_env = ***: HOOK is not set; set it to what this prints"),
    (f'["whsec_{KEY}"]', "webhook_secret_env = ***: no name of an environment variable; write its name"),
    ('"HOOK"', "webhook_secret_env = ***: no list of texts"), ("[3]", "webhook_secret_env = ***: no list of texts")])
def test_a_signing_secret_that_is_not_named_is_one_problem(written: str, told: str) -> None:
    problem = problems_of(HOOKED.replace('["HOOK"]', written))
    assert told in problem
    assert "\n" not in problem
    assert KEY not in problem


def test_settings_of_jobs() -> None:
    assert settings_from(ONE).jobs == JobSettings()
    known = settings_from(ONE + '[jobs]\nmost_running = 3\nmost_batched = 4\nmost_queued = 5\ndeadline_s = 60\n'
                          'patience_s = 3600.5\nwebhook_hosts = ["hooks.internal"]').jobs
    assert known == JobSettings(3, 4, 5, 60.0, 3600.5, ("hooks.internal",))
    told = problems_of(ONE + '[jobs]\nmost_running = -1\nmost_batched = "9"\nmost_queued = -1\ndeadline_s = 0\n'
                       'patience_s = 9000000000\nwebhook_hosts = "hooks.internal"\nmost = 1')
    for start in ("most_running = -1: no whole number from 0", "most_batched = '9': no whole number",
                  "most_queued = -1: no whole number", "deadline_s = 0: no number from 1",
                  "patience_s = 9000000000: no number from 1",
                  "webhook_hosts = 'hooks.internal': no list of texts", "most = 1: unknown key; use only deadline_s"):
        assert f"jobs.{start}" in told
    assert told.count("\n") + 1 == 7


@pytest.mark.parametrize("host", ["127.0.0.1", "hooks.internal", "[::1]", "fd00::1", "My-Host_1"])
def test_webhook_hosts_are_bare_hosts(host: str) -> None:
    assert settings_from(f'{ONE}[jobs]\nwebhook_hosts = ["{host}"]').jobs.webhook_hosts == (host,)


@pytest.mark.parametrize("host", [
    "http://127.0.0.1", "hooks.internal:8080", "hooks.internal/", "a b", "", "*", "*.hooks.internal", "bücher"])
def test_a_webhook_host_that_would_never_match_is_refused(host: str) -> None:
    told = problems_of(f'{ONE}[jobs]\nwebhook_hosts = ["ok", "{host}"]')
    assert "no host; write it as hooks.internal or 10.0.0.7, without scheme, port or path" in told


def test_amounts_are_exact_and_zero_is_a_limit() -> None:
    known = settings_from(ONE + 'usd_per_month = 0\n[budget]\nusd_per_month = 1000.10\n'
                          '[[tenant]]\nname = "a"\nproject_usd_per_month = { web = 0.1 }')
    assert (known.usd_per_month, known.backends[0].usd_per_month) == (Decimal("1000.10"), Decimal(0))
    assert known.tenants[0].project_usd_per_month == {"web": Decimal("0.1")}


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    path.write_text(ONE + '[ledger]\nurl = "sqlite:///b.sqlite"\n[store]\nfolder = "i"\n')
    known = settings_of(path, {})
    assert known.ledger.value == f"sqlite:///{tmp_path.resolve()}/b.sqlite"
    assert (known.store.folder, known.policy) == (tmp_path / "i", None)
    path.write_text('policy = "policies/current.toml"\n' + ONE + '[ledger]\nurl = "sqlite:////var/b.sqlite"\n')
    assert settings_of(path, {}).policy == tmp_path / "policies" / "current.toml"
    assert settings_of(path, {}).ledger.value == "sqlite:////var/b.sqlite"


def test_the_shipped_sandbox_needs_no_key_and_the_environment_makes_a_backend_of_every_key() -> None:
    assert all(backend.simulated for backend in shipped_settings({}).backends)
    known = environment_settings({"OPENAI_API_KEY": "a", "FAL_KEY": "b", "BFL_API_KEY": ""})
    assert [backend.name for backend in known.backends] == ["openai", "fal"]
    with pytest.raises(SettingsError, match=r"the environment \(OPENAI_API_KEY, BFL_API_KEY"):
        environment_settings({})


@pytest.mark.parametrize(("text", "images", "at_once"), [
    ("", 5, None), ('tier = "3"', 50, None), ('tier = "5"\nimages_per_minute = 40', 40, None),
    ('vendor = "fal"\ntier = "Most"', None, 40), ('vendor = "fal"\ntier = "most"\nconcurrent = 7', None, 7),
    ('vendor = "replicate"\ntier = "standard"', 600, None), ('vendor = "azure-flux"\ntier = "medium"', 10, None),
    ('vendor = "azure-flux"\ntier = "medium"\nmodels = ["flux-2-pro"]', 30, None),
    ('vendor = "azure-flux"\nmodels = ["flux-2-pro"]', 15, None), ('vendor = "azure-flux"', 5, None),
    ('vendor = "openai"\ntier = "3"\nmodels = ["gpt-image-2.5"]', 50, None),
    ('vendor = "azure"\ntier = "6"', 36, None), ('vendor = "deepinfra"', None, 200),
])
def test_a_tier_says_the_limits_that_are_not_written_out(text: str, images: int | None, at_once: int | None) -> None:
    vendor = "" if "vendor" in text else 'vendor = "openai"'
    (backend,) = settings_from(f'[[backend]]\nname = "x"\nbase_url = "https://a.example/v1"\n{vendor}\n{text}').backends
    assert (backend.images_per_minute, backend.concurrent) == (images, at_once)


def test_a_tier_nobody_knows_is_refused_with_those_that_are_known() -> None:
    assert problems_of(ONE + 'tier = "gold"') == (
        "backend[1].tier = 'gold': no tier of OpenAI; use one of 1, 2, 3, 4, 5")
    assert "none is published; leave it out" in problems_of(
        '[[backend]]\nname = "t"\nvendor = "together"\ntier = "1"')


def test_an_account_with_an_address_of_its_own_must_name_it_and_may_rename_models() -> None:
    azure = '[[backend]]\nname = "azure"\nvendor = "azure"\n'
    assert problems_of(azure) == ("backend[1].base_url: lacks what is your account's own; write out "
                                  "https://{resource}.openai.azure.com/openai/v1")
    (backend,) = settings_from(azure + 'base_url = "https://acme.openai.azure.com/openai/v1"\n'
                               'deployments = { gpt-image-2 = "pictures" }').backends
    assert backend.deployments == {"gpt-image-2": "pictures"}
    assert "deployments" in problems_of('[[backend]]\nname = "t"\nvendor = "together"\ndeployments = { a = "b" }')
    known = environment_settings({"OPENAI_API_KEY": "a", "AZURE_OPENAI_API_KEY": "b", "CLOUDFLARE_API_TOKEN": "c"})
    assert [backend.name for backend in known.backends] == ["openai"]


@given(documents(*KEYS))
def test_any_document_gives_settings_or_a_settings_error(document: dict[str, Any]) -> None:
    try:
        known = read_settings(document, VENDORS, environ=ENVIRON, where="x", folder=Path("/srv"))
    except SettingsError:
        return
    assert known.backends
    assert SECRET not in repr(known)


FIELDS = st.dictionaries(st.sampled_from(KEYS), documents(*KEYS) | st.lists(documents(*KEYS), max_size=2), max_size=5)


@settings(max_examples=40)
@given(FIELDS, FIELDS)
def test_any_tables_around_a_backend_give_settings_or_a_settings_error(tables: dict[str, Any],
                                                                       more: dict[str, Any]) -> None:
    document = {**tables, "backend": [{"name": "gpu", "vendor": "worker", **more}]}
    try:
        known = read_settings(document, VENDORS, environ=ENVIRON, where="x", folder=Path("/srv"))
    except SettingsError:
        return
    assert known.backends
