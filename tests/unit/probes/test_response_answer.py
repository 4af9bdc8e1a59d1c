"""A Response object, read strictly."""

import json
from typing import Any

import pytest

from probes.reading import Reading, Usage
from probes.response_answer import read_response
from probes.result import Fault, Verdict

GOOD: dict[str, Any] = {
    "object": "response",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "m-1",
    "output": [
        {"type": "reasoning", "summary": []},
        {
            "type": "message",
            "content": [
                {"type": "output_text", "text": "o"},
                {"type": "output_text", "text": "k"},
            ],
        },
    ],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}


def _read(**changes: Any) -> Reading:
    return read_response(json.dumps(GOOD | changes).encode())


def test_a_good_answer() -> None:
    """Parts of a message are one text, and reasoning is none of it."""
    assert _read() == Reading(
        verdict=Verdict.OK,
        fault=Fault.NONE,
        text="ok",
        finish_reason="stop",
        usage=Usage(input_tokens=3, output_tokens=2),
        returned_model="m-1",
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "fault"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Verdict.OK,
            Fault.NONE,
        ),
        (
            {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [{"type": "reasoning"}],
            },
            Verdict.EMPTY,
            Fault.REQUEST,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            Verdict.REFUSED,
            Fault.REQUEST,
        ),
        ({"status": "incomplete"}, Verdict.OK, Fault.NONE),
        ({"status": None}, Verdict.OK, Fault.NONE),
        ({"output": []}, Verdict.EMPTY, Fault.PROVIDER),
        ({"output": [{"type": "function_call"}]}, Verdict.OK, Fault.NONE),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
            Verdict.REFUSED,
            Fault.REQUEST,
        ),
        (
            {"status": "failed", "error": {"code": "insufficient_quota"}},
            Verdict.QUOTA,
            Fault.ACCOUNT,
        ),
        ({"status": "in_progress"}, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        ({"status": 3}, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        ({"output": None}, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        ({"output": [None]}, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        ({"output": [{"type": "message"}]}, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (
            {"output": [{"type": "message", "content": [None]}]},
            Verdict.PROTOCOL_ERROR,
            Fault.PROVIDER,
        ),
        (
            {"output": [{"type": "message", "content": [{"type": "output_text"}]}]},
            Verdict.PROTOCOL_ERROR,
            Fault.PROVIDER,
        ),
    ],
)
def test_each_end_has_its_verdict(changes: dict[str, Any], verdict: Verdict, fault: Fault) -> None:
    """Whole, cut by our limit, filtered, failed, or not what the API promises."""
    reading = _read(**changes)
    assert (reading.verdict, reading.fault) == (verdict, fault)


def test_a_chat_completion_is_no_response() -> None:
    """A gateway that answers with another API's object has not answered."""
    body = b'{"object": "chat.completion", "choices": [{"message": {"content": "ok"}}]}'
    assert read_response(body).verdict is Verdict.PROTOCOL_ERROR
