"""What an answer held, streamed or not: the value, and the rule for when an answer is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from probes.classify import Classified, classified
from probes.jsontext import count
from probes.result import Fault, Verdict
from probes.sanitise import sanitise

_MOST_TOKENS: Final = 10**9
"""A count of tokens beyond this is nonsense, and would not fit where counts are added up."""

_FINISH_VERDICTS: Final[Mapping[str, Verdict]] = MappingProxyType(
    {
        "content_filter": Verdict.REFUSED,
        # OpenRouter, when the model behind it failed: https://openrouter.ai/docs/api-reference/errors
        "error": Verdict.STREAM_ERROR,
        # DeepSeek: https://api-docs.deepseek.com/api/create-chat-completion
        "insufficient_system_resource": Verdict.OVERLOADED,
        "abort": Verdict.TRUNCATED,  # vLLM, when its engine gave the request up
    }
)
"""Finish reasons that do not end a whole answer. `length` does: we asked for few tokens."""


class MalformedAnswerError(Exception):
    """Something in an answer is not what the API promises. The message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider counts them; None where it does not say or says nonsense."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    """Reasoning included. 0 for embeddings, which have no output."""
    cached_tokens: int | None = None
    """The part of the input that came from the provider's prompt cache."""
    reasoning_tokens: int | None = None
    """The part of the output that was reasoning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer held. Times are offsets in seconds; None: not observed, or no stream."""

    verdict: Verdict
    fault: Fault
    detail: str = ""
    """Why, for people: sanitised."""
    text: str = ""
    """The answer as it was sent: unlike the other texts here it is not sanitised."""
    vector: tuple[float, ...] | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    returned_model: str | None = None
    fingerprint: str | None = None
    first_token_s: float | None = None
    """The first token of any kind, reasoning included."""
    first_visible_token_s: float | None = None
    """The first token of the answer itself."""
    last_token_s: float | None = None
    ended_s: float | None = None
    """The end marker, or the last byte when there was none. None for plain JSON: the wire knows."""


def completeness(
    text: str, finish_reason: str | None, *, refused: bool, called_tools: bool
) -> Classified:
    """Judge an answer that was received to its end.

    Nothing but spent tokens (`length` without text: the model was still reasoning) is empty through
    our own fault, because we allowed too few. A tool call that nobody asked for is an answer, and
    an expectation will say that it is not the right one.
    """
    if refused:
        return classified(Verdict.REFUSED, "the model refused")
    cut_short = _FINISH_VERDICTS.get(finish_reason or "")
    if cut_short is not None:
        return classified(cut_short, f"finish_reason {finish_reason}")
    if text or called_tools:
        if finish_reason is None:
            return classified(Verdict.PROTOCOL_ERROR, "an answer without a finish_reason")
        return classified(Verdict.OK, "" if text else "tool calls instead of text")
    if finish_reason == "length":
        spent = "max_output_tokens were used up before any text"
        return classified(Verdict.EMPTY, spent, fault=Fault.REQUEST)
    return classified(Verdict.EMPTY, "no content")


def usage_in(value: object) -> Usage:
    """Read a usage object; parts that are missing or not whole numbers are None."""
    if not isinstance(value, dict):
        return Usage()
    output = _tokens(value, "completion_tokens")
    reasoning = _tokens(value.get("completion_tokens_details"), "reasoning_tokens")
    if output is not None and reasoning and _reasoning_is_apart(value, output, reasoning):
        output += reasoning
    return Usage(
        input_tokens=_tokens(value, "prompt_tokens"),
        output_tokens=output,
        cached_tokens=_tokens(value.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=reasoning,
    )


def label_in(value: object) -> str | None:
    """Read a name such as a model or a fingerprint, sanitised; None when it is absent or empty."""
    return (sanitise(value) or None) if isinstance(value, str) else None


def text_in(holder: Mapping[str, object], key: str) -> str:
    """Read a text that may be null or absent. Raises MalformedAnswerError for another type."""
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedAnswerError(f"{key} is not text")
    return value


def _tokens(holder: object, key: str) -> int | None:
    return count(holder.get(key), most=_MOST_TOKENS) if isinstance(holder, dict) else None


def _reasoning_is_apart(usage: dict[str, object], output: int, reasoning: int) -> bool:
    """Whether reasoning is not counted in the completion, as at xAI: the total gives it away.

    https://docs.x.ai/docs/guides/reasoning shows 32 + 9 + 94 reasoning = 135 in total.
    """
    prompt, total = _tokens(usage, "prompt_tokens"), _tokens(usage, "total_tokens")
    return prompt is not None and total == prompt + output + reasoning
