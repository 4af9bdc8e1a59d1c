"""The breaker of one provider key: when asking is in vain, ask seldom.

    Closed --evidence--> Open --cooled down--> HalfOpen --an answer--> Closed
                           ^------- failed -------'

It opens on *evidence*: only failures of the same kind from the whole key, no answer among them, and

- hard ones (the provider's fault, no answer at all): five, and from each target as many as make
  every rule about it fire (`monitor.kindness.evidence`). So it never delays an alert, and a target
  is not held down for what others suffer;
- refusals of the account: two, for a key or a purse is the same for all targets; but `forbidden`
  may be about one model, so that takes one from each target.

While it is open, slots are refused and read as failing, of what the newest failure found. Once it
has cooled down it lets exactly one ordinary probe through, of the target that has not been tried
for longest: what one model of a key is refused for good, another may be granted, and no target must
be lost from sight. An answer closes it, whoever asked; that our request is wrong, or came too
often, is one. A trial that fails for the other kind of reason closes it too: one failure is too
little to go by.

What is the fault of the network or of this monitor says nothing of the provider. Nobody is spared
by not asking then, and once our own way out is mended every target must be seen to be well at once,
or its alert outlives the one that explains it.

All times are steady ones, passed in. First attempts of slots alone are evidence of failure: no rule
sees others.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from probes.result import Failing, Fault, ProbeResult, Verdict
from probes.target import Target

HARD_FAILURES: Final = 5
"""In a row from the whole key. Fewer are a blip: a deployment or a restart is over by then."""
ACCOUNT_FAILURES: Final = 2
"""One may be a race with a key that is being changed."""
COOL_S: Final = 120.0
"""Two minutes is what practitioners found safe to wait."""
COOL_INTERVALS: Final = 2
"""But no more than two intervals of the key's most eager target: who probes every five seconds
wants to hear of the recovery sooner."""
COOL_GROWTH: Final = 5
"""It doubles with each trial that fails, up to this many times the first: 10 minutes. Beyond that a
recovery would be noticed too late."""
CANARY_S: Final = 300.0
CANARY_INTERVALS: Final = 5
"""A trial every five minutes (or five of its intervals, if they are shorter; or its interval, if
that is longer): what is wrong with an account only a person can mend, and a changed key is seen
without asking."""
TRIAL_DEADLINES: Final = 3.0
"""A trial that was not heard of for so many deadlines never was (its probe waits for a place for
one, is under way for one more): another is let through."""


class Trouble(StrEnum):
    """Kinds of evidence."""

    HARD = "hard"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Closed:
    """Everything is let through."""


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing is let through before `until`, then one probe."""

    trouble: Trouble
    failing: Failing
    """What refused slots count as."""
    cool_s: float
    until: float
    tried: tuple[str, ...] = ()
    """Targets that tried in vain since it opened, the latest last, each once."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One target's probe is under way; it decides."""

    open: Open
    target: str
    until: float
    """Then it is taken for lost."""


State = Closed | Open | HalfOpen
_OURS: Final = (Fault.MONITOR, Fault.NETWORK)
CLOSED: Final = Closed()


