"""A limit nobody told us: llmock enforces one that the test draws.

Its buckets are full at first and refilled all the time, one for each key.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import replace

from aggregator.rate_limits import KeyLimits, LimitType
from monitor.kindness.patience import Patience
from probes.prober import Prober
from probes.result import ProbeResult, Verdict
from probes.target import Slot
from tests.integration.probing import chat, probing
from tests.servers.llmock import Llmock

INTERVAL_S = 0.05
"""Twenty a second: a bucket of forty lasts two seconds."""
TARGET = chat(preset="compatible", interval_s=INTERVAL_S, max_output_tokens=1)


async def asked(prober: Prober, number: int) -> ProbeResult:
    """Ask once; what comes back besides an answer or a 429 is a broken test."""
    result = await prober.probe(TARGET, Slot(number, time.time()))
    assert result.verdict in (Verdict.OK, Verdict.THROTTLED), result
    return result


async def test_a_hidden_limit_is_inferred_without_its_headers(
    limited_llmock: Callable[[int], Llmock],
) -> None:
    """Asking until it refuses gives the number away: but for what was refilled meanwhile."""
    hidden = random.randint(20, 80)
    server, limits = limited_llmock(hidden), KeyLimits()
    began = time.monotonic()
    async with probing(server.base_url, preset="compatible") as prober:
        for number in range(4 * hidden):
            result = await asked(prober, number)
            bare = replace(result, rate_limits=(), retry_after_s=None)
            limits.learn(bare, time.monotonic())
    refilled = math.ceil(hidden * (time.monotonic() - began) / 60.0)
    found = limits.observed(time.monotonic())[LimitType.REQUESTS]
    assert hidden <= found <= hidden + refilled
    statuses = [entry["status"] for entry in server.requests()]
    assert statuses[:found] == [200] * found
    assert statuses[found] == 429


async def test_with_its_headers_the_first_429_is_never_met(
    limited_llmock: Callable[[int], Llmock],
) -> None:
    """The interval is stretched before; whoever does not is refused most of the time."""
    hidden = random.randint(20, 40)
    server, patience = limited_llmock(hidden), Patience([TARGET])
    spared = 0
    async with probing(server.base_url, preset="compatible") as prober:
        for number in range(100):
            if patience.refuses(TARGET, time.monotonic()):
                spared += 1
            else:
                patience.learn(TARGET, await asked(prober, number), time.monotonic())
            await asyncio.sleep(INTERVAL_S)
    statuses = {entry["status"] for entry in server.requests()}
    assert statuses == {200}
    assert 100 - spared >= hidden * 0.9
    assert spared > 0


async def test_a_true_retry_after_is_a_promise_kept(
    limited_llmock: Callable[[int], Llmock],
) -> None:
    """Waited for, the next request is granted: the ratio is 1."""
    server, limits, patience = limited_llmock(60), KeyLimits(), Patience([TARGET])
    async with probing(server.base_url, preset="compatible") as prober:
        for number in range(400):
            now = time.monotonic()
            if limits.retry_after_ratio is not None:
                break
            if patience.refuses(TARGET, now):
                await asyncio.sleep(INTERVAL_S)
                continue
            result = replace(await asked(prober, number), rate_limits=())
            now = time.monotonic()
            limits.learn(result, now)
            patience.learn(TARGET, result, now)
    assert limits.retry_after_ratio == 1.0
    statuses = [entry["status"] for entry in server.requests()]
    assert statuses.count(429) == 1
    assert statuses[-1] == 200
