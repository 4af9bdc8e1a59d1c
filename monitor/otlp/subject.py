"""What OpenTelemetry calls the targets we probe. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from probes.result import Operation
from probes.target import Provider, Target
from probes.wire.request import address_of

PROVIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "anthropic": "anthropic",
        "azure": "azure.ai.openai",
        "deepseek": "deepseek",
        "gemini": "gcp.gemini",
        "groq": "groq",
        "mistral": "mistral_ai",
        "openai": "openai",
        "xai": "x_ai",
    }
)
"""`gen_ai.provider.name` of a preset, where the conventions have one; else it is the preset's name.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/registry/attributes/gen-ai.md"""
OPERATIONS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.CHAT: "chat",
        Operation.RESPONSES: "chat",
        Operation.EMBEDDINGS: "embeddings",
        Operation.MODELS: "models",
    }
)
"""`gen_ai.operation.name`. Listing models has none there: the name is ours."""
API_TYPES: Final[Mapping[Operation, str]] = MappingProxyType(
    {Operation.CHAT: "chat_completions", Operation.RESPONSES: "responses"}
)
"""`openai.api.type`, which tells the two apart."""

Value = str | int | float | bool | tuple[str, ...]
"""What an attribute may be."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is the same of every result of one target."""

    name: str
    """Of its spans: `{operation} {model}`."""
    common: tuple[tuple[str, Value], ...]
    """Attributes of its spans and of its metrics."""
    asked: tuple[tuple[str, Value], ...]
    """Attributes of its spans alone: what is asked of it."""


def subjects(
    targets: Iterable[Target], providers: Iterable[Provider], location: str
) -> Mapping[str, Subject]:
    """Return what is told of each target, by its name."""
    reached = {each.name: _server(each.base_url) for each in providers}
    return {each.name: _subject(each, reached[each.provider], location) for each in targets}


def _subject(target: Target, server: tuple[tuple[str, Value], ...], location: str) -> Subject:
    operation = OPERATIONS[target.operation]
    common: tuple[tuple[str, Value], ...] = (
        ("gen_ai.operation.name", operation),
        ("gen_ai.provider.name", PROVIDERS.get(target.preset, target.preset)),
        *((("gen_ai.request.model", target.model),) if target.model else ()),
        *server,
        ("sonde.target", target.name),
        ("sonde.provider", target.provider),
        ("sonde.location", location),
    )
    return Subject(f"{operation} {target.model}".rstrip(), common, tuple(_asked(target)))


def _server(base_url: str) -> tuple[tuple[str, Value], ...]:
    try:
        origin = address_of(base_url)[0]
    except ValueError:  # told by every probe of it
        return ()
    return (("server.address", origin.host), ("server.port", origin.port))


def _asked(target: Target) -> Iterable[tuple[str, Value]]:
    answers = target.operation in API_TYPES
    if answers:
        yield "gen_ai.request.max_tokens", target.max_output_tokens
        yield "openai.api.type", API_TYPES[target.operation]
    if target.stream and answers:
        yield "gen_ai.request.stream", True
    if target.temperature is not None and answers:
        yield "gen_ai.request.temperature", target.temperature
    if target.dimensions is not None:
        yield "gen_ai.embeddings.dimension.count", target.dimensions
    for name, value in target.labels:
        yield f"sonde.label.{name}", value
