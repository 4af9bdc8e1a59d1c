"""`sonde doctor` against real sockets: TLS by somebody unknown, silence, the daemon's own port."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.clock import Clock
from monitor.config.values import Http
from monitor.doctor.daemon import daemon
from monitor.doctor.finding import Level
from monitor.doctor.place import NO_PAPERS, Place
from monitor.doctor.reach import Reached, reach
from probes.wire.resolver import ThreadResolver
from probes.wire.trust import Papers, client_context
from tests.integration.authority import Authority

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(head: str, body: bytes = b"", until: bytes = b"\r\n\r\n") -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(until)
        except (EOFError, OSError):  # it hung up: that is what is tested
            writer.close()
            return
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    return handle


@asynccontextmanager
async def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def gone_to(port: int, *, tls: bool, papers: Papers = NO_PAPERS) -> Reached:
    place = Place("provider x", "127.0.0.1", port, tls, papers, "providers.x")
    return await reach(place, ThreadResolver(), lambda each: client_context(each.papers), Clock())


def server_context(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server").both)
    return context


async def test_a_way_that_is_open_is_told_step_by_step(tmp_path: Path) -> None:
    """With whose certificate it is, its days left, and by how much its clock is ahead."""
    authority = Authority(tmp_path)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    handler = answering(f"HTTP/1.1 200 OK\r\nDate: {later}")
    async with listening(handler, server_context(authority)) as port:
        found = await gone_to(port, tls=True, papers=Papers(ca=authority.ca))
    assert found.finding.level is Level.WARN  # it ends in two days
    assert "certificate of Private Root, 1 days left" in found.finding.text
    assert found.ahead_s == pytest.approx(100.0, abs=1.5)


async def test_an_authority_nobody_knows_is_named(tmp_path: Path) -> None:
    """As a proxy that opens TLS has one; the remedy says where its root belongs."""
    authority = Authority(tmp_path, "Acme Interception")
    async with listening(answering("HTTP/1.1 200 OK"), server_context(authority)) as port:
        found = await gone_to(port, tls=True)
    assert found.finding.level is Level.FAIL
    assert "issued by Acme Interception, whom this machine does not trust" in found.finding.text
    assert "ca_file" in found.finding.remedy
    assert found.ahead_s is None


async def test_what_speaks_no_tls_and_what_is_not_there_are_told() -> None:
    """In a line each, with where the configuration says how to get there."""
    async with listening(answering("HTTP/1.1 200 OK", until=b"\x00")) as port:
        plain = await gone_to(port, tls=True)
    async with listening(answering("HTTP/1.1 200 OK")) as port:
        silent = await gone_to(port, tls=False)
    assert plain.finding.text.endswith(
        ("no TLS (WRONG_VERSION_NUMBER)", "no TLS (record layer failure)")
    )
    assert "providers.x" in plain.finding.remedy
    assert (silent.finding.level, silent.ahead_s) == (Level.OK, None)
    gone = await gone_to(port, tls=False)
    assert gone.finding.text.endswith("no connection (Connection refused)")


async def test_a_name_that_does_not_resolve_ends_the_way() -> None:
    """`.invalid` never does: https://www.rfc-editor.org/rfc/rfc6761."""
    place = Place("provider x", "nowhere.invalid", 443, True)
    found = await reach(place, ThreadResolver(), lambda _: client_context(), Clock())
    assert "its name does not resolve" in found.finding.text


@pytest.mark.parametrize(
    ("body", "level", "said"),
    [
        ({"ready": True, "checks": []}, Level.OK, "runs on"),
        (
            {
                "ready": False,
                "checks": [{"name": "ledger", "ok": False, "detail": "disk\x1b full"}],
            },
            Level.FAIL,
            "is not ready: ledger: disk full",
        ),
        ({"hello": "world"}, Level.FAIL, "something else listens there (HTTP 200)"),
        ([], Level.FAIL, "something else listens there"),
    ],
)
async def test_whoever_listens_on_our_port_is_asked(body: object, level: Level, said: str) -> None:
    """Ours, ours and not well, or a stranger's."""
    handler = answering("HTTP/1.1 200 OK", json.dumps(body).encode())
    async with listening(handler) as port:
        found = await daemon(Http(port=port))
    assert found.level is level
    assert said in found.text


