"""Several daemons that share thousands of targets through one Redis, as processes.

Groups of growing size run one after the other, a Sonde that is alone first. What became of every
slot is read from their ledgers and from the truth server's log; what it cost, from the kernel and
from Redis. Daemons may use every core; the truth server has the second at real-time priority.
"""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from rich.table import Table

from benchmarks.capacity import MEASURED, Group, load
from benchmarks.cores import cpu_s, memory_mib
from benchmarks.daemon import Daemon, Mix, configuration, daemon
from benchmarks.exposition import buckets, quantile, since, total
from benchmarks.judging import TRUSTED_MS, Spread
from benchmarks.latency import Size
from benchmarks.report import Report, drawn
from benchmarks.slots import latenesses_s, target_name
from benchmarks.truth import TruthServer, truth_server
from tests.replicas.audit import Slots, known_to, slots_of
from tests.servers.redis import RedisServer, redis_started

MIX: Final = Mix(streamed=1, embeddings=1)
CHUNKS: Final = 5
"""As in the soak."""
SCRAPE_EVERY_S: Final = 15.0
SETTLE_S: Final = 4.0
"""After this what was due is probed, told and heard: a grace, an answer, an entry."""
SCRAPE_TRIES: Final = 3
"""A daemon cuts a scrape off that takes it 30 s: that is counted, and another is asked for."""
ALONE: Final = 0
"""A group of one without a Redis."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    targets: int
    interval_s: float
    groups: Sequence[int]
    """How many replicas; ALONE: one that has no Redis."""
    warm_s: float
    """Each target's request is shaped, and each connection opened, in the first rounds."""
    watched_s: float


def plan(
    size: Size, minutes: int | None, targets: int | None, interval_s: float, groups: Sequence[int]
) -> Plan:
    """Return what is measured; `--quick` is done in less than a minute."""
    if size is Size.QUICK:
        return Plan(targets or 500, min(interval_s, 10.0), groups or (1, 3), 6.0, 10.0)
    watched_s = 60.0 * (minutes or 2)
    return Plan(targets or 5_000, interval_s, groups or (ALONE, 1, 2, 3), 30.0, watched_s)


@dataclass(frozen=True, slots=True)
class RedisUse:
    """What a Redis has done since it was started."""

    cpu_s: float
    commands: int
    in_bytes: int
    out_bytes: int
    memory_bytes: int

    @classmethod
    def of(cls, server: RedisServer) -> "RedisUse":
        """Ask it."""
        with server.client() as client:
            told = client.info("all")
        return cls(
            float(told["used_cpu_user"]) + float(told["used_cpu_sys"]),
            int(told["total_commands_processed"]),
            int(told["total_net_input_bytes"]),
            int(told["total_net_output_bytes"]),
            int(told["used_memory"]),
        )


@dataclass(frozen=True, slots=True)
class ReplicaUse:
    """What a replica has used, and says, at some moment."""

    cpu_s: float
    memory_mib: float
    lateness: Mapping[float, float]
    behind_s: float
    scrape_s: float
    """How long /metrics took."""

    @classmethod
    def of(cls, replica: Daemon, http: httpx2.Client) -> "ReplicaUse":
        """Look at it and scrape it. Raises httpx2.TransportError."""
        spent_s, began = cpu_s(replica.pid), time.monotonic()
        text = replica.scrape(http).text
        return cls(
            spent_s,
            memory_mib(replica.pid),
            buckets(text, "sonde_slot_lateness_seconds"),
            total(text, "sonde_cluster_behind_seconds") or 0.0,
            time.monotonic() - began,
        )


@dataclass(slots=True)
class Watch:
    """Looks at a running group."""

    replicas: Sequence[Daemon]
    redis: RedisServer | None
    http: httpx2.Client
    behind_s: float = 0.0
    """The longest that any scrape saw."""
    scrape_s: float = 0.0
    """The longest that one took."""
    cut_off: int = 0
    """Scrapes that did not end."""
    began: float = 0.0
    """Wall time, as `ended` is."""
    ended: float = 0.0
    uses: list[Sequence[ReplicaUse]] = field(default_factory=list)
    redis_uses: list[RedisUse] = field(default_factory=list)

    def watch(self, seconds: float) -> None:
        """Scrape the group for some time, with a look before and after."""
        self.began = self._look()
        while (left_s := self.began + seconds - time.time()) > 0:
            time.sleep(min(SCRAPE_EVERY_S, left_s))
            if left_s > SCRAPE_EVERY_S:
                self._scrape()
        self.ended = self._look()

    def _look(self) -> float:
        at = time.time()
        if self.redis is not None:
            self.redis_uses.append(RedisUse.of(self.redis))
        self.uses.append(self._scrape())
        return at

    def _scrape(self) -> Sequence[ReplicaUse]:
        found = [self._look_at(each) for each in self.replicas]
        self.behind_s = max(self.behind_s, *(each.behind_s for each in found))
        self.scrape_s = max(self.scrape_s, *(each.scrape_s for each in found))
        return found

    def _look_at(self, replica: Daemon) -> ReplicaUse:
        for _ in range(SCRAPE_TRIES - 1):
            try:
                return ReplicaUse.of(replica, self.http)
            except httpx2.TransportError:
                self.cut_off += 1
        return ReplicaUse.of(replica, self.http)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One group."""

    replicas: int
    seconds: float
    slots: Slots
    reasons: Counter[str]
    requests: int
    """That came to the provider for these slots, by its own log."""
    late: Spread | None
    """From the slot to the request's arrival, in ms: claim and head start are in it."""
    known: Mapping[str, int]
    """How many of the slots that were run each replica has a result of."""
    watch: Watch
    ledger_bytes: float
    """Of a replica's ledger for each result in it."""
    truth_p99_ms: float
    load: float
    """Of the machine, over its last minute: ours, and of whoever shares it."""


