"""The breaker of a key, step by step."""

import pytest

from monitor.kindness.breaker import CLOSED, Breaker, HalfOpen, Open
from probes.result import Failing, Fault, ProbeResult, Verdict
from probes.target import Target
from tests.unit.monitor.kindness.attempts import found, hung, refused, target, throttled

A, B = target("a"), target("b")
HUNG = Failing(Verdict.TIMEOUT, Fault.PROVIDER)


def breaker(*targets: Target, needed: int = 3) -> Breaker:
    return Breaker(targets or (A,), lambda _target: needed)


def fed(
    of: Breaker, *results: ProbeResult, now: float = 0.0, a: Target = A, b: Target = B
) -> Breaker:
    """Have it learn of attempts that ended at `now`."""
    for each in results:
        of.learn({"a": a, "b": b}[each.target], each, now)
    return of


def opened(*targets: Target) -> Breaker:
    """One that opened at 0."""
    each = targets or (A,)
    return fed(breaker(*each), *[hung(which) for which in each] * 5)


def test_it_opens_after_five_failures_in_a_row() -> None:
    """Four are let by; with the fifth slots are refused, and count as what was found."""
    of = fed(breaker(), *[hung(A)] * 4)
    assert not of.refuses(A, 0.0)
    assert of.failing is None
    fed(of, hung(A))
    assert of.refuses(A, 0.0)
    assert of.failing == HUNG


def test_an_answer_in_between_begins_the_count_anew() -> None:
    """A provider that answers now and then is probed as always."""
    of = fed(breaker(), *[hung(A)] * 4, found(A), *[hung(A)] * 4)
    assert of.state is CLOSED


def test_every_target_must_have_had_its_own() -> None:
    """A model that is dead alone holds down nobody, however often it fails."""
    of = fed(breaker(A, B), *[hung(A)] * 50, hung(B), hung(B))
    assert of.state is CLOSED
    fed(of, hung(B))
    assert of.failing == HUNG


def test_it_waits_for_as_many_as_rules_need() -> None:
    """With a rule that needs nine, nine."""
    of = fed(breaker(needed=9), *[hung(A)] * 8)
    assert of.state is CLOSED
    assert fed(of, hung(A)).failing == HUNG


@pytest.mark.parametrize(
    "attempt",
    [
        throttled(A),
        found(A, Verdict.CONTENT_MISMATCH, Fault.PROVIDER),
        found(A, Verdict.MODEL_NOT_FOUND, Fault.REQUEST),
        found(A, Verdict.FORBIDDEN, Fault.PROVIDER),
    ],
)
def test_an_answer_we_do_not_like_is_an_answer(attempt: ProbeResult) -> None:
    """Who refuses, or answers wrongly, is there: it neither opens the breaker nor keeps it so."""
    assert fed(breaker(), *[attempt] * 20).state is CLOSED
    assert fed(opened(), attempt).state is CLOSED


@pytest.mark.parametrize("said", [{"attempt": 2}, {"slot": -1}])
def test_only_what_rules_see_is_evidence(said: dict[str, int]) -> None:
    """Confirming attempts, and probes somebody asked for, bring no breaker nearer."""
    assert fed(breaker(), *[hung(A, **said)] * 20).state is CLOSED


@pytest.mark.parametrize(
    "ours",
    [
        found(A, Verdict.MONITOR_ERROR, Fault.MONITOR),
        found(A, Verdict.CONNECT_ERROR, Fault.NETWORK),
    ],
)
def test_our_own_fault_is_no_evidence(ours: ProbeResult) -> None:
    """A bug of ours, or our own way out, says nothing of the provider, neither good nor bad."""
    assert fed(breaker(), *[ours] * 20).state is CLOSED
    assert fed(breaker(), *[hung(A)] * 4, ours, hung(A)).failing == HUNG
    assert fed(opened(), ours).failing == HUNG


def test_once_cooled_down_one_probe_is_let_through() -> None:
    """Two minutes later, exactly one; the others wait for what it finds."""
    of = opened(A, B)  # B's failure was the last: A's turn
    assert of.refuses(A, 119.9)
    assert of.refuses(B, 120.0)
    assert not of.refuses(A, 120.0)
    assert isinstance(of.state, HalfOpen)
    assert of.refuses(A, 120.0)
    assert of.refuses(B, 120.0)
    assert of.failing == HUNG


def test_success_closes_it() -> None:
    """Then everything is probed again, and evidence begins from nothing."""
    of = opened()
    assert not of.refuses(A, 120.0)
    fed(of, found(A), now=121.0)
    assert of.failing is None
    assert not of.refuses(A, 121.0)
    assert fed(of, *[hung(A)] * 4).state is CLOSED


def test_a_late_answer_closes_it_too() -> None:
    """A probe that was under way when it opened, and came through, is as good as any."""
    assert fed(opened(A, B), found(B)).state is CLOSED


def test_failed_trials_double_the_wait_up_to_ten_minutes() -> None:
    """2, 4, 8, 10, 10 minutes; what slots count as is what the newest trial found."""
    of, now, waits = opened(), 0.0, []
    for _ in range(5):
        assert isinstance(of.state, Open)
        waits.append(of.state.until - now)
        now = of.state.until
        assert not of.refuses(A, now)
        fed(of, found(A, Verdict.CONNECT_ERROR, Fault.PROVIDER), now=now)
    assert waits == [120.0, 240.0, 480.0, 600.0, 600.0]
    assert of.failing == Failing(Verdict.CONNECT_ERROR, Fault.PROVIDER)


