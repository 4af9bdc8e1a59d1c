"""What the public page says of what is known."""

from dataclasses import replace

from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.stores.history import Trouble
from monitor.public.view import DAYS, Seen, State, overall, view
from probes.result import Fault, Verdict

DAY_S = 86_400
NOW = 100 * DAY_S + 3_600.0
TODAY = 100 * DAY_S


def bucket(ok: int = 0, provider: int = 0, account: int = 0) -> Bucket:
    made = Bucket()
    for number, verdict, fault in (
        (ok, Verdict.OK, Fault.NONE),
        (provider, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (account, Verdict.AUTH, Fault.ACCOUNT),
    ):
        for _ in range(number):
            made.add(Attempt(True, verdict, fault, False, (None,) * 4, (None,) * 3, None))
    return made


def seen(
    *troubles: Trouble,
    newest: float | None = NOW - 60,
    disturbed: bool = False,
    days: dict[int, Bucket] | None = None,
    day: Bucket | None = None,
) -> Seen:
    return Seen(newest, 900.0, days or {}, day or Bucket(), troubles, disturbed)


def trouble(
    since: float, until: float | None, n: int = 3, fault: Fault = Fault.PROVIDER
) -> Trouble:
    return Trouble(fault, since, until, n)


def test_a_component_is_as_its_target() -> None:
    """Failing now is an outage, an alert a degradation; else it works."""
    assert seen().state(NOW) is State.OPERATIONAL
    assert seen(disturbed=True).state(NOW) is State.DEGRADED
    assert seen(trouble(NOW - 300, None)).state(NOW) is State.OUTAGE
    assert seen(trouble(NOW - 300, NOW - 100)).state(NOW) is State.OPERATIONAL


def test_nothing_is_said_of_what_is_not_known() -> None:
    """Without a result, or with an old one only, nobody knows how the service does."""
    assert seen(newest=None).state(NOW) is State.UNKNOWN
    assert seen(trouble(0.0, None), newest=NOW - 901).state(NOW) is State.UNKNOWN
    assert view("T", [], NOW).state is State.UNKNOWN


def test_little_and_others_faults_are_no_incident() -> None:
    """Two failures are no news, and what our key or network did is not the service's."""
    quiet = seen(
        trouble(NOW - 300, None, n=2),
        trouble(NOW - 300, None, fault=Fault.ACCOUNT),
        trouble(NOW - 300, None, fault=Fault.NETWORK),
    )
    page = view("T", [("Chat", [quiet])], NOW)
    assert (page.state, page.incidents) == (State.OPERATIONAL, ())


def test_an_outage_of_some_is_a_partial_one() -> None:
    """Of several targets, and of several components; what is not known hides nothing."""
    assert overall([State.OUTAGE, State.OUTAGE]) is State.OUTAGE
    assert overall([State.OUTAGE, State.OPERATIONAL]) is State.PARTIAL_OUTAGE
    assert overall([State.DEGRADED, State.UNKNOWN]) is State.DEGRADED
    assert overall([State.UNKNOWN, State.OPERATIONAL]) is State.UNKNOWN


def test_availability_is_the_providers_alone() -> None:
    """A bad key of ours lowers nothing; a day without any result has no figure."""
    days = {TODAY: bucket(ok=9, provider=1, account=40), TODAY - DAY_S: bucket(account=3)}
    page = view("T", [("Chat", [seen(days=days, day=bucket(ok=3, provider=1))])], NOW)
    (chat,) = page.components
    assert (chat.day_ratio, chat.month_ratio) == (0.75, 0.9)
    assert len(chat.days) == DAYS
    assert [day.ratio for day in chat.days[-3:]] == [None, None, 0.9]
    assert chat.days[-1].at == TODAY


def test_targets_of_a_component_are_told_together() -> None:
    """Their days are added, and what overlaps is one incident, open while any of it is."""
    one = seen(trouble(10.0, 50.0), trouble(500.0, 700.0), days={TODAY: bucket(ok=1, provider=1)})
    other = seen(trouble(20.0, 40.0), trouble(600.0, None), days={TODAY: bucket(ok=2)})
    page = view("T", [("Chat", [one, other])], NOW)
    assert [(each.since, each.until) for each in page.incidents] == [(500.0, None), (10.0, 50.0)]
    assert page.components[0].days[-1].ratio == 0.75
    assert page.components[0].state is State.PARTIAL_OUTAGE


def test_what_follows_an_open_incident_is_part_of_it() -> None:
    """One that goes on has no end that another could begin after."""
    page = view("T", [("Chat", [seen(trouble(1.0, None), trouble(900.0, 950.0))])], NOW)
    assert [(each.since, each.until) for each in page.incidents] == [(1.0, None)]


def test_incidents_reach_back_as_far_as_those_of_every_component() -> None:
    """One that is known for a day only makes the list one of a day."""
    short = replace(seen(), back_s=DAY_S)
    assert view("T", [("A", [seen(), short]), ("B", [seen()])], NOW).back_s == DAY_S
    assert view("T", [("B", [seen()])], NOW).back_s == 7 * DAY_S


def test_what_is_not_known_any_more_does_not_go_on() -> None:
    """An incident of a target that tells nothing now ends with what was last known of it."""
    stale = seen(trouble(100.0, None), newest=500.0)
    unseen = seen(trouble(100.0, None), newest=None)
    for target, until in ((stale, 500.0), (unseen, 100.0)):
        page = view("T", [("Chat", [target])], NOW)
        assert page.state is State.UNKNOWN
        assert [(each.since, each.until) for each in page.incidents] == [(100.0, until)]
