"""Which alert told of an incident."""

import pytest

from alerting.alert import Identity
from monitor.backtest.outcome import Episode, seen
from monitor.report.incidents import Incident
from probes.result import Fault

INCIDENT = Incident(
    target="chat",
    provider="openai",
    location="here",
    start_at=100.0,
    end_at=400.0,
    failures=5,
    verdicts={"server_error": 5},
    statuses={500: 5},
    evidence=(),
    detail="",
)


def told(rule: str, at: float, blames: str) -> Episode:
    """Return an alert about the target that people were told of as it fired."""
    identity = Identity(rule, (("alertname", rule), ("target", "chat")))
    return Episode(identity, ("chat",), at, at, ended_at=at + 600.0, blames=blames)


@pytest.mark.parametrize("blames", [Fault.ACCOUNT, Fault.REQUEST, Fault.MONITOR])
def test_an_alert_about_somebody_else_tells_of_no_incident(blames: str) -> None:
    """Incidents are the provider's; that our key was limited meanwhile is other news."""
    (found,) = seen([INCIDENT], [told("Account", 90.0, blames), told("Down", 250.0, "provider")])
    assert (found.rule, found.after_s) == ("Down", 150.0)
    (missed,) = seen([INCIDENT], [told("Account", 90.0, blames)])
    assert missed.rule is None


@pytest.mark.parametrize("blames", ["", "any fault", Fault.PROVIDER, Fault.NETWORK])
def test_an_alert_that_may_be_about_it_does(blames: str) -> None:
    """Missing probes and errors of any kind are what an outage looks like, too."""
    (found,) = seen([INCIDENT], [told("Own", 90.0, blames)])
    assert (found.rule, found.after_s) == ("Own", 0.0)
