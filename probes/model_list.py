"""The models of a key, as the models API lists them: all of them, or one.

https://platform.openai.com/docs/api-reference/models
"""

from collections.abc import Iterable, Iterator
from typing import Final

from probes.answer import Names, object_in, read_object, reading_of
from probes.classify import classified
from probes.reading import Listing, MalformedAnswerError, Reading, Usage
from probes.result import Verdict

_FREE: Final = Usage(input_tokens=0, output_tokens=0)
_PREFIX: Final = "models/"
"""What Gemini puts before each name: https://ai.google.dev/gemini-api/docs/openai#list-models"""


def read_models(body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
    """Read the models API's answer that came with status 200. Never raises.

    Whether the one that is looked for is in a list is for `judge` to say; an answer that is no list
    describes the one that was asked for.
    """
    return read_object(body, _models, tuple(secrets))


def bare(name: str) -> str:
    """Return a model's name without what Gemini puts before it, and takes with or without."""
    return name.removeprefix(_PREFIX)


def _models(answer: dict[str, object], _secrets: tuple[str, ...], names: Names) -> Reading:
    listed = answer.get("data")
    if listed is None:
        if not isinstance(answer.get("id"), str):
            raise MalformedAnswerError("neither a list of models nor a model")
        return reading_of(classified(Verdict.OK, ""), names, _FREE)
    if not isinstance(listed, list):
        raise MalformedAnswerError("data is not a list")
    if not listed:
        return reading_of(classified(Verdict.EMPTY, "no models"), names, _FREE)
    models = frozenset(name for entry in listed for name in _names_in(entry))
    listing = Listing(models, whole=not answer.get("has_more"))
    return reading_of(classified(Verdict.OK, ""), names, _FREE, listing=listing)


def _names_in(entry: object) -> Iterator[str]:
    """Yield what one model of a list is called; Mistral and xAI name aliases beside its id."""
    model = object_in(entry, "a model of the list")
    name = model.get("id")
    if not isinstance(name, str):
        raise MalformedAnswerError("a model of the list has no id")
    yield bare(name)
    aliases = model.get("aliases")
    if isinstance(aliases, list):
        yield from (alias for alias in aliases if isinstance(alias, str))
