"""How long the models of our targets have left: what their providers announced, and what they say.

A provider says it in a header of each answer (`Sunset`), or on a page (the table). The sooner of
both counts. A gateway's models are not those of the provider whose preset it has: there only the
header speaks.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from alerting.metric import Fact
from monitor.facts import Reading
from probes.providers import PRESETS
from probes.result import ProbeResult
from probes.retirement import Retirement, days_until, retires_at
from probes.target import Provider, Target

NEVER_DAYS: Final = 36_500.0
"""What a target has left whose end nobody knows of although it answers: a century."""


def announced(preset: str, base_url: str | None, model: str) -> Retirement | None:
    """Return the announced end of a model there; `base_url` None: at the provider itself."""
    own = urlsplit(PRESETS[preset].base_url or "").hostname
    itself = base_url is None or urlsplit(base_url).hostname == own
    return retires_at(preset, model) if itself else None


class Retirements:
    """The ends of all targets' models, as wall time."""

    def __init__(self, providers: Iterable[Provider], targets: Sequence[Target]) -> None:
        base_urls = {provider.name: provider.base_url for provider in providers}
        self._announced: dict[str, float] = {}
        for target in targets:
            found = announced(target.preset, base_urls.get(target.provider), target.model)
            if found is not None:
                self._announced[target.name] = found.at
        self._said: dict[str, float] = {}

    def take_over(self, before: "Retirements", unchanged: Iterable[Target]) -> None:
        """Know what the one before was told about these targets, which are what they were."""
        for target in unchanged:
            if target.name in before._said:
                self._said[target.name] = before._said[target.name]

    def learn(self, target: Target, result: ProbeResult) -> None:
        """Take note of what an answer says about the end of its model; called for each probe."""
        if result.sunset_at is not None:
            self._said[target.name] = result.sunset_at
        elif result.ok:  # said no longer, or never: what was called off must end its alert
            self._said[target.name] = math.inf

    def facts(self, now: float) -> Iterator[Reading]:
        """Say how many days each target has left, as far as is known; negative: it has ended.

        NEVER_DAYS where the newest good answer names no end, and no page does.
        """
        for name in self._announced.keys() | self._said.keys():
            ends = [ends[name] for ends in (self._announced, self._said) if name in ends]
            yield Fact.RETIREMENT_DAYS, name, min(days_until(min(ends), now), NEVER_DAYS)
