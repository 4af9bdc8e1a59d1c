"""What receivers must and must not have heard, judged by what happened and by nothing of ours."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerting.alert import fingerprint
from alerting.state import Edge
from tests.simulation.lives import Ending
from tests.simulation.story import INTERVAL_S, REPEAT_S, WAIT_S, Refusal
from tests.simulation.world import Receipt

LOUD: Final = {"info": 1, "warning": 2, "critical": 3}
LINGERS_S: Final = 245.0
"""The longest window: for so long what was explained may go on because of what is over."""
FINAL: Final = frozenset({Refusal.REFUSED, Refusal.ELSEWHERE, Refusal.PORTAL})
"""After these a message is given up, at once or in the end."""
OVER: Final = frozenset({Edge.RESOLVED, Edge.RULE_REMOVED})
SLACK_S: Final = 15.0
"""Two evaluations of those that come every 5 or 10 s, less than a retry."""


Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """One alert from firing to its end, as processes saw it."""

    fingerprint: str
    labels: Mapping[str, str]
    from_s: float
    to_s: float

    @property
    def text(self) -> str:
        about = self.labels.get("target", self.labels.get("provider", ""))
        return f"{self.labels['alertname']} {about} ({self.from_s:.1f}-{self.to_s:.1f})"


def runs_of(ending: Ending) -> list[Run]:
    """Return when which alert fired. What was lost with its process did not."""
    runs: list[Run] = []
    for name, events in _edges(ending).items():
        from_s: float | None = None
        labels: Mapping[str, str] = {}
        for at, edge, said in events:
            if edge is Edge.FIRED:
                from_s, labels = at, said
            elif from_s is not None and edge in OVER:
                runs.append(Run(name, labels, from_s, at))
                from_s = None
            elif edge is None:
                from_s = None
        if from_s is not None:
            runs.append(Run(name, labels, from_s, ending.now))
    return runs


def _edges(ending: Ending) -> Mapping[str, list[tuple[float, Edge | None, Mapping[str, str]]]]:
    """Return of each alert what became of it; None: a process began that did not know it fires."""
    edges: dict[str, list[tuple[float, Edge | None, Mapping[str, str]]]] = defaultdict(list)
    for each in ending.witness.seen:
        transition = each.transition
        edges[transition.fingerprint].append((each.at, transition.edge, dict(transition.labels)))
    for life in ending.witness.lives:
        known = {each.fingerprint for each, kind in life.states.items() if kind == "firing"}
        for name in edges.keys() - known:
            edges[name].append((life.at, None, {}))
    return {
        name: sorted(found, key=lambda each: (each[0], each[1] is not None))
        for name, found in edges.items()
    }


def in_order(ending: Ending) -> Iterator[str]:
    """Per-alert order kept: "resolved" never overtakes "firing", and nothing stale comes after."""
    dead = _dead(ending)
    for (channel, name), heard in _heard(ending).items():
        status, over = "", ""
        if _forgotten(ending):
            continue
        for at, _, said, starts_at in heard:
            untold = (channel, name) not in dead and not _unconfigured(ending, channel)
            # A disk that committed and said that it had not may have an end told twice.
            untold &= not (status == "resolved" and ending.story.disks)
            if said == "resolved" and status != "firing" and untold:
                yield f"{at:.1f}: {channel} hears that {name} is over, and not that it fires"
            if said == "firing" and over == starts_at:
                yield f"{at:.1f}: {channel} hears that {name} fires after it was over"
            over = starts_at if said == "resolved" else over
            status = said


def once(ending: Ending) -> Iterator[str]:
    """None twice without a fault, neither under one id nor under two."""
    witness = ending.witness
    repeats = {row[1] for row in ending.rows["outbox"] if json.loads(row[3])["why"] == "repeat"}
    ids: dict[tuple[str, str], Receipt] = {}
    contents: dict[tuple[str, frozenset[tuple[str, str, str]]], Receipt] = {}
    begun = {each.id: each.at for each in reversed((*witness.refused, *witness.receipts))}
    for each in witness.receipts:
        known = ids.get((each.channel, each.id))
        if known is not None and not witness.fault_between(known.at - 1.0, each.at):
            yield f"{each.at:.1f}: {each.channel} hears {each.id} twice, without a fault"
        ids.setdefault((each.channel, each.id), each)
        content = frozenset((a.fingerprint, a.status, a.starts_at) for a in each.alerts)
        same = contents.get((each.channel, content))
        again = same is not None and same.id != each.id and each.id not in repeats
        # A fault between the first try and now: a disk that was full made two of one message.
        since = 0.0 if same is None else min(begun[same.id], same.at - REPEAT_S)
        if same is not None and again and not witness.fault_between(since, each.at):
            yield f"{each.at:.1f}: {each.channel} hears the same as {same.id} in {each.id}"
        contents[each.channel, content] = each


def paced(ending: Ending) -> Iterator[str]:
    """A group speaks once in an interval, unless something louder than all it said comes up."""
    groups: dict[tuple[str, str], tuple[int, float, dict[str, int]]] = {}
    for row in ending.rows["outbox"]:
        seq, _, channel, payload, created_at, *_ = row
        said: Any = json.loads(payload)  # Any: what we store, read as JSON alone
        alerts = [said, *said["others"]]
        firing = {a["fingerprint"]: LOUD[a["severity"]] for a in alerts if a["status"] == "firing"}
        over = {a["fingerprint"] for a in alerts if a["status"] == "resolved"}
        life = _life_of(ending, seq)
        before = groups.get((channel, said["group_id"]))
        groups[channel, said["group_id"]] = (life, created_at, firing)
        if before is None or before[0] != life or ending.story.silences:
            continue
        gap_s = created_at - before[1]
        known = [loud for name, loud in before[2].items() if name not in over]
        louder = any(
            loud > max(known, default=0) for name, loud in firing.items() if name not in before[2]
        )
        if gap_s < INTERVAL_S - 0.01 and not louder:
            yield f"row {seq}: {channel} is told {gap_s:.1f} s after the message before"
        if said["why"] == "repeat" and gap_s < REPEAT_S - 0.01:
            yield f"row {seq}: {channel} is told again after {gap_s:.1f} s"


def everyone_told(ending: Ending) -> Iterator[str]:
    """Every notification at least once: what fired for longer than its wait was heard of."""
    runs = runs_of(ending)
    need_s = WAIT_S + INTERVAL_S + SLACK_S
    for run in runs:
        unexplained = _without(run, runs, ending)
        for channel, spans in _routed(ending, run):
            free = [
                each
                for span in spans
                for each in _overlaps(span, unexplained)
                if each[1] - each[0] - ending.story.asleep_s(*each) >= need_s
            ]
            if free and not _was_told(ending, channel, run) and not _lost(ending, run):
                yield f"{channel} never heard of {run.text}"


def repeated(ending: Ending) -> Iterator[str]:
    """What goes on firing is told once more."""
    runs = runs_of(ending)
    for run in runs:
        if run.to_s - run.from_s < REPEAT_S + SLACK_S or ending.story.faults_of_ours:
            continue
        if _without(run, runs, ending) != [(run.from_s, run.to_s)] or ending.story.sinks:
            continue
        for channel, spans in _routed(ending, run):
            if spans != [(run.from_s, run.to_s)]:
                continue
            times = [
                r.at
                for r in ending.witness.receipts
                if r.channel == channel
                and run.from_s <= r.at <= run.to_s
                and any(a.fingerprint == run.fingerprint for a in r.alerts)
            ]
            gaps = zip([run.from_s, *times], [*times, run.to_s], strict=True)
            if any(after - before > REPEAT_S + SLACK_S for before, after in gaps):
                yield f"{channel} was not told again of {run.text}"


def kept_quiet(ending: Ending) -> Iterator[str]:
    """What somebody silenced, or a louder alert of the same explains, nobody hears of."""
    if ending.story.faults_of_ours:
        return
    runs = runs_of(ending)
    for run in runs:
        quiet = [span for span in _quiet(run, runs, ending) if span[0] < run.from_s - SLACK_S]
        for (channel, name), heard in _heard(ending).items():
            times = [at for at, *_ in heard if name == run.fingerprint]
            if any(run.from_s <= at <= min(run.to_s, end) for at in times for _, end in quiet):
                yield f"{channel} heard of {run.text}, which was to be quiet"


def _quiet(run: Run, runs: list[Run], ending: Ending) -> Iterator[Span]:
    about = run.labels.get("target")
    for silence in ending.story.silences:
        if silence.target == about:
            yield silence.from_s, silence.to_s
    if run.labels["alertname"] in ("ErrorRate", "HighLatency"):
        for other in runs:
            if other.labels["alertname"] == "Down" and other.labels["target"] == about:
                yield other.from_s, other.to_s


def pictures_agree(ending: Ending) -> Iterator[str]:
    """In the end every receiver believes what is so, and the ledger knows what they believe."""
    if _forgotten(ending):
        return
    dead = _dead(ending)
    firing = {each.fingerprint for each in ending.road.engine.alerts() if each.fired_at is not None}
    noted = {(channel, _fingerprint(labels)) for channel, labels in ending.rows["told"]}
    last = ending.story.lives[-1].channels
    believed = {
        key for key, heard in _heard(ending).items() if heard[-1][2] == "firing" and key[0] in last
    }
    for channel, name in sorted(believed - dead):
        if name not in firing:
            yield f"{channel} believes that {name} fires, and it does not"
        if (channel, name) not in noted:
            yield f"{channel} believes that {name} fires, and the ledger does not know"
    for channel, name in sorted(noted - believed - dead):
        yield f"{channel} was told of {name} by the ledger's account alone"


def nothing_left(ending: Ending) -> Iterator[str]:
    """The outbox is empty in the end, or dead for a reason that a receiver gave."""
    refused = {(each.channel, each.id) for each in ending.witness.refused}
    for seq, name, channel, _, _, status, error in ending.rows["outbox"]:
        if status == "queued":
            yield f"row {seq} is still queued for {channel}: {error or 'never tried'}"
        expected = (channel, name) in refused or "newer message" in error
        if status == "dead" and not (error and (expected or "not configured" in error)):
            yield f"row {seq} is dead, and {channel} never refused it: {error}"
    if not ending.story.disks:
        rows = {(row[2], row[1]) for row in ending.rows["outbox"]}
        for each in ending.witness.receipts:
            if (each.channel, each.id) not in rows:
                yield f"{each.channel} heard {each.id}, of which the outbox knows nothing"


def logged(ending: Ending) -> Iterator[str]:
    """The log of decisions tells of every alert in every message of the outbox."""
    if ending.story.disks:
        return  # what was decided while the disk refused is told, and not written down
    told = {(name, event, channel) for _, name, event, channel in ending.rows["log"]}
    for seq, _, channel, payload, *_ in ending.rows["outbox"]:
        said: Any = json.loads(payload)  # Any: as above
        for each in (said, *said["others"]):
            event = "told" if each["status"] == "firing" else "told_over"
            if (each["fingerprint"], event, channel) not in told:
                yield f"row {seq}: the log does not know that {each['fingerprint']} was {event}"


_Heard = dict[tuple[str, str], list[tuple[float, str, str, str]]]


def _heard(ending: Ending) -> _Heard:
    """Return of each channel and alert what was heard: when, in which message, what, since when."""
    heard: _Heard = defaultdict(list)
    known: set[tuple[str, str]] = set()
    for each in ending.witness.receipts:
        if (each.channel, each.id) not in known:
            known.add((each.channel, each.id))
            for alert in each.alerts:
                entry = (each.at, each.id, alert.status, alert.starts_at)
                heard[each.channel, alert.fingerprint].append(entry)
    return heard


def _dead(ending: Ending) -> set[tuple[str, str]]:
    """Return the alerts of which a channel refused or missed a message for good."""
    taken = {(each.channel, each.id) for each in ending.witness.receipts}
    refused = {
        (each.channel, alert.fingerprint)
        for each in ending.witness.refused
        if (each.channel, each.id) not in taken and (each.how in FINAL or ending.story.disks)
        for alert in each.alerts
    }
    return refused | {
        (row[2], each["fingerprint"])
        for row in ending.rows["outbox"]
        if row[5] == "dead"
        for said in (json.loads(row[3]),)
        for each in (said, *said["others"])
    }


def _unconfigured(ending: Ending, channel: str) -> bool:
    return any(channel not in life.channels for life in ending.story.lives)


def _life_of(ending: Ending, seq: int) -> int:
    return sum(life.newest_row < seq for life in ending.witness.lives)


def _fingerprint(labels: str) -> str:
    return fingerprint(dict(json.loads(labels)))


def _overlaps(span: Span, others: list[Span]) -> Iterator[Span]:
    for begin, end in others:
        if max(begin, span[0]) < min(end, span[1]):
            yield max(begin, span[0]), min(end, span[1])


def _less(spans: list[Span], gone: Span) -> list[Span]:
    """Return the spans without what lies in another."""
    left = [(begin, min(end, gone[0])) for begin, end in spans]
    right = [(max(begin, gone[1]), end) for begin, end in spans]
    return [(begin, end) for begin, end in (*left, *right) if begin < end]


def _without(run: Run, runs: list[Run], ending: Ending) -> list[Span]:
    """Return the part of a run in which nobody silenced it and nothing could explain it."""
    spans = [(run.from_s, run.to_s)]
    for other in runs:
        if other is not run and _may_explain(other.labels, run.labels):
            spans = _less(spans, (other.from_s - SLACK_S, other.to_s + LINGERS_S))
    for cut in ending.story.cuts:
        spans = _less(spans, (cut.from_s - 60.0, cut.to_s + LINGERS_S + 60.0))
    for silence in ending.story.silences:
        if silence.target == run.labels.get("target"):
            spans = [] if ending.story.leaps else _less(spans, (silence.from_s, silence.to_s))
    for gone in ending.witness.gone:
        spans = _less(spans, gone)
    for life in ending.witness.lives:
        spans = [each for span in spans for each in _cut_at(span, life.at)]
    if run.labels["alertname"] == "LowThroughput" and spans != [(run.from_s, run.to_s)]:
        return []  # held for up to 900 s after what explained it
    return spans


def _cut_at(span: Span, at: float) -> Iterator[Span]:
    if span[0] < at < span[1]:
        yield span[0], at
        yield at, span[1]
    else:
        yield span


def _may_explain(cause: Mapping[str, str], of: Mapping[str, str]) -> bool:
    """Say whether one alert may speak for another, generously."""
    if cause["alertname"] == "MonitorEgress":
        return True
    if cause.get("provider") != of.get("provider"):
        return False
    if cause["alertname"] in ("ProviderDown", "Account"):
        return "target" in of
    return (
        cause.get("target") == of.get("target") and LOUD[cause["severity"]] > LOUD[of["severity"]]
    )


def _routed(ending: Ending, run: Run) -> Iterator[tuple[str, list[Span]]]:
    """Yield the channels a run is routed to, with the spans in which a process had them."""
    channels = {name for life in ending.story.lives for name in life.channels}
    for channel in sorted(channels):
        spans = [
            (max(run.from_s, lived.at), min(run.to_s, lived.ended_at))
            for life, lived in zip(ending.story.lives, ending.witness.lives, strict=True)
            if channel in life.channels
            and (
                channel == "chat" or len(life.channels) == 1 or run.labels["severity"] == "critical"
            )
        ]
        yield channel, [span for span in spans if span[0] < span[1]]


def _was_told(ending: Ending, channel: str, run: Run) -> bool:
    heard = _heard(ending).get((channel, run.fingerprint), [])
    return any(at >= run.from_s - 1.0 for at, *_ in heard) or (
        (channel, run.fingerprint) in _dead(ending)
    )


def _forgotten(ending: Ending) -> bool:
    """Say whether a process ended that could not write down what it had said."""
    return any(
        disk.from_s <= life.ended_at <= disk.to_s + SLACK_S and life.ended_at < ending.now
        for disk in ending.story.disks
        for life in ending.witness.lives
    )


def _lost(ending: Ending, run: Run) -> bool:
    """Say whether the disk refused what was to be told, and the process ended with it."""
    if not ending.witness.fault_between(run.from_s - SLACK_S, run.to_s + INTERVAL_S, "disk"):
        return False
    return any(run.from_s < life.ended_at < ending.now for life in ending.witness.lives)


CHECKS: Final = (
    in_order,
    once,
    paced,
    everyone_told,
    repeated,
    kept_quiet,
    pictures_agree,
    nothing_left,
    logged,
)
