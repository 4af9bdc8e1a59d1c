"""What a group of replicas costs, worked out of what each step costs. Pure but for `report`.

The steps were measured; the sums are checked against whole daemons by `python -m benchmarks
replicas`, which prints both. `division` then lets 20,000 targets' slots be claimed in virtual time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from benchmarks.division import Replica, Share, divide
from benchmarks.report import Report, drawn
from monitor.cluster.publisher import KEPT_S, PACE_S
from monitor.config.targets import TARGETS_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of one step each: microseconds of CPU, or bytes."""

    probe_us: float
    """A slot probed, from due to committed and windowed, in a Sonde that is alone."""
    claim_us: float
    """A slot asked for, won or lost."""
    told_us: float
    heard_us: float
    """A result of another replica, of many that come at once: ledger, windows, metrics."""
    turn_us: float
    """A turn of telling and hearing, however much is in it: entry, answer, commit."""
    standing_us: float
    """A target each second, probed or not: rules, windows' shares of pages, scrapes of /metrics."""
    redis_won_us: float
    """A claim that is won, and its release."""
    redis_lost_us: float
    redis_heard_us: float
    """A result on the stream, for each replica that reads it."""
    redis_turn_us: float
    """A turn of one replica, however much is in it; what it asks without any slot is in it."""
    told_bytes: float
    """A result on the stream."""
    claim_bytes: float
    """A claim on its way to Redis."""
    slot_bytes: float
    """The key of a slot in Redis' memory."""
    base_mib: float
    target_bytes: float
    """Memory of a replica for each target."""
    sample_bytes: float
    """And for each result of the last hour."""
    kept_bytes: float
    """A result in a ledger, its share of roll-ups included."""


MEASURED: Final = Costs(
    # The soak's 36 % of a core at 500 probes a second, less what evaluation and scrapes took of it
    # by `evaluation` and `metrics`; and what `replicas` measured of one that is alone (28 % at 83 a
    # second), less those probes.
    probe_us=620.0,
    standing_us=46.0,
    # `python -m benchmarks cluster`: beside alone; of two claims the second is lost.
    claim_us=38.0,
    redis_won_us=9.4,
    redis_lost_us=4.3,
    # `python -m benchmarks news`: told and taken in as many as there are. At 200 a second both take
    # 508 us together: what is more than those two is that of ten results in a turn.
    told_us=24.0,
    heard_us=124.0,
    turn_us=3_600.0,
    told_bytes=827.0,
    # Assumed, a kilobyte copied: at the rates that were measured it is lost in what a turn takes.
    redis_heard_us=3.0,
    # `python -m benchmarks replicas --quick`, one replica and three.
    redis_turn_us=350.0,
    claim_bytes=320.0,
    slot_bytes=200.0,
    # The soak: 216 MiB at its start with 5,000 targets, 2.9 MiB more a minute of 30,600 results;
    # `startup`: 101 MiB with 200 targets.
    base_mib=96.0,
    target_bytes=24.0 * 1024,
    sample_bytes=99.0,
    # `python -m benchmarks history` (docs/history.md).
    kept_bytes=280.0 + 53.0,
)
MOST_RATIO: Final = 0.7
"""Of a core: beyond it a slot's lateness is what the queue before it makes of it."""
NETWORK_BYTES_PER_S: Final = 125e6
"""A gigabit a second."""
DAY_S: Final = 86_400.0
SLOT_LIFE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Group:
    """Replicas with one configuration and one Redis; 0 replicas: one that is alone without it."""

    targets: int
    interval_s: float
    replicas: int

    @property
    def slots_per_s(self) -> float:
        """Return how many slots fall due."""
        return self.targets / self.interval_s


@dataclass(frozen=True, slots=True)
class Load:
    """What each part of a group has to do. Ratios are of a core."""

    replica_cpu_ratio: float
    replica_mib: float
    ledger_bytes_a_day: float
    """Of each replica: all of them keep everything."""
    redis_cpu_ratio: float
    redis_in_bytes_per_s: float
    redis_out_bytes_per_s: float
    redis_bytes: float
    """Memory, when the stream is as long as it gets."""


def load(group: Group, costs: Costs) -> Load:
    """Return what a group costs when its replicas share evenly."""
    slots, sharing = group.slots_per_s, max(1, group.replicas)
    joined, others = group.replicas > 0, sharing - 1
    kept_s = max(SLOT_LIFE_S, 2 * group.interval_s)
    redis_us = costs.redis_won_us + others * costs.redis_lost_us + sharing * costs.redis_heard_us
    hour = slots * 3600.0
    turns_us = _turns_per_s(group) * costs.redis_turn_us
    us_per_s = slots * _slot_us(group, costs) + _standing_us_per_s(group, costs)
    return Load(
        replica_cpu_ratio=1e-6 * us_per_s,
        replica_mib=costs.base_mib
        + (group.targets * costs.target_bytes + hour * costs.sample_bytes) / 2**20,
        ledger_bytes_a_day=slots * DAY_S * costs.kept_bytes,
        redis_cpu_ratio=1e-6 * (joined * slots * redis_us + sharing * turns_us),
        redis_in_bytes_per_s=joined * slots * (costs.told_bytes + sharing * costs.claim_bytes),
        redis_out_bytes_per_s=joined * slots * sharing * costs.told_bytes,
        redis_bytes=joined * slots * (KEPT_S * costs.told_bytes + kept_s * costs.slot_bytes),
    )


def _slot_us(group: Group, costs: Costs) -> float:
    """Return what a slot of the group costs each replica: its share of the probe, and the news."""
    if group.replicas == 0:
        return costs.probe_us
    own = (costs.probe_us + costs.told_us) / group.replicas
    return costs.claim_us + own + costs.heard_us * (group.replicas - 1) / group.replicas


