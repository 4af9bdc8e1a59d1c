"""Which components of a status page concern what we probe: data, and one function over it.

A page speaks of everything a company has; that a chat product for people is down says nothing of
its API. Names are matched in lower case. Where a page could not be seen when this was written its
names are not confirmed, and `*api*` is what such pages mostly have.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from probes.result import Operation


@dataclass(frozen=True, slots=True)
class Subject:
    """What is probed of a provider."""

    preset: str
    operation: Operation
    model: str


_EVERY: Final = tuple(Operation)
_TEXT: Final = (Operation.CHAT, Operation.RESPONSES, Operation.MODELS)

COMPONENTS: Final[Mapping[str, Mapping[str, tuple[Operation, ...]]]] = {
    # https://status.openai.com: one component for each API.
    "openai": {
        "chat completions*": (Operation.CHAT,),
        "responses*": (Operation.RESPONSES,),
        "embeddings*": (Operation.EMBEDDINGS,),
        "models*": (Operation.MODELS,),
    },
    # https://status.claude.com: "Claude API (api.anthropic.com)" beside claude.ai and others.
    "anthropic": {"*api.anthropic.com*": _EVERY},
    # https://status.x.ai/feed.xml: items begin with the component in brackets; not confirmed.
    "xai": {"*api*": _EVERY},
    # https://azure.status.microsoft: all of Azure in one feed; names not confirmed.
    "azure": {"*openai*": _EVERY, "*foundry*": _EVERY, "*cognitive*": _EVERY},
    # https://groqstatus.com and https://status.openrouter.ai; not confirmed.
    "groq": {"*api*": _EVERY},
    "openrouter": {"*api*": _EVERY, "*chat*": _TEXT},
}
OTHERS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "*api*": _EVERY,
    "*chat completion*": _TEXT,
    "*embedding*": (Operation.EMBEDDINGS,),
}
"""Of a preset without names of its own, as of a page somebody configured."""


def concerns(component: str, subjects: Collection[Subject]) -> bool:
    """Say whether a component of this name is one that some of the subjects depend on."""
    name = component.strip().lower()
    plain = f" {_plain(name)} "
    kinds = {(subject.preset, subject.operation) for subject in subjects}
    return any(_serves(name, *kind) for kind in kinds) or any(
        f" {_plain(subject.model)} " in plain for subject in subjects if subject.model
    )


def _serves(name: str, preset: str, operation: Operation) -> bool:
    return any(
        operation in operations and fnmatchcase(name, pattern)
        for pattern, operations in COMPONENTS.get(preset, OTHERS).items()
    )


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """Return a model's name as pages may write it: `Llama 3.1 8B` is llama-3.1-8b."""
    return name.lower().rpartition("/")[2].replace("-", " ").replace("_", " ")