def report(
    size: Size = Size.DEFAULT,
    *,
    minutes: int | None = None,
    targets: int | None = None,
    interval_s: float = 60.0,
    groups: Sequence[int] = (),
) -> Report:
    """Run each group and return the tables."""
    todo = plan(size, minutes, targets, interval_s, groups)
    found = []
    for number in todo.groups:
        with TemporaryDirectory(prefix="replicas-") as folder:
            found.append(_measure(todo, number, Path(folder)))
        for row in (_slots_row(found[-1]), *_replica_rows(found[-1], todo)):
            print("  ".join(row), flush=True)  # should a later group fail
    about = f"{todo.targets:,} targets every {todo.interval_s:g} s"
    tables = (_slots_table(found, about), _replicas_table(found, todo), _redis_table(found))
    return Report(tables, tuple(_failures(found)))


def _measure(todo: Plan, number: int, folder: Path) -> Measured:
    with ExitStack() as stack:
        server = stack.enter_context(truth_server())
        redis = stack.enter_context(redis_started(folder / "redis")) if number else None
        http = stack.enter_context(httpx2.Client(trust_env=False))
        url = server.url(delay_us=200_000, chunk_us=20_000, chunks=CHUNKS)
        text = configuration(url, todo.targets, todo.interval_s, MIX)
        with _group(text, max(1, number), folder, redis) as replicas:
            watch = Watch(replicas, redis, http)
            time.sleep(todo.warm_s)
            server.stats(clear=True)
            watch.watch(todo.watched_s)
            time.sleep(SETTLE_S)
        return _audited(todo, number, folder, server, watch)


@contextmanager
def _group(
    text: str, number: int, folder: Path, redis: RedisServer | None
) -> Iterator[Sequence[Daemon]]:
    """Run so many daemons, which are called r0, r1, …; each has a folder of its name."""
    with ExitStack() as stack:
        replicas = []
        for name in _names(number):
            (folder / name).mkdir()
            more = f'cluster: {{redis: "{redis.url}", replica: {name}}}\n' if redis else ""
            one = daemon(text + more, folder / name, core=None)
            replicas.append(stack.enter_context(one))
        yield replicas


def _names(number: int) -> Sequence[str]:
    return [f"r{each}" for each in range(number)]


def _audited(todo: Plan, number: int, folder: Path, server: TruthServer, watch: Watch) -> Measured:
    """Read what became of the slots that were due while we looked."""
    ledgers = {name: folder / name / "sonde.db" for name in _names(max(1, number))}
    intervals_s = {target_name(each): todo.interval_s for each in range(todo.targets)}
    slots = slots_of(ledgers, intervals_s, watch.began, watch.ended)
    run = slots.due & slots.runs.keys()
    offset_s = time.time() - time.monotonic()
    # From each slot to the next is an interval, so what arrived within the watch was due in it,
    # but for what was late at its edges: a few in ten thousand.
    rows = [each for each in server.log() if watch.began <= each.arrived + offset_s < watch.ended]
    late_ms = [late_s * 1e3 for late_s in latenesses_s(rows, todo.interval_s, offset_s)]
    return Measured(
        replicas=number,
        seconds=watch.ended - watch.began,
        slots=slots,
        reasons=Counter(slots.skips[slot][0] for slot in slots.skipped),
        requests=len(rows),
        late=Spread.of(late_ms),
        known={
            name: len(run & known_to(path, watch.began - 1, watch.ended + 1))
            for name, path in ledgers.items()
        },
        watch=watch,
        ledger_bytes=max(map(_row_bytes, ledgers.values())),
        truth_p99_ms=server.stats().worst_p99_ms,
        load=os.getloadavg()[0],
    )


