"""The simulator as a process of its own, met by the real openai SDK and by raw sockets."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import openai
import pytest

ROOT = Path(__file__).parents[2]
READY_S = 20.0
MESSAGES = [{"role": "user", "content": "8f3a Answer with the single word: ok"}]


@dataclass(frozen=True)
class Running:
    """A simulator that has said it is ready."""

    ready: Mapping[str, object]
    process: asyncio.subprocess.Process
    http: httpx2.AsyncClient

    @property
    def url(self) -> str:
        """Return the address the simulator listens on."""
        return str(self.ready["url"])

    def client(self, key: str = "sk-any") -> openai.AsyncOpenAI:
        """Return an SDK client that neither retries nor looks at the environment."""
        return openai.AsyncOpenAI(
            api_key=key,
            base_url=str(self.ready["base_url"]),
            max_retries=0,
            timeout=5.0,
            http_client=httpx2.AsyncClient(trust_env=False),
        )

    async def log(self) -> list[dict[str, object]]:
        """Return the request log."""
        text = (await self.http.get(f"{self.url}/log")).text
        return [json.loads(line) for line in text.splitlines()]

    async def received(self) -> None:
        """Return once a request has arrived."""
        async with asyncio.timeout(5.0):
            while True:
                if await self.log():
                    return
                await asyncio.sleep(0.01)

    async def logged(self, number: int) -> dict[str, object]:
        """Return request `number` once the simulator has noted its end."""
        async with asyncio.timeout(5.0):
            while True:
                rows = [row for row in await self.log() if row["number"] == number]
                if rows and rows[0]["answered_at"] is not None:
                    return rows[0]
                await asyncio.sleep(0.01)


@asynccontextmanager
async def simulator(*arguments: str) -> AsyncIterator[Running]:
    """Run a simulator with these arguments on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "monitor.simulator",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        async with httpx2.AsyncClient(trust_env=False) as http:
            yield Running(json.loads(line), process, http)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # The transport outlives the process for one turn of the loop.
        await asyncio.sleep(0)


async def test_the_sdk_understands_an_answer_in_one_piece() -> None:
    """Text, usage, finish reason and headers are where the SDK expects them."""
    async with simulator("--script", "answer") as running, running.client() as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=MESSAGES, max_completion_tokens=16
        )
        completion = raw.parse()
    assert completion.choices[0].message.content.lower().startswith("ok")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.completion_tokens == 5
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-ratelimit-remaining-requests"] == "9999"
    assert int(raw.headers["openai-processing-ms"]) > 100


async def test_the_sdk_understands_a_stream() -> None:
    """A role first, then tokens, a finish reason, and usage with no choices."""
    async with simulator("--script", "answer") as running, running.client() as client:
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        (row,) = await running.log()
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    assert "".join(delta.content or "" for delta in deltas) == "ok, all systems are well."
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 5
    assert (row["stream"], row["completed"], row["status"]) == (True, True, 200)


async def test_the_sdk_understands_both_forms_of_embeddings() -> None:
    """base64 (the SDK's own default) and plain floats decode to the same vector."""
    async with simulator("--script", "answer") as running, running.client() as client:
        coded = await client.embeddings.create(
            model="text-embedding-3-small", input="hello", dimensions=256
        )
        plain = await client.embeddings.create(
            model="text-embedding-3-small", input="hello", dimensions=256, encoding_format="float"
        )
    assert len(coded.data[0].embedding) == 256
    assert coded.data[0].embedding == pytest.approx(plain.data[0].embedding)


async def test_models_are_listed_for_those_with_a_key() -> None:
    """The list holds the usual models and the ones added by name; no key, no list."""
    async with simulator("--script", "answer", "--model", "house-1") as running:
        async with running.client() as client:
            listed = {model.id async for model in client.models.list()}
        bare = await running.http.get(f"{running.url}/v1/models")
    assert {"gpt-4o", "text-embedding-3-large", "house-1"} <= listed
    assert (bare.status_code, bare.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("throttled", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("server_error", openai.InternalServerError, None),
        ("overloaded", openai.InternalServerError, "server_is_overloaded"),
    ],
)
async def test_error_scripts_raise_what_the_real_api_would(
    script: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    """Each error script makes the SDK raise the class and code that OpenAI's errors do."""
    async with simulator("--script", script) as running, running.client() as client:
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert caught.value.code == code


async def test_throttling_says_how_long_and_shows_an_empty_bucket() -> None:
    """A 429 carries Retry-After, its milliseconds, and no requests remaining."""
    async with simulator("--script", "throttled") as running, running.client() as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.embeddings.create(model="text-embedding-3-small", input="x")
        headers = caught.value.response.headers
    assert headers["retry-after"] == "2"
    assert headers["retry-after-ms"] == "2000"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"] == "2s"


async def test_a_wrong_key_and_an_unknown_model_are_refused() -> None:
    """401 invalid_api_key and 404 model_not_found; both are in the log as complete answers."""
    async with simulator("--script", "answer", "--key", "sk-right") as running:
        async with running.client("sk-wrong") as client:
            with pytest.raises(openai.AuthenticationError) as unauthorised:
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        async with running.client("sk-right") as client:
            with pytest.raises(openai.NotFoundError) as unknown:
                await client.chat.completions.create(model="gpt-9", messages=MESSAGES)
        rows = await running.log()
    assert unauthorised.value.code == "invalid_api_key"
    assert unknown.value.code == "model_not_found"
    assert [(row["status"], row["completed"]) for row in rows] == [(401, True), (404, True)]


async def test_a_body_that_is_no_json_is_a_400() -> None:
    """A broken request gets OpenAI's error shape, not a stack trace."""
    async with simulator("--script", "answer") as running:
        response = await running.http.post(
            f"{running.url}/v1/chat/completions",
            content=b"{",
            headers={"Authorization": "Bearer k"},
        )
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_cut_stream_ends_politely_without_finish_or_done() -> None:
    """The SDK sees no error at all: that is what makes a cut stream dangerous."""
    async with simulator("--script", "cut") as running, running.client() as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True
        )
        chunks = [chunk async for chunk in stream]
        row = await running.logged(1)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "ok, all systems"
    assert {c.choices[0].finish_reason for c in chunks} == {None}
    assert (row["status"], row["completed"]) == (200, False)