def _standing_us_per_s(group: Group, costs: Costs) -> float:
    """Return what each replica does whoever probes."""
    return group.targets * costs.standing_us + _turns_per_s(group) * costs.turn_us


def _turns_per_s(group: Group) -> float:
    return min(group.slots_per_s, 1 / PACE_S) if group.replicas > 0 else 0.0


def ratios(group: Group, found: Load) -> dict[str, float]:
    """Return how much of each limit a group uses."""
    return {
        "core of a replica": found.replica_cpu_ratio / MOST_RATIO,
        "core of Redis": found.redis_cpu_ratio / MOST_RATIO,
        "network of Redis": max(found.redis_in_bytes_per_s, found.redis_out_bytes_per_s)
        / NETWORK_BYTES_PER_S,
        "targets of a configuration": group.targets / TARGETS_LIMIT,
    }


def first_limit(group: Group, found: Load) -> tuple[str, float]:
    """Return the limit of which a group uses most, and how much of it."""
    used = ratios(group, found)
    first = max(used, key=lambda name: used[name])
    return first, used[first]


def replicas_needed(targets: int, interval_s: float, costs: Costs, most: int = 50) -> int | None:
    """Return how many replicas it takes until the core of each suffices; None: no number does.

    Each further one takes probes from the others, and hears what it does not probe: what all do
    for every slot stays.
    """
    for replicas in range(1, most + 1):
        found = load(Group(targets, interval_s, replicas), costs)
        if found.replica_cpu_ratio <= MOST_RATIO:
            return replicas
    return None


TARGETS: Final = (200, 1_000, 5_000, 10_000, 20_000, 50_000)
INTERVALS_S: Final = (60.0, 30.0, 10.0)
REPLICAS: Final = (1, 3)


SLOW: Final = 1 / 30
"""Of an ordinary replica's speed: less than its share of 20,000 targets takes."""


def report() -> Report:
    """Work it out for groups of many sizes."""
    return Report((_loads_table(), _needed_table(), _division_table()))


def _loads_table() -> Table:
    headings = ["targets", "every, s", "slots/s", "replicas", "CPU % of each", "MiB of each"]
    headings += ["ledger of each, GiB a day", "Redis: CPU %", "MB/s in", "MB/s out", "MiB"]
    groups = [
        Group(targets, interval_s, replicas)
        for targets in TARGETS
        for interval_s in (60.0, 10.0)
        for replicas in REPLICAS
    ]
    return drawn("on paper", [*headings, "most used:", "%"], map(_loads_row, groups))


def _loads_row(group: Group) -> list[str]:
    found = load(group, MEASURED)
    limit, used_ratio = first_limit(group, found)
    return [
        *(f"{group.targets:,}", f"{group.interval_s:g}", f"{group.slots_per_s:,.0f}"),
        *(f"{group.replicas}", f"{100 * found.replica_cpu_ratio:,.0f}"),
        *(f"{found.replica_mib:,.0f}", f"{found.ledger_bytes_a_day / 2**30:.2f}"),
        f"{100 * found.redis_cpu_ratio:.1f}",
        f"{found.redis_in_bytes_per_s / 1e6:.2f}",
        f"{found.redis_out_bytes_per_s / 1e6:.2f}",
        *(f"{found.redis_bytes / 2**20:,.0f}", limit, f"{100 * used_ratio:,.0f}"),
    ]


def _needed_table() -> Table:
    rows = [
        [f"{targets:,}", *(_needed(targets, interval_s) for interval_s in INTERVALS_S)]
        for targets in TARGETS
    ]
    headings = ["targets", *(f"every {interval_s:g} s" for interval_s in INTERVALS_S)]
    return drawn(f"replicas until each uses {100 * MOST_RATIO:.0f} % of a core", headings, rows)


def _needed(targets: int, interval_s: float) -> str:
    needed = replicas_needed(targets, interval_s, MEASURED)
    return "no number" if needed is None else f"{needed}"


def _division_table() -> Table:
    headings = ["20,000 targets every 60 s:", "slots", "claimed", "smallest share"]
    headings += ["largest share", "of the slow one", "slots in a second: mean / most"]
    headings += ["slot to claim p50 / p99, ms"]
    return drawn("in virtual time", headings, _division_rows())


def _division_rows() -> Iterator[list[str]]:
    for number, slow in ((3, False), (10, False), (3, True), (10, True)):
        replicas = [Replica(f"sonde-{each}") for each in range(number)]
        if slow:
            replicas[0] = Replica("sonde-0", speed=SLOW)
        yield _division_row(
            f"{number} replicas{', one 30 times slower' * slow}", replicas, slow=slow
        )


def _division_row(name: str, replicas: Sequence[Replica], *, slow: bool) -> list[str]:
    names = [f"target-{number}" for number in range(20_000)]
    costs = MEASURED
    found: Share = divide(
        names, 60.0, replicas, claim_s=1e-6 * costs.claim_us, probe_s=1e-6 * costs.probe_us
    )
    shares = [found.claims[each.name] / found.slots for each in replicas]
    late = sorted(found.late_s)
    return [
        *(name, f"{found.slots:,}", f"{len(found.claimed):,}"),
        *(f"{100 * min(shares):.1f} %", f"{100 * max(shares):.1f} %"),
        f"{100 * shares[0]:.1f} %" if slow else "-",
        f"{found.slots / found.seconds:,.0f} / {found.most_in_a_second:,}",
        f"{1e3 * late[len(late) // 2]:.1f} / {1e3 * late[int(0.99 * len(late))]:.1f}",
    ]
