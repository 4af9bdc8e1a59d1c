"""What an answer held, streamed or not: the value, and the rule for when an answer is complete."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from probes.classify import Classified, classified
from probes.jsontext import count
from probes.result import Fault, Verdict
from probes.sanitise import sanitise

_LABEL_CHARS: Final = 128
"""Characters of the longest name that is remembered: honest ones are shorter."""
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


class Listing(NamedTuple):
    """The models that a server listed."""

    models: frozenset[str]
    whole: bool
    """Whether these are all of them."""


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
    listing: Listing | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    returned_model: str | None = None
    fingerprint: str | None = None
    first_token_s: float | None = None
    """The first token of any kind, reasoning included."""
    first_visible_token_s: float | None = None
    """The first token of the answer itself."""
    last_token_s: float | None = None
    cosine: float | None = None
    """Cosine between `vector` and the target's reference; None: there is no reference."""
    ended_s: float | None = None
    """The end marker, or the last byte when there was none. None for plain JSON: the wire knows."""


def completeness(
    text: str, finish_reason: str | None, *, refused: bool, called_tools: bool
) -> Classified:
    """Judge an answer that was received to its end.

    White space alone is no content. An answer without a finish reason is one all the same (some
    servers leave it null); in a stream, where it also tells that the answer is whole, its absence
    is judged by the stream. Nothing but spent tokens (`length` without text: the model was still
    reasoning) is empty through our own fault, because we allowed too few. A tool call that nobody
    asked for is an answer, and an expectation will say that it is not the right one.
    """
    if refused:
        return classified(Verdict.REFUSED, "the model refused")
    cut_short = _FINISH_VERDICTS.get(finish_reason or "")
    if cut_short is not None:
        return classified(cut_short, f"finish_reason {finish_reason}")
    said = bool(text.strip())
    if said or called_tools:
        if finish_reason is None:
            return classified(Verdict.OK, "no finish_reason")
        return classified(Verdict.OK, "" if said else "tool calls instead of text")
    if finish_reason == "length":
        spent = "max_output_tokens were used up before any text"
        return classified(Verdict.EMPTY, spent, fault=Fault.REQUEST)
    return classified(Verdict.EMPTY, "no content")


class UsageNames(NamedTuple):
    """What an API calls the two kinds of tokens; their details are `<name>_details`."""

    input: str
    output: str


CHAT_USAGE: Final = UsageNames("prompt_tokens", "completion_tokens")
"""Embeddings too."""


def usage_in(value: object, names: UsageNames = CHAT_USAGE) -> Usage:
    """Read a usage object; parts that are missing or not whole numbers are None."""
    if not isinstance(value, dict):
        return Usage()
    input_, output = _tokens(value, names.input), _tokens(value, names.output)
    reasoning = _tokens(value.get(f"{names.output}_details"), "reasoning_tokens")
    total = _tokens(value, "total_tokens")
    if output is not None and input_ is not None and total is not None:
        # Reasoning is left out of the completion at xAI and by Gemini, which does not even mention
        # it, and billed as output: the total gives it away.
        # https://docs.x.ai/docs/guides/reasoning shows 32 + 9 + 94 reasoning = 135 in total;
        # https://github.com/Clarifai/clarifai-python/pull/978 has 20 + 424 = 1016 from Gemini.
        output = max(output, total - input_)
    return Usage(
        input_tokens=input_,
        output_tokens=output,
        cached_tokens=_tokens(value.get(f"{names.input}_details"), "cached_tokens"),
        reasoning_tokens=reasoning,
    )


def label_in(value: object, secrets: Iterable[str] = ()) -> str | None:
    """Read a name such as a model or a fingerprint, sanitised; None when it is absent or empty."""
    if not isinstance(value, str):
        return None
    known = tuple(secrets)
    label = _label(value, known) if len(value) <= _LABEL_CHARS else sanitise(value, known)
    return label or None


def content_in(holder: Mapping[str, object]) -> str:
    """Read the content, which may be null or absent. Raises MalformedAnswerError for other types.

    A list of parts is one text; parts that are none (Mistral's `thinking`) are left out:
    https://docs.mistral.ai/capabilities/reasoning/
    """
    value = holder.get("content")
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_part_text, value))
    raise MalformedAnswerError("content is not text")


def refusal_in(holder: Mapping[str, object]) -> str:
    """Read the refusal: null, absent and false are none. Raises MalformedAnswerError for others."""
    value = holder.get("refusal")
    if value is None or value is False:
        return ""
    if isinstance(value, str):
        return value
    raise MalformedAnswerError("refusal is not text")


@lru_cache(maxsize=1024)
def _label(text: str, secrets: tuple[str, ...]) -> str:
    # A model says the same names in each of its answers.
    return sanitise(text, secrets)


def _part_text(part: object) -> str:
    if not isinstance(part, dict):
        raise MalformedAnswerError("a part of the content is not an object")
    if part.get("type") != "text":
        return ""
    if not isinstance(part.get("text"), str):
        raise MalformedAnswerError("a text part of the content has no text")
    return str(part["text"])


def _tokens(holder: object, key: str) -> int | None:
    return count(holder.get(key), most=_MOST_TOKENS) if isinstance(holder, dict) else None
