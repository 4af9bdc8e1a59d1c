"""Results to test with: only what a test is about has to be said."""

from typing import Any

from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target


def result(**said: Any) -> ProbeResult:  # Any: fields of all types
    """Return a healthy result, with what is said instead."""
    fields: dict[str, Any] = {
        "target": "chat",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "operation": Operation.CHAT,
        "location": "here",
        "slot": 1,
        "slot_at": 0.0,
        "at": 0.0,
        "verdict": Verdict.OK,
        "fault": Fault.NONE,
        "total_s": 1.0,
    }
    return ProbeResult(**{**fields, **said})


def timeout(deadline_s: float, **said: Any) -> ProbeResult:  # Any: fields of all types
    """Return a probe that its deadline cut short."""
    return result(verdict=Verdict.TIMEOUT, fault=Fault.PROVIDER, total_s=deadline_s, **said)


def stream(first_s: float, last_s: float, tokens: int | None, **said: Any) -> ProbeResult:
    """Return a complete answer that was streamed."""
    return result(
        first_token_s=first_s,
        last_token_s=last_s,
        total_s=last_s + 0.5,
        output_tokens=tokens,
        **said,
    )


def embedding_target(**said: Any) -> Target:  # Any: fields of all types
    """Make a target whose vectors may be compared."""
    fields = {"name": "a", "provider": "p", "preset": "openai", "model": "m", "prompt": "x"}
    return Target(**{**fields, "operation": Operation.EMBEDDINGS, **said})
