"""What targets are called, checked against OpenTelemetry's own lists."""

from dataclasses import replace

import pytest
from opentelemetry.semconv._incubating.attributes import (
    gen_ai_attributes,
    openai_attributes,
    server_attributes,
)

from monitor.otlp.subject import API_TYPES, OPERATIONS, PROVIDERS, subjects
from probes.providers import PRESETS
from probes.result import Operation
from tests.unit.monitor.otlp.telling_values import PROVIDER, TARGET, subject

KNOWN_PROVIDERS = {each.value for each in gen_ai_attributes.GenAiProviderNameValues}
KNOWN_OPERATIONS = {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
KNOWN_NAMES = {
    value
    for module in (gen_ai_attributes, openai_attributes, server_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}


def test_every_well_known_provider_goes_by_its_name() -> None:
    """Each is a preset of ours, and no preset that has such a name goes without it."""
    assert set(PROVIDERS) <= set(PRESETS)
    assert set(PROVIDERS.values()) <= KNOWN_PROVIDERS
    assert {name for name in PRESETS if name in KNOWN_PROVIDERS} <= set(PROVIDERS)
    assert dict(subject(preset="vllm").common)["gen_ai.provider.name"] == "vllm"


def test_every_operation_has_a_name() -> None:
    """The conventions' own where they have one: listing models is ours alone."""
    assert set(OPERATIONS) == set(Operation)
    assert set(OPERATIONS.values()) - KNOWN_OPERATIONS == {"models"}


def test_a_span_is_called_as_the_conventions_want() -> None:
    """`{operation} {model}`; a list of models has no model."""
    assert subject().name == "chat gpt-4o-mini"
    assert subject(operation=Operation.RESPONSES).name == "chat gpt-4o-mini"
    nameless = subject(operation=Operation.MODELS, model="")
    assert nameless.name == "models"
    assert "gen_ai.request.model" not in dict(nameless.common)


def test_where_a_target_is_asked() -> None:
    """Host and port of the base URL; of one that cannot be read, nothing."""
    assert dict(subject().common)["server.address"] == "api.openai.com"
    assert dict(subject().common)["server.port"] == 443
    broken = replace(PROVIDER, base_url="https://")
    assert "server.address" not in dict(subjects((TARGET,), (broken,), "x")["chat"].common)


def test_what_is_asked_of_it() -> None:
    """Only what its operation has: no token limit of an embedding, no stream that is none."""
    asked = dict(subject(temperature=0.5, labels=(("team", "one"),)).asked)
    assert asked == {
        "gen_ai.request.max_tokens": 16,
        "openai.api.type": "chat_completions",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "sonde.label.team": "one",
    }
    embedding = subject(operation=Operation.EMBEDDINGS, dimensions=64, stream=False)
    assert dict(embedding.asked) == {"gen_ai.embeddings.dimension.count": 64}
    assert "gen_ai.request.stream" not in dict(subject(stream=False).asked)
    types = {each.value for each in openai_attributes.OpenaiApiTypeValues}
    assert set(API_TYPES.values()) <= types


@pytest.mark.parametrize("operation", list(Operation))
def test_no_attribute_is_invented(operation: Operation) -> None:
    """Whatever is not of the conventions is under our own name."""
    told = subject(operation=operation, temperature=0.5, dimensions=3)
    names = {name for name, _ in (*told.common, *told.asked)}
    assert {name for name in names if not name.startswith("sonde.")} <= KNOWN_NAMES
