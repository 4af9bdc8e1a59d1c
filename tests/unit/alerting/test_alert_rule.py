"""What a rule may look at, and of whom it may speak."""

import pytest

from alerting.expression import parse
from alerting.metric import WHOSE, Fact, Whose
from alerting.rule import Rule, Subject, subjects


@pytest.mark.parametrize(
    ("when", "names"),
    [
        ("latency.p95 > 5s", "target provider location"),
        ("coverage < 50%", "target provider location"),
        ("budget.used > 80%", "provider location target"),
        ("rate_limit.headroom < 10%", "provider target"),
        ("status_page.disagrees", "provider target"),
        ("egress.failing", "location"),
        ("drift.events > 0", "target"),
        ("retirement.days < 30", "target"),
        ("baseline.ratio > 3", "target"),
        ("latency.p95 is anomalous", "target"),
        ("burn_rate(1h, 5m) > 14.4", "location target"),
        # With others: what all of it is known of.
        ("latency.p95 > 5s and egress.failing", "target provider location"),
        ("latency.p95 > 5s and budget.used > 80%", "target provider location"),
        ("rate_limit.headroom < 10% or drift.events > 0", "target"),
    ],
)
def test_whom_a_rule_may_speak_of(when: str, names: str) -> None:
    """Whom the metric is known of, the usual one first; a provider's facts hold for its targets."""
    assert [str(each) for each in subjects(parse(when, "chat"))] == names.split()


@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize("fact", Fact)
def test_a_rule_of_somebody_else_is_refused(fact: Fact, subject: Subject) -> None:
    """A rule cannot be made that asks for what can never be known."""
    flag = fact in (Fact.EGRESS_FAILING, Fact.STATUS_PAGE_DISAGREES)
    when = parse(str(fact) if flag else f"{fact} > 1")
    if subject in subjects(when):
        assert Rule(name="R", when=when, subject=subject).over_s == 0
    else:
        with pytest.raises(ValueError, match=f"{fact}.* is not of a {subject}"):
            Rule(name="R", when=when, subject=subject)


@pytest.mark.parametrize(("when", "over_s"), [("samples < 1", 0.0), ("drift.events > 0", 60.0)])
def test_windows_and_facts_are_kept_apart(when: str, over_s: float) -> None:
    """A window needs a length, and a fact has none."""
    with pytest.raises(ValueError, match=f"over {over_s:g} s"):
        Rule(name="R", when=parse(when), over_s=over_s)


def test_every_fact_is_of_somebody() -> None:
    """The tables of facts name all of them, and nothing else."""
    assert set(WHOSE) == set(Fact)
    assert all(set(whose) <= set(Whose) for whose in WHOSE.values())
