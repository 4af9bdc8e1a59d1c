"""What people read: units, lower bounds, dashes for what is not known."""

import pytest

from aggregator.summary import Distribution, Summary
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.rule import Rule, Severity, Subject
from monitor.view import (
    AlertRow,
    age_text,
    alert_row,
    quantile_text,
    ratio_text,
    seconds_text,
    target_row,
)
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target

TARGET = Target(
    name="chat", provider="openai", preset="openai", model="m", operation=Operation.CHAT, prompt=""
)


def distribution(censored_from: float | None = None) -> Distribution:
    return Distribution(
        n=5, mean=1, std=0, max=30, quantiles={0.5: 0.25, 0.95: 30.0}, censored_from=censored_from
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0004, "0 ms"), (0.25, "250 ms"), (0.9996, "1.00 s"), (30, "30.00 s"), (163.8, "164 s")],
)
def test_seconds(value: float, text: str) -> None:
    """Durations carry a unit that suits them."""
    assert seconds_text(value) == text


def test_quantiles_say_what_is_unknown_and_what_is_a_bound() -> None:
    """Too few samples is a dash; a quantile among timeouts is marked as a lower bound."""
    assert quantile_text(None, 0.5) == "–"
    assert quantile_text(distribution(), 0.99) == "–"
    assert quantile_text(distribution(), 0.95) == "30.00 s"
    assert quantile_text(distribution(30.0), 0.95) == "≥ 30.00 s"
    assert quantile_text(distribution(30.0), 0.5) == "250 ms"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.0002, "< 0.1 %"),
        (0.0625, "6.2 %"),
        (0.9999, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_ratios_never_round_a_failure_away(value: float | None, text: str) -> None:
    """One failure in five thousand is not 0 %, nor is its rest 100 %."""
    assert ratio_text(value) == text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [(-5, "0 s"), (119, "119 s"), (7199, "119 min"), (7300, "2 h 1 min"), (200_000, "2 d")],
)
def test_ages(age_s: float, text: str) -> None:
    """Ages are told in units a person counts in."""
    assert age_text(age_s) == text


def test_a_target_without_results_is_all_dashes() -> None:
    """Nothing measured yet is shown as unknown, never as 0 or ok."""
    row = target_row(TARGET, None, Summary(over_s=900), now=0)
    unknown = (row.verdict, row.fault, row.age, row.p50, row.error_rate, row.coverage, row.cost)
    assert set(unknown) == {"–"}


def test_a_failure_shows_its_owner_and_reason() -> None:
    """The newest failure's fault and detail are on the row, and what can be done."""
    result = ProbeResult(
        target="chat",
        provider="openai",
        model="m",
        operation=Operation.CHAT,
        location="x",
        slot=1,
        slot_at=100.0,
        at=100.0,
        verdict=Verdict.QUOTA,
        fault=Fault.ACCOUNT,
        detail="no credits",
        hint="top it up",
        total_s=0.1,
    )
    row = target_row(TARGET, result, Summary(over_s=900, n=1), now=130.0)
    assert (row.verdict, row.fault, row.age) == ("quota", "account", "30 s")
    assert (row.detail, row.hint) == ("no credits", "top it up")


@pytest.mark.parametrize(
    ("subject", "shown"),
    [(Subject.TARGET, "chat"), (Subject.PROVIDER, "openai"), (Subject.LOCATION, "x")],
)
@pytest.mark.parametrize(("hold_s", "state"), [(0.0, "firing"), (60.0, "pending")])
def test_an_alert_shows_whom_it_speaks_of_and_since_when(
    subject: Subject, shown: str, hold_s: float, state: str
) -> None:
    """The row names the target, the provider or this instance, the figure, and the age."""
    rule = Rule(
        name="Errors",
        when=parse("failures(account) >= 2"),
        over_s=900.0,
        hold_s=hold_s,
        severity=Severity.CRITICAL,
        subject=subject,
    )
    engine = Engine((rule,), (TARGET,), location="x")
    seen = Summary(over_s=900, n=3, by_fault={Fault.ACCOUNT: 3})
    engine.evaluate(Snapshot(1000.0, dict.fromkeys(engine.views, seen)))
    (alert,) = engine.alerts()
    assert alert_row(alert, 1042.0) == AlertRow(
        name="Errors",
        severity="critical",
        state=state,
        subject=shown,
        value="failures(account) 3",
        since="42 s",
    )
