"""When an answer is complete, and what its usage says."""

import pytest

from probes.reading import (
    MalformedAnswerError,
    Usage,
    completeness,
    content_in,
    label_in,
    refusal_in,
    usage_in,
)
from probes.result import Fault, Verdict


@pytest.mark.parametrize(
    ("text", "finish", "refused", "tools", "verdict", "fault"),
    [
        ("ok", "stop", False, False, Verdict.OK, Fault.NONE),
        ("ok", "length", False, False, Verdict.OK, Fault.NONE),
        ("ok", "eos", False, False, Verdict.OK, Fault.NONE),
        (" \n", "stop", False, False, Verdict.EMPTY, Fault.PROVIDER),
        (" \n", "length", False, False, Verdict.EMPTY, Fault.REQUEST),
        ("", "tool_calls", False, True, Verdict.OK, Fault.NONE),
        ("", "stop", False, False, Verdict.EMPTY, Fault.PROVIDER),
        ("", "length", False, False, Verdict.EMPTY, Fault.REQUEST),
        ("", None, False, False, Verdict.EMPTY, Fault.PROVIDER),
        ("ok", None, False, False, Verdict.OK, Fault.NONE),
        ("", None, False, True, Verdict.OK, Fault.NONE),
        ("", "stop", True, False, Verdict.REFUSED, Fault.REQUEST),
        ("half", "content_filter", False, False, Verdict.REFUSED, Fault.REQUEST),
        ("half", "error", False, False, Verdict.STREAM_ERROR, Fault.PROVIDER),
        ("half", "insufficient_system_resource", False, False, Verdict.OVERLOADED, Fault.PROVIDER),
        ("half", "abort", False, False, Verdict.TRUNCATED, Fault.PROVIDER),
    ],
)
def test_completeness(
    text: str, finish: str | None, refused: bool, tools: bool, verdict: Verdict, fault: Fault
) -> None:
    """Text, finish reason, refusal and tool calls decide together."""
    found = completeness(text, finish, refused=refused, called_tools=tools)
    assert (found.verdict, found.fault) == (verdict, fault)
    plain = verdict is Verdict.OK and bool(text) and finish is not None
    assert (found.detail == "") == plain


def test_usage_is_read_whole() -> None:
    """All four counts come from where OpenAI puts them."""
    usage = usage_in(
        {
            "prompt_tokens": 20,
            "completion_tokens": 12,
            "total_tokens": 32,
            "prompt_tokens_details": {"cached_tokens": 16},
            "completion_tokens_details": {"reasoning_tokens": 8},
        }
    )
    assert usage == Usage(input_tokens=20, output_tokens=12, cached_tokens=16, reasoning_tokens=8)


def test_reasoning_that_is_counted_apart_is_added() -> None:
    """Reasoning is left out of the completion at xAI; the total gives that away."""
    usage = usage_in(
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        }
    )
    assert (usage.output_tokens, usage.reasoning_tokens) == (103, 94)


def test_reasoning_that_is_only_in_the_total_is_output() -> None:
    """Gemini bills its thoughts as output and does not name them."""
    usage = usage_in({"prompt_tokens": 20, "completion_tokens": 424, "total_tokens": 1016})
    assert (usage.output_tokens, usage.reasoning_tokens) == (996, None)


@pytest.mark.parametrize("total", [None, 7, 41, "135"])
def test_reasoning_is_not_added_on_suspicion(total: object) -> None:
    """Without a total that proves it, the completion is taken to include the reasoning."""
    usage = usage_in(
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": 94},
        }
    )
    assert usage.output_tokens == 9


@pytest.mark.parametrize("junk", [True, -1, 1.5, "7", None, 10**12, [7], {}])
def test_a_count_that_is_nonsense_is_unknown(junk: object) -> None:
    """One bad count does not spoil the others, and is never 0."""
    usage = usage_in(
        {
            "prompt_tokens": junk,
            "completion_tokens": 3,
            "prompt_tokens_details": junk,
            "completion_tokens_details": {"reasoning_tokens": junk},
        }
    )
    assert usage == Usage(output_tokens=3)


@pytest.mark.parametrize("value", [None, 3, [], "usage"])
def test_no_usage_is_unknown(value: object) -> None:
    """Usage of another type is no usage."""
    assert usage_in(value) == Usage()


def test_labels_are_sanitised() -> None:
    """A model's name ends up in rows and labels: it is one short printable line, or None."""
    assert label_in("gpt\u202e-4o\n") == "gpt-4o"
    assert label_in("") is None
    assert label_in("\u200b") is None
    assert label_in(4) is None


def test_labels_hide_secrets_before_they_are_cut() -> None:
    """A key that the cut would have left in half is gone as well."""
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    label = label_in("x" * 180 + key, [key])
    assert label is not None
    assert key[:6] not in label


def test_content_is_text_or_parts_or_nothing() -> None:
    """Null means no text; text parts are one text, other parts none of it."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "h"},
        {"type": "text", "text": "i"},
    ]
    assert content_in({"content": "hi"}) == "hi"
    assert content_in({"content": parts}) == "hi"
    assert content_in({"content": None}) == ""
    assert content_in({}) == ""


@pytest.mark.parametrize(
    "content", [5, True, {}, ["hi"], [{"type": "text"}], [{"type": "text", "text": 5}]]
)
def test_other_content_is_not_what_the_api_promises(content: object) -> None:
    """Anything else raises."""
    with pytest.raises(MalformedAnswerError, match="content"):
        content_in({"content": content})


def test_a_refusal_is_text() -> None:
    """Null, absent and false are none."""
    assert refusal_in({"refusal": "I can't"}) == "I can't"
    for none in ({}, {"refusal": None}, {"refusal": False}, {"refusal": ""}):
        assert refusal_in(none) == ""
    with pytest.raises(MalformedAnswerError, match="refusal"):
        refusal_in({"refusal": True})
