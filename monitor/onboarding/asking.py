"""The questions of `sonde init`, one line each. Return takes what stands in brackets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from monitor.onboarding.usual import USUAL, Key
from monitor.onboarding.wish import Watched, Wish, WishError, watched_of

Ask = Callable[[str], str]
"""Puts a question to somebody and returns the answer, without its end of line."""

SLACK: Final = "SLACK_WEBHOOK_URL"
YES: Final = frozenset({"y", "yes"})


def asked(ask: Ask, keys: Sequence[Key], environ: Mapping[str, str]) -> Wish:
    """Return what somebody wants. Raises WishError when that is nothing, or no number."""
    watched = [each for key in keys if (each := _of_key(ask, key)) is not None]
    server = ask("A server of your own, its base URL up to /v1 [none]: ").strip()
    if server:
        watched.append(_of_server(ask, server))
    if not watched:
        raise WishError(
            "nothing to watch: put a key into the environment or into .env, or name a server;"
            " `sonde demo` shows Sonde at work without any"
        )
    interval = ask("How often is each asked [60s]: ").strip() or "60s"
    budget = ask("At most how many US dollars a day [no limit]: ").strip().removeprefix("$")
    return Wish(
        watched=tuple(watched),
        interval=interval,
        budget_usd=_amount(budget) if budget else None,
        slack_webhook=_slack(ask, environ),
    )


def _of_key(ask: Ask, key: Key) -> Watched | None:
    looks = f"{key.variable} looks like a key of {key.preset}"
    there = looks if key.by_shape else f"{key.variable} is set"
    if not _yes(ask, f"{there}: watch {key.preset}?"):
        return None
    usual = watched_of(key)
    models = ask(f"  Its chat models, with commas between [{usual.models[0]}]: ")
    embeddings: tuple[str, ...] = ()
    if USUAL[key.preset].embedding:
        said = ask(f"  Its embedding models, - for none [{usual.embeddings[0]}]: ").strip()
        embeddings = () if said == "-" else _list(said) or usual.embeddings
    return Watched(
        preset=key.preset,
        variable=key.variable,
        models=_list(models) or usual.models,
        embeddings=embeddings,
    )


def _of_server(ask: Ask, base_url: str) -> Watched:
    models = _list(ask("  Its models, with commas between: "))
    if not models:
        raise WishError("a server without a model: name one as the server does")
    variable = ask("  The variable that holds its key [it needs none]: ").strip()
    return Watched(preset="compatible", base_url=base_url, models=models, variable=variable or None)


def _slack(ask: Ask, environ: Mapping[str, str]) -> str | None:
    if environ.get(SLACK) and _yes(ask, f"{SLACK} is set: tell people there?"):
        return SLACK
    return None


def _yes(ask: Ask, question: str) -> bool:
    said = ask(f"{question} [Y/n]: ").strip().lower()
    return not said or said in YES


def _list(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(","))))


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not 0.0 < amount < 1e9:
        raise WishError(f"{text!r}: expected US dollars, such as 1 or 0.50")
    return amount
