"""The real dashboard in front of an API that says what a test wants: overview and stream alone."""

import asyncio
import queue
import socket
import threading
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from monitor.api.models.alerts import AlertRow
from monitor.api.models.instance import Instance
from monitor.api.models.live import Overview, Tick
from monitor.api.models.targets import Figures, Last, Quantile, Spark, Strip, TargetNow, TargetRow
from monitor.web.assets import dashboard_routes, load_assets

POLL_S = 0.02
START_LIMIT_S = 10.0


def instance(**changes: object) -> Instance:
    """A daemon that is well."""
    facts: dict[str, object] = {
        "version": "1",
        "location": "fra1",
        "configuration": "sonde.yaml",
        "now": time.time(),
        "started_at": 0.0,
        "ready": True,
        "checks": [],
        "reload": None,
        "targets": 1,
        "window": "15m",
        "window_s": 900.0,
    }
    return Instance.model_validate(facts | changes)


def target(name: str, *, level: str = "ok", rank: int = 0, detail: str = "") -> TargetNow:
    """A target that answers in 420 ms, or fails with `detail`."""
    unknown = {name for name, about in Figures.model_fields.items() if about.is_required()}
    figures = dict.fromkeys(unknown) | {
        "window": "15m",
        "window_s": 900.0,
        "samples": 9,
        "missed": 0,
        "p50_s": Quantile(value=0.42),
        "by_fault": {},
        "by_verdict": {},
    }
    last = Last(
        at=time.time(),
        verdict="server_error" if detail else "ok",
        fault="provider" if detail else "none",
        detail=detail,
        hint=detail,
        total_s=0.42,
        first_token_s=None,
        status=200,
    )
    facts = {
        "name": name,
        "provider": name.partition("-")[0],
        "model": "m",
        "operation": "chat",
        "stream": False,
        "interval_s": 60.0,
        "labels": {},
        "rank": rank,
        "level": level,
        "last": last,
        "figures": figures,
    }
    return TargetNow.model_validate(facts)


def alert(subject: str, *, value: str = "40 %") -> AlertRow:
    """An alert that fires by the provider's fault."""
    return AlertRow(
        fingerprint=f"f-{subject}",
        name="ErrorRate",
        severity="critical",
        state="firing",
        subject=subject,
        targets=[subject],
        provider="p",
        fault="provider",
        value=value,
        condition="> 10 %",
        since=time.time(),
        fired_at=time.time(),
        clear_since=None,
        channels=[],
        notes=[],
        annotations={},
        labels={},
    )


def _row(now: TargetNow) -> TargetRow:
    day, month = (
        Strip(since=0, step_s=step_s, n=[9] * n, provider=[1] * n, other=[0] * n, missed=[0] * n)
        for step_s, n in ((3600, 24), (86_400, 30))
    )
    known = [0.4] * 24
    spark = Spark(since=0, step_s=3600, p50_s=known, p95_s=known, first_token_p50_s=[None] * 24)
    return TargetRow(now=now, day=day, month=month, spark=spark)


class Board:
    """Serves the dashboard over these targets and alerts.

    `away`: nothing of the API answers. Who comes back with the id of a tick is told to resync.
    """

    def __init__(
        self, targets: list[TargetNow], alerts: list[AlertRow], daemon: Instance | None = None
    ) -> None:
        self.targets = targets
        self.alerts = alerts
        self.daemon = daemon or instance(targets=len(targets))
        self.away = False
        self._ticks: queue.SimpleQueue[Tick] = queue.SimpleQueue()
        routes = [
            Route("/api/v1/overview", self._overview),
            Route("/api/v1/stream", self._stream),
            *dashboard_routes(load_assets(), lambda _: None),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_LIMIT_S
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.away = True  # streams end, so that nothing holds the server
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def tick(self, *targets: TargetNow, alerts: list[AlertRow] | None = None) -> None:
        """Say what is otherwise now."""
        changed = Tick(now=time.time(), instance=None, targets=list(targets), alerts=alerts)
        self._ticks.put(changed)

    async def _overview(self, _: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        daemon = self.daemon.model_copy(update={"now": time.time()})
        rows = [_row(one) for one in self.targets]
        whole = Overview(instance=daemon, targets=rows, alerts=self.alerts)
        return JSONResponse(whole.model_dump(mode="json"))

    async def _stream(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        returns = "last-event-id" in request.headers
        return StreamingResponse(self._events(returns), media_type="text/event-stream")

    async def _events(self, returns: bool) -> AsyncIterator[str]:
        yield "event: resync\ndata:\n\n" if returns else ": here\n\n"
        while not self.away:
            try:
                tick = self._ticks.get_nowait()
            except queue.Empty:
                await asyncio.sleep(POLL_S)
            else:
                yield f"id: 1\nevent: tick\ndata: {tick.model_dump_json()}\n\n"
