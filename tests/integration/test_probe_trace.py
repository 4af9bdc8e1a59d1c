"""A close look at real exchanges: what is seen, what is hidden, and how long it may take."""

import asyncio
import json
from itertools import pairwise

import pytest

from monitor.stages import stages
from monitor.waterfall import plain, waterfall
from probes.result import ProbeResult, Verdict
from probes.target import Connection, Slot
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.integration import faults
from tests.integration.fault_server import Answering, Handler, serving
from tests.integration.probing import KEY, chat, probing

ALL_MASKED = {
    "X_Request_Id": f"req-{KEY}",
    "Location": f"https://login.example/{KEY}?next={KEY}",
    "Warning": f"Bearer {KEY}",
    "Set_Cookie": f"session={KEY}",
    "Authorization": f"Bearer {KEY}",
    "X_Ratelimit_Remaining_Requests": KEY,
    "Server": KEY,
}


async def looked(
    handler: Handler, within_s: float = 5.0, **changes: object
) -> tuple[ProbeResult, Trace]:
    """Probe a server with this behaviour once, with a trace."""
    trace = Trace(within_s=within_s)
    with serving(handler) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(**changes), Slot(1, 60.0), trace=trace)
    return result, trace


async def echo(a: Answering) -> None:
    """Send our key back wherever a server can."""
    await a.json({"error": {"message": f"bad {KEY}"}}, "401 Unauthorized", **ALL_MASKED)


async def test_an_echoed_key_is_nowhere() -> None:
    """A server that echoes the credential everywhere: neither drawing nor JSON holds it."""
    result, trace = await looked(echo)
    assert result.verdict is Verdict.AUTH
    names = [name for name, _ in trace.headers]
    assert {"location", "server", "warning", "x-request-id"} < set(names)
    assert not {"set-cookie", "authorization"} & set(names)
    assert trace.hidden_headers == 2
    shown = plain(waterfall(result, chat(), trace)) + json.dumps(trace.headers) + repr(trace)
    assert KEY not in shown
    assert "***" in shown


async def test_a_stream_is_seen_whole() -> None:
    """Address, bytes both ways, and stages that reach from the first moment to the last."""
    result, trace = await looked(faults.tokens_each_30_ms, stream=True)
    assert result.ok
    assert trace.request.endswith("/chat/completions")
    assert trace.request.startswith("POST http://127.0.0.1:")
    assert trace.sent_bytes > 300
    assert trace.received_bytes > 100
    found = stages(result, trace.reached)
    assert [each.name for each in found][:3] == ["connect", "head", "first_token"]
    assert found[-1].end_s == result.total_s
    gaps = [b.start_s - a.end_s for a, b in pairwise(found)]
    assert gaps == pytest.approx([0.0] * len(gaps), abs=1e-6)


@pytest.mark.parametrize(
    ("handler", "reached", "last"),
    [
        (faults.silent, Phase.HEAD, "head"),
        (faults.half_a_head, Phase.HEAD, "head"),
        (faults.half_a_body, Phase.BODY, "body"),
        (faults.json_reset, Phase.BODY, "body"),
        (faults.json_cut, Phase.BODY, "body"),
    ],
)
async def test_a_failure_is_drawn_to_where_it_happened(
    handler: Handler, reached: Phase, last: str
) -> None:
    """The stage it ended in is the last one, unfinished, and lasts until then."""
    result, trace = await looked(handler, within_s=0.3)
    assert not result.ok
    assert trace.reached is reached
    stage = stages(result, trace.reached)[-1]
    assert (stage.name, stage.ended) == (last, False)
    assert stage.end_s == pytest.approx(result.total_s, abs=1e-3)


async def test_haste_is_a_deadline_and_spares_the_next() -> None:
    """Who waits 0.2 s gets a timeout of 0.2 s; the request of the schedule is not made anew."""
    trace = Trace(within_s=0.2)
    with serving(faults.answer_after_100_ms) as server:
        async with probing(server.url) as prober:
            first = await prober.probe(chat(), Slot(1, 60.0))
            request = prober._compiler.ready(chat(), 0.0)
            hurried = await prober.probe(chat(), Slot(2, 120.0), trace=trace)
            assert prober._compiler.ready(chat(), 0.0) is request
        assert (first.ok, hurried.ok) == (True, True)
        assert (trace.idle_s is None) is not hurried.reused
    result, _ = await looked(faults.silent, within_s=0.2)
    assert result.verdict is Verdict.TIMEOUT
    assert result.total_s == pytest.approx(0.2, abs=0.01)
    assert "deadline of 0.2 s passed" in result.detail


async def test_waiting_for_a_place_is_part_of_the_patience() -> None:
    """With every place taken for longer than one can wait, the answer says so in time."""
    with serving(faults.silent) as server:
        async with probing(server.url, max_concurrency=1) as prober:
            async with asyncio.TaskGroup() as group:
                group.create_task(prober.probe(chat(deadline_s=1.0), Slot(1, 60.0)))
                await asyncio.sleep(0)
                trace = Trace(within_s=0.1)
                result = await prober.probe(chat(), Slot(2, 120.0), trace=trace)
    assert result.verdict is Verdict.MONITOR_ERROR
    assert "within 0.1 s" in result.detail
    assert trace.reached is Phase.START
    assert result.waited_s == pytest.approx(0.1, abs=0.05)


async def test_a_new_connection_is_told_from_a_kept_one() -> None:
    """The second look at a server that keeps connections says how long this one had been idle."""
    traces = [Trace(), Trace()]
    with serving(faults.good) as server:
        async with probing(server.url) as prober:
            for number, trace in enumerate(traces):
                target = chat(connection=Connection.REUSE)
                await prober.probe(target, Slot(number, 60.0 * number), trace=trace)
    assert traces[0].idle_s is None
    assert traces[1].idle_s is not None
