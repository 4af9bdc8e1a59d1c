"""The prober of one provider key: one request in, one ProbeResult out, whatever happens."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import structlog

from probes.attempt import Attempt
from probes.chat import CHAT
from probes.classify import Classified, WireFailure, classified, classify_failure
from probes.compile import CompiledRequest, CompileError, Compiler, nonce_of
from probes.embeddings import EMBEDDINGS
from probes.lag import LagMeter
from probes.operation import OperationSpec
from probes.outcome import Circumstances, Errand, Outcome, result_of
from probes.result import Operation, ProbeResult, Verdict
from probes.sanitise import sanitise
from probes.secret import SecretError
from probes.target import Provider, Slot, Target
from probes.wire.exchange import Exchange
from probes.wire.pool import ClosedError, Pool
from probes.wire.request import Request
from probes.wire.timeline import Timeline, limit_bytes_for
from probes.wire.trust import NoRootsError, client_context

OPERATIONS: Final[Mapping[Operation, OperationSpec]] = MappingProxyType(
    {
        Operation.CHAT: CHAT,
        Operation.EMBEDDINGS: EMBEDDINGS,
    }
)
"""Every operation a target can have."""

log = structlog.get_logger()


class Prober:
    """Probes the targets of one provider key, at most `max_concurrency` at a time."""

    def __init__(
        self,
        provider: Provider,
        *,
        location: str,
        wall: Callable[[], float],
        lag: LagMeter,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; connects nowhere. Blocks for about 20 ms to load the trust store for https.

        `wall` returns seconds since the epoch, for naming times only. `tls` replaces the operating
        system's trust.
        """
        self._provider = provider
        self._location = location
        self._wall = wall
        self._lag = lag
        self._untrusting: NoRootsError | None = None
        if tls is None and provider.base_url.lower().startswith("https:"):
            try:
                tls = client_context()
            except NoRootsError as error:  # told by each result, for as long as it lasts
                self._untrusting = error
        self._pool = Pool(tls)
        self._compiler = Compiler(provider)
        # Those who wait for a place are bounded by the targets, each of which has one in flight.
        self._places = asyncio.Semaphore(provider.max_concurrency)

    async def probe(self, target: Target, slot: Slot, attempt: int = 1) -> ProbeResult:
        """Send one request and say what came of it. Raises nothing but CancelledError.

        Cancelling cuts the connection. The time spent waiting for a place is in `waited_s` and in
        no other figure; the target's deadline begins when the place is had.
        """
        errand = Errand(
            target=target, slot=slot, attempt=attempt, location=self._location, at=self._wall()
        )
        began = time.monotonic()
        if not await self._place_within(target.deadline_s):
            return self._without_place(errand, began)
        try:
            return await self._placed(errand, began)
        finally:
            self._places.release()

    async def _place_within(self, wait_s: float) -> bool:
        if not self._places.locked():
            return await self._places.acquire()  # without waiting
        try:
            async with asyncio.timeout(wait_s):
                return await self._places.acquire()
        except TimeoutError:
            return False

    async def close(self) -> None:
        """Close all connections. Probes still in flight, and later ones, end with an error."""
        await self._pool.close()

    async def _placed(self, errand: Errand, asked_at: float) -> ProbeResult:
        began = time.monotonic()
        timeline = Timeline(limit_bytes_for(errand.target.max_output_tokens), self._lag)
        request: CompiledRequest | None = None
        outcome: Outcome | None = None
        deadline_at = began + errand.target.deadline_s  # asyncio's clock is the monotonic one
        try:
            spec = OPERATIONS[errand.target.operation]
            request = self._compiler.ready(errand.target, began)
            if request is None:
                async with asyncio.timeout_at(deadline_at):
                    request = await self._compiler.capture(errand.target, spec)
            outcome = await self._attempt(errand, spec, request, timeline, deadline_at)
            around = self._around(request, asked_at, began)
            return result_of(errand, timeline, outcome, around)
        except Exception as error:  # noqa: BLE001 - the boundary: always a result, never a crash
            broken = self._broke(error, errand, time.monotonic() - began)
        if outcome is not None:  # what broke may be the record of the wire: without it, then
            timeline = Timeline()
        return result_of(errand, timeline, broken, self._around(request, asked_at, began))

    def _around(
        self, request: CompiledRequest | None, asked_at: float, began: float
    ) -> Circumstances:
        return Circumstances(
            waited_s=began - asked_at,
            loop_lag_s=self._lag.worst_since(began),
            gc_s=self._lag.collector.worst_since(began),
            prompt_chars=request.prompt_chars if request is not None else 0,
            answered_at=self._wall(),
            secrets=(request.secret.reveal(),) if request is not None else (),
        )

    async def _attempt(
        self,
        errand: Errand,
        spec: OperationSpec,
        compiled: CompiledRequest,
        timeline: Timeline,
        deadline_at: float,
    ) -> Outcome:
        target = errand.target
        if self._untrusting is not None:
            found = classify_failure(WireFailure.TLS_NO_ROOTS, str(self._untrusting))
            return Outcome(found=found, total_s=0.0)
        nonce = nonce_of(target.name, errand.location, errand.slot.number, errand.attempt)
        request = Request(compiled.origin, compiled.data(nonce), compiled.fresh)
        exchange = Exchange(self._pool, request, timeline)
        secrets = (compiled.secret.reveal(),)
        attempt = Attempt(target, spec, exchange, timeline, self._lag, secrets)
        outcome = await attempt.run(deadline_at)
        if outcome.found.verdict is Verdict.AUTH:
            self._compiler.forget(target)
        return outcome

    def _broke(self, error: Exception, errand: Errand, after_s: float) -> Outcome:
        match error:
            case SecretError():
                found = classified(Verdict.AUTH, sanitise(f"the API key is not usable: {error}"))
            case CompileError() | ClosedError():
                found = classified(Verdict.MONITOR_ERROR, sanitise(str(error)))
            case _:
                # Its text may hold anything; the log takes secrets out, and has the traceback.
                log.error("probe.broke", target=errand.target.name, exc_info=error)
                found = classified(Verdict.MONITOR_ERROR, f"a bug: {type(error).__name__}")
        return Outcome(found=found, total_s=after_s)

    def _without_place(self, errand: Errand, asked_at: float) -> ProbeResult:
        waited_s = time.monotonic() - asked_at
        places = self._provider.max_concurrency
        found: Classified = classified(
            Verdict.MONITOR_ERROR,
            f"no place among {places} (max_concurrency) within {errand.target.deadline_s:g} s",
        )
        around = Circumstances(
            waited_s=waited_s, loop_lag_s=self._lag.worst_since(asked_at), answered_at=self._wall()
        )
        return result_of(errand, Timeline(), Outcome(found=found, total_s=0.0), around)
