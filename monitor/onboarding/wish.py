"""What somebody wants watched: the answers of `sonde init`, as values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.onboarding.usual import USUAL, Key
from probes.providers import PRESETS, Style


class WishError(ValueError):
    """What was asked for does not go together; the text says what does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One provider, and what of it is watched."""

    preset: str
    variable: str | None = None
    """Which variable holds its key; None: it needs none."""
    models: tuple[str, ...] = ()
    embeddings: tuple[str, ...] = ()
    base_url: str | None = None
    """azure: the resource's endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Everything a first configuration says."""

    watched: tuple[Watched, ...]
    interval: str = "60s"
    budget_usd: float | None = None
    """A day; None: without a budget."""
    slack_webhook: str | None = None
    """The variable that holds a Slack webhook's URL."""
    webhook: str | None = None
    """The variable that holds the URL of a receiver of your own."""


def watched_of(key: Key) -> Watched:
    """Return what is watched when a key is all that is known."""
    usual = USUAL[key.preset]
    return Watched(
        preset=key.preset,
        variable=key.variable,
        models=(usual.model,),
        embeddings=(usual.embedding,) if usual.embedding else (),
    )


Said = tuple[str, str]
"""One option as it stood on the command line: its name, and its value."""


def watched_from(said: Iterable[Said], keys: Sequence[Key]) -> tuple[Watched, ...]:
    """Return what options ask for: each `provider` begins one, and what follows is said of it.

    A base URL before any provider is that of a server of one's own. Raises WishError.
    """
    groups: list[list[Said]] = []
    for name, value in said:
        if name == "provider":
            groups.append([(name, value)])
        elif groups:
            groups[-1].append((name, value))
        elif name == "base_url":
            groups.append([("provider", "compatible"), (name, value)])
        else:
            option = name.replace("_", "-")
            raise WishError(f"--{option} {value}: of which provider? Say --provider before it")
    return tuple(_watched(group, keys) for group in groups)


def _watched(group: Sequence[Said], keys: Sequence[Key]) -> Watched:
    def all_of(name: str) -> tuple[str, ...]:
        return tuple(value for each, value in group if each == name)

    def last_of(name: str) -> str | None:
        return next(reversed(all_of(name)), None)

    preset = all_of("provider")[0]
    if preset not in PRESETS:
        raise WishError(f"--provider {preset}: there are {', '.join(PRESETS)}")
    models, embeddings = all_of("model"), all_of("embedding")
    usual = USUAL[preset]
    found = next((key.variable for key in keys if key.preset == preset), None)
    wanted = usual.variables[0] if PRESETS[preset].hosted else None
    base_url = last_of("base_url")
    if base_url is None and PRESETS[preset].base_url is None:
        what = "endpoint" if PRESETS[preset].style is Style.AZURE else "server"
        raise WishError(f"--provider {preset} needs --base-url, its {what}'s address")
    if not models and not embeddings:
        if PRESETS[preset].base_url is None:
            raise WishError(f"--provider {preset} needs --model, as its server names it")
        models, embeddings = (usual.model,), tuple(filter(None, (usual.embedding,)))
    return Watched(
        preset=preset,
        variable=last_of("key_env") or found or wanted,
        models=models,
        embeddings=embeddings,
        base_url=base_url,
    )
