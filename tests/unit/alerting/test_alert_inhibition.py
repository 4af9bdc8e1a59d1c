"""What is held back, why, and what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from alerting.consequence import natures_of
from alerting.defaults import default_rules
from alerting.engine import Identity, Transition
from alerting.inhibition import (
    EARLIER_S,
    EXPLAINED_BY_ACCOUNT,
    LINGERS_S,
    Decision,
    Explained,
    Held,
    Reason,
    Suppression,
    deciding,
)
from alerting.inhibition import decide as decide_at
from alerting.state import Edge, Firing, Inactive, Pending, State

NOW = 10_000.0
EGRESS = Identity("MonitorEgress", (("alertname", "MonitorEgress"), ("location", "fra1")))
ACCOUNT = Identity("Account", (("alertname", "Account"), ("provider", "openai")))


def decide(
    news: Sequence[Transition],
    held: Mapping[Identity, Held],
    states: Mapping[Identity, State],
    now: float = NOW,
) -> Decision:
    """Decide at NOW."""
    return decide_at(news, held, states, now)


def identity(rule: str = "Down", provider: str = "openai", target: str = "chat") -> Identity:
    """Return an alert of a target."""
    return Identity(rule, (("alertname", rule), ("provider", provider), ("target", target)))


def fired(of: Identity, *, started_at: float = NOW, now: float = NOW) -> Transition:
    """Return the news that an alert fires."""
    return Transition(
        identity=of,
        edge=Edge.FIRED,
        previous=Pending(started_at),
        state=Firing(started_at, now),
        value="3",
        lower_bound=False,
        started_at=started_at,
        fired_at=now,
        now=now,
        rule=None,
        targets=(),
    )


def over(of: Identity, edge: Edge = Edge.RESOLVED) -> Transition:
    """Return the news that an alert is over."""
    return replace(fired(of), edge=edge, previous=Firing(NOW, NOW), state=Inactive())


def firing(*which: Identity, since: float = NOW) -> dict[Identity, State]:
    """Return states in which these fire."""
    return dict.fromkeys(which, Firing(since, since))


def test_ordinary_news_is_told() -> None:
    """Without anything that explains it, all of it, in its order."""
    news = (fired(identity()), over(identity("Other")))
    decision = decide(news, {}, firing(identity()))
    assert decision.told == news
    assert (decision.suppressed, decision.held, decision.released) == ((), {}, ())


@pytest.mark.parametrize("egress", [Pending(NOW - 10), Firing(NOW - 40, NOW - 10)])
def test_a_broken_way_out_explains_what_fires_after_it(egress: State) -> None:
    """From the moment it may be broken; the alert about it is told itself."""
    down, own = fired(identity()), fired(EGRESS)
    states = firing(identity()) | {EGRESS: egress}
    decision = decide((down, own), {}, states)
    assert decision.told == (own,)
    assert [(s.transition, s.reason) for s in decision.suppressed] == [
        (down, Reason.MONITOR_EGRESS)
    ]
    assert decision.held == {identity(): Held(Reason.MONITOR_EGRESS)}


@pytest.mark.parametrize(("earlier_s", "held"), [(EARLIER_S, True), (EARLIER_S + 1, False)])
def test_what_began_well_before_is_told(earlier_s: float, held: bool) -> None:
    """Probes notice first: a minute before still counts as the same trouble, more does not."""
    began = NOW - earlier_s
    states = firing(identity(), since=began) | {EGRESS: Firing(NOW, NOW + 30)}
    decision = decide((fired(identity(), started_at=began),), {}, states)
    assert (identity() in decision.held) is held
    assert bool(decision.told) is not held


@pytest.mark.parametrize("name", sorted(EXPLAINED_BY_ACCOUNT))
def test_a_refused_key_explains_what_its_probes_bring_about(name: str) -> None:
    """Of the same key, not of another one."""
    same, other = fired(identity(name)), fired(identity(name, provider="grok"))
    states = firing(same.identity, other.identity, ACCOUNT)
    decision = decide((same, other), {}, states)
    assert decision.told == (other,)
    assert decision.held == {same.identity: Held(Reason.ACCOUNT)}


@pytest.mark.parametrize(
    "name",
    ["Down", "ErrorRate", "CriticalLatency", "Request", "Budget", "Drift", "Mine", "Account"],
)
def test_a_refused_key_does_not_explain_the_rest(name: str) -> None:
    """News of another kind is told, whatever the key does."""
    news = fired(identity(name))
    assert decide((news,), {}, firing(news.identity, ACCOUNT)).told == (news,)


def test_a_key_that_may_be_refused_explains_nothing_yet() -> None:
    """An account alert that only waits may never come."""
    slow = identity("HighLatency")
    states: Mapping[Identity, State] = firing(slow) | {ACCOUNT: Pending(NOW)}
    assert decide((fired(slow),), {}, states).told == (fired(slow),)


def test_an_alert_without_a_provider_is_of_no_key() -> None:
    """A series that speaks of several providers is not explained by one of them."""
    everywhere = Identity("SlowMean", (("alertname", "Down"), ("location", "fra1")))
    news = fired(everywhere)
    assert decide((news,), {}, firing(everywhere, ACCOUNT)).told == (news,)


@pytest.mark.parametrize("edge", [Edge.RESOLVED, Edge.RULE_REMOVED])
def test_what_nobody_was_told_of_ends_in_silence(edge: Edge) -> None:
    """The end of what was held back is held back too, with the same reason, and forgotten."""
    held = {identity(): Held(Reason.MONITOR_EGRESS)}
    decision = decide((over(identity(), edge),), held, {})
    assert decision.told == ()
    assert [each.reason for each in decision.suppressed] == [Reason.MONITOR_EGRESS]
    assert (decision.held, decision.released) == ({}, ())


def test_what_was_told_keeps_its_end() -> None:
    """A "resolved" goes out though our way out is broken, if its "firing" did."""
    decision = decide((over(identity()),), {}, firing(EGRESS))
    assert decision.told == (over(identity()),)


def test_what_still_fires_is_told_when_nothing_explains_it() -> None:
    """Held back is not lost; what still fires comes with the end of what explained it."""
    held = {identity(): Held(Reason.MONITOR_EGRESS), identity("Gone"): Held(Reason.MONITOR_EGRESS)}
    decision = decide((over(EGRESS),), held, firing(identity()))
    assert decision.told == (over(EGRESS),)
    assert decision.released == (identity(),)
    assert decision.held == {}


def test_both_over_at_once_is_silence() -> None:
    """What resolves in the evaluation in which our way out is back says nothing."""
    held = {identity(): Held(Reason.MONITOR_EGRESS)}
    for news in (
        (over(EGRESS), over(identity())),
        (over(identity()), over(EGRESS)),
    ):
        decision = decide(news, held, {})
        assert decision.told == (over(EGRESS),)
        assert decision.released == ()


def test_another_reason_may_take_over() -> None:
    """What a broken way out explained a refused key may explain next."""
    slow = identity("HighLatency")
    held = {slow: Held(Reason.MONITOR_EGRESS)}
    decision = decide((), held, firing(slow, ACCOUNT))
    assert decision.held == {slow: Held(Reason.ACCOUNT)}
    assert decision.released == ()


def test_news_that_nobody_hears_passes() -> None:
    """Steps on the way of an alert that is held back neither end the wait nor count."""
    held = {identity(): Held(Reason.MONITOR_EGRESS)}
    step = replace(fired(identity()), edge=Edge.CLEARING)
    decision = decide((step,), held, firing(identity(), EGRESS))
    assert decision.told == (step,)
    assert decision.held == held
    assert decision.suppressed == ()


def test_a_state_that_is_inactive_explains_nothing() -> None:
    """A mapping may name it all the same."""
    states: Mapping[Identity, State] = firing(identity()) | {EGRESS: Inactive()}
    assert decide((fired(identity()),), {}, states).told == (fired(identity()),)


def test_missing_slots_are_told_when_the_window_has_forgotten() -> None:
    """LowThroughput waits on for its window, however often it is asked, and is told at its end."""
    low = identity("LowThroughput")
    lingers_s = LINGERS_S["LowThroughput"]
    held: Mapping[Identity, Held] = {low: Held(Reason.MONITOR_EGRESS)}
    for now in (NOW, NOW + 5, NOW + lingers_s - 1):
        decision = decide((), held, firing(low), now)
        assert decision.held == {low: Held(Reason.MONITOR_EGRESS, NOW + lingers_s)}
        assert decision.released == ()
        held = decision.held
    assert decide((over(low),), held, {}, NOW + 60).told == ()
    decision = decide((), held, firing(low), NOW + lingers_s)
    assert (decision.held, decision.released) == ({}, (low,))


def test_a_clock_that_is_set_back_holds_nothing_for_a_day() -> None:
    """What was to be told tomorrow, by the clock before a restart, waits its usual time at most."""
    low = identity("LowThroughput")
    lingers_s = LINGERS_S["LowThroughput"]
    held = {low: Held(Reason.MONITOR_EGRESS, NOW + 86_400.0)}
    decision = decide((), held, firing(low), NOW)
    assert decision.held == {low: Held(Reason.MONITOR_EGRESS, NOW + lingers_s)}
    assert decide((), decision.held, firing(low), NOW + lingers_s).released == (low,)


def test_what_is_explained_again_waits_anew() -> None:
    """A way out that breaks again meanwhile starts the wait from its own end."""
    low = identity("LowThroughput")
    held = {low: Held(Reason.MONITOR_EGRESS, NOW + 100)}
    decision = decide((), held, firing(low, EGRESS), NOW + 50)
    assert decision.held == {low: Held(Reason.MONITOR_EGRESS)}


NATURES = natures_of(default_rules())
CRITICAL = frozenset({"Down", "ErrorRate", "CriticalLatency", "ProviderDown", "Account"})


def alert(rule: str, target: str = "chat", provider: str = "openai", **more: str) -> Identity:
    """Return an alert as the default rules make them."""
    labels = {"alertname": rule, "provider": provider, **more}
    labels["severity"] = "critical" if rule in CRITICAL else "warning"
    if target:
        labels |= {"target": target, "model": target, "operation": "chat", "location": "fra1"}
    return Identity(rule, tuple(sorted(labels.items())))


def known(
    news: Sequence[Transition], states: Mapping[Identity, State], now: float = NOW
) -> Decision:
    """Decide with what is known of the default rules; nothing is held yet."""
    return decide_at(news, {}, states, now, NATURES)


@pytest.mark.parametrize("name", ["HighLatency", "LowThroughput", "SlowMean"])
def test_a_louder_alert_of_the_same_target_says_it(name: str) -> None:
    """Of another target, or of the same loudness, it is news of its own."""
    down, slow, other = alert("Down"), alert(name), alert(name, "embed")
    decision = known((fired(slow), fired(other)), firing(down, slow, other))
    assert decision.told == (fired(other),)
    assert decision.suppressed == (Suppression(fired(slow), Reason.LOUDER, "Down"),)
    assert known((fired(down),), firing(down, alert("ErrorRate"))).told == (fired(down),)


@pytest.mark.parametrize("name", ["Request", "Retirement", "Drift", "Mine"])
def test_a_louder_alert_does_not_say_everything(name: str) -> None:
    """What it does not bring about is told, and what nobody knows the rule of."""
    news = fired(alert(name))
    assert known((news,), firing(news.identity, alert("Down"))).told == (news,)


def test_a_rules_own_labels_make_no_other_series() -> None:
    """A runbook beside the labels that say of what an alert speaks."""
    slow = alert("HighLatency", runbook="r")
    assert known((fired(slow),), firing(slow, alert("Down"))).told == ()


def test_one_that_only_may_be_louder_says_nothing_yet() -> None:
    """A pending alert may never fire."""
    slow = alert("HighLatency")
    states: Mapping[Identity, State] = firing(slow) | {alert("Down"): Pending(NOW)}
    assert known((fired(slow),), states).told == (fired(slow),)


def test_of_a_provider_that_is_down_its_targets_say_nothing_more() -> None:
    """Unless they have a trouble of their own; another provider's do, and so does it itself."""
    whole = alert("ProviderDown", "")
    single = [alert(name) for name in ("Down", "ErrorRate", "HighLatency", "LowThroughput")]
    own = [alert("Request"), alert("Account", ""), alert("Down", provider="grok"), whole]
    news = [fired(each) for each in (*single, *own)]
    decision = known(news, firing(whole, *single, *own))
    assert decision.told == tuple(map(fired, own))
    assert decision.held == dict.fromkeys(single, Held(Reason.PROVIDER_DOWN))


