"""Asks history and ledger for what the public page says."""

from collections.abc import Mapping, Sequence
from typing import Final

from aggregator.ledger import Ledger
from aggregator.rollup.bucket import Bucket
from aggregator.stores.history import MOST_RESULTS, History, whole
from alerting.metric import Fact
from alerting.render import fault_of
from alerting.routing.record import read_standing
from alerting.routing.story import Standing
from alerting.rule import Rule
from alerting.series import matching
from monitor.config.values import Config, HistoryStore
from monitor.histories import open_history
from monitor.public.view import DAYS, INCIDENTS_S, PublicView, Seen, view
from probes.result import Fault
from probes.target import Target

STALE_INTERVALS: Final = 3
DAY_S: Final = 86_400
STEP_S: Final = 900


async def gather(
    config: Config, history: History, standing: Sequence[Standing], now: float
) -> PublicView:
    """Return the configured page as of `now`; raises HistoryError.

    Raises ValueError when no public page is configured. `standing`: alerts that are pending or
    firing.
    """
    page = config.public_page
    if page is None:
        raise ValueError("public_page: not configured")
    targets = {target.name: target for target in config.targets}
    disturbed = _disturbed(config, standing)
    ledgers = config.store.history is HistoryStore.LEDGER
    kept_s = int(config.store.retention_results_s) if ledgers else INCIDENTS_S
    seen: list[tuple[str, list[Seen]]] = []
    for component in page.components:
        looks = [
            await _seen(targets[name], history, name in disturbed, kept_s, now)
            for name in component.targets
        ]
        seen.append((component.name, looks))
    return view(page.title, seen, now)


async def public_view(config: Config, ledger: Ledger, now: float) -> PublicView | None:
    """Return the running daemon's page; None: none is configured.

    Raises HistoryError, and LedgerError for a ledger that cannot be read.
    """
    if config.public_page is None:
        return None
    standing = await ledger.read(read_standing)
    async with open_history(config, read=ledger.read) as history:
        return await gather(config, history, standing, now)


async def _seen(target: Target, history: History, disturbed: bool, kept_s: int, now: float) -> Seen:
    until = int(now) + 1
    today = int(now) // DAY_S * DAY_S
    days = await history.range(target.name, today - (DAYS - 1) * DAY_S, until, DAY_S)
    steps = await history.range(target.name, until - DAY_S, until, STEP_S)
    # Less for what is probed so often that it would be too much to read through.
    back_s = min(INCIDENTS_S, kept_s, int(target.interval_s * MOST_RESULTS / 2))
    events = await history.events(target.name, until - back_s, until)
    spoken = [point.at + point.over_s for point in steps if _speaks(point.bucket)]
    return Seen(
        newest=min(max(spoken), now) if spoken else None,
        stale_after_s=max(STEP_S, STALE_INTERVALS * target.interval_s + target.deadline_s),
        days={point.at: point.bucket for point in days},
        day=whole(steps, until - DAY_S, until).bucket,
        troubles=tuple(events.troubles),
        disturbed=disturbed,
        back_s=back_s,
    )


def _speaks(bucket: Bucket) -> bool:
    """Whether there is an outcome that tells of the provider, good or bad."""
    return bucket.count(Fault.NONE) + bucket.count(Fault.PROVIDER) > 0


def _disturbed(config: Config, standing: Sequence[Standing]) -> frozenset[str]:
    """Return the targets about which an alert fires that calls the provider slow or failing."""
    found: set[str] = set()
    for rule in filter(_blames, config.rules):
        chosen = matching(rule, config.targets, config.location)
        for each in standing:
            if each.fired_at is not None and each.identity.rule == rule.name:
                labels = dict(each.identity.labels)
                found |= {target.name for target in chosen if _about(labels, target)}
    return frozenset(found)


def _blames(rule: Rule) -> bool:
    """Whether it is about slowness or failures of the provider's: a drift is neither."""
    return fault_of(rule.when) == Fault.PROVIDER and Fact.DRIFT_EVENTS not in rule.sources.facts


def _about(labels: Mapping[str, str], target: Target) -> bool:
    own = {"target": target.name, "provider": target.provider}
    return all(labels.get(name, value) == value for name, value in own.items())