def test_the_eager_wait_less() -> None:
    """At an interval of five seconds it cools down for two of them, and ten at most."""
    eager = target("a", interval_s=5.0, deadline_s=5.0)
    of, now, waits = fed(breaker(eager), *[hung(eager)] * 5, a=eager), 0.0, []
    for _ in range(4):
        assert isinstance(of.state, Open)
        waits.append(of.state.until - now)
        now = of.state.until
        of.refuses(eager, now)
        of.learn(eager, hung(eager), now)
    assert waits == [10.0, 20.0, 40.0, 50.0]


def test_targets_take_turns_at_the_trial() -> None:
    """One that is dead for good does not use up every trial of the others."""
    of = opened(A, B)  # B's failure was the last
    tried = []
    for _ in range(4):
        assert isinstance(of.state, Open)
        now = of.state.until
        turn = next(each for each in (B, A) if not of.refuses(each, now))
        tried.append(turn.name)
        fed(of, hung(turn), now=now)
    assert tried == ["a", "b", "a", "b"]


def test_who_has_no_slot_is_not_waited_for() -> None:
    """After an interval of its own a target may try again although others never did."""
    rare = target("b", interval_s=86400.0)
    of = fed(breaker(A, rare), *[hung(rare), hung(A)] * 3, b=rare)
    assert of.refuses(A, 120.0)
    assert not of.refuses(A, 180.0)


def test_a_trial_that_is_never_heard_of_is_replaced() -> None:
    """A probe that was cancelled, or had no money, does not hold the breaker half open for ever."""
    of = opened()
    assert not of.refuses(A, 120.0)
    assert of.refuses(A, 120.0 + 3 * A.deadline_s - 0.1)
    assert not of.refuses(A, 120.0 + 3 * A.deadline_s)


def test_a_trial_spoiled_by_ourselves_is_made_again_at_once() -> None:
    """It said nothing of the provider; the wait was over and does not begin anew."""
    of = opened()
    assert not of.refuses(A, 120.0)
    fed(of, found(A, Verdict.MONITOR_ERROR, Fault.MONITOR), now=121.0)
    assert not of.refuses(A, 121.0)


def test_only_the_trial_decides() -> None:
    """Others that fail, and confirming attempts, lengthen no wait."""
    of = opened(A, B)
    assert not of.refuses(A, 120.0)
    before = of.state
    fed(of, hung(B), hung(A, attempt=2), now=121.0)
    assert of.state is before


@pytest.mark.parametrize("verdict", [Verdict.AUTH, Verdict.QUOTA])
def test_a_refused_account_leaves_a_canary(verdict: Verdict) -> None:
    """Two refusals from the key: then one probe, every five minutes, without doubling."""
    of = fed(breaker(A, B), refused(A, verdict))
    assert of.state is CLOSED
    fed(of, refused(B, verdict))
    assert of.failing == Failing(verdict, Fault.ACCOUNT)
    for now, turn, other in ((300.0, A, B), (600.0, B, A)):
        assert of.refuses(turn, now - 0.1)
        assert of.refuses(other, now)
        assert not of.refuses(turn, now)
        fed(of, refused(turn, verdict), now=now)


def test_a_model_that_is_never_granted_hides_no_other() -> None:
    """Too dear for what is left on the account, it alone is refused; the other gets its turn."""
    of = fed(breaker(A, B), *[refused(A, Verdict.QUOTA)] * 2)
    assert of.refuses(B, 299.9)
    assert not of.refuses(B, 300.0)
    assert fed(of, found(B), now=301.0).state is CLOSED


def test_forbidden_may_be_about_one_model() -> None:
    """It takes a refusal from every target of the key."""
    of = fed(breaker(A, B), *[refused(A, Verdict.FORBIDDEN)] * 20)
    assert of.state is CLOSED
    assert fed(of, refused(B, Verdict.FORBIDDEN)).failing is not None


def test_a_slow_canary_keeps_its_interval() -> None:
    """A target probed once an hour is asked once an hour."""
    slow = target("a", interval_s=3600.0)
    of = fed(breaker(slow), *[refused(slow)] * 2, a=slow)
    assert isinstance(of.state, Open)
    assert of.state.until == 3600.0


def test_trouble_of_another_kind_begins_anew() -> None:
    """Failures and refusals do not add up, and one failed trial is evidence of little."""
    of = fed(breaker(), *[hung(A)] * 4, refused(A), hung(A))
    assert of.state is CLOSED
    of = opened()
    assert not of.refuses(A, 120.0)
    assert fed(of, refused(A), now=121.0).state is CLOSED
    assert fed(of, refused(A), now=181.0).failing == Failing(Verdict.AUTH, Fault.ACCOUNT)
    assert not of.refuses(A, 481.0)
    blip = found(A, Verdict.SERVER_ERROR, Fault.PROVIDER, slot=-1)
    assert fed(of, blip, *[hung(A)] * 4, now=482.0).state is CLOSED
    assert fed(of, hung(A), now=482.0).failing == HUNG
