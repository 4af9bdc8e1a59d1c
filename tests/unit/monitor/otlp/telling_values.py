"""Targets, results and a configuration to tell of."""

from dataclasses import replace
from typing import Any

from monitor.config.values import Config, Otlp
from monitor.otlp.subject import Subject, subjects
from probes.result import Operation, ProbeResult
from probes.secret import Secret, SecretSource
from probes.target import Provider, Target
from tests.unit.aggregator.samples import result

PROVIDER = Provider(
    name="openai",
    preset="openai",
    base_url="https://api.openai.com/v1",
    api_key=SecretSource(value=Secret("k")),
)
TARGET = Target(
    name="chat",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="ok?",
    stream=True,
)
OTLP = Otlp(endpoint="http://127.0.0.1:4318", every_s=10.0)
CONFIG = Config(
    source="test", location="fra1", providers=(PROVIDER,), targets=(TARGET,), rules=(), otlp=OTLP
)


def subject(**said: Any) -> Subject:  # Any: fields of all types
    """Return what is told of a target that differs from TARGET in what is said."""
    target = replace(TARGET, **said)
    provider = replace(PROVIDER, name=target.provider, preset=target.preset)
    return subjects((target,), (provider,), "fra1")[target.name]


def answered(**said: Any) -> ProbeResult:  # Any: fields of all types
    """Return a streamed answer over a new connection, sent at 1,000 s."""
    usual: dict[str, Any] = {
        "at": 1_000.0,
        "status": 200,
        "resolve_s": 0.01,
        "connect_s": 0.02,
        "tls_s": 0.03,
        "sent_s": 0.06,
        "first_byte_s": 0.3,
        "first_token_s": 0.35,
        "first_visible_token_s": 0.35,
        "last_token_s": 0.85,
        "total_s": 0.9,
        "input_tokens": 7,
        "output_tokens": 11,
        "finish_reason": "stop",
    }
    return result(**{**usual, **said})
