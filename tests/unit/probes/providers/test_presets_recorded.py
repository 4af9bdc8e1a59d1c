"""One fixture for each preset: what is sent there, and what its answers, errors and headers mean.

The texts are as the providers document or were seen to send them, shortened.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from probes.answer import read_chat
from probes.chat import CHAT
from probes.classify import classify_response
from probes.compile import Compiler
from probes.hints import Hint
from probes.providers import PRESETS
from probes.ratelimit import rate_limits
from probes.result import Operation, Verdict
from probes.secret import Secret, SecretSource
from probes.stream import ChatStream
from probes.target import Provider, Target

FIXTURES = Path(__file__).parent / "fixtures"
NOW = 1_763_700_000.0
"""2025-11-21T04:40:00Z."""
KEY = "key-0123456789"

# Any: recorded JSON of many shapes.
Recorded = dict[str, Any]


def _recorded(name: str) -> Recorded:
    loaded: Recorded = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


PRESETS_BY_NAME = pytest.mark.parametrize("name", sorted(PRESETS))


def test_every_preset_has_its_fixture() -> None:
    """A provider is one file, one line and one fixture; no fixture is left without a preset."""
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(PRESETS)


@PRESETS_BY_NAME
async def test_what_is_sent(name: str) -> None:
    """Address, credentials and the parameters the provider takes, of a streamed chat."""
    recorded = _recorded(name)["request"]
    preset = PRESETS[name]
    provider = Provider(
        name="p",
        preset=name,
        base_url=preset.base_url or ("https://x.test" if name == "azure" else "http://x.test/v1"),
        api_key=SecretSource(Secret(KEY)),
    )
    target = Target(
        name="t",
        provider="p",
        preset=name,
        model=recorded["body"]["model"],
        operation=Operation.CHAT,
        prompt="Say ok",
        stream=True,
    )
    compiled = await Compiler(provider).capture(target, CHAT)
    head, _, body = compiled.data("0" * 16).partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == recorded["line"]
    sent = {key.lower(): value for key, _, value in (each.partition(": ") for each in headers)}
    for header, value in recorded["headers"].items():
        assert sent[header] == value.replace("KEY", KEY)
    assert len({"authorization", "api-key"} & set(sent)) == 1
    parameters = json.loads(body)
    parameters.pop("messages")
    assert parameters == recorded["body"]


@PRESETS_BY_NAME
def test_what_its_answer_says(name: str) -> None:
    """Text, model and usage come out, whatever else it holds."""
    recorded = _recorded(name)
    reading = read_chat(json.dumps(recorded["answer"]).encode())
    assert reading.verdict is Verdict.OK, reading.detail
    assert recorded["read"] == {
        "text": reading.text,
        "model": reading.returned_model,
        "input_tokens": reading.usage.input_tokens,
        "output_tokens": reading.usage.output_tokens,
    }


@PRESETS_BY_NAME
def test_what_its_stream_says(name: str) -> None:
    """Its own comments, empty choices and places of usage and reasoning, one event at a time."""
    recorded = _recorded(name)["stream"]
    stream = ChatStream()
    for at_s, event in enumerate(recorded["events"], start=1):
        stream.feed(f"{event}\n\n".encode(), float(at_s))
    reading = stream.close(99.0)
    assert reading.verdict is Verdict.OK, reading.detail
    assert recorded["read"] == {
        "text": reading.text,
        "model": reading.returned_model,
        "input_tokens": reading.usage.input_tokens,
        "output_tokens": reading.usage.output_tokens,
    }
    assert reading.first_token_s is not None
    assert reading.first_visible_token_s is not None
    assert (reading.first_token_s < reading.first_visible_token_s) is recorded["reasoned"]


@PRESETS_BY_NAME
def test_what_its_errors_mean(name: str) -> None:
    """Verdict and fault of the provider's own errors; a refused `stream_options` is known as such.

    It is what makes the next stream go without.
    """
    for error in _recorded(name)["errors"]:
        body = json.dumps(error["body"]).encode()
        found = classify_response(error["status"], {}, body, preset=name)
        assert (found.verdict, found.fault) == (error["verdict"], error["fault"]), error
        assert (found.hint is Hint.INCLUDE_USAGE) is (error.get("hint") == "stream_options")


@PRESETS_BY_NAME
def test_what_its_rate_limit_headers_say(name: str) -> None:
    """Buckets in the provider's own dialect; what is not said is unknown."""
    recorded = _recorded(name)["rate_limits"]
    found = rate_limits(recorded["headers"], PRESETS[name].rate_limits, now_wall=NOW)
    assert [[each.bucket, each.limit, each.remaining, each.reset_s] for each in found] == recorded[
        "buckets"
    ]