def test_what_looks_at_a_window_waits_until_it_has_forgotten() -> None:
    """What looks at the newest results is told at once when nothing explains it any more."""
    down, rate = alert("Down"), alert("ErrorRate")
    held = dict.fromkeys((down, rate), Held(Reason.PROVIDER_DOWN))
    decision = decide_at((), held, firing(down, rate), NOW, NATURES)
    assert decision.released == (down,)
    assert decision.held == {rate: Held(Reason.PROVIDER_DOWN, NOW + 900)}
    later = decide_at((), decision.held, firing(down, rate), NOW + 900, NATURES)
    assert later.released == (rate,)


def test_what_fails_of_each_provider_is_known() -> None:
    """By model, from the alerts that say so and fire."""
    states: dict[Identity, State] = {
        **firing(alert("Down"), alert("ErrorRate"), alert("Down", "embed")),
        **firing(alert("Down", provider="grok"), alert("HighLatency", "slow"), alert("Down", "")),
        alert("Down", "waiting"): Pending(NOW),
    }
    found = gathered(states)
    assert found.failing == {
        "openai": frozenset({"chat", "embed"}),
        "grok": frozenset({"chat"}),
    }


def test_what_our_own_way_out_explains_is_no_failing_model() -> None:
    """Else every provider would be down with it, and longer."""
    states = firing(alert("Down"), since=NOW) | firing(alert("Down", "old"), since=NOW - 600)
    assert gathered(states | {EGRESS: Pending(NOW)}).failing == {"openai": frozenset({"old"})}


def test_whatever_is_looked_at_is_looked_at_in_steps() -> None:
    """One for each state, each piece of news, and each alert that is held."""
    slow = [alert("HighLatency", f"t{number}") for number in range(100)]
    states = firing(*slow)
    assert sum(1 for _ in Explained.gathering(states)) == 100
    held = dict.fromkeys(slow, Held(Reason.LOUDER))
    steps = deciding((fired(slow[0]),), held, states, NOW, NATURES, Explained())
    assert sum(1 for _ in steps) == 101


def gathered(states: Mapping[Identity, State]) -> Explained:
    """Return what explains others among these states."""
    steps = Explained.gathering(states)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Explained = end.value
            return found
