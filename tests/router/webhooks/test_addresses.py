"""Where events may be sent: nothing inside our network in any spelling, and only what can be signed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.open_internet import spelled_address
from router.settings import Secret, Tenant
from router.webhooks.addresses import check_webhook, plain_hosts, sendable

TENANT = Tenant("acme", (), admin=False, usd_per_month=None, project_usd_per_month={}, images_per_minute=None,
                data_class="public", segment="", answers="b64_json", keep_prompts=False,
                webhook_secrets=(Secret("whsec_" + "A" * 32),))
INSIDE = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "0177.0.0.1",
    "127.0.0.1.", "127。0。0。1", "①②⑦.0.0.1", "0", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",  # noqa: S104
    "169.254.169.254", "0xa9fea9fe", "169.254.43518", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fd00::1]",
    "[fe80::1]", "[fe80::1%25eth0]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[fd00:ec2::254]", "localhost", "LOCALHOST.", "api.localhost", "metadata.google.internal",
    "intranet", "printer.local", "999.1.1.1", "1.2.3.4.5", "0x7g", "a..b", "-", "exa mple.com", "a%2eb.com",
]


def code_of(url: str, tenant: Tenant | None = TENANT, hosts: tuple[str, ...] = ()) -> str:
    with pytest.raises(BadRequest) as caught:
        check_webhook(url, tenant, hosts=hosts)
    assert caught.value.param == "routing.webhook_url"
    assert "hush" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("host", INSIDE)
def test_no_address_inside_our_network_in_any_spelling(host: str) -> None:
    assert code_of(f"https://{host}/hush") == "invalid_webhook_url"
    assert code_of(f"https://{host}:8443/hush", hosts=("10.9.9.9",)) == "invalid_webhook_url"


@pytest.mark.parametrize("url", [
    "", "hush", "https://", "https:///hush", "http://hooks.example.com/", "ftp://hooks.example.com/hush",
    "file:///etc/passwd", "//hooks.example.com/", "https://me@hooks.example.com/", "https://me:hush@hooks.example.com/",
    "https://:hush@hooks.example.com/", "https://hooks.example.com/#hush", "https://hooks.example.com/#",
    "https://hooks.example.com:0/", "https://hooks.example.com:99999/", "https://hooks.example.com/a b",
    "https://hooks.example.com/\nhost: evil", "https://hooks.example.com\\@evil.example/", "https://[v1.x]/",
    "https://hooks.example.com/" + "x" * 1_975])
def test_what_is_no_plain_https_address_is_refused(url: str) -> None:
    assert code_of(url) == "invalid_webhook_url"


@pytest.mark.parametrize("url", [
    "https://hooks.example.com", "https://hooks.example.com:8443/a/b?c=d&e=%20", "https://HOOKS.Example.COM./x",
    "https://8.8.8.8/hook", "https://[2606:4700::1111]/hook", "https://bücher.example/hook",
    "https://hooks.example.com/" + "x" * 1_974])
def test_public_addresses_are_taken(url: str) -> None:
    check_webhook(url, TENANT, hosts=())


def test_hosts_of_ours_are_taken_by_name_alone_and_without_tls() -> None:
    hosts = ("127.0.0.1", "Hooks.Internal", "[::1]")
    for url in ("http://127.0.0.1:9/x", "https://127.0.0.1/x", "http://hooks.internal./x", "http://[::1]:1/x"):
        check_webhook(url, TENANT, hosts=hosts)
    for url in ("http://127.0.0.2/x", "http://other.internal/x", "http://127.0.0.1@10.0.0.1/x", "ftp://127.0.0.1/x"):
        assert code_of(url, hosts=hosts) == "invalid_webhook_url"


@pytest.mark.parametrize("tenant", [None, replace(TENANT, webhook_secrets=())])
def test_without_a_secret_nothing_is_taken(tenant: Tenant | None) -> None:
    assert code_of("https://hooks.example.com/hush", tenant) == "no_webhook_secret"


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_the_same_address(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    octets = number.to_bytes(4, "big")
    spellings = [str(address), f"{address}.", str(number), hex(number), f"0{number:o}",
                 ".".join(hex(octet) for octet in octets), ".".join(f"0{octet:o}" for octet in octets),
                 f"{octets[0]}.{number & 0xFF_FFFF}", f"{octets[0]}.{octets[1]}.{number & 0xFFFF}"]
    assert {spelled_address(spelling) for spelling in spellings} == {str(address)}


@example("[]@")
@example("https://[]@host/")
@example("[]@")
@example("https://[]@host/")
@given(st.text(max_size=40) | st.text("0123456789abcdefx.:[]%/@#?\\", max_size=30))
def test_any_text_is_an_address_or_is_refused_in_words(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/"):
        try:
            parsed = sendable(url, hosts=plain_hosts(()))
        except BadRequest:
            continue
        assert parsed.scheme == "https"
        assert parsed.raw_host
