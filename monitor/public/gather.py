"""Asks history and ledger for what the public page says."""

from collections.abc import Mapping, Sequence
from typing import Final

from aggregator.ledger import Ledger
from aggregator.rollup.bucket import Bucket
from aggregator.stores.history import MOST_RESULTS, History, whole
from alerting.render import fault_of
from alerting.routing.record import read_standing
from alerting.routing.story import Standing
from monitor.config.values import Config
from monitor.histories import open_history
from monitor.public.view import DAYS, PublicView, Seen, view
from probes.result import Fault
from probes.target import Target

INCIDENT_DAYS: Final = 7
"""How far back incidents are listed; less for targets probed so often that it would be too much to
read through."""
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
    seen: list[tuple[str, list[Seen]]] = []
    for component in page.components:
        looks = [
            await _seen(targets[name], history, name in disturbed, now)
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


async def _seen(target: Target, history: History, disturbed: bool, now: float) -> Seen:
    until = int(now) + 1
    today = until // DAY_S * DAY_S
    days = await history.range(target.name, today - (DAYS - 1) * DAY_S, until, DAY_S)
    steps = await history.range(target.name, until - DAY_S, until, STEP_S)
    back_s = min(INCIDENT_DAYS * DAY_S, int(target.interval_s * MOST_RESULTS / 2))
    events = await history.events(target.name, until - back_s, until)
    spoken = [point.at + point.over_s for point in steps if _speaks(point.bucket)]
    return Seen(
        newest=min(max(spoken), now) if spoken else None,
        stale_after_s=max(STEP_S, STALE_INTERVALS * target.interval_s + target.deadline_s),
        days={point.at: point.bucket for point in days},
        day=whole(steps, until - DAY_S, until).bucket,
        troubles=tuple(events.troubles),
        disturbed=disturbed,
    )


def _speaks(bucket: Bucket) -> bool:
    """Whether there is an outcome that tells of the provider, good or bad."""
    return bucket.count(Fault.NONE) + bucket.count(Fault.PROVIDER) > 0


def _disturbed(config: Config, standing: Sequence[Standing]) -> frozenset[str]:
    """Return the targets about which an alert fires that blames the provider."""
    blamed = {rule.name for rule in config.rules if fault_of(rule.when) == Fault.PROVIDER}
    firing = [
        dict(each.identity.labels)
        for each in standing
        if each.fired_at is not None and each.identity.rule in blamed
    ]
    return frozenset(
        target.name for target in config.targets if any(_about(labels, target) for labels in firing)
    )


def _about(labels: Mapping[str, str], target: Target) -> bool:
    if "target" in labels:
        return labels["target"] == target.name
    return labels.get("provider") == target.provider
