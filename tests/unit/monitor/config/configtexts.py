"""Configuration texts for tests, and short ways to load them."""

from pathlib import Path
from textwrap import dedent

import pytest

from monitor.config.errors import ConfigError, Problem
from monitor.config.load import Loaded, load

ENVIRON = {
    "KEY": "sk-0123456789",
    "XAI_KEY": "xai-0123456789",
    "HOOK": "https://hooks.slack.com/services/T/B/xyz",
    "BOT": "xoxb-123-456",
    "URL": "https://receiver.example.com/in",
    "SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}

SMALL = """\
providers:
  openai: {preset: openai, api_key: "${KEY}"}
targets:
  - {name: chat, provider: openai, model: gpt-4o-mini}
"""


def load_text(
    folder: Path, text: str, *, strict: bool = True, environ: dict[str, str] | None = None
) -> Loaded:
    """Load `text` as a file in `folder`."""
    (folder / "sonde.yaml").write_text(dedent(text), encoding="utf-8")
    merged = ENVIRON | (environ or {})
    return load(Path("sonde.yaml"), merged, cwd=folder, strict=strict)


def refusals(
    folder: Path, text: str, *, strict: bool = True, environ: dict[str, str] | None = None
) -> list[Problem]:
    """Return the problems of a text that must not load."""
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, strict=strict, environ=environ)
    return list(caught.value.problems)


def refusal(
    folder: Path, text: str, *, strict: bool = True, environ: dict[str, str] | None = None
) -> str:
    """Return the only problem of a text that must not load, as people see it."""
    problems = refusals(folder, text, strict=strict, environ=environ)
    assert len(problems) == 1, problems
    return str(problems[0])
