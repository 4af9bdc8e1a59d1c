"""What people usually mean by a preset: which variable holds its key, and which model to ask."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from probes.providers import PRESETS


@dataclass(frozen=True, slots=True)
class Usual:
    """What is taken for a preset when nothing else is said."""

    variables: tuple[str, ...]
    """Where its key is looked for; the first is the one that is written when none is set."""
    model: str
    """A small one that answers in one word, and whose price is known where there is one."""
    embedding: str = ""
    """Offered beside it; empty: none is."""
    max_output_tokens: int | None = None
    """For models that reason before they answer; None: as everywhere."""


USUAL: Final[Mapping[str, Usual]] = MappingProxyType(
    {
        # https://platform.openai.com/docs/quickstart names the variable.
        "openai": Usual(("OPENAI_API_KEY",), "gpt-4o-mini", "text-embedding-3-small"),
        # https://learn.microsoft.com/azure/ai-foundry/openai/quickstart; a model is a deployment.
        "azure": Usual(("AZURE_OPENAI_API_KEY",), "gpt-4o-mini"),
        # It reasons first, and reasoning tokens count.
        "xai": Usual(("XAI_API_KEY",), "grok-4.3", max_output_tokens=500),
        "openrouter": Usual(("OPENROUTER_API_KEY",), "openai/gpt-4o-mini"),
        "groq": Usual(("GROQ_API_KEY",), "llama-3.1-8b-instant"),
        "mistral": Usual(("MISTRAL_API_KEY",), "mistral-small-latest"),
        "deepseek": Usual(("DEEPSEEK_API_KEY",), "deepseek-v4-flash"),
        # https://ai.google.dev/gemini-api/docs/api-key; it thinks first, and that counts too.
        "gemini": Usual(
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "gemini-2.5-flash", max_output_tokens=500
        ),
        "anthropic": Usual(("ANTHROPIC_API_KEY",), "claude-haiku-4-5"),
        "vllm": Usual(("VLLM_API_KEY",), "my-model"),
        "ollama": Usual(("OLLAMA_API_KEY",), "llama3.2"),
        "compatible": Usual(("LLM_API_KEY",), "my-model"),
    }
)

_TELLING: Final = ("sk-or-", "sk-ant-", "sk-proj-", "sk-svcacct-", "gsk_", "xai-")
"""Beginnings of keys that only one provider's have. A bare `sk-` is several providers'."""
_OPENAIS_OWN: Final = frozenset({"sk-proj-", "sk-svcacct-"})
"""https://platform.openai.com/api-keys makes these two; its preset knows what both begin with."""


@dataclass(frozen=True, slots=True)
class Key:
    """A variable that holds a key. Never the key."""

    preset: str
    variable: str
    by_shape: bool = False
    """Whether only what it holds gave it away, not its name."""


def keys_in(environ: Mapping[str, str]) -> Iterator[Key]:
    """Yield the keys an environment holds: by the presets' variables, then by their shape."""
    named: set[str] = set()
    for preset, usual in USUAL.items():
        found = next((name for name in usual.variables if environ.get(name)), None)
        if found is not None:
            named |= set(usual.variables)
            yield Key(preset, found)
    for variable in sorted(set(environ) - named):
        if (whose := _shaped(environ[variable])) is not None:
            yield Key(whose, variable, by_shape=True)


def _shaped(value: str) -> str | None:
    """Return the preset whose keys look like this; None: nobody's, or several providers' do."""
    prefix = next((each for each in _TELLING if value.startswith(each)), None)
    if prefix is None or any(sign.isspace() for sign in value):
        return None
    if prefix in _OPENAIS_OWN:
        return "openai"
    return next((name for name, preset in PRESETS.items() if preset.key_prefix == prefix), None)


def stand_in(preset: str) -> str:
    """Return a text in the shape of a preset's keys, for looking at all else without one."""
    return f"{PRESETS[preset].key_prefix or ''}{'0' * 32}"
