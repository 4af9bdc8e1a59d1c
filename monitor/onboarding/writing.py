"""A first configuration as text: a word beside everything that is there, and what could be."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from monitor.config.durations import format_duration, parse_duration
from monitor.onboarding.usual import USUAL
from monitor.onboarding.wish import Watched, Wish, WishError
from probes.providers import PRESETS, Style

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]*[A-Za-z0-9]|[0-9]+[a-z]+")
"""A text that YAML reads as one, whatever else it may hold: all else is put in quotes."""
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
"""Texts that some reader of YAML takes for something else."""
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def configuration(wish: Wish) -> str:
    """Return the text of a configuration file. Raises WishError for what cannot stand in one."""
    return "\n".join((*_head(wish), *_providers(wish), *_targets(wish), *_notify(wish), *_rest()))


def names_of(wish: Wish) -> tuple[str, ...]:
    """Return what the providers are called: as their presets, numbered where one is there twice."""
    seen: Counter[str] = Counter()
    names = []
    for each in wish.watched:
        seen[each.preset] += 1
        names.append(
            each.preset if seen[each.preset] == 1 else f"{each.preset}-{seen[each.preset]}"
        )
    return tuple(names)


def _head(wish: Wish) -> Iterator[str]:
    yield "# What Sonde watches. `sonde check` says what it makes of this, `sonde run` runs it."
    yield "# Durations are written 30s, 5m, 1h30m. Secrets stand in variables or files, never here:"
    yield "# ${NAME} is read from the environment, or from .env in the folder you start in."
    yield ""
    yield "defaults:"
    yield f"  interval: {_text(wish.interval):<19} # how often each target is asked"
    yield "  # deadline: 30s               # when an answer that does not come counts as a timeout"
    if wish.budget_usd is not None:
        yield ""
        yield "budget:                         # for all providers together; probes wait beyond it"
        yield f"  daily: {_amount(wish.budget_usd)} USD"
    yield ""


def _providers(wish: Wish) -> Iterator[str]:
    yield "providers:"
    for name, watched in zip(names_of(wish), wish.watched, strict=True):
        preset = PRESETS[watched.preset]
        yield f"  {name}:"
        yield f"    preset: {preset.name}"
        if watched.base_url is not None:
            key = "endpoint" if preset.style is Style.AZURE else "base_url"
            yield f"    {key}: {_text(watched.base_url)}"
        if watched.variable is not None:
            yield f"    api_key: {_variable(watched.variable)}"
        if not preset.hosted or preset.style is Style.AZURE:
            yield "    # prices:                   # US dollars per million tokens: for the cost"
            yield "    #   default: {input: 0, output: 0}"
    yield ""


def _targets(wish: Wish) -> Iterator[str]:
    yield "targets:                        # one request each, every interval"
    names: Counter[str] = Counter()
    for provider, watched in zip(names_of(wish), wish.watched, strict=True):
        for model in watched.models:
            yield from _target(provider, model, names)
            yield "    stream: true                # measures the first token too"
            tokens = USUAL[watched.preset].max_output_tokens
            if tokens is not None:
                yield f"    max_output_tokens: {tokens:<8} # it reasons first, and that counts"
            if (interval := _slower(wish, watched)) is not None:
                yield f"    interval: {interval:<17} # its answers take their time, and tokens"
            yield "    expect: {contains: ok}      # the default prompt asks for this word"
        for model in watched.embeddings:
            yield from _target(provider, model, names)
            yield "    operation: embeddings"
    yield ""


def _slower(wish: Wish, watched: Watched) -> str | None:
    """Return the interval a preset's chat needs where it is longer than what was asked for."""
    usual_s = PRESETS[watched.preset].interval_s
    try:
        enough = usual_s is None or parse_duration(wish.interval) >= usual_s
    except ValueError:  # told by whoever reads the file
        return None
    return None if enough or usual_s is None else format_duration(usual_s)


def _target(provider: str, model: str, names: Counter[str]) -> Iterator[str]:
    name = _UNNAMEABLE.sub("-", model).strip("-.") or "target"
    names[name] += 1
    yield f"  - name: {_text(name if names[name] == 1 else f'{name}-{provider}')}"
    yield f"    provider: {provider}"
    yield f"    model: {_text(model)}"


def _notify(wish: Wish) -> Iterator[str]:
    yield "# Rules are on already: `sonde check` lists them. One is changed by its name:"
    yield "# rules:"
    yield "#   - {name: HighLatency, when: latency.p95 > 8s}"
    yield ""
    if wish.slack_webhook is None and wish.webhook is None:
        yield "# Nobody is told yet: alerts are logged, and shown on the page."
        yield "# notify:"
        yield "#   channels:"
        yield '#     slack: {type: slack, webhook_url: "${SLACK_WEBHOOK_URL}"}'
    else:
        yield "notify:                         # `sonde notify test --all` tries it"
        yield "  channels:"
        if wish.slack_webhook is not None:
            yield f"    slack: {{type: slack, webhook_url: {_variable(wish.slack_webhook)}}}"
        if wish.webhook is not None:
            yield f"    webhook: {{type: webhook, url: {_variable(wish.webhook)}}}"
    yield ""


def _rest() -> Iterator[str]:
    yield "# http: {listen: 127.0.0.1:8000} # the page, /metrics, the API; wider: with a token_file"
    yield ""


def _text(value: str) -> str:
    """Return a text as YAML has it. Raises WishError for one that no line can hold."""
    if not value.isprintable() or not value:
        raise WishError(f"{value!r}: expected a text in one line")
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def _amount(usd: float) -> str:
    return f"{usd:.6f}".rstrip("0").rstrip(".")


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise WishError(f"{name!r}: expected the name of a variable, such as SLACK_WEBHOOK_URL")
    return f'"${{{name}}}"'