def _row_bytes(path: Path) -> float:
    with closing(sqlite3.connect(path)) as ledger:
        (rows,) = ledger.execute("SELECT count(*) FROM results").fetchone()
    return path.stat().st_size / max(1, int(rows))


def _name(replicas: int) -> str:
    return "alone" if replicas == ALONE else f"{replicas} replica{'s' * (replicas > 1)}"


def _cpu_ratios(each: Measured) -> Iterator[float]:
    for before, after in zip(*each.watch.uses, strict=True):
        yield (after.cpu_s - before.cpu_s) / each.seconds


def _slots_table(found: Sequence[Measured], about: str) -> Table:
    headings = ["group:", "slots due", "run once", "doubled", "skipped", "lost", "unknown"]
    headings += [
        "requests",
        "slot to request p50 / p99 / max, ms",
        "known to each",
        "machine's load",
    ]
    return drawn(f"{about}: what became of slots", headings, map(_slots_row, found))


def _slots_row(each: Measured) -> list[str]:
    slots, late = each.slots, each.late
    run = slots.due & slots.runs.keys()
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in each.reasons.items())
    known = min(each.known.values()) / max(1, len(run))
    return [
        *(_name(each.replicas), f"{len(slots.due):,}", f"{len(run) - len(slots.doubled):,}"),
        *(f"{len(slots.doubled):,}", f"{len(slots.skipped):,} {reasons}".strip()),
        *(f"{len(slots.lost):,}", f"{len(slots.missing):,}", f"{each.requests:,}"),
        f"{late.p50:.1f} / {late.p99:.1f} / {late.worst:,.0f}" if late else "-",
        *(f"{100 * known:.2f} %", f"{each.load:.1f}"),
    ]


def _replicas_table(found: Sequence[Measured], todo: Plan) -> Table:
    headings = [
        "replica:",
        "of the slots",
        "CPU % of a core",
        "CPU us a slot of all",
        "by the model",
    ]
    headings += [
        "own lateness p50 / p99, ms",
        "MiB",
        "behind, s",
        "longest scrape, s",
        "ledger bytes a result",
    ]
    rows = [row for each in found for row in _replica_rows(each, todo)]
    return drawn("each replica", headings, rows)


def _replica_rows(each: Measured, todo: Plan) -> Iterator[list[str]]:
    shares, due = each.slots.shares, max(1, len(each.slots.due))
    group = Group(todo.targets, todo.interval_s, each.replicas)
    said_us = 1e6 * load(group, MEASURED).replica_cpu_ratio / group.slots_per_s
    looks = zip(*each.watch.uses, _cpu_ratios(each), strict=True)
    for number, (before, after, cpu_ratio) in enumerate(looks):
        own = since(after.lateness, before.lateness)
        late = [quantile(own, q) for q in (0.5, 0.99)]
        yield [
            f"{_name(each.replicas)}: r{number}",
            f"{100 * shares[f'r{number}'] / due:.1f} %",
            f"{100 * cpu_ratio:.1f}",
            f"{1e6 * cpu_ratio * each.seconds / due:,.0f}",
            f"{said_us:,.0f}",
            " / ".join("-" if s is None else f"{1e3 * s:.1f}" for s in late),
            f"{after.memory_mib:.0f}",
            f"{each.watch.behind_s:.1f}",
            f"{each.watch.scrape_s:.1f}"
            + f", {each.watch.cut_off} cut off" * (each.watch.cut_off > 0),
            f"{each.ledger_bytes:,.0f}",
        ]


def _redis_table(found: Sequence[Measured]) -> Table:
    headings = ["group:", "CPU % of a core", "CPU us a slot", "commands a slot", "KiB/s in"]
    headings += ["KiB/s out", "memory, bytes more a slot", "memory at the end, MiB"]
    shared = [each for each in found if each.watch.redis_uses]
    return drawn("Redis", headings, map(_redis_row, shared))


def _redis_row(each: Measured) -> list[str]:
    before, after = each.watch.redis_uses
    due, seconds = max(1, len(each.slots.due)), each.seconds
    read, sent = after.in_bytes - before.in_bytes, after.out_bytes - before.out_bytes
    return [
        _name(each.replicas),
        f"{100 * (after.cpu_s - before.cpu_s) / seconds:.2f}",
        f"{1e6 * (after.cpu_s - before.cpu_s) / due:.0f}",
        f"{(after.commands - before.commands) / due:.1f}",
        *(f"{size / seconds / 1024:,.0f}" for size in (read, sent)),
        f"{(after.memory_bytes - before.memory_bytes) / due:,.0f}",
        f"{after.memory_bytes / 2**20:.0f}",
    ]


def _failures(found: Sequence[Measured]) -> Iterator[str]:
    for each in found:
        if each.truth_p99_ms > TRUSTED_MS:
            yield f"{_name(each.replicas)}: the truth server was {each.truth_p99_ms:.1f} ms late"
