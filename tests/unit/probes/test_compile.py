"""Requests as the SDK shapes them: captured, with a nonce, untouched by the environment."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from probes.chat import CHAT
from probes.compile import (
    KEY_LOOK_S,
    NONCE_CHARS,
    USAGE_AGAIN_S,
    CompiledRequest,
    CompileError,
    Compiler,
    nonce_of,
)
from probes.embeddings import EMBEDDINGS
from probes.models import LISTED_MODELS, MODELS
from probes.operation import OperationSpec
from probes.result import Operation
from probes.secret import Secret, SecretError, SecretSource
from probes.target import Connection, Provider, Target
from probes.wire.request import Origin, Request

KEY = "sk-test-0123456789abcdef"
NONCE = "0123456789abcdef"
PROVIDER = Provider(
    name="p",
    preset="openai",
    base_url="http://127.0.0.1:9/v1",
    api_key=SecretSource(Secret(KEY)),
)
CHATTING = Target(
    name="chat",
    provider="p",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt='Say "ok" — \u2028 ünïcode',
)
EMBEDDING = replace(CHATTING, name="vector", operation=Operation.EMBEDDINGS)
LISTING = replace(CHATTING, name="models", operation=Operation.MODELS)


async def _compiled(
    target: Target = CHATTING, spec: OperationSpec = CHAT, **changes: object
) -> CompiledRequest:
    provider = replace(PROVIDER, **changes)  # type: ignore[arg-type] # settings of many types
    return await Compiler(provider).capture(target, spec)


def _head(request: CompiledRequest) -> tuple[str, dict[str, str]]:
    head = request.data(NONCE).partition(b"\r\n\r\n")[0].decode()
    line, *headers = head.split("\r\n")
    pairs = [header.partition(": ")[::2] for header in headers]
    assert len(dict(pairs)) == len(pairs), "a header is there twice"
    return line, {name.lower(): value for name, value in pairs}


def _raw_body(request: CompiledRequest) -> bytes:
    return request.data(NONCE).partition(b"\r\n\r\n")[2]


def _body(request: CompiledRequest) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(_raw_body(request))
    return loaded


async def test_a_chat_request() -> None:
    """Method, address, key and body are the SDK's; the prompt begins with the nonce."""
    request = await _compiled()

    line, headers = _head(request)
    assert request.origin == Origin("127.0.0.1", 9, secure=False)
    assert line == "POST /v1/chat/completions HTTP/1.1"
    assert _body(request) == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": f"{NONCE} {CHATTING.prompt}"}],
        "max_completion_tokens": 16,
    }
    assert request.prompt_chars == NONCE_CHARS + 1 + len(CHATTING.prompt)
    assert headers["host"] == "127.0.0.1:9"
    assert headers["content-length"] == str(len(_raw_body(request)))
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert not {"connection", "openai-organization", "x-stainless-read-timeout"} & set(headers)


async def test_a_fresh_target_says_that_it_will_hang_up() -> None:
    """A connection of its own, and the server knows that it may close it as well."""
    request = await _compiled(replace(CHATTING, connection=Connection.FRESH))

    assert request.fresh
    assert _head(request)[1]["connection"] == "close"


async def test_a_stream_asks_for_its_usage() -> None:
    """OpenAI sends the usage of a stream only when it is asked for."""
    body = _body(await _compiled(replace(CHATTING, stream=True)))

    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


async def test_parameters_follow_the_preset() -> None:
    """Where only the older name of the token limit is known, it is used."""
    body = _body(await _compiled(preset="compatible"))

    assert "max_tokens" in body or "max_completion_tokens" in body
    assert len({"max_tokens", "max_completion_tokens"} & set(body)) == 1


async def test_an_embeddings_request_has_no_nonce() -> None:
    """The text of an embedding stays the same, so that its vector can be compared."""
    request = await _compiled(replace(EMBEDDING, dimensions=256), EMBEDDINGS)
    plain = await _compiled(EMBEDDING, EMBEDDINGS)

    assert request.data("a") == request.data("b")
    assert _body(request)["input"] == CHATTING.prompt
    assert _body(request)["dimensions"] == 256
    assert "dimensions" not in _body(plain)
    assert _head(request)[0] == "POST /v1/embeddings HTTP/1.1"


