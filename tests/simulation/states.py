"""What states, windows, slots and rows must be, judged by what happened and by nothing of ours."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from alerting.rule import Rule
from alerting.state import Edge
from probes.result import Fault
from tests.simulation.lives import Ending
from tests.simulation.story import Jump, Trouble
from tests.simulation.world import Answer, Seen

GRACE_S: Final = 1.0
"""Two floating clocks and the moment between a beat and what it saw."""
LONGEST_S: Final = 240.0
"""The longest window a rule looks at."""
HARD: Final = (Trouble.DOWN, Trouble.HANG)
SEND_S: Final = 10.0


def holds_kept(ending: Ending) -> Iterator[str]:
    """A hold is waited for while somebody watches: nothing that passed unwatched counts."""
    pending: dict[str, Seen] = {}
    for each in ending.witness.seen:
        transition = each.transition
        if transition.edge is Edge.PENDING:
            pending[transition.fingerprint] = each
        elif transition.edge is Edge.FIRED:
            hold_s = _rule(each).hold_s
            since = pending.pop(transition.fingerprint, None)
            held_s = hold_s if since is None else each.watched_s - since.watched_s
            if held_s < hold_s - GRACE_S:
                yield f"{each.at:.1f}: {transition.alertname} fired {held_s:.1f} s into its hold"


def states_restored(ending: Ending) -> Iterator[str]:
    """A restart begins no hold anew, and what fired before does not fire again."""
    first: dict[tuple[int, str], Edge] = {}
    for each in ending.witness.seen:
        first.setdefault((each.life, each.transition.fingerprint), each.transition.edge)
    for number, life in enumerate(ending.witness.lives):
        for identity, kind in life.states.items():
            edge = first.get((number, identity.fingerprint))
            begun = edge is Edge.PENDING or (kind == "firing" and edge is Edge.FIRED)
            if begun:
                yield f"life {number}: {identity.rule} was {kind}, and is {edge} anew"


def nothing_false(ending: Ending) -> Iterator[str]:
    """No alert without a trouble: no clock, restart or gap makes one about a healthy target."""
    story = ending.story
    for each in ending.witness.seen:
        transition = each.transition
        if transition.edge is not Edge.FIRED:
            continue
        rule = _rule(each)
        spells = list(story.cuts)
        if rule.name != "MonitorEgress":
            spells += [spell for spell in story.spells if spell.of in transition.targets]
        since = each.at - rule.over_s - rule.hold_s
        if rule.name == "LowThroughput":
            if not _gaps(ending, since, each.at):
                yield f"{each.at:.1f}: LowThroughput fired, and no slot was missed"
        elif not any(
            s.from_s <= each.at and s.to_s + _unwatched_s(ending) > since - 90.0 for s in spells
        ):
            yield f"{each.at:.1f}: {rule.name} {transition.targets} fired without a trouble"


def nothing_resolved_blindly(ending: Ending) -> Iterator[str]:
    """An alert ends on evidence: not for want of it, nor for a clock or a restart."""
    for each in ending.witness.seen:
        transition, name = each.transition, each.transition.alertname
        if transition.edge is not Edge.RESOLVED or name not in _OF:
            continue
        from_s = each.at - _rule(each).over_s - GRACE_S
        from_s -= ending.story.asleep_s(from_s, each.at)  # windows look back over time awake
        # An open breaker counts what others of the same key were answered for each of them.
        providers = {t.provider for t in ending.story.targets if t.name in transition.targets}
        if not any(
            answer.result.provider in providers
            and answer.result.fault not in _OF[name]
            and from_s <= answer.at <= each.at
            for answer in ending.witness.answers
        ):
            yield f"{each.at:.1f}: {name} {transition.targets} resolved without evidence"


_OF: Final = {
    "Down": {Fault.PROVIDER, Fault.NETWORK},
    "ErrorRate": {Fault.PROVIDER},
    "HighLatency": {Fault.PROVIDER},
    "Account": {Fault.ACCOUNT},
    "Request": {Fault.REQUEST},
}
"""What answers speak for an alert; any other is evidence for its end."""


def detected(ending: Ending) -> Iterator[str]:
    """A hard outage is told within interval x 3 + deadline + evaluation + send (promise 1)."""
    story = ending.story
    if story.faults_of_ours or story.cuts or story.sinks or story.silences or len(story.lives) > 1:
        return
    for spell in story.spells:
        (target,) = (t for t in story.targets if t.name == spell.of)
        every_s = story.lives[0].config.evaluate_every_s
        bound_s = 3 * target.interval_s + target.deadline_s + every_s + SEND_S
        alone = [s for s in story.spells if s.of in _beside(ending, target.provider)]
        disturbed = any(
            s is not spell and s.from_s < spell.to_s and s.to_s + 600.0 > spell.from_s
            for s in alone
        )
        if spell.kind not in HARD or disturbed or spell.to_s - spell.from_s < bound_s:
            continue
        told = [
            r.at
            for r in ending.witness.receipts
            if r.channel == "pager"
            and r.at >= spell.from_s
            and any(
                a.status == "firing"
                and a.labels["alertname"] in ("Down", "ProviderDown")
                and a.labels.get("target", target.name) == target.name
                and a.labels["provider"] == target.provider
                for a in r.alerts
            )
        ]
        if not told or told[0] - spell.from_s > bound_s:
            late = f"after {told[0] - spell.from_s:.1f} s" if told else "never"
            yield f"{target.name}, down at {spell.from_s:.1f}, is told {late}, not in {bound_s:g} s"


def results_kept(ending: Ending) -> Iterator[str]:
    """No completed result is lost by kill -9, and none is there twice."""
    rows = Counter(ending.rows["results"])
    for each in ending.witness.committed:
        if rows[_key(each)] != 1:
            yield f"{each.at:.1f}: {_key(each)} is in the ledger {rows[_key(each)]} times"
    made = Counter(map(_key, ending.witness.answers))
    for key in rows - made:
        yield f"{key} is in the ledger, and was not asked as often"


def _key(answer: Answer) -> tuple[str, int, int, float]:
    result = answer.result
    return result.target, result.slot, result.attempt, result.at


def slots_once(ending: Ending) -> Iterator[str]:
    """A slot is run once, skipped with a reason, or lost with its process or under a clock."""
    backwards = any(leap.kind is Jump.STEP and leap.by_s < 0 for leap in ending.story.leaps)
    ran = Counter((name, slot) for _, _, name, slot in ending.witness.slots)
    for key, number in ran.items():
        if number > 1 and not backwards:
            yield f"{key} was run {number} times"
    if ending.story.leaps or ending.story.disks:
        return
    skipped = {row[:2] for row in ending.rows["skips"]}
    for number, life in enumerate(ending.witness.lives):
        for target in ending.story.targets:
            mine = sorted(
                slot
                for _, in_life, name, slot in ending.witness.slots
                if in_life == number and name == target.name
            )
            for before, after in pairwise(mine):
                for slot in range(before + 1, after):
                    if (target.name, slot) not in skipped and life.ended_at == ending.now:
                        yield f"{target.name}, slot {slot}: neither run nor skipped"


def windows_true(ending: Ending) -> Iterator[str]:
    """Every committed result is in its window exactly once."""
    now = ending.road._clock.steady()
    for target in ending.story.targets:
        found = ending.road.windows.summary((target.name,), LONGEST_S, now).n
        kept, had = (
            [a.at for a in answers if a.result.target == target.name and a.result.attempt == 1]
            for answers in (ending.witness.committed, ending.witness.answers)
        )
        least = sum(ending.now - LONGEST_S + GRACE_S < at < ending.now - GRACE_S for at in kept)
        most = sum(ending.now - LONGEST_S - GRACE_S < at for at in had)
        if not least <= found <= most:
            yield f"{target.name}: {found} results in the window, {least}-{most} were had"


def _rule(seen: Seen) -> Rule:
    rule = seen.transition.rule
    assert rule is not None, "of an edge that only a rule can take"
    return rule


def _beside(ending: Ending, provider: str) -> set[str]:
    return {t.name for t in ending.story.targets if t.provider == provider}


def _unwatched_s(ending: Ending) -> float:
    """Return how long nobody was watching, over the whole story: windows forget no sooner."""
    away_s = sum(life.away_s for life in ending.story.lives[:-1])
    return away_s + sum(abs(leap.by_s) for leap in ending.story.leaps)


def _gaps(ending: Ending, from_s: float, to_s: float) -> bool:
    story = ending.story
    return bool(story.spells or story.cuts or story.leaps or len(story.lives) > 1)


CHECKS: Final = (
    holds_kept,
    states_restored,
    nothing_false,
    nothing_resolved_blindly,
    detected,
    results_kept,
    slots_once,
    windows_true,
)
