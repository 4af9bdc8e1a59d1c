"""The timeline of the simulated provider."""

import pytest

from monitor.simulator.script import (
    HEALTHY,
    SCRIPTS,
    TROUBLED_CHAT,
    TROUBLED_EMBEDDING,
    Behaviour,
    Outcome,
    Phase,
    Script,
    demo,
    outage,
)

NEIGHBOURS = ("gpt-4o", "text-embedding-3-large")


def test_phase_is_the_last_one_that_has_started() -> None:
    """A phase is on from its start, inclusive, to the next one's."""
    script = outage(30.0)
    names = [script.phase(at).name for at in (0.0, 9.99, 10.0, 19.99, 20.0)]
    assert names == ["healthy", "healthy", "errors", "errors", "recovered"]


@pytest.mark.parametrize(("at", "name"), [(-1.0, "healthy"), (1e9, "recovered")])
def test_outside_the_play_the_nearest_phase_is_on(at: float, name: str) -> None:
    """Before the start the first phase counts, after the end the last, for ever."""
    assert demo(60.0).phase(at).name == name


def test_the_first_pattern_that_fits_decides() -> None:
    """Behaviours are looked up in order; a model nobody names is healthy."""
    cut = Behaviour(outcome=Outcome.CUT)
    hang = Behaviour(outcome=Outcome.HANG)
    phase = Phase(name="x", start_s=0.0, note="", behaviours=(("gpt-4o-*", cut), ("gpt-*", hang)))
    assert phase.behaviour("gpt-4o-mini") is cut
    assert phase.behaviour("gpt-4o") is hang
    assert phase.behaviour("text-embedding-3-small") is HEALTHY


def test_demo_meets_every_trouble_in_order() -> None:
    """The demo goes healthy, slow, throttled, errors, cut, hang, recovered."""
    script = demo(60.0)
    told = [(phase.name, phase.behaviour(TROUBLED_CHAT).outcome) for phase in script.phases]
    assert told == [
        ("healthy", Outcome.ANSWER),
        ("slow", Outcome.ANSWER),
        ("throttled", Outcome.THROTTLED),
        ("errors", Outcome.SERVER_ERROR),
        ("cut", Outcome.CUT),
        ("hang", Outcome.HANG),
        ("recovered", Outcome.ANSWER),
    ]


@pytest.mark.parametrize("seconds", [40.0, 60.0, 600.0])
def test_demo_s_slow_phase_is_slow_and_yet_in_time(seconds: float) -> None:
    """A slow answer takes far longer than a healthy one, and never a sixtieth of the play."""
    slow = demo(seconds).phases[1].behaviour(TROUBLED_CHAT)
    four_gaps_s = 4 * slow.token_s
    slowest_s = (slow.first_token_s + four_gaps_s) * slow.factor(1.0)
    quickest_s = (slow.first_token_s + four_gaps_s) * slow.factor(0.0)
    assert slowest_s < seconds / 60
    assert quickest_s > 1.4 * (HEALTHY.first_token_s + 4 * HEALTHY.token_s) * HEALTHY.factor(1.0)


@pytest.mark.parametrize("model", NEIGHBOURS)
def test_demo_leaves_the_neighbours_alone(model: str) -> None:
    """One model's outage is not another's: the neighbours are healthy in every phase."""
    assert {phase.behaviour(model) for phase in demo(60.0).phases} == {HEALTHY}


def test_demo_breaks_an_embedding_model_with_the_errors_only() -> None:
    """The embedding model shares the server errors and nothing else."""
    broken = [p.name for p in demo(60.0).phases if p.behaviour(TROUBLED_EMBEDDING) != HEALTHY]
    assert broken == ["errors"]


@pytest.mark.parametrize("seconds", [20.0, 60.0, 3600.0])
def test_demo_scales_and_leaves_a_third_for_recovery(seconds: float) -> None:
    """Starts grow with the length, and the last third is healthy so that alerts resolve."""
    script = demo(seconds)
    starts = [phase.start_s for phase in script.phases]
    assert starts == sorted(set(starts))
    assert starts[0] == 0.0
    assert seconds - starts[-1] >= seconds / 3


def test_every_troubled_phase_says_which_alerts_to_expect() -> None:
    """A phase names alerts exactly when some model is not healthy in it."""
    for script in (demo(60.0), outage(60.0)):
        for phase in script.phases:
            assert bool(phase.alerts) == bool(phase.behaviours), phase.name


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_script_of_its_own(outcome: Outcome) -> None:
    """A script named after an outcome gives every model that outcome for ever."""
    script = SCRIPTS[outcome.value](10.0)
    assert script.name == outcome.value
    assert {script.behaviour(m, at).outcome for m in NEIGHBOURS for at in (0.0, 99.0)} == {outcome}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_answer_to_their_names(name: str) -> None:
    """The registry's key and the script's own name agree, and its first phase starts at 0."""
    script: Script = SCRIPTS[name](12.0)
    assert (script.name, script.seconds, script.phases[0].start_s) == (name, 12.0, 0.0)


def test_jitter_is_symmetric_and_bounded() -> None:
    """Luck 0, 1/2 and 1 give the fastest, the plain and the slowest pace."""
    behaviour = Behaviour(jitter_ratio=0.2)
    assert [behaviour.factor(luck) for luck in (0.0, 0.5, 1.0)] == pytest.approx([0.8, 1.0, 1.2])
