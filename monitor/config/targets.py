"""Target sections -> Target values: models expanded, durations settled, prices looked up.

A duration said on a target must fit (a deadline within the interval, a first-token deadline within
the deadline). One that comes from `defaults:`, from the preset or from Sonde itself gives way
instead: it was not meant for this target in particular.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from monitor.config import defaults
from monitor.config.confirm import compile_confirm
from monitor.config.document import KeyPath
from monitor.config.durations import format_duration
from monitor.config.expectations import compile_expectation
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import DefaultsSection, ProviderSection, TargetSection
from monitor.config.sections import Sections
from probes.pricing import price_of
from probes.providers import PRESETS, Preset
from probes.result import Operation
from probes.target import Price, Target

LEAST_RESPONSE_TOKENS: Final = 16
"""https://platform.openai.com/docs/api-reference/responses/create#responses_create-max_output_tokens"""
LISTING_TOKENS: Final = 2_000
"""Models are listed in bytes, not in tokens: this admits lists of 1.5 MB, some thousand models with
descriptions as long as OpenRouter's."""
FREE: Final = Price(
    input_usd=0.0, output_usd=0.0, source="https://platform.openai.com/docs/api-reference/models"
)
"""Listing models costs nothing anywhere."""
TARGETS_LIMIT: Final = 10_000
"""After expansion: twice what one process was measured to sustain."""


@dataclass(frozen=True, slots=True)
class _Durations:
    interval_s: float
    deadline_s: float
    first_token_deadline_s: float
    idle_deadline_s: float


def compile_targets(
    sections: Sections, findings: Findings, *, folder: Path = Path()
) -> tuple[Target, ...]:
    """Return the targets of all sound sections, in the file's order.

    Files that they name are looked for below `folder`.
    """
    _check_defaults(sections.root.defaults, findings)
    found: list[Target] = []
    places: dict[str, int] = {}
    for index, section in sections.targets.items():
        path: KeyPath = ("targets", index)
        _check_shape(path, section, findings)
        expect = compile_expectation(path, section, folder, findings)
        provider = _provider_of(path, section, sections, findings)
        for model in _models(path, section, findings):
            name = section.name.replace("{model}", model)
            if name in places:
                _say_twice(path, name, places[name], index, findings)
                continue
            places[name] = index
            if provider is not None:
                target = _target(path, name, model, section, provider, sections, findings)
                found.append(replace(target, expect=expect))
    if not sections.targets and not _given(findings):
        findings.bad(("targets",), "nothing to probe: name at least one target")
    if len(found) > TARGETS_LIMIT:
        findings.bad(("targets",), f"{len(found)} targets; at most {TARGETS_LIMIT} are possible")
    return tuple(found)


def _given(findings: Findings) -> bool:
    """Whether targets were given at all, sound or not."""
    return bool(findings.document.at(("targets",)))


def _say_twice(path: KeyPath, name: str, first: int, here: int, findings: Findings) -> None:
    message = f'a second target named "{name}"'
    if first == here:
        message += ": write {model} in the name, so that each model gets its own"
    else:
        message += f" (the first is targets[{first}])"
    findings.bad((*path, "name"), message)


def _models(path: KeyPath, section: TargetSection, findings: Findings) -> tuple[str, ...]:
    if section.model is not None and section.models is not None:
        findings.bad((*path, "models"), "give model or models, not both")
        return ()
    if section.model is not None:
        return (section.model,)
    if section.models is None:
        findings.bad((*path, "model"), "missing: the model to ask")
        return ()
    return tuple(section.models)


def _provider_of(
    path: KeyPath, section: TargetSection, sections: Sections, findings: Findings
) -> ProviderSection | None:
    """Return the target's provider; None when it is unknown or its section is unsound."""
    given = findings.document.at(("providers",))
    known = tuple(given) if isinstance(given, dict) else ()
    if section.provider not in known:
        hint = did_you_mean(section.provider, known)
        there = f"; there is {', '.join(known)}" if known else ": providers: is empty"
        message = f'unknown provider "{section.provider}"{hint}{there}'
        findings.bad((*path, "provider"), message)
    return sections.providers.get(section.provider)


_TEXT: Final = (Operation.CHAT, Operation.RESPONSES)
"""Operations that answer with text."""
_TEXT_KEYS: Final = ("stream", "max_output_tokens", "temperature", "reasoning_effort")
_STREAM_KEYS: Final = ("first_token_deadline", "idle_deadline")


def _check_shape(path: KeyPath, section: TargetSection, findings: Findings) -> None:
    """Refuse keys that would be without effect."""
    says_text = section.operation in _TEXT
    streamed = says_text and bool(section.stream)
    for fits, keys, whom in (
        (says_text, _TEXT_KEYS, "operation: chat or responses"),
        (section.operation is Operation.EMBEDDINGS, ("dimensions",), "operation: embeddings"),
        (section.operation is not Operation.MODELS, ("prompt",), "an operation that has a prompt"),
        (streamed, _STREAM_KEYS, "stream: true"),
    ):
        for key in keys:
            if getattr(section, key) is not None and not fits:
                findings.bad((*path, key), f"has an effect only with {whom}", key=True)
    asked = section.max_output_tokens
    if section.operation is Operation.RESPONSES and asked and asked < LEAST_RESPONSE_TOKENS:
        message = f"the Responses API takes no fewer than {LEAST_RESPONSE_TOKENS}"
        findings.bad((*path, "max_output_tokens"), message)


