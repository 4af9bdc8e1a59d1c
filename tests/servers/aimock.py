"""aimock (npm `@copilotkit/aimock`, MIT): an OpenAI-compatible server scripted by fixtures.

What it really answers, tried with 1.43.0 on Node 20:

- Fixtures are matched by exact model name (or a part of the last user message), the first that
  fits wins, and they can be posted while it runs. Without one a chat request gets 404, an
  embedding one a vector made up from the text.
- Any key passes, and a missing one too. `X-Request-Id` is on every answer; rate-limit headers are
  on 429s only, always 60 requests and 150000 tokens, none remaining, resets `1s` and `6m0s`.
- Bodies in one piece are sent chunked, without Content-Length.
- A stream opens with a role and empty content, and carries usage only when asked for. A
  `streamingProfile` delays the first *content* event, and the answer in one piece as well.
- `truncateAfterChunks` does not end the response: it destroys the connection, and what was
  not flushed with it: the last chunk, and with no delay between chunks the head itself.
- Embeddings come as floats even when base64 is asked for, and `dimensions` is ignored where a
  fixture gives the vector.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.servers.running import SERVERS, free_port, installed, missing, running


@dataclass(frozen=True)
class Aimock:
    """A running aimock. Each method adds one fixture; `model` names it."""

    url: str
    http: httpx2.Client

    @property
    def base_url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return f"{self.url}/v1"

    def chat(
        self,
        model: str,
        text: str = "ok, all is well.",
        *,
        first_token_ms: int = 0,
        tokens_per_s: int = 0,
        input_tokens: int = 9,
        output_tokens: int = 5,
    ) -> None:
        """Answer chat requests, streamed or not, as asked.

        `tokens_per_s` 0: no pause between chunks.
        """
        usage = {
            "prompt_tokens": input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
        }
        fixture: dict[str, object] = {
            "match": {"model": model, "endpoint": "chat"},
            "response": {"content": text, "usage": usage, "systemFingerprint": "fp_aimock"},
            "chunkSize": 4,
        }
        if first_token_ms or tokens_per_s:
            profile = {"ttft": first_token_ms, "tps": tokens_per_s or 1000, "jitter": 0}
            fixture["streamingProfile"] = profile
        self.add(fixture)

    def embedding(self, model: str, vector: Sequence[float]) -> None:
        """Answer every embedding request with this vector."""
        match = {"model": model, "endpoint": "embedding"}
        self.add({"match": match, "response": {"embedding": list(vector)}})

    def throttled(self, model: str, *, retry_after_s: int) -> None:
        """Answer 429 `rate_limit_exceeded` with Retry-After and empty buckets."""
        error = {
            "message": f"Rate limit reached for {model} on requests per min (RPM).",
            "type": "requests",
            "code": "rate_limit_exceeded",
        }
        response = {"error": error, "status": 429, "retryAfter": retry_after_s}
        self.add({"match": {"model": model}, "response": response})

    def failing(self, model: str, *, status: int = 500) -> None:
        """Answer with a server error."""
        error = {"message": "The server had an error", "type": "server_error"}
        self.add({"match": {"model": model}, "response": {"error": error, "status": status}})

    def dropped(self, model: str, *, after_chunks: int = 3) -> None:
        """Destroy the connection of a stream after some chunks (the opening one counts)."""
        self.add(
            {
                "match": {"model": model},
                "response": {"content": "one two three four five six seven eight"},
                "chunkSize": 4,
                "latency": 20,
                "truncateAfterChunks": after_chunks,
            }
        )

    def add(self, fixture: dict[str, object]) -> None:
        """Add any fixture, in aimock's own words."""
        self.http.post(
            f"{self.url}/__aimock/fixtures", json={"fixtures": [fixture]}
        ).raise_for_status()

    def requests(self) -> list[dict[str, object]]:
        """Return the requests received, oldest first: path, headers, body, response status."""
        entries: list[dict[str, object]] = self.http.get(f"{self.url}/__aimock/journal").json()
        return entries

    def reset(self) -> None:
        """Forget fixtures and requests."""
        self.http.post(f"{self.url}/__aimock/reset").raise_for_status()


@contextmanager
def aimock_server(scratch: Path) -> Iterator[Aimock]:
    """Run aimock in `scratch` on a free port."""
    node = installed(SERVERS / "bin" / "node")
    program = SERVERS / "aimock/node_modules/@copilotkit/aimock/dist/cli.js"
    if not program.exists():
        missing("aimock")
    fixtures = scratch / "fixtures"
    fixtures.mkdir()
    port = free_port()
    command = [node, str(program), "--port", str(port), "--fixtures", str(fixtures)]
    url = f"http://127.0.0.1:{port}"
    with (
        running([*command, "--log-level", "warn"], ready=f"{url}/ready", scratch=scratch),
        httpx2.Client(trust_env=False) as http,
    ):
        yield Aimock(url, http)
