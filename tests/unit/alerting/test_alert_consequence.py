"""Which trouble brings about which."""

import pytest

from alerting.condition import sources
from alerting.consequence import UNKNOWN, Nature, nature_of, natures_of
from alerting.defaults import default_rules
from alerting.expression import parse
from alerting.rule import Rule, subjects
from probes.result import Fault


def nature(when: str, over_s: float = 900.0, slo: str | None = None) -> Nature:
    """Return what a rule with this condition is about."""
    read = parse(when, slo)
    looks_back_s = over_s if sources(read).windowed else 0.0
    return nature_of(Rule(name="X", when=read, over_s=looks_back_s, subject=subjects(read)[0]))


DOWN = "consecutive_failures(provider, network) >= 3"


@pytest.mark.parametrize(
    ("loud", "quiet", "explains"),
    [
        (DOWN, "latency.p95 > 5s", True),
        (DOWN, "coverage < 50%", True),
        (DOWN, "latency.p95 is anomalous", True),
        (DOWN, "error_rate(provider) > 5%", True),
        (DOWN, "error_rate(timeout) > 5%", True),
        (DOWN, "error_rate > 5%", True),
        (DOWN, "failures(request) >= 2", False),
        (DOWN, "error_rate(auth) > 5%", False),
        (DOWN, "cost > 3 USD/h", False),
        (DOWN, "budget.used > 80%", False),
        (DOWN, "drift.events > 0", False),
        (DOWN, "latency.p95 > 5s and drift.events > 0", False),
        ("error_rate > 50%", "failures(request) >= 2", True),
        ("latency.p95 > 10s", "latency.p95 > 5s", True),
        ("latency.p95 > 10s", "error_rate(provider) > 5%", False),
        ("budget.used >= 100%", "budget.used > 80%", True),
        ("budget.used >= 100%", "latency.p95 > 5s", False),
        ("burn_rate(1h, 5m) > 14", "burn_rate(3d, 6h) > 1", True),
    ],
)
def test_what_brings_about_what(loud: str, quiet: str, explains: bool) -> None:
    """Failing answers come late and are missed; another fault, or another thing, is other news."""
    slo = "good" if "burn" in loud else None
    assert nature(loud, slo=slo).explains(nature(quiet, slo=slo)) is explains


def test_another_objective_is_another_thing() -> None:
    """The chat's budget burns, and the embeddings' does not for it."""
    one, other = (nature("burn_rate(1h, 5m) > 14", slo=slo) for slo in ("chat", "embed"))
    assert not one.explains(other)


def test_what_is_unknown_explains_nothing_and_is_not_explained() -> None:
    """An alert whose rule is gone."""
    assert not UNKNOWN.explains(nature("latency.p95 > 5s"))
    assert not nature(DOWN).explains(UNKNOWN)


@pytest.mark.parametrize(
    ("when", "lingers_s"),
    [
        (DOWN, 0.0),
        ("failures(provider) of last 5 >= 3", 0.0),
        ("failures(provider) >= 3", 900.0),
        ("latency.p95 > 5s", 900.0),
        ("drift.events > 0", 0.0),
    ],
)
def test_a_window_goes_on_counting_what_is_over(when: str, lingers_s: float) -> None:
    """What looks at the newest results alone needs but one good one."""
    assert nature(when).lingers_s == lingers_s


def test_rules_of_one_name_are_taken_together() -> None:
    """One explains what all of them explain, and is explained by what explains all of them."""
    natures = natures_of(default_rules())
    assert natures["ErrorRate"] == Nature(
        answers=True,
        own=frozenset({Fault.PROVIDER}),
        counted=frozenset({Fault.PROVIDER}),
        lingers_s=900.0,
    )
    mixed = nature("error_rate(provider) > 5%").joined(nature("budget.used > 80%"))
    assert (mixed.answers, mixed.counted) == (False, frozenset())
    assert mixed.others == {"budget.used"}
