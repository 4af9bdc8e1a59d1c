"""Requests as the SDK shapes them: captured, with a nonce, untouched by the environment."""

import json
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from probes.chat import CHAT
from probes.compile import FRESH_S, NONCE_CHARS, CompiledRequest, CompileError, Compiler, nonce_of
from probes.embeddings import EMBEDDINGS
from probes.operation import OperationSpec
from probes.result import Operation
from probes.secret import Secret, SecretError, SecretSource
from probes.target import Provider, Target
from probes.wire.exchange import Request

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


async def _compiled(
    target: Target = CHATTING, spec: OperationSpec = CHAT, **changes: object
) -> CompiledRequest:
    provider = replace(PROVIDER, **changes)  # type: ignore[arg-type] # settings of many types
    return await Compiler(provider).capture(target, spec, now=0.0)


def _body(request: CompiledRequest) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(request.body(NONCE))
    return loaded


async def test_a_chat_request() -> None:
    """Method, address, key and body are the SDK's; the prompt begins with the nonce."""
    request = await _compiled()

    assert (request.method, request.url) == ("POST", "http://127.0.0.1:9/v1/chat/completions")
    assert _body(request) == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": f"{NONCE} {CHATTING.prompt}"}],
        "max_completion_tokens": 16,
    }
    assert request.prompt_chars == NONCE_CHARS + 1 + len(CHATTING.prompt)
    headers = dict(request.headers)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert not {"host", "content-length", "connection", "openai-organization"} & set(headers)


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

    assert request.body("a") == request.body("b")
    assert _body(request)["input"] == CHATTING.prompt
    assert _body(request)["dimensions"] == 256
    assert "dimensions" not in _body(plain)
    assert request.url.endswith("/embeddings")


async def test_the_organization_of_the_provider_is_sent() -> None:
    """Configured it is sent; the first test shows that it is absent otherwise."""
    request = await _compiled(organization="org-1")

    assert dict(request.headers)["openai-organization"] == "org-1"


async def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK would read from its environment variables has no effect on a probe."""
    before = await _compiled()
    for name, value in {
        "OPENAI_API_KEY": "sk-other",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_BASE_URL": "http://elsewhere.example/v1",
        "OPENAI_ORG_ID": "org-other",
        "OPENAI_PROJECT_ID": "proj-other",
        "OPENAI_CUSTOM_HEADERS": "X-Other: 1\nAuthorization: Bearer sk-other\nUser-Agent: other",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    after = await _compiled()

    assert (after.url, after.headers) == (before.url, before.headers)
    assert after.body(NONCE) == before.body(NONCE)


async def test_a_capture_holds_until_it_is_old() -> None:
    """The same request for many intervals, then none; none at once when it was refused."""
    compiler = Compiler(PROVIDER)
    assert compiler.ready(CHATTING, now=100.0) is None
    captured = await compiler.capture(CHATTING, CHAT, now=100.0)

    assert compiler.ready(CHATTING, now=100.0 + 10 * CHATTING.interval_s) is captured
    assert compiler.ready(CHATTING, now=100.0 + FRESH_S) is captured
    assert compiler.ready(CHATTING, now=100.1 + FRESH_S) is None
    compiler.forget(CHATTING)
    assert compiler.ready(CHATTING, now=100.0) is None


async def test_a_changed_key_file_is_read_again(tmp_path: Path) -> None:
    """A rotated key ends a capture, whatever its age, and is in the next one."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    compiler = Compiler(replace(PROVIDER, api_key=SecretSource(path=path)))
    first = await compiler.capture(CHATTING, CHAT, now=0.0)
    assert compiler.ready(CHATTING, now=0.0) is first
    path.write_text("sk-rotated-0123456789\n")
    assert compiler.ready(CHATTING, now=0.0) is None
    second = await compiler.capture(CHATTING, CHAT, now=0.0)

    assert dict(first.headers)["authorization"] == f"Bearer {KEY}"
    assert dict(second.headers)["authorization"] == "Bearer sk-rotated-0123456789"
    assert second.secret == Secret("sk-rotated-0123456789")


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
    """Its repr can end up in a log: the secret in it is masked."""
    request = await _compiled()

    assert "Secret(***)" in repr(request)


async def test_a_captured_request_does_not_show_its_key() -> None:
    """Neither it nor the request made of it, whoever prints them."""
    compiler = Compiler(PROVIDER)
    captured = await compiler.capture(CHATTING, CHAT, now=0.0)
    request = Request(captured.method, captured.url, captured.headers, captured.body("0" * 16))

    assert any(KEY in value for _, value in captured.headers)
    assert KEY not in repr(captured) + repr(request)
