"""How the simulator reads what a client asks."""

import json

import pytest

from monitor.simulator.requests import (
    Asked,
    Refusal,
    RefusedError,
    authorised,
    read_chat,
    read_embeddings,
)


def chat(**changes: object) -> bytes:
    """Return a chat request with some fields changed; None removes one."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "say ok"}]} | changes
    return json.dumps({key: value for key, value in asked.items() if value is not None}).encode()


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic eDp5", "sk-bare"])
def test_a_request_without_a_bearer_key_is_refused(header: str | None) -> None:
    """No key, an empty one or another scheme is a 401 of type invalid_request_error."""
    refusal = authorised(header, None)
    assert refusal is not None
    assert (refusal.status, refusal.type, refusal.code) == (401, "invalid_request_error", None)


def test_any_key_passes_unless_one_is_wanted() -> None:
    """Without a key of its own the simulator takes any; with one it takes only that."""
    assert authorised("Bearer sk-any", None) is None
    assert authorised("bearer sk-right", "sk-right") is None
    refusal = authorised("Bearer sk-wrong", "sk-right")
    assert refusal is not None
    assert (refusal.status, refusal.code) == (401, "invalid_api_key")
    assert "sk-wrong" not in refusal.message


def test_chat_fields_are_read() -> None:
    """Stream, usage option, limit and the last message come out of the body."""
    body = chat(
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=16,
        messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
    )
    assert read_chat(body) == Asked(
        model="gpt-4o", prompt="hi", stream=True, include_usage=True, max_tokens=16
    )


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a b"),
        ([{"type": "image_url"}, "stray"], ""),
        (7, ""),
    ],
)
def test_prompt_is_the_text_of_the_last_message(content: object, prompt: str) -> None:
    """Text parts are joined; parts of other kinds have no text."""
    assert read_chat(chat(messages=[{"role": "user", "content": content}])).prompt == prompt


def test_a_message_that_is_no_object_has_no_prompt() -> None:
    """A stray string in `messages` does not crash the simulator."""
    assert read_chat(chat(messages=["hi"])).prompt == ""


def test_the_older_token_limit_counts_too() -> None:
    """`max_tokens` is honoured where `max_completion_tokens` is absent."""
    assert read_chat(chat(max_tokens=3)).max_tokens == 3


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b"[" * 100_000, None),
        (chat(model=None), "model"),
        (chat(model=7), "model"),
        (chat(messages=None), "messages"),
        (chat(messages=[]), "messages"),
        (chat(max_completion_tokens=0), "max_completion_tokens"),
        (chat(max_completion_tokens=True), "max_completion_tokens"),
        (chat(max_completion_tokens=-1), "max_completion_tokens"),
    ],
)
def test_a_malformed_chat_request_is_a_400(body: bytes, param: str | None) -> None:
    """What the API would refuse is refused, naming the parameter."""
    with pytest.raises(RefusedError) as caught:
        read_chat(body)
    assert (caught.value.refusal.status, caught.value.refusal.param) == (400, param)


def test_embedding_fields_are_read() -> None:
    """One string or several, the encoding and the dimensions come out of the body."""
    one = read_embeddings(b'{"model":"m","input":"a","encoding_format":"base64","dimensions":8}')
    assert one == Asked(model="m", prompt="a", inputs=("a",), base64=True, dimensions=8)
    several = read_embeddings(b'{"model":"m","input":["a",[1,2]]}')
    assert several == Asked(model="m", prompt="a [1, 2]", inputs=("a", "[1, 2]"))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":{"a":1}}', "input"),
        (b'{"model":"m","input":"a","dimensions":0}', "dimensions"),
        (b'{"model":"m","input":"a","dimensions":"8"}', "dimensions"),
        (b'{"input":"a"}', "model"),
    ],
)
def test_a_malformed_embeddings_request_is_a_400(body: bytes, param: str) -> None:
    """What the API would refuse is refused, naming the parameter."""
    with pytest.raises(RefusedError) as caught:
        read_embeddings(body)
    assert (caught.value.refusal.status, caught.value.refusal.param) == (400, param)


def test_an_error_body_has_openai_s_four_fields() -> None:
    """Every error is {"error": {message, type, param, code}}, absent ones null."""
    body = json.loads(Refusal(status=500, message="sorry", type="server_error").body())
    assert body == {
        "error": {"message": "sorry", "type": "server_error", "param": None, "code": None}
    }
