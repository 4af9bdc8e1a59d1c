"""Which channels an alert goes to, and with which others it is told."""

from alerting.match import Match
from alerting.routing.group import Timing
from alerting.routing.route import Route, groups_for, routes_for

PAGER = Route(("team", "pager"), Match((("severity", ("critical",)),)))
TEAM = Route(("team",))
LABELS = {"severity": "critical", "provider": "openai", "fault": "provider"}
SHARED = (("provider", "openai"), ("fault", "provider"))


def test_the_first_route_that_matches_decides() -> None:
    """Routes behind it are not asked."""
    assert list(routes_for(LABELS, (PAGER, TEAM))) == [PAGER]
    assert list(routes_for({**LABELS, "severity": "info"}, (PAGER, TEAM))) == [TEAM]


def test_a_route_that_goes_on_asks_the_next() -> None:
    """`continue` adds to what is found, and does not replace it."""
    audit = Route(("audit",), goes_on=True)
    assert list(routes_for(LABELS, (audit, PAGER, TEAM))) == [audit, PAGER]


def test_an_alert_that_no_route_matches_goes_nowhere() -> None:
    """There is no hidden default behind the routes."""
    assert groups_for({"severity": "info"}, (PAGER,)) == {}


def test_alerts_are_grouped_by_the_labels_asked_for() -> None:
    """A group is a channel and the values of those labels."""
    assert list(groups_for(LABELS, (PAGER,))) == [("team", SHARED), ("pager", SHARED)]


def test_a_label_that_is_absent_groups_as_empty() -> None:
    """An alert without a provider is with others that have none."""
    shared = (("provider", ""), ("fault", ""))
    assert list(groups_for({"location": "fra1"}, (TEAM,))) == [("team", shared)]


def test_a_channel_hears_of_an_alert_once() -> None:
    """When two routes lead to one channel the first decides group and pace."""
    quick = Route(("team",), timing=Timing(interval_s=1.0), goes_on=True)
    slow = Route(("team",), group_by=(), timing=Timing(interval_s=2.0))
    assert groups_for(LABELS, (quick, slow)) == {("team", SHARED): quick.timing}
