"""The gate that keeps us kind: for each provider key patience, a breaker, and what limits do."""

# ruff: noqa: SLF001 - take_over looks into another of its own class

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Final

import structlog

from aggregator.rate_limits import KeyLimits
from alerting.metric import Fact
from monitor.config.values import Config
from monitor.facts import Reading
from monitor.keys import KeyReading
from monitor.kindness.breaker import CLOSED, Breaker, Open, trouble_of
from monitor.kindness.evidence import failures_needed
from monitor.kindness.patience import Patience
from probes.result import Failing, Fault, ProbeResult, SkipReason
from probes.secret import SecretError
from probes.target import Provider, Target

log = structlog.get_logger("sonde.kindness")

KeyVersion = tuple[int, int, int] | None


class _Key:
    """What is known of one provider key."""

    __slots__ = ("breaker", "limits", "patience", "provider", "refused_version", "targets")

    def __init__(self, config: Config, provider: Provider) -> None:
        targets = [target for target in config.targets if target.provider == provider.name]
        needed = partial(
            failures_needed,
            rules=config.rules,
            location=config.location,
            evaluate_every_s=config.evaluate_every_s,
        )
        self.provider: Final = provider
        self.targets: Final = targets
        self.limits = KeyLimits()
        self.patience: Final = Patience(targets)
        self.breaker: Final = Breaker(targets, cache(needed))
        # Working it out takes milliseconds, and is remembered for all that are alike: now, not
        # when the first of them fails.
        for target in {_kind(target): target for target in targets}.values():
            needed(target)
        self.refused_version: KeyVersion = None
        """Of the key's file when the account was refused."""

    def take_over(self, before: "_Key") -> None:
        """Know what another one knows, if it is the same key at the same place."""
        mine, other = self.provider, before.provider
        if (mine.base_url, mine.api_key, mine.organization) != (
            other.base_url,
            other.api_key,
            other.organization,
        ):
            return
        self.limits, self.refused_version = before.limits, before.refused_version
        self.patience.take_over(before.patience)
        self.breaker.take_over(before.breaker, self.targets)

    def version(self) -> KeyVersion:
        """Return what tells a changed key apart; None for one that cannot change, or is gone."""
        try:
            return self.provider.api_key.version()
        except SecretError:
            return None


def _kind(target: Target) -> tuple[object, ...]:
    """Return what decides how many failures rules need."""
    return target.preset, target.operation, target.stream, target.interval_s, target.deadline_s


class Kindness:
    """Refuses slots that would ask too often, or in vain.

    Ask it after every other gate: a trial it lets through is the only one for a while.
    """

    def __init__(self, config: Config, steady: Callable[[], float]) -> None:
        """`steady` is the clock of windows and rules."""
        self._steady = steady
        self._keys = {provider.name: _Key(config, provider) for provider in config.providers}

    def take_over(self, before: "Kindness") -> None:
        """Go on as another one does: what a provider asked for is honoured, a breaker stays open.

        A provider whose key or address is another one begins anew.
        """
        for name, key in self._keys.items():
            if name in before._keys:
                key.take_over(before._keys[name])

    def refusal(self, target: Target) -> SkipReason | None:
        """Return why the target must not be probed now, or None when it may."""
        key, now = self._keys[target.provider], self._steady()
        if key.patience.refuses(target, now):
            return SkipReason.THROTTLED_BY_US
        if key.breaker.refuses(target, now) and not self._mended(key):
            return SkipReason.BREAKER
        return None

    def learn(self, target: Target, result: ProbeResult) -> None:
        """Take note of what an attempt found."""
        key, now = self._keys[target.provider], self._steady()
        key.limits.learn(result, now)
        key.patience.learn(target, result, now)
        before = key.breaker.state
        key.breaker.learn(target, result, now)
        if key.breaker.state is not before:
            self._tell(key, result, again=before is not CLOSED)

    def failing(self, target: Target, reason: SkipReason) -> Failing | None:
        """Return what a slot counts as that is skipped now for this reason; None: no failure."""
        key = self._keys[target.provider]
        match reason:
            case SkipReason.BREAKER:
                return key.breaker.failing
            case SkipReason.THROTTLED_BY_US:
                return key.patience.failing(target, self._steady())
            case _:
                return None

    def facts(self, now: float) -> Iterable[Reading]:
        """Yield the headroom of every key of which it is known."""
        for name, key in self._keys.items():
            headroom = key.limits.headroom(now)
            if headroom is not None:
                yield Fact.HEADROOM, name, headroom

    def readings(self, now: float) -> Iterable[KeyReading]:
        """Yield what metrics show of each key."""
        for name, key in self._keys.items():
            limits = key.limits
            yield KeyReading(
                provider=name,
                requests_per_min=limits.requests_per_minute(now),
                tokens_per_min=limits.tokens_per_minute(now),
                headroom=limits.headroom(now),
                observed=limits.observed(now),
                retry_after_ratio=limits.retry_after_ratio,
                breaker_open=key.breaker.state is not CLOSED,
            )

    def limits(self) -> Iterable[tuple[str, KeyLimits]]:
        """Yield each provider and what is known of its key's limits."""
        for name, key in self._keys.items():
            yield name, key.limits

    def _mended(self, key: _Key) -> bool:
        """Say whether the key was changed since the account was refused: then all begins anew."""
        failing = key.breaker.failing
        if failing is None or failing.fault is not Fault.ACCOUNT:
            return False
        if key.version() in (None, key.refused_version):
            return False
        key.breaker.close()
        log.info("breaker.closed", provider=key.provider.name, reason="key_changed")
        return True

    def _tell(self, key: _Key, result: ProbeResult, *, again: bool) -> None:
        name, state = key.provider.name, key.breaker.state
        if not isinstance(state, Open):
            reason = "answered" if trouble_of(result) is None else "other_trouble"
            log.info("breaker.closed", provider=name, reason=reason, target=result.target)
            return
        if result.fault is Fault.ACCOUNT:
            key.refused_version = key.version()
        # A trial that failed is no news for whoever reads warnings alone.
        (log.info if again else log.warning)(
            "breaker.opened",
            provider=name,
            reason=state.trouble.value,
            verdict=state.failing.verdict.value,
            fault=state.failing.fault.value,
            target=result.target,
            cool_s=round(state.cool_s, 3),
        )
