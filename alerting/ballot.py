"""A rule of several locations: each says what it sees, and enough of them decide.

Every location has its own evaluation, with the rule's minimums, `no_data` and `clear`; hold and
`keep_firing_for` are the one alert's. A location that does not report knows nothing, whatever
`no_data` says: silence is not what it found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.summary import Summary
from alerting.compare import Evaluation, Reason, unknown
from alerting.condition import Condition, format_value
from alerting.evaluate import Seen, judge
from alerting.quorum import Quorum, Vote, agreed
from alerting.rule import Rule


@dataclass(slots=True)
class Ballot:
    """What the locations say of one series."""

    quorum: Quorum
    _found: Mapping[str, Evaluation | None] = field(default_factory=dict)
    """Of the newest evaluation, in the order in which the locations are configured."""
    _before: dict[str, bool] = field(default_factory=dict)
    """What each said last when it knew."""
    quiet: Sequence[Summary | None] | None = None
    """What was seen last, if nothing came of it; the engine's."""

    def judge(
        self, rule: Rule, seen: Mapping[str, Summary | Seen | None], *, firing: bool
    ) -> Evaluation:
        """Return what they say together, with the value of the first that says so.

        None: the location does not report. To an alert that fires each location is asked as if it
        had an alert of its own: one that agreed wants evidence of an end, another one does not.
        After a restart nobody remembers who agreed, and all are asked for it.
        """
        found: dict[str, Evaluation | None] = dict.fromkeys(seen)
        for location, each in seen.items():
            if each is not None:
                own = firing and self._before.get(location, True)
                evaluation = found[location] = judge(rule, each, firing=own)
                if evaluation.breached is not None:
                    self._before[location] = evaluation.breached
        self._found = found
        known = [each for each in found.values() if each is not None]
        outcome = agreed(self.quorum, [each.breached for each in known])
        return _spoken(outcome, known)

    def votes(self, rule: Rule) -> tuple[Vote, ...]:
        """Return what each location said last, with its value for people."""
        return tuple(
            Vote(location, None, reports=False)
            if said is None
            else Vote(location, said.breached, value_text(said.about or rule.when, said.value))
            for location, said in self._found.items()
        )


def value_text(condition: object, value: float | None) -> str:
    """Return a value for people, told apart from what it was compared with; empty without one."""
    if value is None or not isinstance(condition, Condition):
        return ""
    return format_value(condition.metric, value, apart_from=condition.threshold)


def _spoken(outcome: bool | None, known: Sequence[Evaluation]) -> Evaluation:
    """Return the first evaluation that says what they say together; unknown where none does."""
    if outcome is not None:
        return next(each for each in known if each.breached is outcome)
    unsure = (each.reason for each in known if each.breached is None)
    return unknown(next(unsure, Reason.NO_DATA))
