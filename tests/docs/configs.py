"""A page's piece of configuration, made whole: files for its secrets, the names it speaks of."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from monitor.config.load import load

SECRET: Final = "x0123456789abcdef0123456789abcdef"
VARIABLES: Final[Mapping[str, str]] = {
    "OPENAI_API_KEY": f"sk-{SECRET}",
    "XAI_API_KEY": f"xai-{SECRET}",
    "OPENROUTER_API_KEY": f"sk-or-{SECRET}",
    "GROQ_API_KEY": f"gsk_{SECRET}",
    "ANTHROPIC_API_KEY": f"sk-ant-{SECRET}",
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T00/B00/x",
    "HOOK_URL": "https://hooks.example.com/alerts",
    "WEBHOOK_URL": "https://hooks.example.com/alerts",
    "HEALTHCHECK_URL": "https://switch.example.com/ping/1",
    "INFLUXDB_URL": "http://127.0.0.1:8086",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
"""What a variable holds whose value has a shape; all others hold `SECRET`."""
ROOTS: Final = "/etc/ssl/certs/ca-certificates.crt"

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_SECRETS: Final = re.compile(r"/run/(?:secrets|credentials/sonde\.service)/([\w.-]+)")
_PEM: Final = re.compile(r"/etc/ssl/[\w-]+\.pem")

# Any: YAML is of any shape.
Piece = dict[str, Any]


def check(text: str, folder: Path) -> None:
    """Have the real loader take a configuration, or a piece of one. Raises ConfigError."""
    folder.mkdir(exist_ok=True)
    for name in set(_SECRETS.findall(text)):
        (folder / name).write_text(_file(name), encoding="utf-8")
    text = _PEM.sub(ROOTS, _SECRETS.sub(rf"{folder}/\1", text))
    piece: Piece = yaml.safe_load(text) or {}
    # A whole one is read as it stands, the text and not what it means: `no` is a word there.
    whole = text if {"providers", "targets"} <= piece.keys() else yaml.safe_dump(completed(piece))
    path = folder / "sonde.yaml"
    path.write_text(whole, encoding="utf-8")
    environ = {name: VARIABLES.get(name, SECRET) for name in _VARIABLE.findall(whole)}
    load(path, {"HOME": str(folder), **environ}, cwd=folder, strict=True)


def _file(name: str) -> str:
    urls = {
        "apprise": "ntfy://ntfy.sh/topic",
        "slack": VARIABLES["SLACK_WEBHOOK_URL"],
        "switch": VARIABLES["HEALTHCHECK_URL"],
    }
    return urls.get(name, SECRET)


def completed(piece: Piece) -> Piece:
    """Return the piece with the providers, targets and channels that it takes for granted."""
    whole = dict(piece)
    if "targets" in whole:
        asked = {target["provider"] for target in whole["targets"]}
        whole["providers"] = {name: PROVIDERS.get(name, PROVIDERS["house"]) for name in asked}
    whole.setdefault("providers", PROVIDERS)
    whole.setdefault("targets", _targets(whole))
    routed = {name for route in whole.get("notify", {}).get("routes", ()) for name in route["to"]}
    if routed:
        channels = {name: dict(CHANNEL) for name in routed}  # one dict would be dumped as an anchor
        whole["notify"] = {"channels": channels, **whole["notify"]}
    if any("slo" in rule for rule in whole.get("rules", ())):
        whole.setdefault("slos", [{"name": "chat-availability", "objective": "99.5%"}])
    return whole


def _targets(whole: Piece) -> list[Piece]:
    """Return a target of each provider, and those that the piece speaks of by name."""
    targets = [_target(name) for name in whole["providers"]]
    if "openai" in whole["providers"]:
        shown = whole.get("public_page", {}).get("components", {}).values()
        named = {"gpt-large", *(name for names in shown for name in names)}
        named -= {target["name"] for target in targets}
        targets += [
            {"name": name, "provider": "openai", "model": "gpt-4o"} for name in sorted(named)
        ]
    return targets


def _target(provider: str) -> Piece:
    known = {"openai": "gpt-chat", "house": "house-chat"}
    team = {"team": "batch"}  # what silences.md and routing.md speak of
    name = known.get(provider, f"{provider}-chat")
    return {"name": name, "provider": provider, "model": MODELS.get(provider, "m"), "labels": team}


MODELS: Final = {"openai": "gpt-4o-mini"}
PROVIDERS: Final[Piece] = {
    "openai": {"preset": "openai", "api_key": "${OPENAI_API_KEY}"},
    "house": {
        "preset": "compatible",
        "base_url": "http://vllm.internal:8000/v1",
        "prices": {"default": {"input": 0, "output": 0}},
    },
}
CHANNEL: Final[Piece] = {"type": "webhook", "url": "${HOOK_URL}"}
