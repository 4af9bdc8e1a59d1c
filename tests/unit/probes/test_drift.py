"""Drift: a value that was not there before is an event; one that was is not."""

import pytest

from probes.drift import FORGET_S, KNOWN_LIMIT, SAME, Drift, DriftKind, Sighting
from probes.result import Fault, Operation, ProbeResult, Verdict

DAY_S = 86_400.0


def _result(at: float = 0.0, *, model: str = "m", **parts: object) -> ProbeResult:
    settings: dict[str, object] = {
        "target": "t",
        "provider": "p",
        "model": model,
        "operation": Operation.CHAT,
        "location": "here",
        "slot": 1,
        "slot_at": at,
        "at": at,
        "verdict": Verdict.OK,
        "fault": Fault.NONE,
        "total_s": 1.0,
    }
    return ProbeResult(**(settings | parts))  # type: ignore[arg-type] # settings of many types


def _events(drift: Drift, *results: ProbeResult) -> list[tuple[str | None, str]]:
    return [
        (each.before, each.after)
        for result in results
        for each in drift.learn(result)
        if each.before is not None
    ]


def test_the_first_value_is_where_a_series_begins() -> None:
    """It is worth keeping, and no event."""
    sightings = Drift().learn(_result(5.0, returned_model="a", fingerprint="f"))
    assert sightings == (
        Sighting("t", "m", DriftKind.MODEL, None, "a", 5.0),
        Sighting("t", "m", DriftKind.FINGERPRINT, None, "f", 5.0),
    )


def test_a_change_is_an_event_once() -> None:
    """The new value is no news the second time."""
    drift = Drift()
    results = [_result(returned_model=name) for name in ("a", "a", "b", "b")]
    assert _events(drift, *results) == [("a", "b")]


def test_known_values_that_alternate_are_no_events() -> None:
    """Back ends behind a load balancer answer in turn."""
    drift = Drift()
    names = ["a", "b", "a", "b", "c", "a", "b", "c"]
    results = [_result(float(at), fingerprint=name) for at, name in enumerate(names)]
    assert _events(drift, *results) == [("a", "b"), ("b", "c")]


def test_a_value_unseen_for_a_week_is_news_again() -> None:
    """A provider that goes back to what it had long ago has changed something."""
    drift = Drift()
    results = [
        _result(0.0, fingerprint="a"),
        _result(1.0, fingerprint="b"),
        _result(FORGET_S, fingerprint="b"),
        _result(FORGET_S + 2.0, fingerprint="a"),
    ]
    assert _events(drift, *results) == [("a", "b"), ("b", "a")]


def test_a_name_that_is_new_each_time_is_not_listened_to() -> None:
    """Its series is bounded, and it is heard again when old values are forgotten."""
    drift = Drift()
    results = [_result(float(at), fingerprint=f"f{at}") for at in range(1000)]
    assert len(_events(drift, *results)) == KNOWN_LIMIT - 1
    assert len(_events(drift, _result(2 * FORGET_S, fingerprint="new"))) == 1


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.TRUNCATED, Verdict.SERVER_ERROR])
def test_failures_say_nothing_of_the_model(verdict: Verdict) -> None:
    """A gateway's error page is no new model."""
    drift = Drift()
    drift.learn(_result(returned_model="a"))
    failed = _result(returned_model="b", verdict=verdict, fault=Fault.PROVIDER)
    assert drift.learn(failed) == ()


def test_a_mismatch_speaks_for_its_model() -> None:
    """An answer that is not the expected one may be wrong because the model changed."""
    drift = Drift()
    drift.learn(_result(returned_model="a"))
    wrong = _result(returned_model="b", verdict=Verdict.CONTENT_MISMATCH, fault=Fault.PROVIDER)
    assert _events(drift, wrong) == [("a", "b")]


def test_another_model_in_the_configuration_begins_anew() -> None:
    """We changed it, not the provider."""
    drift = Drift()
    drift.learn(_result(returned_model="a"))
    assert _events(drift, _result(model="other", returned_model="b")) == []


@pytest.mark.parametrize(
    ("cosines", "events"),
    [
        ([1.0, 0.99991], []),
        ([0.95], [(SAME, "0.950")]),
        ([1.0, 0.9998], [(SAME, "0.999")]),
        ([0.9512, 0.9514, 1.0, 0.9519], [(SAME, "0.951")]),
        ([0.9512, 0.3], [(SAME, "0.951"), ("0.951", "0.300")]),
        ([-0.25], [(SAME, "-0.250")]),
    ],
)
def test_a_vector_drifts_from_its_reference(
    cosines: list[float], events: list[tuple[str, str]]
) -> None:
    """In steps of a thousandth, and the very first comparison counts: the reference was before."""
    results = [_result(float(at), cosine=cosine) for at, cosine in enumerate(cosines)]
    assert _events(Drift(), *results) == events


def test_after_a_restart_known_values_are_known() -> None:
    """What was kept is given back, and only what happened meanwhile is news."""
    before, after = Drift(), Drift()
    kept = [
        sighting
        for name in ("a", "b")
        for sighting in before.learn(_result(fingerprint=name, cosine=0.9))
    ]
    after.restore(kept, DAY_S)
    results = [_result(DAY_S, fingerprint=name, cosine=0.9) for name in ("b", "a", "c")]
    assert _events(after, *results) == [("a", "c")]
