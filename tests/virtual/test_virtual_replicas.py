"""Two roads over one consent, in virtual time: people hear of each alert once."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from alerting.notification import Notification, Status
from alerting.routing.route import Route
from monitor.config.values import Config
from probes.result import Fault, Verdict
from probes.target import Target
from tests.standins.consent import Book, MemoryConsent
from tests.virtual.road import START, Found, Virtual, shipped

pytestmark = pytest.mark.looptime

OUTAGE = (300.0, 900.0)
STORY_S = 2400.0
ALONE = (Route(("recorder",), grouping=frozenset({"recorder"})),)
GROUPED = (Route(("recorder",), group_by=("provider", "fault")),)


def outage(_target: Target, at: float) -> Found:
    """Fail for a while."""
    if OUTAGE[0] <= at < OUTAGE[1]:
        return Found(0.3, Verdict.SERVER_ERROR, Fault.PROVIDER)
    return Found(0.3)


def two(folder: Path, book: Book, *, apart_s: float, routes: tuple[Route, ...]) -> list[Virtual]:
    """Make two replicas whose clocks and evaluations are apart."""
    config: Config = shipped(folder, {"OPENAI_API_KEY": "sk-test"})
    config = replace(config, targets=config.targets[:2])
    found: list[Virtual] = []
    for number, name in enumerate("ab"):
        home = folder / name
        home.mkdir()
        consent = MemoryConsent(book, name, partial(_off, book, number * apart_s))
        found.append(
            Virtual(
                replace(config, evaluate_every_s=config.evaluate_every_s + number * 0.7),
                home,
                outage,
                step_s=number * apart_s,
                routes=routes,
                consent=consent,
            )
        )
    return found


def _off(book: Book, by_s: float) -> float:
    return book.now() + by_s


async def run(*replicas: Virtual, seconds: float = STORY_S) -> list[tuple[float, Notification]]:
    """Run all; return what people heard, in its order."""
    async with asyncio.TaskGroup() as group:
        for each in replicas:
            group.create_task(each.run(seconds))
    return sorted((told for each in replicas for told in each.recorder.told), key=lambda t: t[0])


def here() -> Book:
    """Make a book on the story's clock."""
    began = asyncio.get_running_loop().time()
    return Book(lambda: START + asyncio.get_running_loop().time() - began)


@pytest.mark.parametrize(
    ("apart_s", "routes"),
    [(0.0, GROUPED), (2.0, GROUPED), (-2.0, ALONE)],
    ids=["alike", "ahead", "behind"],
)
async def test_each_alert_is_told_once(
    tmp_path: Path, apart_s: float, routes: tuple[Route, ...]
) -> None:
    """Each replica decides every message; one tells it, beginning and end, in one thread."""
    a, b = two(tmp_path, here(), apart_s=apart_s, routes=routes)
    heard = await run(a, b)
    assert [each[0] for each in a.fired] == [each[0] for each in b.fired]
    assert len(a.fired) > 1
    words: dict[str, list[Status]] = {}
    for _, message in heard:
        for alert in message.alerts:
            said = words.setdefault(alert.fingerprint, [])
            if not said or said[-1] is not alert.status:
                said.append(alert.status)
    assert all(said == [Status.FIRING, Status.RESOLVED] for said in words.values())
    news = [
        (m.group_id, m.status, frozenset((x.fingerprint, x.status) for x in m.alerts))
        for _, m in heard
    ]
    assert len(news) == len(set(news)), "the same was said twice"
    threads: dict[str, set[str]] = {}
    for _, message in heard:
        threads.setdefault(message.group_id, set()).add(message.thread)
    assert all(len(each) == 1 for each in threads.values())


async def test_the_survivor_tells_the_end(tmp_path: Path) -> None:
    """One of two is killed in the middle of an outage: the other tells what follows, once."""
    a, b = two(tmp_path, here(), apart_s=1.0, routes=ALONE)
    async with asyncio.TaskGroup() as group:
        group.create_task(a.run(600.0, killed=True))
        group.create_task(b.run(STORY_S))
    heard = [*a.recorder.told, *b.recorder.told]
    fired = [m.fingerprint for _, m in heard if m.status is Status.FIRING]
    over = [m.fingerprint for _, m in heard if m.status is Status.RESOLVED]
    assert sorted(fired) == sorted(set(fired)) == sorted(over)
    assert all(at > 600 for at, m in b.recorder.told if m.status is Status.RESOLVED)
