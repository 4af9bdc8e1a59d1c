"""nginx speaks TLS in front of a plain server, and our prober measures through it."""

from collections.abc import Callable

import pytest

from probes.result import Verdict
from probes.target import Connection, Slot
from tests.integration.fault_server import ANSWER, DONE, Answering, event, serving, trusting_context
from tests.integration.probing import chat, probing
from tests.servers.nginx import TlsProxy


async def answer(a: Answering) -> None:
    """Answer a chat request, streamed or not, as asked."""
    if not a.seen.json.get("stream"):
        await a.json(ANSWER)
        return
    await a.stream_head()
    await a.chunk(event("OK") + event(finish="stop") + DONE)
    await a.end()


@pytest.mark.parametrize("connection", list(Connection))
@pytest.mark.parametrize("stream", [False, True])
async def test_probes_through_a_tls_terminator(
    tls_front: Callable[[int], TlsProxy], stream: bool, connection: Connection
) -> None:
    """A handshake that is not Python's: verified, timed, and kept alive where that is wanted."""
    with serving(answer) as server:
        proxy = tls_front(server.port)
        target = chat(stream=stream, connection=connection)
        async with probing(f"{proxy.url}/v1", tls=trusting_context(proxy.ca)) as prober:
            results = [await prober.probe(target, Slot(n, 60.0)) for n in (1, 2)]
    assert [each.verdict for each in results] == [Verdict.OK] * 2, results[0].detail
    assert (results[0].tls_s or 0) > 0
    assert server.accepted == (1 if connection is Connection.REUSE else 2)


async def test_an_unknown_certificate_is_refused(tls_front: Callable[[int], TlsProxy]) -> None:
    """Nobody vouches for it: no request is sent through it."""
    with serving(answer) as server:
        proxy = tls_front(server.port)
        async with probing(f"{proxy.url}/v1") as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))
    assert result.verdict is Verdict.TLS_ERROR
    assert server.requests == []
