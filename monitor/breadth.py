"""How much of each provider fails: one model, or most of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from alerting.metric import Fact
from monitor.facts import Reading
from probes.target import Target

LEAST_MODELS: Final = 3
"""Two models that fail together may be two troubles; of a key with fewer than three the alerts of
the single ones say it all."""


def models_of(targets: Sequence[Target]) -> Mapping[str, frozenset[str]]:
    """Return the models of each provider key that has enough of them to speak of most."""
    models: dict[str, set[str]] = {}
    for target in targets:
        models.setdefault(target.provider, set()).add(target.model)
    return {
        provider: frozenset(names)
        for provider, names in models.items()
        if len(names) >= LEAST_MODELS
    }


class Breadth:
    """Knows `provider.failing_share`: nothing until somebody has looked at the alerts."""

    def __init__(
        self,
        targets: Sequence[Target],
        failing: Callable[[], Mapping[str, frozenset[str]] | None],
    ) -> None:
        """`failing` says which models of each provider fail; None: not known yet."""
        self._providers = tuple(dict.fromkeys(target.provider for target in targets))
        self._models = models_of(targets)
        self._failing = failing

    def facts(self, _now: float) -> Iterator[Reading]:
        """Say what part of each provider's models fails.

        None of a key with too few of them: an alert of a time when it had more, which speaks for
        all of its models, must end.
        """
        failing = self._failing()
        if failing is None:
            return
        for provider in self._providers:
            models = self._models.get(provider, frozenset())
            share = failing_share(failing.get(provider, frozenset()), models)
            yield Fact.PROVIDER_FAILING, provider, share


def failing_share(failing: AbstractSet[str], models: AbstractSet[str]) -> float:
    """Return what part of these models fails, 0..1; of too few that do, none."""
    bad = len(failing & models)
    return bad / len(models) if bad >= LEAST_MODELS else 0.0
