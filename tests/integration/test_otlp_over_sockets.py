"""What goes to an OTLP endpoint over real sockets, and what is made of its answers."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from aggregator.stores.delivery import Outcome, WriteError
from monitor.config.values import Otlp
from monitor.otlp.encoding import TraceBatch, rejected_spans
from monitor.otlp.signal import Signal
from monitor.otlp.spans import trace_of
from monitor.otlp.wire import Wire
from probes.secret import Secret, SecretSource
from probes.wire.trust import Papers
from tests.integration.authority import Authority
from tests.standins.answers import Answer, endless, hang, html, reset, status
from tests.standins.otlp import OtlpReceiver, partly
from tests.unit.monitor.otlp.telling_values import answered, subject

KEY = "ingest-key-0123456789"
HEADERS = (("api-key", SecretSource(value=Secret(KEY), variable="K")),)


def body() -> bytes:
    batch = TraceBatch((("service.name", "sonde"),), "1")
    batch.add(trace_of(answered(), subject(), "i"))
    return batch.encoded()


def wire(endpoint: str, **said: object) -> Wire:
    otlp = Otlp(endpoint=endpoint, headers=HEADERS)
    return Wire(replace(otlp, **said), lambda: 1_000.0)  # type: ignore[arg-type]


@pytest.fixture
async def receiver() -> AsyncIterator[OtlpReceiver]:
    async with OtlpReceiver({"api-key": KEY}) as running:
        yield running


async def refusal(sender: Wire) -> WriteError:
    with pytest.raises(WriteError) as caught:
        await sender.post(Signal.TRACES, body())
    await sender.close()
    return caught.value


async def test_a_strict_receiver_takes_it(receiver: OtlpReceiver) -> None:
    """Path, type, compression, our own headers and name; over one connection."""
    sender = wire(receiver.origin)
    assert rejected_spans(await sender.post(Signal.TRACES, body())) == (0, "")
    await sender.post(Signal.TRACES, body())
    await sender.close()
    assert (receiver.wrong, len(receiver.roots)) == ([], 2)
    assert len(set(receiver.peers)) == 1
    assert receiver.encodings == {"gzip"}
    assert all(agent.startswith("sonde/") for agent in receiver.user_agents)


async def test_a_path_before_the_signals_is_kept(receiver: OtlpReceiver) -> None:
    """Grafana Cloud's endpoint ends in /otlp."""
    refused = await refusal(wire(f"{receiver.origin}/otlp"))
    assert refused.outcome is Outcome.REJECTED
    assert "404" in str(refused)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (status(400, "bad data"), Outcome.REJECTED),
        (status(401), Outcome.TOKEN),
        (status(403), Outcome.TOKEN),
        (status(404), Outcome.REJECTED),
        (status(413), Outcome.TOO_LARGE),
        (status(429), Outcome.THROTTLED),
        (status(500), Outcome.REJECTED),
        (status(502), Outcome.UNAVAILABLE),
        (status(503), Outcome.UNAVAILABLE),
        (status(504), Outcome.UNAVAILABLE),
        (status(307, Location="http://127.0.0.1:1/v1/traces"), Outcome.REJECTED),
        (reset, Outcome.UNREACHABLE),
    ],
)
async def test_each_answer_has_its_meaning(
    receiver: OtlpReceiver, answer: Answer, outcome: Outcome
) -> None:
    """429, 502, 503 and 504 may be tried again; a redirect is not followed; nothing is raised."""
    receiver.script.append(answer)
    refused = await refusal(wire(receiver.origin))
    assert refused.outcome is outcome
    assert receiver.requests == 1


@pytest.mark.parametrize("code", [429, 503])
async def test_how_long_to_stay_away_is_read(receiver: OtlpReceiver, code: int) -> None:
    """In seconds, or as a date."""
    receiver.script.append(status(code, Retry_After="7"))
    assert (await refusal(wire(receiver.origin))).retry_after_s == 7.0
    receiver.script.append(status(code, Retry_After="Thu, 01 Jan 1970 00:17:00 GMT"))
    assert (await refusal(wire(receiver.origin))).retry_after_s == 20.0


async def test_a_partial_success_comes_back(receiver: OtlpReceiver) -> None:
    """As the bytes it is; a page that some proxy made is not taken for one."""
    receiver.script.extend([partly("traces", 2, "too old"), html(200), status(204)])
    sender = wire(receiver.origin)
    assert rejected_spans(await sender.post(Signal.TRACES, body())) == (2, "too old")
    assert await sender.post(Signal.TRACES, body()) == b""
    assert await sender.post(Signal.TRACES, body()) == b""
    await sender.close()


async def test_an_answer_without_end_is_not_read_to_it(receiver: OtlpReceiver) -> None:
    """Some of it is enough."""
    receiver.script.append(endless)
    sender = wire(receiver.origin)
    assert await sender.post(Signal.TRACES, body()) == b""
    await sender.close()


async def test_a_secret_that_is_echoed_is_masked(receiver: OtlpReceiver) -> None:
    """Whatever the endpoint says is shown in a log."""

    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text=f"wrong key {request.headers['api-key']}")

    receiver.script.append(echo)
    told = str(await refusal(wire(receiver.origin)))
    assert "wrong key ***" in told
    assert KEY not in told


async def test_a_header_file_is_read_again(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """A key that is replaced holds from the next request on; one that is gone sends nothing."""
    file = tmp_path / "key"
    file.write_text("old-key-0123456789")
    sender = wire(receiver.origin, headers=(("api-key", SecretSource(path=file)),))
    with pytest.raises(WriteError):
        await sender.post(Signal.TRACES, body())
    file.write_text(KEY)
    await sender.post(Signal.TRACES, body())
    file.unlink()
    refused = await refusal(sender)
    assert (refused.outcome, receiver.requests) == (Outcome.TOKEN, 2)


async def test_an_endpoint_that_hangs_is_not_waited_for(receiver: OtlpReceiver) -> None:
    """May be tried again, over another connection."""
    receiver.script.append(hang)
    sender = Wire(Otlp(endpoint=receiver.origin, headers=HEADERS), lambda: 1_000.0, 0.2)
    with pytest.raises(WriteError, match=r"no answer within 0\.2 s") as caught:
        await sender.post(Signal.TRACES, body())
    assert caught.value.outcome is Outcome.TIMEOUT
    await sender.post(Signal.TRACES, body())
    await sender.close()
    assert len(set(receiver.peers)) == 2


async def test_nobody_there_is_unreachable() -> None:
    """May be tried again."""
    assert (await refusal(wire("http://127.0.0.1:1"))).outcome is Outcome.UNREACHABLE


async def test_tls_with_papers(tmp_path: Path) -> None:
    """Our own root is believed, and our certificate shown to who asks; else nothing goes."""
    authority = Authority(tmp_path)
    server, ours = authority.issue("collector"), authority.issue("sonde")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    async with OtlpReceiver(tls=context) as receiver:
        sender = wire(receiver.origin, papers=Papers(authority.ca, ours.certificate, ours.key))
        await sender.post(Signal.TRACES, body())
        await sender.close()
        assert len(receiver.roots) == 1
        for papers in (Papers(), Papers(authority.ca), Papers(tmp_path / "none.pem")):
            refused = await refusal(wire(receiver.origin, papers=papers))
            assert refused.outcome is Outcome.UNREACHABLE
        assert len(receiver.roots) == 1
