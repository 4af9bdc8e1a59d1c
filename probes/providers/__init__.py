"""Providers known by name. A new one is one file, one fixture and one line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from probes.providers.anthropic import ANTHROPIC
from probes.providers.azure import AZURE
from probes.providers.compatible import COMPATIBLE
from probes.providers.deepseek import DEEPSEEK
from probes.providers.gemini import GEMINI
from probes.providers.groq import GROQ
from probes.providers.mistral import MISTRAL
from probes.providers.ollama import OLLAMA
from probes.providers.openai import OPENAI
from probes.providers.openrouter import OPENROUTER
from probes.providers.preset import Preset, StatusKind, StatusPage, Style, TokenParameter
from probes.providers.vllm import VLLM
from probes.providers.xai import XAI

_ALL: Final = (
    OPENAI,
    AZURE,
    XAI,
    OPENROUTER,
    GROQ,
    MISTRAL,
    DEEPSEEK,
    GEMINI,
    ANTHROPIC,
    VLLM,
    OLLAMA,
    COMPATIBLE,
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({preset.name: preset for preset in _ALL})

__all__ = ["PRESETS", "Preset", "StatusKind", "StatusPage", "Style", "TokenParameter"]
