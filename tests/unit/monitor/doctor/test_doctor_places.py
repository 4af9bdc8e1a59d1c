"""Which hosts are gone to, and what is read of what they say."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.load import load
from monitor.config.values import Apprise
from monitor.doctor.issuer import issuer
from monitor.doctor.place import places
from monitor.doctor.reach import dated
from probes.secret import SecretSource

TEXT = """\
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  house: {preset: vllm, base_url: "http://10.0.0.1:8000/v1", ca_file: ca.pem}
  far: {preset: openai, api_key: "${KEY}", proxy: "http://proxy.internal:3128"}
targets:
  - {name: a, provider: openai, model: gpt-4o-mini}
notify:
  channels:
    hook: {type: slack, webhook_url: "${HOOK}"}
    bot: {type: slack, bot_token: "${BOT}", channel: "#a"}
    post: {type: email, smtp: "smtps://mail.example", to: [a@example.com]}
    am: {type: alertmanager, urls: ["https://am-0.example", "https://am-1.example:9093"]}
    pd: {type: pagerduty, routing_key: "${ROUTING}"}
    out: {type: webhook, url_file: not-there}
"""
ENVIRON = {
    "KEY": "sk-0123456789",
    "HOOK": "https://hooks.slack.com/services/T/B/xyz",
    "BOT": "xoxb-123-456",
    "ROUTING": "0123456789abcdef0123456789abcdef",
}


def test_every_host_of_the_configuration_is_a_place(tmp_path: Path) -> None:
    """A proxy in place of what is behind it; paths, which are secrets, are not in one."""
    (tmp_path / "sonde.yaml").write_text(TEXT.replace(", ca_file: ca.pem", ""))
    config = load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=False).config
    found = {each.whose: (each.host, each.port, each.tls) for each in places(config)}
    assert found == {
        "provider openai": ("api.openai.com", 443, True),
        "provider house": ("10.0.0.1", 8000, False),
        "proxy of far": ("proxy.internal", 3128, False),
        "channel hook": ("hooks.slack.com", 443, True),
        "channel bot": ("slack.com", 443, True),
        "channel post": ("mail.example", 465, True),
        "channel am": ("am-1.example", 9093, True),
        "channel pd": ("events.pagerduty.com", 443, True),
    }
    assert "xyz" not in repr(list(places(config)))


def test_what_leads_nowhere_is_no_place(tmp_path: Path) -> None:
    """A file that went since it was read, an address that is none: told elsewhere."""
    (tmp_path / "sonde.yaml").write_text(TEXT.replace(", ca_file: ca.pem", ""))
    config = load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=False).config
    gone = SecretSource(path=tmp_path / "gone")
    strange = [
        replace(config.providers[0], proxy=gone),
        replace(config.providers[0], base_url="https://[::1"),
        replace(config.providers[0], base_url="gopher://a/"),
    ]
    apprise = Apprise(name="any", url=gone)
    assert list(places(replace(config, providers=tuple(strange), channels=(apprise,)))) == []


@pytest.mark.parametrize(
    ("head", "at"),
    [
        (b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:10 GMT\r\n\r\n", 10.0),
        (b"HTTP/1.1 200 OK\r\nserver: x\r\ndate:Thu, 01 Jan 1970 00:00:10 GMT\r\n\r\n", 10.0),
        (b"HTTP/1.1 200 OK\r\nDate: soon\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nDated: x\r\n\r\n", None),
        (b"", None),
    ],
)
def test_a_date_is_read(head: bytes, at: float | None) -> None:
    """Or nothing is concluded."""
    assert dated(head) == at


def der(tag: int, *inside: bytes) -> bytes:
    body = b"".join(inside)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2) + body


def certificate(*names: tuple[int, int, bytes], version: bool = True) -> bytes:
    """Return the beginning of a certificate: as much as names its issuer."""
    pairs = [
        der(0x31, der(0x30, der(0x06, bytes((0x55, 0x04, kind))), der(tag, value)))
        for kind, tag, value in names
    ]
    first = [der(0xA0, der(0x02, b"\x02"))] if version else []
    signed = der(0x30, *first, der(0x02, b"\x01"), der(0x30), der(0x30, *pairs), b"\x30\x00")
    return der(0x30, signed, der(0x30), der(0x03, b"\x00" * 200))


def test_the_issuer_is_named() -> None:
    """By its organisation, else by its common name, in whatever text it has; else not at all."""
    organisation, common = (0x0A, 0x0C, "Zsc\u00e4ler".encode()), (0x03, 0x13, b"Root CA")
    assert issuer(certificate(common, organisation)) == "Zsc\u00e4ler"
    assert issuer(certificate(common, version=False)) == "Root CA"
    assert issuer(certificate((0x0A, 0x1E, "Ab".encode("utf-16-be")))) == "Ab"
    assert issuer(certificate((0x06, 0x13, b"DE"))) == ""
    odd = der(0x30, der(0x02, b"\x01"), der(0x30), der(0x30, der(0x31, der(0x02, b"\x05"))))
    assert issuer(der(0x30, odd)) == ""
    assert issuer(b"") == ""


@given(st.binary(max_size=300), st.integers(0, 200))
def test_whatever_is_sent_as_a_certificate_is_survived(noise: bytes, cut: int) -> None:
    """It comes from a stranger: at worst it has no name."""
    assert isinstance(issuer(noise), str)
    whole = certificate((0x0A, 0x0C, b"Corp"))
    assert isinstance(issuer(whole[:cut] + noise), str)


def test_real_certificates_are_read() -> None:
    """Those of this machine's roots name themselves as Python reads them."""
    context = ssl.create_default_context()
    roots = zip(context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True)
    for told, raw in roots:
        names = {key: value for group in told["issuer"] for key, value in group}  # type: ignore[misc, attr-defined] # typeshed knows no shape
        wanted = names.get("organizationName") or names.get("commonName")
        assert issuer(raw) == (wanted or "")
