"""An OpenAI-compatible provider that follows a script of incidents.

The script's clock starts with the first request to `/v1`, so that a watcher which takes its time
to start still sees the whole play. Beside the API it answers three questions about itself:
`/phase` (what is on), `/log` (what was received, as JSON lines) and `/livez`.
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final

from aiohttp import web

from monitor.simulator import answers
from monitor.simulator.exchange import Exchange, loop_time, timeline
from monitor.simulator.journal import Journal
from monitor.simulator.requests import (
    PROMPT_LOGGED_CHARS,
    Asked,
    RefusedError,
    authorised,
    read_chat,
    read_embeddings,
)
from monitor.simulator.script import Behaviour, Outcome, Script

BODY_LIMIT_BYTES: Final = 4 * 1024 * 1024
PROCESSING_S: Final = 0.004
"""What listing models and refusing a request take, as far as `openai-processing-ms` says."""

Act = Callable[[Exchange, Asked, Behaviour], Awaitable[web.StreamResponse]]


class Simulator:
    """One provider: its script, its clock, its request log."""

    def __init__(
        self,
        script: Script,
        *,
        wall: Callable[[], float],
        seed: int = 0,
        key: str | None = None,
        models: tuple[str, ...] = (),
    ) -> None:
        """Take the script; `key` None lets any key pass, `models` are served beside the usual."""
        self.script = script
        self.journal = Journal()
        self._wall = wall
        self._seed = seed
        self._key = key
        self._chat_models = frozenset({*answers.CHAT_MODELS, *models})
        self._embedding_models = frozenset({*answers.EMBEDDING_DIMENSIONS, *models})
        self._started_s: float | None = None
        self._turns: dict[str, int] = {}
        self._requests = answers.Bucket.full(answers.REQUESTS_PER_MINUTE)
        self._tokens = answers.Bucket.full(answers.TOKENS_PER_MINUTE)

    def application(self) -> web.Application:
        """Return the HTTP application, to be run with `handler_cancellation=True`.

        Without that a hang would not notice that its client has left.
        """
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/phase", self._phase)
        app.router.add_get("/log", self._log)
        app.router.add_get("/livez", self._livez)
        return app

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first request; 0 before it."""
        return 0.0 if self._started_s is None else loop_time() - self._started_s

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, read_chat, self._chat_models, self._say)

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, read_embeddings, self._embedding_models, self._embed)

    async def _serve(
        self,
        request: web.Request,
        read: Callable[[bytes], Asked],
        known: frozenset[str],
        act: Act,
    ) -> web.StreamResponse:
        """Admit a request and let it meet its fate; its end is noted even when it is cut off."""
        exchange = self._open(request)
        try:
            self._authorise(request)
            asked = read(await request.read())
            self._admit(exchange, asked, known)
            behaviour = self.script.behaviour(asked.model, self.elapsed_s)
            if behaviour.outcome is Outcome.HANG:
                await exchange.hang()
            self._refuse(asked, behaviour)
            return await act(exchange, asked, behaviour)
        except RefusedError as error:
            return await self._turn_away(exchange, error)
        finally:
            exchange.entry.answered_at = exchange.entry.answered_at or self._wall()

    def _open(self, request: web.Request) -> Exchange:
        if self._started_s is None:
            self._started_s = loop_time()
        peer = request.transport.get_extra_info("peername") if request.transport else None
        entry = self.journal.open(
            request_id=f"req_{answers.digest(self._seed, self.journal.opened + 1)}",
            path=request.path,
            at=self._wall(),
            phase=self.script.phase(self.elapsed_s).name,
            connection=f"{peer[0]}:{peer[1]}" if peer else "",
        )
        return Exchange(request, entry, self._wall)

    def _authorise(self, request: web.Request) -> None:
        refusal = authorised(request.headers.get("Authorization"), self._key)
        if refusal is not None:
            raise RefusedError(refusal)

    def _admit(self, exchange: Exchange, asked: Asked, known: frozenset[str]) -> None:
        """Note what was asked and count it against the limits. Raises RefusedError."""
        exchange.entry.model = asked.model
        exchange.entry.stream = asked.stream
        exchange.entry.prompt = asked.prompt[:PROMPT_LOGGED_CHARS]
        if asked.model not in known:
            raise RefusedError(answers.unknown_model(asked.model))
        self._requests.take(1, loop_time())
        self._tokens.take(len(asked.prompt) / 4 + (asked.max_tokens or 16), loop_time())

    def _refuse(self, asked: Asked, behaviour: Behaviour) -> None:
        """Raise RefusedError where the script wants an error."""
        wait_s = behaviour.retry_after_s
        refusal = answers.refusal_of(behaviour.outcome, asked.model, wait_s)
        if refusal is None:
            return
        if behaviour.outcome is not Outcome.THROTTLED:
            raise RefusedError(refusal)
        empty = answers.limit_headers("requests", answers.REQUESTS_PER_MINUTE, 0, wait_s)
        wait = {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": f"{wait_s * 1000:.0f}"}
        raise RefusedError(refusal, empty | wait)

    async def _turn_away(self, exchange: Exchange, error: RefusedError) -> web.StreamResponse:
        headers = self._heads(exchange, PROCESSING_S) | error.headers
        refusal = error.refusal
        return await exchange.whole(refusal.body(), headers, status=refusal.status)

    async def _say(
        self, exchange: Exchange, asked: Asked, behaviour: Behaviour
    ) -> web.StreamResponse:
        entry = exchange.entry
        factor = self._factor(asked.model, behaviour)
        said = answers.answer(asked, number=entry.number, created=int(entry.received_at))
        if asked.stream:
            events = answers.chat_events(said, include_usage=asked.include_usage)
            timed = timeline(events, behaviour, factor)
            return await exchange.stream(
                timed, self._heads(exchange, timed[0][0]), behaviour.outcome
            )
        spent_s = behaviour.first_token_s + behaviour.token_s * (len(said.pieces) - 1)
        return await self._answer(exchange, answers.chat_body(said), behaviour, factor * spent_s)

    async def _embed(
        self, exchange: Exchange, asked: Asked, behaviour: Behaviour
    ) -> web.StreamResponse:
        factor = self._factor(asked.model, behaviour)
        body = answers.embeddings_body(asked)
        return await self._answer(exchange, body, behaviour, factor * behaviour.embedding_s)

    async def _answer(
        self, exchange: Exchange, body: bytes, behaviour: Behaviour, spent_s: float
    ) -> web.StreamResponse:
        await asyncio.sleep(spent_s)
        headers = self._heads(exchange, spent_s)
        if behaviour.outcome in (Outcome.CUT, Outcome.DROPPED):
            return await exchange.half(body, headers)
        return await exchange.whole(body, headers)

    def _factor(self, model: str, behaviour: Behaviour) -> float:
        """Draw this request's pace: by seed, model and the model's own count of requests."""
        turn = self._turns[model] = self._turns.get(model, 0) + 1
        return behaviour.factor(answers.luck(self._seed, model, turn))

    def _heads(self, exchange: Exchange, spent_s: float) -> dict[str, str]:
        return {
            "x-request-id": exchange.entry.request_id,
            "openai-processing-ms": str(round(spent_s * 1000)),
            "openai-version": "2020-10-01",
            **self._requests.headers("requests"),
            **self._tokens.headers("tokens"),
        }

    async def _list(self, request: web.Request) -> web.StreamResponse:
        exchange = self._open(request)
        try:
            self._authorise(request)
        except RefusedError as error:
            return await self._turn_away(exchange, error)
        listed = sorted(self._chat_models | self._embedding_models)
        return await exchange.whole(
            answers.models_body(listed), self._heads(exchange, PROCESSING_S)
        )

    async def _phase(self, _request: web.Request) -> web.Response:
        elapsed_s = self.elapsed_s
        return web.json_response(
            {
                "script": self.script.name,
                "seconds": self.script.seconds,
                "started": self._started_s is not None,
                "elapsed_s": elapsed_s,
                "phase": self.script.phase(elapsed_s).name,
                "phases": [asdict(phase) for phase in self.script.phases],
            },
            dumps=json.dumps,
        )

    async def _log(self, _request: web.Request) -> web.Response:
        text = "".join(f"{line}\n" for line in self.journal.lines())
        return web.Response(text=text, content_type="application/jsonl")

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")