@pytest.mark.parametrize("script", ["cut", "dropped"])
async def test_a_cut_answer_in_one_piece_loses_its_connection(script: str) -> None:
    """Half of the promised bytes come, then the connection closes."""
    async with simulator("--script", script) as running, running.client() as client:
        with pytest.raises(openai.APIConnectionError):
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        row = await running.logged(1)
    assert (row["status"], row["completed"]) == (200, False)


async def test_a_dropped_stream_breaks_the_connection() -> None:
    """The transport fails in the middle of the stream."""
    async with simulator("--script", "dropped") as running, running.client() as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True
        )
        with pytest.raises(openai.APIConnectionError):
            async for _ in stream:
                pass


async def test_a_hang_holds_the_socket_until_the_client_leaves() -> None:
    """No byte comes back; when the client goes, the log shows no status and no completion."""
    async with simulator("--script", "hang") as running:
        client = running.client().with_options(timeout=0.3)
        async with client:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        row = await running.logged(1)
    assert (row["status"], row["first_byte_at"], row["completed"]) == (None, None, False)
    assert row["answered_at"] - row["received_at"] >= 0.2  # type: ignore[operator]  # JSON


async def test_the_log_tells_requests_and_connections_apart() -> None:
    """Each row has the request id the client got, the prompt's beginning, and its connection."""
    async with simulator("--script", "answer") as running, running.client() as client:
        ids = []
        for nonce in ("aaaa", "bbbb"):
            raw = await client.chat.completions.with_raw_response.create(
                model="gpt-4o", messages=[{"role": "user", "content": f"{nonce} say ok"}]
            )
            ids.append(raw.headers["x-request-id"])
        rows = await running.log()
    assert [row["request_id"] for row in rows] == ids
    assert [str(row["prompt"])[:4] for row in rows] == ["aaaa", "bbbb"]
    assert rows[0]["connection"] == rows[1]["connection"] != ""
    assert {row["phase"] for row in rows} == {"answer"}
    assert rows[0]["received_at"] <= rows[0]["first_byte_at"] <= rows[0]["answered_at"]  # type: ignore[operator]  # JSON


async def test_the_play_begins_with_the_first_request() -> None:
    """Until somebody asks the API anything, no time passes in the script."""
    async with simulator("--script", "demo", "--seconds", "3600") as running:
        before = (await running.http.get(f"{running.url}/phase")).json()
        async with running.client() as client:
            await client.embeddings.create(model="text-embedding-3-large", input="x")
        after = (await running.http.get(f"{running.url}/phase")).json()
        alive = await running.http.get(f"{running.url}/livez")
    assert (before["started"], before["elapsed_s"]) == (False, 0.0)
    assert after["started"]
    assert after["elapsed_s"] > 0.0
    assert (after["phase"], after["phases"][1]["name"]) == ("healthy", "slow")
    assert alive.text == "ok\n"


async def test_a_seed_repeats_identifiers() -> None:
    """Two simulators with one seed name their requests alike; another seed does not."""

    async def first_id(seed: str) -> str:
        async with (
            simulator("--script", "server_error", "--seed", seed) as running,
            running.client() as client,
        ):
            with pytest.raises(openai.InternalServerError) as caught:
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
            return str(caught.value.request_id)

    same, again, other = [await first_id(seed) for seed in ("7", "7", "8")]
    assert same == again != other


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_even_while_requests_hang(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the process with 0 although a client is being kept waiting."""
    async with simulator("--script", "hang") as running:
        async with asyncio.TaskGroup() as group:
            hanging = group.create_task(_hang(running), name="a client that waits")
            await running.received()
            os.kill(running.process.pid, number)
            async with asyncio.timeout(10.0):
                assert await running.process.wait() == 0
        assert hanging.result()


async def _hang(running: Running) -> bool:
    async with running.client() as client:
        with pytest.raises(openai.APIConnectionError):
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    return True


async def test_a_taken_port_is_a_clear_error() -> None:
    """It says which address it could not bind, and exits with 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "monitor.simulator", "--port", port),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in stderr.decode()


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "soon"])
async def test_a_length_that_makes_no_sense_is_refused(seconds: str) -> None:
    """`--seconds` must be a finite number above 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "monitor.simulator", "--seconds", seconds),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert "--seconds" in stderr.decode()