@pytest.mark.parametrize("said", [b"X-A: b\r\n", b"\r\n" + 65536 * b"x"])
async def test_an_answer_without_an_end_is_left(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One header after the other, or a body that goes on: whoever listens is not ours."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with closing(writer), suppress(OSError):  # it hung up: that is what is tested
            while True:
                writer.write(said)
                await writer.drain()
                await asyncio.sleep(0.02)

    monkeypatch.setattr("monitor.doctor.daemon.ANSWER_S", 0.3)
    async with listening(endless) as port, asyncio.timeout(10.0):
        found = await daemon(Http(port=port))
    assert found.level is Level.FAIL
    assert "something else listens there" in found.text


@pytest.mark.parametrize(
    "date", ["Mon, 99999999999999999999999 Jan 2020 00:00:00 GMT", "never", "\xff", ""]
)
async def test_a_date_that_is_none_compares_nothing(date: str) -> None:
    """Whatever a server says of the time, the way to it is told."""
    async with listening(answering(f"HTTP/1.1 200 OK\r\nDate: {date}")) as port:
        found = await gone_to(port, tls=False)
    assert (found.finding.level, found.ahead_s) == (Level.OK, None)


async def test_a_port_that_is_free_is_tried() -> None:
    """And one that nobody could have is told as that."""
    async with listening(answering("HTTP/1.1 200 OK")) as port:
        pass
    assert "is free" in (await daemon(Http(port=port))).text
    assert (await daemon(Http(host="192.0.2.1", port=port))).level is Level.FAIL


def test_the_command_tells_in_text_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: nothing failed, 1: something did, 2: nothing could run; one document on stdout."""
    monkeypatch.chdir(tmp_path)
    text = (
        'providers: {house: {preset: vllm, base_url: "http://127.0.0.1:9/v1"}}\n'
        "targets: [{name: b, provider: house, model: m}]\n"
        "store: {path: s.db}\negress: {check: false}\nhttp: {listen: '127.0.0.1:18932'}\n"
    )
    (tmp_path / "sonde.yaml").write_text(text)
    assert main(["doctor", "--json", "--online"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["worst"] == "fail"
    levels = {each["check"]: each["level"] for each in told["findings"]}
    assert (levels["way"], levels["key"], levels["ledger"]) == ("fail", "fail", "ok")
    (tmp_path / "sonde.yaml").write_text("nonsense: 1\n")
    assert main(["doctor"]) == 2
    assert "sonde.yaml:1:1 nonsense" in capsys.readouterr().out


def told_by_doctor(
    folder: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> dict[str, tuple[str, str]]:
    """Run it over a configuration, and return level and text of the first thing of each kind."""
    (folder / "sonde.yaml").write_text(text)
    main(["doctor", "--json", "--config", str(folder / "sonde.yaml")])
    found = json.loads(capsys.readouterr().out)["findings"]
    return {each["check"]: (each["level"], each["text"]) for each in reversed(found)}


CONFIG = """\
providers: {house: {preset: vllm, base_url: "https://127.0.0.1:9/v1", ca_file: ca.pem}}
targets: [{name: b, provider: house, model: m}]
http: {listen: '127.0.0.1:18933'}
store:
  path: s.db
  influxdb: {url: "http://127.0.0.1:9", token: "${TOKEN}", org: o, bucket: b}
"""


def test_what_is_around_us_is_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Roots that cannot be read, endpoints that are silent, an InfluxDB that is not there."""
    monkeypatch.setenv("TOKEN", "a-token-of-influxdb")
    (tmp_path / "ca.pem").write_text("no certificate")
    silent = CONFIG + "egress: {check: true, endpoints: ['127.0.0.1:9']}\n"
    found = told_by_doctor(tmp_path, silent, capsys)
    assert found["trust"][0] == "fail"
    assert "holds no certificate in PEM" in found["trust"][1]
    assert found["egress"] == ("fail", "our way out is shut: 127.0.0.1:9 silent")
    assert found["influxdb"][0] == "fail"
    assert "a-token" not in str(found)


def test_what_is_not_always_needed_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Endpoints nobody asked for, a key in the wrong shape; the rest goes on without that."""
    monkeypatch.setenv("TOKEN", "xai")
    text = (
        'providers: {grok: {preset: xai, api_key: "${TOKEN}", proxy: "http://127.0.0.1:9"}}\n'
        "targets: [{name: b, provider: grok, model: grok-4.3}]\n"
        "http: {listen: '127.0.0.1:18934'}\nstore: {path: s.db}\n"
        "egress: {endpoints: ['127.0.0.1:9']}\n"
    )
    found = told_by_doctor(tmp_path, text, capsys)
    assert found["egress"][0] == "warn"
    assert 'keys of xai begin with "xai-"' in str(found["config"])
    assert found["way"][1].startswith("proxy of grok: 127.0.0.1:9: no connection")
