"""The usual rules over recorded history, as `sonde rules backtest` tries them: reading, then rules.

Every target has a result a minute, one in five hundred failed, and an outage of a quarter of an
hour every other day. `--quick`: 20 targets over 3 days; `--full`: 200 over 30, 8.6 million results
in a file of 3 GB, which takes minutes to write. Beside it the same results go one by one through
the daemon's windows and engine, at its beat: of one target over a day, for it takes so much longer.
CPU time of the process.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.ledger_file import make_file, open_reader, open_writer
from aggregator.results import RESULTS, had_at, insert_results
from aggregator.results import replay as rows
from aggregator.window import Windows
from alerting.defaults import default_rules
from alerting.engine import Engine, Snapshot
from benchmarks.evaluation import target
from benchmarks.history import probe
from benchmarks.latency import Size
from benchmarks.report import Report, drawn
from monitor.backtest.running import Backtest, Progress, Question, backtest
from monitor.config.values import Config
from probes.result import Fault, ProbeResult, Verdict
from probes.secret import SecretSource
from probes.target import Provider

SIZES = {Size.QUICK: (20, 3), Size.DEFAULT: (50, 10), Size.FULL: (200, 30)}
DAY_S = 86_400.0
SINCE = 1_800_000_000.0 // DAY_S * DAY_S
OUTAGE_S = 900.0
EVERY_S = 5.0
WHOLE = 200 * 30 * 1_440
"""What is asked for: 200 targets, once a minute, for 30 days."""


def config(targets: int) -> Config:
    provider = Provider(name="p", preset="openai", base_url="http://t", api_key=SecretSource())
    every = tuple(target(number) for number in range(targets))
    return Config(
        source="benchmark",
        location="here",
        providers=(provider,),
        targets=every,
        rules=default_rules(),
        evaluate_every_s=EVERY_S,
    )


def down(number: int, at: float) -> bool:
    """Say whether a target is down: each in another hour of every other day."""
    since = at - SINCE - 600.0 * number
    return since > 0 and since % (2 * DAY_S) < OUTAGE_S


def past(targets: int, days: int) -> Iterator[ProbeResult]:
    chance = random.Random(1)
    pool = [replace(probe(chance), verdict=Verdict.OK, fault=Fault.NONE, total_s=1.5)] * 400
    pool += [replace(probe(chance), verdict=Verdict.OK, fault=Fault.NONE) for _ in range(99)]
    failed = replace(
        pool[0],
        verdict=Verdict.TIMEOUT,
        fault=Fault.PROVIDER,
        total_s=30.0,
        first_token_s=None,
        last_token_s=None,
        output_tokens=None,
    )
    pool.append(failed)
    for minute in range(days * 1_440):
        for number in range(targets):
            at = SINCE + 60.0 * minute + 60.0 * number / targets
            found = failed if down(number, at) else chance.choice(pool)
            yield replace(found, target=f"t{number}", location="here", slot=minute, at=at)


def written(path: Path, targets: int, days: int) -> int:
    make_file(path)
    with closing(open_writer(path, (RESULTS,))) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        number = insert_results(connection, past(targets, days))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return number


def tried(path: Path, targets: int, days: int) -> tuple[float, float, Backtest]:
    """Return CPU seconds of reading and of the rules, and what came of it."""
    began = time.process_time()
    read = began

    def progress(so_far: Progress) -> None:
        nonlocal read
        if so_far.doing == "results read":
            read = time.process_time()

    asked = Question(
        SINCE,
        SINCE + days * DAY_S,
        frozenset(f"t{number}" for number in range(targets)),
        frozenset(rule.name for rule in default_rules()),
    )
    with closing(open_reader(path)) as connection:
        found = backtest(connection, config(targets), asked, progress)
    return read - began, time.process_time() - read, found


def beaten(path: Path) -> tuple[int, float, int]:
    """Take one target's day through the daemon's parts; return results, CPU seconds and alerts."""
    engine = Engine(default_rules(), (target(0),), location="here")
    windows = Windows(longest_s=3_600.0)
    fired = results = 0
    began = time.process_time()
    with closing(sqlite3.connect(path)) as connection:
        every = rows(connection, SINCE, SINCE + 1e9)
        own = (row for row in every if isinstance(row, ProbeResult) and row.target == "t0")
        found = [row for row in own if had_at(row) < SINCE + DAY_S]
    read = time.process_time()
    began += read - began  # reading all targets for one would be no comparison
    waiting = iter([*found, None])
    following = next(waiting)
    for beat in range(int(DAY_S / EVERY_S)):
        now = SINCE + EVERY_S * beat
        while following is not None and had_at(following) <= now:
            windows.ingest(following, had_at(following))
            results += 1
            following = next(waiting)
        summaries = {v: windows.summary(v.targets, v.over_s, now) for v in engine.views}
        changes = engine.evaluate(Snapshot(now, summaries))
        fired += sum(each.edge.value == "fired" for each in changes)
    return results, time.process_time() - began, fired


def report(size: Size = Size.DEFAULT) -> Report:
    """Measure and return the table."""
    targets, days = SIZES[size]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sonde.db"
        number = written(path, targets, days)
        reading_s, rules_s, found = tried(path, targets, days)
        results, beats_s, _ = beaten(path)
    alerts = sum(each.alerts for each in found.outcome.rules)
    each_us, beat_us = (reading_s + rules_s) / number * 1e6, beats_s / results * 1e6
    lines = (
        ("reading", f"{reading_s:.2f}", f"{reading_s / number * 1e6:.2f}"),
        ("rules", f"{rules_s:.2f}", f"{rules_s / number * 1e6:.2f}"),
        ("both", f"{reading_s + rules_s:.2f}", f"{each_us:.2f}"),
        (f"200 targets, 30 days: {WHOLE:,} results", f"{WHOLE * each_us / 1e6:.0f}", ""),
        ("the daemon's beat, without reading", f"{beats_s:.2f}", f"{beat_us:.0f}"),
    )
    title = (
        f"{number:,} results of {targets} targets over {days} days, {len(default_rules())} rules:"
        f" {alerts} alerts, {len(found.outcome.missed)} of {len(found.outcome.seen)} incidents"
        " missed"
    )
    return Report((drawn(title, ("what:", "CPU s", "us a result"), lines),))
