"""The environment: `.env`, and a whole configuration from variables alone.

Without a file the variables are turned into the same plain data that a file would hold, and go
through the same validation; a problem then names the variable instead of a key.
"""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from dotenv import dotenv_values

from monitor.config import defaults
from monitor.config.document import Document, KeyPath, Plain
from monitor.config.durations import format_duration, parse_duration
from monitor.config.errors import ConfigError, Problem
from monitor.config.scalars import Interpolated

SOURCE: Final = "environment"
DOTENV_LIMIT_BYTES: Final = 256 * 1024

OPENAI_CHAT: Final = (("gpt-4o-mini", True), ("gpt-4o", False))
"""Model, and whether it is streamed: both ways of answering are watched."""
OPENAI_EMBEDDINGS: Final = ("text-embedding-3-small", "text-embedding-3-large")
XAI_CHAT: Final = "grok-4.3"
"""What xAI names in place of grok-code-fast-1, retired on 2026-05-15: probes.retirement."""
XAI_MAX_OUTPUT_TOKENS: Final = 500
"""It reasons first, and reasoning tokens count: with less it never comes to its answer."""
XAI_INTERVAL_S: Final = 120.0
XAI_DEADLINE_S: Final = 90.0

_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")


def variables(environ: Mapping[str, str], cwd: Path) -> Mapping[str, str]:
    """Return the environment over the `.env` of the working directory, if there is one.

    Nothing is written back to the process's environment. Raises ConfigError for a `.env` that
    cannot be read.
    """
    return {**_dotenv(cwd / ".env"), **environ}