def _target(
    path: KeyPath,
    name: str,
    model: str,
    section: TargetSection,
    provider: ProviderSection,
    sections: Sections,
    findings: Findings,
) -> Target:
    common = sections.root.defaults
    durations = _durations(path, section, provider, sections, findings)
    return Target(
        name=name,
        provider=section.provider,
        preset=provider.preset,
        model=model,
        operation=section.operation,
        prompt=section.prompt or _PROMPTS[section.operation],
        stream=bool(section.stream),
        connection=section.connection,
        dimensions=section.dimensions,
        max_output_tokens=_max_output_tokens(path, section, provider, common, findings),
        reasoning_effort=section.reasoning_effort,
        temperature=section.temperature,
        interval_s=durations.interval_s,
        deadline_s=durations.deadline_s,
        first_token_deadline_s=durations.first_token_deadline_s,
        idle_deadline_s=durations.idle_deadline_s,
        price=FREE if section.operation is Operation.MODELS else _price(provider, model),
        prompt_overhead_tokens=provider.prompt_overhead,
        confirm=compile_confirm(section.confirm, common.confirm),
        labels=tuple(sorted({**(common.labels or {}), **(section.labels or {})}.items())),
    )


_PROMPTS: Final = {
    Operation.CHAT: defaults.CHAT_PROMPT,
    Operation.RESPONSES: defaults.CHAT_PROMPT,
    Operation.EMBEDDINGS: defaults.EMBEDDINGS_PROMPT,
    Operation.MODELS: "",
}


def _max_output_tokens(
    path: KeyPath,
    section: TargetSection,
    provider: ProviderSection,
    common: DefaultsSection,
    findings: Findings,
) -> int:
    if section.operation is Operation.MODELS:
        return LISTING_TOKENS
    said = section.max_output_tokens or common.max_output_tokens or defaults.MAX_OUTPUT_TOKENS
    if section.operation is Operation.RESPONSES:
        return max(said, LEAST_RESPONSE_TOKENS)
    least = PRESETS[provider.preset].least_output_tokens
    if section.operation is Operation.CHAT and said < least:
        message = f"raised to {least}: some models of {provider.preset} refuse less"
        findings.warn((*path, "max_output_tokens"), message)
        return least
    return said


def _price(provider: ProviderSection, model: str) -> Price | None:
    said = provider.prices.get(model) or provider.prices.get("default")
    if said is None:
        return price_of(provider.preset, model)
    return Price(input_usd=said.input, output_usd=said.output, cached_input_usd=said.cached_input)


def _durations(
    path: KeyPath,
    section: TargetSection,
    provider: ProviderSection,
    sections: Sections,
    findings: Findings,
) -> _Durations:
    common = sections.root.defaults
    # The preset's own times are about text: an embedding is never reasoned over.
    preset = PRESETS[provider.preset] if section.operation in _TEXT else None
    settled = {key: _settled(key, section, common, preset) for key in _BUILT_IN_S}
    interval_s = settled["interval"]
    deadline_s = min(settled["deadline"], interval_s)
    if "defaults" not in sections.unsound:
        _check_deadline(path, section, common, interval_s, findings)
        within_s = section.deadline or deadline_s
        for key in ("first_token_deadline", "idle_deadline"):
            _check_within((*path, key), getattr(section, key), "deadline", within_s, findings)
    return _Durations(
        interval_s,
        deadline_s,
        min(settled["first_token_deadline"], deadline_s),
        min(settled["idle_deadline"], deadline_s),
    )


_BUILT_IN_S: Final = {
    "interval": defaults.INTERVAL_S,
    "deadline": defaults.DEADLINE_S,
    "first_token_deadline": defaults.FIRST_TOKEN_DEADLINE_S,
    "idle_deadline": defaults.IDLE_DEADLINE_S,
}


def _settled(
    key: str, section: TargetSection, common: DefaultsSection, preset: Preset | None
) -> float:
    """Return a duration by precedence: the target, `defaults:`, the preset, Sonde itself."""
    said = (getattr(section, key), getattr(common, key), getattr(preset, f"{key}_s", None))
    return float(next((value for value in said if value is not None), _BUILT_IN_S[key]))


def _check_deadline(
    path: KeyPath,
    section: TargetSection,
    common: DefaultsSection,
    interval_s: float,
    findings: Findings,
) -> None:
    _check_within((*path, "deadline"), section.deadline, "interval", interval_s, findings)
    if section.deadline is None and section.interval is None:
        place = ("defaults", "deadline")
        _check_within(place, common.deadline, "interval", interval_s, findings)


def _check_defaults(section: DefaultsSection, findings: Findings) -> None:
    if section.deadline is not None:
        for key in ("first_token_deadline", "idle_deadline"):
            place = ("defaults", key)
            _check_within(place, getattr(section, key), "deadline", section.deadline, findings)


def _check_within(
    path: KeyPath, value_s: float | None, bound: str, bound_s: float, findings: Findings
) -> None:
    """Refuse a duration that is longer than the one it has to fit into."""
    if value_s is not None and value_s > bound_s:
        findings.bad(
            path,
            f"{format_duration(value_s)} is longer than the {bound} of"
            f" {format_duration(bound_s)}: shorten it, or lengthen the {bound}",
        )
