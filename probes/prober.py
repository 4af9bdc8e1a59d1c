"""The prober of one provider key: one request in, one ProbeResult out, whatever happens."""

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import structlog

from probes.attempt import Attempt
from probes.chat import CHAT
from probes.classify import Classified, classified, classify_failure
from probes.compile import CompiledRequest, CompileError, Compiler, nonce_of
from probes.embeddings import EMBEDDINGS
from probes.hints import Hint
from probes.lag import LagMeter
from probes.models import MODELS
from probes.operation import OperationSpec
from probes.outcome import Circumstances, Errand, Outcome, result_of
from probes.reference import NoReferences, Reference, References
from probes.responses import RESPONSES
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.sanitise import sanitise
from probes.secret import SecretError
from probes.target import Provider, Slot, Target
from probes.trace import Trace
from probes.verdicts import WireFailure
from probes.wire.exchange import Exchange
from probes.wire.pool import ClosedError, Pool
from probes.wire.proxy import TO_PROXY, ProxyAddress
from probes.wire.request import Request
from probes.wire.timeline import Timeline, limit_bytes_for
from probes.wire.trust import NoRootsError, Trust, client_context, papers_of

OPERATIONS: Final[Mapping[Operation, OperationSpec]] = MappingProxyType(
    {
        Operation.CHAT: CHAT,
        Operation.EMBEDDINGS: EMBEDDINGS,
        Operation.RESPONSES: RESPONSES,
        Operation.MODELS: MODELS,
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
        references: References | None = None,
    ) -> None:
        """Prepare; connects nowhere. Blocks for about 20 ms to load the trust store for https.

        `wall` returns seconds since the epoch, for naming times only. `tls` replaces the operating
        system's trust. Embeddings are compared with `references`, and the first good one is offered
        to them.
        """
        self._provider = provider
        self._references = references or NoReferences()
        self._otherwise: dict[str, OperationSpec] = {}
        """What to ask for a target instead, because its server has no such path."""
        self._location = location
        self._wall = wall
        self._lag = lag
        self._untrusting: NoRootsError | None = None
        papers = papers_of(provider)
        trust = Trust(papers) if tls is None and papers.files else None
        if tls is None and trust is None and provider.base_url.lower().startswith("https:"):
            try:
                tls = client_context()
            except NoRootsError as error:  # told by each result, for as long as it lasts
                self._untrusting = error
        proxy = ProxyAddress(provider.proxy) if provider.proxy is not None else None
        self._pool = Pool(tls, proxy=proxy, trust=trust)
        self._compiler = Compiler(provider)
        # Those who wait for a place are bounded by the targets, each of which has one in flight.
        self._places = asyncio.Semaphore(provider.max_concurrency)

    async def probe(
        self, target: Target, slot: Slot, attempt: int = 1, trace: Trace | None = None
    ) -> ProbeResult:
        """Send one request and say what came of it. Raises nothing but CancelledError.

        Cancelling cuts the connection. The time spent waiting for a place is in `waited_s` and in
        no other figure; the target's deadline begins when the place is had. Whoever looks closely
        hands in a `trace`, which may ask for an answer sooner.
        """
        errand = Errand(
            target=target, slot=slot, attempt=attempt, location=self._location, at=self._wall()
        )
        began = time.monotonic()
        longest_s = target.deadline_s if trace is None else trace.limited(target).deadline_s
        if not await self._place_within(longest_s):
            return self._without_place(errand, began, longest_s)
        try:
            return await self._placed(errand, began, trace)
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

    async def _placed(
        self,
        errand: Errand,
        asked_at: float,
        trace: Trace | None,
        until: float = math.inf,
    ) -> ProbeResult:
        began = time.monotonic()
        timeline = Timeline(limit_bytes_for(errand.target.max_output_tokens), self._lag)
        request: CompiledRequest | None = None
        outcome: Outcome | None = None
        # The request is made for the target as it is configured, whoever is in a hurry.
        target = errand.target if trace is None else trace.limited(errand.target, began - asked_at)
        # asyncio's clock is the monotonic one
        deadline_at = min(until, began + target.deadline_s)
        try:
            spec = self._otherwise.get(target.name) or OPERATIONS[target.operation]
            request = self._compiler.ready(errand.target, began)
            if request is None:
                async with asyncio.timeout_at(deadline_at):
                    request = await self._compiler.capture(errand.target, spec)
            outcome = await self._attempt(
                errand, target, spec, request, timeline, deadline_at, trace
            )
            if outcome.status == 404 and spec.otherwise is not None:
                # The one attempt of two requests, and only until the server is known.
                self._otherwise[target.name] = spec.otherwise
                self._compiler.forget(errand.target)
                return await self._placed(errand, asked_at, trace, deadline_at)
            if outcome.found.verdict in (Verdict.MODEL_NOT_FOUND, Verdict.CONTENT_MISMATCH):
                self._by_name_again(errand.target)
            around = self._around(request, asked_at, began)
            if trace is not None:
                trace.ended(timeline, outcome.headers, around.secrets)
            return result_of(errand, timeline, outcome, around)
        except Exception as error:  # noqa: BLE001 - the boundary: always a result, never a crash
            broken = self._broke(error, errand, time.monotonic() - began)
        if outcome is not None:  # what broke may be the record of the wire: without it, then
            timeline = Timeline()
        return result_of(errand, timeline, broken, self._around(request, asked_at, began))

    def _by_name_again(self, target: Target) -> None:
        """Believe no list for long that a model is not in it: Anthropic's has no aliases.

        https://docs.claude.com/en/api/models
        """
        if self._otherwise.pop(target.name, None) is not None:
            self._compiler.forget(target)

    def _around(
        self, request: CompiledRequest | None, asked_at: float, began: float
    ) -> Circumstances:
        return Circumstances(
            waited_s=began - asked_at,
            loop_lag_s=self._lag.worst_since(began),
            gc_s=self._lag.collector.worst_since(began),
            prompt_chars=request.prompt_chars if request is not None else 0,
            answered_at=self._wall(),
            secrets=request.hidden if request is not None else (),
        )

    async def _attempt(
        self,
        errand: Errand,
        target: Target,
        spec: OperationSpec,
        compiled: CompiledRequest,
        timeline: Timeline,
        deadline_at: float,
        trace: Trace | None,
    ) -> Outcome:
        if self._untrusting is not None:
            found = classify_failure(WireFailure.TLS_NO_ROOTS, str(self._untrusting))
            return Outcome(found=found, total_s=0.0)
        nonce = nonce_of(target.name, errand.location, errand.slot.number, errand.attempt)
        request = Request(compiled.origin, compiled.data(nonce), compiled.fresh)
        exchange = Exchange(self._pool, request, timeline)
        secrets = compiled.hidden
        if trace is not None:
            trace.asked(request.origin, request.data, secrets)
        reference = self._reference_of(errand.target)
        attempt = Attempt(target, spec, exchange, timeline, self._lag, secrets, reference)
        outcome = await attempt.run(deadline_at)
        if reference is None:
            self._offer(errand.target, outcome)
        if outcome.found.verdict is Verdict.AUTH:
            self._compiler.forget(errand.target)
        elif outcome.found.hint is Hint.INCLUDE_USAGE:
            self._compiler.refuses_usage(time.monotonic())
        elif self._provider.proxy is not None and timeline.phase in TO_PROXY:
            return self._not_by_provider(outcome)
        return outcome

    def _reference_of(self, target: Target) -> Reference | None:
        is_vector = target.operation is Operation.EMBEDDINGS
        return self._references.get(target) if is_vector else None

    def _offer(self, target: Target, outcome: Outcome) -> None:
        vector = outcome.reading.vector if outcome.reading is not None else None
        if vector is not None and outcome.found.verdict is Verdict.OK:
            self._references.offer(target, vector)

    def _not_by_provider(self, outcome: Outcome) -> Outcome:
        """Take a deadline that passed before our proxy had opened the way off the provider."""
        if outcome.found.verdict is not Verdict.TIMEOUT:
            return outcome
        found = replace(outcome.found, fault=Fault.NETWORK, hint=Hint.PROXY)
        return replace(outcome, found=found)

    def _broke(self, error: Exception, errand: Errand, after_s: float) -> Outcome:
        match error:
            case SecretError():
                detail = sanitise(f"the API key is not usable: {error}")
                found = classified(Verdict.AUTH, detail, hint=Hint.KEY_UNUSABLE)
            case TimeoutError():  # every other wait is the attempt's, which tells its own
                detail = "our own process did not make the request ready within the deadline"
                found = classified(Verdict.MONITOR_ERROR, detail, hint=Hint.BUSY)
            case CompileError() | ClosedError():
                found = classified(Verdict.MONITOR_ERROR, sanitise(str(error)))
            case _:
                # Its text may hold anything; the log takes secrets out, and has the traceback.
                log.error("probe.broke", target=errand.target.name, exc_info=error)
                detail = f"a bug: {type(error).__name__}"
                found = classified(Verdict.MONITOR_ERROR, detail, hint=Hint.BUG)
        return Outcome(found=found, total_s=after_s)

    def _without_place(self, errand: Errand, asked_at: float, longest_s: float) -> ProbeResult:
        waited_s = time.monotonic() - asked_at
        places = self._provider.max_concurrency
        found: Classified = classified(
            Verdict.MONITOR_ERROR,
            f"no place among {places} (max_concurrency) within {longest_s:g} s",
            hint=Hint.PLACES,
        )
        around = Circumstances(
            waited_s=waited_s, loop_lag_s=self._lag.worst_since(asked_at), answered_at=self._wall()
        )
        return result_of(errand, Timeline(), Outcome(found=found, total_s=0.0), around)
