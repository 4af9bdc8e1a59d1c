"""llmock (PyPI `llmock`, MIT): an OpenAI-compatible server with real quotas and scripted faults.

What it really answers, tried with 0.2.2:

- Any model, any key, no key: it answers everything. No `x-request-id`, no processing time.
- A fault or a reply is queued and used up by the next request that fits it.
- With `--rpm` every answer carries `x-ratelimit-{limit,remaining,reset}-requests` (Go durations,
  refilled continuously, one bucket for each key); beyond the limit 429 `rate_limit_exceeded` with
  a true Retry-After and `retry-after-ms`. A queued 429 has those two and no rate-limit headers.
- Streams open with a role and empty content; with include_usage every chunk says `usage: null`
  until the last. `truncate` ends the response politely without finish reason or [DONE],
  `disconnect` breaks it, `malformed` sends half an event and goes on, `stall` waits.
- Embeddings are always 1536 floats: `dimensions` and base64 are ignored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx2

from tests.servers.running import SERVERS, free_port, installed, running


@dataclass(frozen=True)
class Llmock:
    """A running llmock. Each method queues one behaviour for the next requests that fit it."""

    url: str
    http: httpx2.Client

    @property
    def base_url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return f"{self.url}/v1"

    def reply(self, text: str, *, times: int | None = 1) -> None:
        """Say `text`; `times` None: from now on."""
        self.add({"type": "reply", "text": text, "times": times})

    def failing(
        self, status: int = 500, *, times: int = 1, retry_after_s: float | None = None
    ) -> None:
        """Answer with an HTTP error; a 429 or 503 always has a Retry-After (1 s unless given)."""
        self.add({"type": "fail", "status": status, "times": times, "retry_after": retry_after_s})

    def stream_fault(
        self,
        kind: Literal["truncate", "disconnect", "malformed", "stall"],
        *,
        after_chunks: int = 2,
        stall_s: float = 30.0,
    ) -> None:
        """Break the next stream after some chunks (the opening one counts)."""
        fault: dict[str, object] = {"type": "stream_fault", "kind": kind}
        self.add(fault | {"after_chunks": after_chunks, "stall_seconds": stall_s})

    def slow_first_token(self, seconds: float) -> None:
        """Hold the first chunk of the next stream (the head leaves at once)."""
        self.add({"type": "slow_first_token", "seconds": seconds})

    def delay(self, seconds: float) -> None:
        """Hold the next answer, head and all."""
        self.add({"type": "delay", "seconds": seconds})

    def add(self, behaviour: dict[str, object]) -> None:
        """Queue any behaviour, in llmock's own words."""
        self.http.post(
            f"{self.url}/_llmock/scenario", json={"behaviors": [behaviour]}
        ).raise_for_status()

    def requests(self) -> list[dict[str, object]]:
        """Return the requests received, oldest first: model, status, completed, duration."""
        found: list[dict[str, object]] = self.http.get(f"{self.url}/_llmock/requests").json()[
            "requests"
        ]
        return found

    def reset(self) -> None:
        """Forget requests, queued behaviours and spent quota."""
        self.http.post(f"{self.url}/_llmock/reset").raise_for_status()


@contextmanager
def llmock_server(scratch: Path, *, rpm: int | None = None) -> Iterator[Llmock]:
    """Run llmock in `scratch` on a free port; `rpm` is the limit each key has, None: no limit."""
    program = installed(SERVERS / "llmock/bin/llmock")
    port = free_port()
    command = [program, "serve", "--port", str(port), "--response-style", "static"]
    limit = [] if rpm is None else ["--rpm", str(rpm)]
    url = f"http://127.0.0.1:{port}"
    with (
        running(
            [*command, "--log-level", "warning", *limit], ready=f"{url}/health", scratch=scratch
        ),
        httpx2.Client(trust_env=False) as http,
    ):
        yield Llmock(url, http)
