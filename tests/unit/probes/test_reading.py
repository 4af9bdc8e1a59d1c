"""When an answer is complete, and what its usage says."""

import pytest

from probes.reading import MalformedAnswerError, Usage, completeness, label_in, text_in, usage_in
from probes.result import Fault, Verdict


@pytest.mark.parametrize(
    ("text", "finish", "refused", "tools", "verdict", "fault"),
    [
        ("ok", "stop", False, False, Verdict.OK, Fault.NONE),
        ("ok", "length", False, False, Verdict.OK, Fault.NONE),
        ("ok", "eos", False, False, Verdict.OK, Fault.NONE),
        (" ", "stop", False, False, Verdict.OK, Fault.NONE),
        ("", "tool_calls", False, True, Verdict.OK, Fault.NONE),
        ("", "stop", False, False, Verdict.EMPTY, Fault.PROVIDER),
        ("", "length", False, False, Verdict.EMPTY, Fault.REQUEST),
        ("", None, False, False, Verdict.EMPTY, Fault.PROVIDER),
        ("ok", None, False, False, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        ("", None, False, True, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
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
    assert (found.detail == "") == (verdict is Verdict.OK and bool(text))


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


@pytest.mark.parametrize("total", [None, 41, 134, "135"])
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


def test_text_may_be_absent_but_not_another_type() -> None:
    """Null means no text; a number or a list is not what the API promises."""
    assert text_in({"content": "hi"}, "content") == "hi"
    assert text_in({"content": None}, "content") == ""
    assert text_in({}, "content") == ""
    with pytest.raises(MalformedAnswerError, match="content is not text"):
        text_in({"content": ["hi"]}, "content")
