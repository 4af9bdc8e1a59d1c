"""Providers known by name. A new one is one file, one test and one line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from probes.providers.compatible import COMPATIBLE
from probes.providers.openai import OPENAI
from probes.providers.preset import Preset, TokenParameter
from probes.providers.xai import XAI

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "openai": OPENAI,
        "xai": XAI,
        "compatible": COMPATIBLE,
    }
)

__all__ = ["PRESETS", "Preset", "TokenParameter"]