def _dotenv(path: Path) -> Mapping[str, str]:
    try:
        with path.open("rb") as file:
            raw = file.read(DOTENV_LIMIT_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError((Problem(".env", f"cannot read it: {error.strerror}"),)) from None
    if len(raw) > DOTENV_LIMIT_BYTES:
        raise ConfigError((Problem(".env", f"larger than {DOTENV_LIMIT_BYTES // 1024} KiB"),))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError((Problem(".env", "not UTF-8: save it as UTF-8"),)) from None
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


class _Draft:
    """Plain data in the making, with the variable behind each part of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.data: dict[str, Plain] = {}
        self.names: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []

    def get(self, name: str) -> Interpolated | None:
        """Return the value of a variable; one that is empty counts as unset."""
        value = self.environ.get(name)
        return Interpolated.of(value, (name,)) if value else None

    def section(self, *path: str) -> dict[str, Plain]:
        """Return the mapping at `path`, made when needed."""
        node = self.data
        for step in path:
            below = node.get(step)
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        return node

    def put(self, path: tuple[str, ...], name: str) -> bool:
        """Put the variable's value at `path`; say whether it has one."""
        value = self.get(name)
        if value is None:
            return False
        self.section(*path[:-1])[path[-1]] = value
        self.names[path] = name
        return True

    def complain(self, name: str, message: str) -> None:
        self.problems.append(Problem(SOURCE, message, name))


def read_environment(environ: Mapping[str, str]) -> tuple[Document, tuple[Problem, ...]]:
    """Return the configuration that variables alone make, and what is wrong with them."""
    draft = _Draft(environ)
    targets = [*_openai(draft), *_xai(draft)]
    draft.data["targets"] = list(targets)
    _limits(draft)
    _channels(draft)
    _influxdb(draft)
    _otlp(draft)
    draft.put(("cluster", "redis"), "REDIS_URL")
    if not targets:
        message = (
            "nothing to probe: set OPENAI_API_KEY or XAI_API_KEY, or write a sonde.yaml;"
            " `sonde demo` shows Sonde at work without any key"
        )
        draft.problems.append(Problem(SOURCE, message))
    document = Document(
        source=SOURCE,
        data=draft.data,
        names=draft.names,
        broken=frozenset() if targets else frozenset({("targets",)}),
    )
    return document, tuple(draft.problems)


def _openai(draft: _Draft) -> list[Plain]:
    if not draft.put(("providers", "openai", "api_key"), "OPENAI_API_KEY"):
        return []
    draft.section("providers", "openai")["preset"] = "openai"
    draft.put(("providers", "openai", "base_url"), "OPENAI_BASE_URL")
    draft.put(("providers", "openai", "organization"), "OPENAI_ORG_ID")
    chat: list[Plain] = [
        {"name": model, "provider": "openai", "model": model, "stream": stream}
        for model, stream in OPENAI_CHAT
    ]
    embeddings: list[Plain] = [
        {"name": model, "provider": "openai", "model": model, "operation": "embeddings"}
        for model in OPENAI_EMBEDDINGS
    ]
    return chat + embeddings


def _xai(draft: _Draft) -> list[Plain]:
    if not draft.put(("providers", "xai", "api_key"), "XAI_API_KEY"):
        return []
    draft.section("providers", "xai")["preset"] = "xai"
    timeout_s = _timeout_s(draft)
    target: dict[str, Plain] = {"name": XAI_CHAT, "provider": "xai", "model": XAI_CHAT}
    target["interval"] = format_duration(max(XAI_INTERVAL_S, timeout_s or 0.0))
    if timeout_s is None:
        target["deadline"] = format_duration(XAI_DEADLINE_S)
    if draft.get("MAX_TOKENS_DEFAULT") is None:
        target["max_output_tokens"] = XAI_MAX_OUTPUT_TOKENS
    return [target]


def _timeout_s(draft: _Draft) -> float | None:
    """Return REQUEST_TIMEOUT in seconds; None when unset or unreadable."""
    said = draft.get("REQUEST_TIMEOUT")
    try:
        return None if said is None else parse_duration(_with_unit(said))
    except ValueError:
        return None


def _with_unit(text: str) -> str:
    """Read a bare number as seconds, which is what REQUEST_TIMEOUT means elsewhere."""
    return f"{text}s" if _SECONDS.fullmatch(text) else text


def _limits(draft: _Draft) -> None:
    draft.put(("defaults", "max_output_tokens"), "MAX_TOKENS_DEFAULT")
    if not draft.put(("defaults", "deadline"), "REQUEST_TIMEOUT"):
        return
    common = draft.section("defaults")
    said = str(common["deadline"])
    common["deadline"] = Interpolated.of(_with_unit(said), ("REQUEST_TIMEOUT",))
    timeout_s = _timeout_s(draft)
    if timeout_s is not None and timeout_s > defaults.INTERVAL_S:
        common["interval"] = format_duration(timeout_s)
        draft.names["defaults", "interval"] = "REQUEST_TIMEOUT"


def _channels(draft: _Draft) -> None:
    channels = ("notify", "channels")
    if draft.put((*channels, "slack", "webhook_url"), "SLACK_WEBHOOK_URL"):
        draft.section(*channels, "slack")["type"] = "slack"
    if draft.put((*channels, "slack-bot", "bot_token"), "SLACK_BOT_TOKEN"):
        draft.section(*channels, "slack-bot")["type"] = "slack"
        if not draft.put((*channels, "slack-bot", "channel"), "SLACK_CHANNEL"):
            message = "missing: SLACK_BOT_TOKEN needs a channel, such as #alerts"
            draft.complain("SLACK_CHANNEL", message)
            del draft.section(*channels)["slack-bot"]
    if draft.put((*channels, "webhook", "url"), "WEBHOOK_URL"):
        draft.section(*channels, "webhook")["type"] = "webhook"


def _influxdb(draft: _Draft) -> None:
    section = ("store", "influxdb")
    if draft.environ.get("INFLUXDB_URL") == "":  # none, as in a file
        return
    for key in ("url", "token", "token_file", "org", "bucket", "ca_file"):
        name = f"INFLUXDB_{key.upper()}"
        draft.put((*section, key), name)
        draft.names[(*section, key)] = name  # also for what is missing


def _otlp(draft: _Draft) -> None:
    """Read what OpenTelemetry's own libraries read.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
    """
    if not draft.put(("otlp", "endpoint"), "OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    name = "OTEL_EXPORTER_OTLP_HEADERS"
    for pair in filter(None, (draft.get(name) or "").split(",")):
        key, is_said, value = pair.partition("=")
        if not is_said:
            draft.complain(name, "expected NAME=VALUE,NAME=VALUE")
            return
        path = ("otlp", "headers", unquote(key.strip()))
        draft.section(*path[:-1])[path[-1]] = Interpolated.of(unquote(value.strip()), (name,))
        draft.names[path] = name
