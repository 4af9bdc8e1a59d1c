"""Incidents: which failures are one, what is kept of them, and how many."""

from monitor.report.incidents import (
    EVIDENCE_AT_MOST,
    LISTED_AT_MOST,
    Evidence,
    Failure,
    Incident,
    Stretch,
    Worst,
    incidents,
    meanwhile,
    united,
)
from probes.result import Fault


def failure(at: float, took_s: float = 1.0, **said: object) -> Failure:
    """Return a failure of the provider."""
    fields = {"verdict": "server_error", "fault": Fault.PROVIDER, **said}
    return Failure(at, at + took_s, **fields)  # type: ignore[arg-type] # fields of all types


def found(*failures: Failure) -> list[Incident]:
    """Return the incidents of a target that is probed once a minute."""
    return list(incidents("chat", "openai", "here", 60.0, failures))


def test_no_failure_is_no_incident() -> None:
    """Nothing comes of nothing."""
    assert found() == []


def test_failures_less_than_two_intervals_apart_are_one() -> None:
    """From the end of one to the beginning of the next."""
    (one,) = found(failure(0.0), failure(120.9))
    assert (one.start_at, one.end_at, one.failures, one.duration_s) == (0.0, 121.9, 2, 121.9)


def test_failures_two_intervals_apart_are_two() -> None:
    """The rule's own limit is no longer within it."""
    assert [each.start_at for each in found(failure(0.0), failure(121.0))] == [0.0, 121.0]


def test_a_long_failure_reaches_over_a_short_one() -> None:
    """The end is that of whichever ended last: a confirming order is not an order of ends."""
    (one,) = found(failure(0.0, 300.0), failure(60.0), failure(400.0))
    assert one.end_at == 401.0


def test_verdicts_and_statuses_are_counted() -> None:
    """Each by its word; no status is none."""
    (one,) = found(
        failure(0.0, status=503), failure(60.0, status=503), failure(120.0, verdict="timeout")
    )
    assert one.verdicts == {"server_error": 2, "timeout": 1}
    assert one.statuses == {"503": 2}


def test_evidence_is_the_first_answers_that_can_be_found() -> None:
    """What has neither an id nor a status is there for want of better; five are enough."""
    answers = [failure(60.0 * n, status=500, request_id=f"r{n}") for n in range(1, 9)]
    (one,) = found(failure(0.0), *answers)
    assert [each.request_id for each in one.evidence] == [f"r{n}" for n in range(1, 6)]
    (silent,) = found(failure(0.0), *answers[:2])
    assert silent.evidence[0] == Evidence(0.0, "server_error", None, None)
    assert len(silent.evidence) == 3
    assert EVIDENCE_AT_MOST == 5


def test_evidence_is_of_every_kind_of_answer() -> None:
    """Else a vendor could say of all but the first that they were never shown."""
    errors = [failure(60.0 * n, status=500, request_id=f"r{n}") for n in range(9)]
    cut = failure(600.0, verdict="truncated", status=200, request_id="cut")
    (one,) = found(*errors, cut)
    assert [each.request_id for each in one.evidence] == ["r0", "r1", "r2", "r3", "cut"]


def test_a_slot_that_was_not_asked_is_no_evidence() -> None:
    """It is counted among the failures, and told apart."""
    (one,) = found(failure(0.0, status=500), failure(60.0, took_s=0.0, refused=True))
    assert (one.failures, one.refused) == (2, 1)
    assert [each.at for each in one.evidence] == [0.0]


def test_our_own_trouble_is_one_where_it_overlaps() -> None:
    """Every target meets the same outage of ours; another location has its own."""
    assert united(
        [
            Stretch("here", 100.0, 160.0, 2),
            Stretch("there", 100.0, 160.0, 1),
            Stretch("here", 150.0, 155.0, 1),
            Stretch("here", 200.0, 210.0, 1),
        ]
    ) == [
        Stretch("here", 100.0, 160.0, 3),
        Stretch("there", 100.0, 160.0, 1),
        Stretch("here", 200.0, 210.0, 1),
    ]


def test_an_incident_knows_of_our_trouble_meanwhile() -> None:
    """At its own location, at its own time."""
    (one,) = found(failure(100.0), failure(160.0))
    meant = Stretch("here", 150.0, 155.0, 1)
    others = [
        Stretch("there", 150.0, 155.0, 1),
        Stretch("here", 0.0, 99.0, 1),
        Stretch("here", 162.0, 170.0, 1),
    ]
    assert meanwhile(one, [meant, *others]) == (meant,)


def test_the_first_word_about_it_is_kept() -> None:
    """A failure without detail does not hide the next one's."""
    (one,) = found(failure(0.0), failure(60.0, detail="busy"), failure(120.0, detail="later"))
    assert one.detail == "busy"


def test_the_longest_are_listed_in_their_order_and_the_rest_counted() -> None:
    """However many there are, memory holds the worst."""
    worst = Worst()
    for n in range(LISTED_AT_MOST + 3):
        (one,) = found(failure(1000.0 * n, took_s=1.0 + (n * 5) % 203))
        worst.add(one)
    assert worst.left_out == 3
    assert len(worst.listed) == LISTED_AT_MOST
    starts = [each.start_at for each in worst.listed]
    assert starts == sorted(starts)
    assert min(each.duration_s for each in worst.listed) == 4.0
