"""Probers and targets for tests against the fault server."""

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probes.lag import LagMeter
from probes.prober import Prober
from probes.reference import References
from probes.result import Operation, ProbeResult
from probes.secret import Secret, SecretSource
from probes.target import Provider, Slot, Target
from tests.integration.fault_server import FaultServer, Handler, serving

KEY = "sk-test-0123456789abcdef"


def chat(**changes: object) -> Target:
    """Make a chat target with short deadlines."""
    settings: dict[str, object] = {
        "name": "chat",
        "provider": "p",
        "preset": "openai",
        "model": "m",
        "operation": Operation.CHAT,
        "prompt": "Say ok",
        "deadline_s": 2.0,
        "first_token_deadline_s": 1.0,
        "idle_deadline_s": 1.0,
    }
    return Target(**(settings | changes))  # type: ignore[arg-type] # settings of many types


@asynccontextmanager
async def probing(
    url: str,
    tls: ssl.SSLContext | None = None,
    lag: LagMeter | None = None,
    references: References | None = None,
    **changes: object,
) -> AsyncIterator[Prober]:
    """Make the prober of one provider, closed at the end."""
    settings: dict[str, object] = {
        "name": "p",
        "preset": "openai",
        "base_url": url,
        "api_key": SecretSource(Secret(KEY)),
    }
    provider = Provider(**(settings | changes))  # type: ignore[arg-type] # as above
    prober = Prober(
        provider,
        location="here",
        wall=time.time,
        lag=lag or LagMeter(),
        tls=tls,
        references=references,
    )
    try:
        yield prober
    finally:
        await prober.close()


async def once(handler: Handler, **changes: object) -> tuple[ProbeResult, FaultServer]:
    """Probe a server with this behaviour once; every connection must be gone afterwards."""
    with serving(handler) as server:
        async with probing(server.url) as prober:
            result = await prober.probe(chat(**changes), Slot(1, 60.0))
        assert await server.all_closed(), "a connection was left open"
        return result, server