@pytest.mark.parametrize("spec", [MODELS, LISTED_MODELS])
async def test_anthropics_models_are_asked_for_in_its_own_way(spec: OperationSpec) -> None:
    """Its models API is not of the compatible endpoint, and answers a bearer with a 401."""
    headers = _head(await _compiled(LISTING, spec, preset="anthropic"))[1]
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "authorization" not in headers

    ordinary = _head(await _compiled(LISTING, spec))[1]
    assert ordinary["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in ordinary


async def test_the_organization_of_the_provider_is_sent() -> None:
    """Configured it is sent; the first test shows that it is absent otherwise."""
    request = await _compiled(organization="org-1")

    assert _head(request)[1]["openai-organization"] == "org-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"organization": "org-1\r\nX-Other: 1"},
        {"base_url": "http://user:hunter2@127.0.0.1:9/v1"},
        {"base_url": "http://127.0.0.1:99999/v1"},
    ],
)
async def test_what_cannot_be_sent_is_not_sent(changes: dict[str, str]) -> None:
    """A header of two lines, credentials in the address, no port: told, without repeating it."""
    with pytest.raises(CompileError) as caught:
        await _compiled(**changes)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("preset", ["openai", "azure"])
async def test_the_environment_changes_nothing(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the SDK would read from its environment variables has no effect on a probe."""
    before = await _compiled(preset=preset)
    for name, value in {
        "OPENAI_API_KEY": "sk-other",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_BASE_URL": "http://elsewhere.example/v1",
        "OPENAI_ORG_ID": "org-other",
        "OPENAI_PROJECT_ID": "proj-other",
        "OPENAI_CUSTOM_HEADERS": "X-Other: 1\nAuthorization: Bearer sk-other\nUser-Agent: other",
        "OPENAI_API_VERSION": "1999-01-01",
        "AZURE_OPENAI_API_KEY": "azure-other",
        "AZURE_OPENAI_AD_TOKEN": "azure-token",
        "AZURE_OPENAI_ENDPOINT": "http://elsewhere.example",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    after = await _compiled(preset=preset)

    assert (after.origin, after.data(NONCE)) == (before.origin, before.data(NONCE))


async def test_a_capture_is_of_one_target_value() -> None:
    """An equal target is another one: to compare whole targets would cost more than a look."""
    compiler = Compiler(PROVIDER)
    captured = await compiler.capture(CHATTING, CHAT)

    assert compiler.ready(replace(CHATTING), now=0.0) is None
    assert compiler.ready(CHATTING, now=0.0) is captured


async def test_usage_is_not_asked_for_once_it_was_refused_and_again_a_day_later() -> None:
    """A refusal ends every capture of the key; streams go without until the day is over."""
    streaming, other = replace(CHATTING, stream=True), replace(CHATTING, name="o", stream=True)
    compiler = Compiler(PROVIDER)
    for target in (streaming, other):
        assert "stream_options" in _body(await compiler.capture(target, CHAT))
    compiler.refuses_usage(now=100.0)

    assert compiler.ready(other, now=100.0) is None
    without = await compiler.capture(streaming, CHAT)
    assert _body(without)["stream"] is True
    assert "stream_options" not in _body(without)
    compiler.refuses_usage(now=200.0)  # of a probe that was on its way: nothing new
    assert compiler.ready(streaming, now=99.0 + USAGE_AGAIN_S) is without
    assert compiler.ready(streaming, now=100.0 + USAGE_AGAIN_S) is None
    assert "stream_options" in _body(await compiler.capture(streaming, CHAT))


async def test_a_request_that_was_being_made_when_usage_was_refused_is_not_kept() -> None:
    """It still asks for it: kept, it would fail for as long as the others go without."""
    streaming = replace(CHATTING, stream=True)
    compiler = Compiler(PROVIDER)
    async with asyncio.TaskGroup() as group:
        making = group.create_task(compiler.capture(streaming, CHAT))
        await asyncio.sleep(0)
        compiler.refuses_usage(now=0.0)
    assert "stream_options" in _body(making.result())
    assert compiler.ready(streaming, now=1.0) is None
    assert "stream_options" not in _body(await compiler.capture(streaming, CHAT))


async def test_extra_headers_are_sent_and_their_secrets_known() -> None:
    """Beside the API's own; those of variables, and what a proxy is told, are to be hidden."""
    token, team = SecretSource(Secret("t0ken-1"), variable="T"), SecretSource(Secret("ml"))
    proxy = SecretSource(Secret("http://u:pa%3Ass@h:1"), variable="P")
    request = await _compiled(headers=(("X-Token", token), ("X-Team", team)), proxy=proxy)

    headers = _head(request)[1]
    assert (headers["x-token"], headers["x-team"]) == ("t0ken-1", "ml")
    assert request.hidden == (KEY, "t0ken-1", "pa:ss", "dTpwYTpzcw==")
    assert "t0ken" not in repr(request)


async def test_a_request_to_azure() -> None:
    """The model is a deployment in the path; the key has a header of its own."""
    azure = {"preset": "azure", "base_url": "https://house.example"}
    request = await _compiled(**azure)
    newer = await _compiled(**azure, api_version="2025-04-01-preview")

    line, headers = _head(request)
    place = "/openai/deployments/gpt-4o-mini/chat/completions"
    assert line == f"POST {place}?api-version=2024-10-21 HTTP/1.1"
    assert request.origin == Origin("house.example", 443, secure=True)
    assert headers["api-key"] == KEY
    assert "authorization" not in headers
    assert _head(newer)[0] == f"POST {place}?api-version=2025-04-01-preview HTTP/1.1"


async def test_a_capture_holds_for_good() -> None:
    """A key in hand does not age: none before the capture, the same ever after; none if refused."""
    compiler = Compiler(PROVIDER)
    assert compiler.ready(CHATTING, now=100.0) is None
    captured = await compiler.capture(CHATTING, CHAT)

    assert compiler.ready(CHATTING, now=100.0) is captured
    assert compiler.ready(CHATTING, now=1e9) is captured
    compiler.forget(CHATTING)
    assert compiler.ready(CHATTING, now=1e9) is None


def _keyed(path: Path) -> Compiler:
    path.write_text(f"{KEY}\n")
    return Compiler(replace(PROVIDER, api_key=SecretSource(path=path)))


async def test_a_changed_key_file_is_read_again(tmp_path: Path) -> None:
    """A rotated key ends a capture, and is in the next one."""
    compiler = _keyed(tmp_path / "key")
    first = await compiler.capture(CHATTING, CHAT)
    assert compiler.ready(CHATTING, now=0.0) is first
    (tmp_path / "key").write_text("sk-rotated-0123456789\n")
    assert compiler.ready(CHATTING, now=KEY_LOOK_S) is None
    second = await compiler.capture(CHATTING, CHAT)

    assert _head(first)[1]["authorization"] == f"Bearer {KEY}"
    assert _head(second)[1]["authorization"] == "Bearer sk-rotated-0123456789"
    assert second.hidden == ("sk-rotated-0123456789",)
    assert compiler.ready(CHATTING, now=KEY_LOOK_S) is second


async def test_a_key_file_is_looked_at_once_a_second_or_when_refused(tmp_path: Path) -> None:
    """Not for each probe of each target; a refusal of one has it looked at for the others."""
    compiler = _keyed(tmp_path / "key")
    others = replace(CHATTING, name="other")
    first = await compiler.capture(CHATTING, CHAT)
    other = await compiler.capture(others, CHAT)
    assert compiler.ready(CHATTING, now=10.0) is first
    (tmp_path / "key").write_text("sk-rotated-0123456789\n")

    assert compiler.ready(CHATTING, now=10.0 + KEY_LOOK_S / 2) is first
    assert compiler.ready(others, now=10.0 + KEY_LOOK_S / 2) is other
    compiler.forget(CHATTING)
    assert compiler.ready(others, now=10.0 + KEY_LOOK_S / 2) is None


async def test_a_key_file_that_has_gone_is_told(tmp_path: Path) -> None:
    """The next look raises, and so does every later one until it is back."""
    compiler = _keyed(tmp_path / "key")
    captured = await compiler.capture(CHATTING, CHAT)
    text = (tmp_path / "key").rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(SecretError):
            compiler.ready(CHATTING, now=5.0)
    text.rename(tmp_path / "key")

    assert compiler.ready(CHATTING, now=5.0) is captured


@pytest.mark.parametrize("content", ["", "sk-one\nsk-two", "sk-\u00fcnicode", "sk-\x00"])
async def test_an_unusable_key_is_refused_without_being_told(content: str, tmp_path: Path) -> None:
    """Empty, broken over lines, not ASCII: a SecretError that does not hold the key."""
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(SecretError) as caught:
        await _compiled(api_key=SecretSource(path=path))

    assert "sk-" not in str(caught.value)


async def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    """No file: a SecretError naming it."""
    with pytest.raises(SecretError, match="nowhere"):
        await _compiled(api_key=SecretSource(path=tmp_path / "nowhere"))


async def test_what_the_sdk_refuses() -> None:
    """The SDK's own complaint is not shown: it may hold header values."""

    async def ask(*_: object) -> None:
        raise openai.OpenAIError(f"bad header: {KEY}")

    with pytest.raises(CompileError, match="OpenAIError") as caught:
        await _compiled(spec=replace(CHAT, ask=ask))

    assert KEY not in str(caught.value)


async def test_an_unknown_preset() -> None:
    """A preset nobody knows is our own fault, said plainly."""
    with pytest.raises(CompileError, match="'nobody'"):
        await _compiled(preset="nobody")


async def test_an_operation_that_sends_nothing() -> None:
    """An operation that makes no request is a fault of ours, not a crash."""

    async def ask(*_: object) -> None:
        return None

    with pytest.raises(CompileError, match="no request"):
        await _compiled(spec=replace(CHAT, ask=ask))


async def test_a_nonce_needs_a_place() -> None:
    """An operation that drops the prompt, or repeats it, cannot carry a nonce."""

    async def twice(client: object, target: Target, preset: object, prompt: str) -> object:
        return await CHAT.ask(client, replace(target, model=prompt), preset, prompt)  # type: ignore[arg-type] # passed through

    async def dropped(client: object, target: Target, preset: object, prompt: str) -> object:
        return await CHAT.ask(client, target, preset, "something else")  # type: ignore[arg-type] # passed through

    for ask in (twice, dropped):
        with pytest.raises(CompileError, match="unique place"):
            await _compiled(spec=replace(CHAT, ask=ask))


def test_nonces() -> None:
    """Deterministic, of fixed length, and different in every part that identifies an attempt."""
    base = ("chat", "here", 7, 1)
    others = [
        ("chat2", "here", 7, 1),
        ("chat", "there", 7, 1),
        ("chat", "here", 8, 1),
        (*base[:3], 2),
    ]
    nonces = {nonce_of(*base), *(nonce_of(*other) for other in others)}

    assert nonce_of(*base) == nonce_of(*base)
    assert len(nonces) == 5
    assert all(len(nonce) == NONCE_CHARS and nonce.isalnum() for nonce in nonces)


async def test_a_compiled_request_does_not_show_its_key() -> None:
    """Its repr can end up in a log: the secret in it is not in that."""
    request = await _compiled()

    assert KEY in request.hidden
    assert KEY not in repr(request)


async def test_a_captured_request_does_not_show_its_key() -> None:
    """Neither it nor the request made of it, whoever prints them."""
    compiler = Compiler(PROVIDER)
    captured = await compiler.capture(CHATTING, CHAT)
    request = Request(captured.origin, captured.data(NONCE))

    assert KEY.encode() in request.data
    assert KEY not in repr(captured) + repr(request)