class Breaker:
    """The breaker of one provider key."""

    def __init__(self, targets: Sequence[Target], needed: Callable[[Target], int]) -> None:
        """Take the key's targets; `needed` says how many failures of its own each must have had."""
        self.state: State = CLOSED
        self._targets = len(targets)
        self._needed = needed
        self._eager_s = min((target.interval_s for target in targets), default=0.0)
        self._cool_s = min(COOL_S, COOL_INTERVALS * self._eager_s)
        self._trouble = Trouble.HARD
        self._failures = 0
        self._own: dict[str, int] = {}
        """Failures since the last answer, in all and by target."""
        self._ripe = 0
        """Targets that had as many of their own as are needed."""

    def take_over(self, before: "Breaker", targets: Sequence[Target]) -> None:
        """Stand as another one does, of the same key; `targets` are those it has now.

        What is open stays so for as long as it would, and counts as far as targets are still there.
        """
        self.state, self._trouble = before.state, before._trouble
        self._failures = before._failures
        for target in targets:
            own = before._own.get(target.name, 0)
            if own:
                self._own[target.name] = own
                least = self._needed(target) if self._trouble is Trouble.HARD else 1
                self._ripe += own >= least

    @property
    def failing(self) -> Failing | None:
        """What a refused slot counts as; None while it is closed."""
        match self.state:
            case Open(failing=failing) | HalfOpen(open=Open(failing=failing)):
                return failing
            case _:
                return None

    def refuses(self, target: Target, now: float) -> bool:
        """Say whether the target must not be probed; if it may try, its probe is the trial."""
        state = self.state
        if isinstance(state, Closed):
            return False
        opened = state.open if isinstance(state, HalfOpen) else state
        if now < state.until or not self._may_try(opened, target, now):
            return True
        tried = (*(name for name in opened.tried if name != target.name), target.name)
        lost_at = now + TRIAL_DEADLINES * target.deadline_s
        self.state = HalfOpen(replace(opened, tried=tried), target.name, lost_at)
        return False

    def learn(self, target: Target, result: ProbeResult, now: float) -> None:
        """Take note of an attempt that ended at `now`."""
        if result.fault is Fault.NONE:  # the usual case
            if self._failures or self.state is not CLOSED:
                self.close()
            return
        trouble = trouble_of(result)
        state = self.state
        trial = state if isinstance(state, HalfOpen) and state.target == target.name else None
        if trouble is None:
            if result.fault not in _OURS:
                self.close()
            elif trial is not None:
                self.state = replace(trial.open, until=now)
        elif result.attempt != 1:
            return
        elif trial is not None:
            self._cool_again(trial.open, target, trouble, result, now)
        elif state is CLOSED and result.slot >= 0:
            self._note(target, trouble)
            if self._enough(result.verdict):
                self._open(target, trouble, result, now)

    def close(self) -> None:
        """Let everything through, and forget what there was."""
        self.state = CLOSED
        self._failures = self._ripe = 0
        self._own.clear()

    def _may_try(self, opened: Open, target: Target, now: float) -> bool:
        tried = opened.tried
        if target.name not in tried or now >= opened.until + target.interval_s:
            return True  # others would have come first, had they come within an interval
        return len(tried) >= self._targets and target.name == tried[0]

    def _note(self, target: Target, trouble: Trouble) -> None:
        if trouble is not self._trouble:
            self.close()
            self._trouble = trouble
        own = self._own[target.name] = self._own.get(target.name, 0) + 1
        self._failures += 1
        if own == (self._needed(target) if trouble is Trouble.HARD else 1):
            self._ripe += 1

    def _enough(self, verdict: Verdict) -> bool:
        least = HARD_FAILURES if self._trouble is Trouble.HARD else ACCOUNT_FAILURES
        of_all = self._trouble is Trouble.HARD or verdict is Verdict.FORBIDDEN
        return self._failures >= least and (not of_all or self._ripe >= self._targets)

    def _open(self, target: Target, trouble: Trouble, result: ProbeResult, now: float) -> None:
        failing = Failing(result.verdict, result.fault)
        if trouble is Trouble.HARD:
            cool_s = self._cool_s
        else:
            often_s = min(CANARY_S, CANARY_INTERVALS * self._eager_s)
            cool_s = max(often_s, target.interval_s)
        self.state = Open(trouble, failing, cool_s, now + cool_s, (target.name,))

    def _cool_again(
        self, opened: Open, target: Target, trouble: Trouble, result: ProbeResult, now: float
    ) -> None:
        if trouble is not opened.trouble:
            self.close()
            if result.slot >= 0:
                self._note(target, trouble)
            return
        cool_s = opened.cool_s
        if trouble is Trouble.HARD:
            cool_s = min(2 * cool_s, COOL_GROWTH * self._cool_s)
        failing = Failing(result.verdict, result.fault)
        self.state = replace(opened, failing=failing, cool_s=cool_s, until=now + cool_s)


def trouble_of(result: ProbeResult) -> Trouble | None:
    """Return what kind of evidence a result is; None for none."""
    if result.verdict in (Verdict.AUTH, Verdict.FORBIDDEN, Verdict.QUOTA):
        return Trouble.ACCOUNT if result.fault is Fault.ACCOUNT else None
    lost = result.fault is Fault.PROVIDER and not result.answered
    return Trouble.HARD if lost and result.verdict is not Verdict.THROTTLED else None
