"""The record of one exchange, told by hand what the wire would tell it."""

import pytest

from probes.wire.inflow import Look
from probes.wire.stamps import Moment
from probes.wire.timeline import (
    MOST_BYTES,
    PILED_S,
    Phase,
    Timeline,
    UnaskedError,
    WireCapError,
    limit_bytes_for,
)


def _moment(monotonic: float) -> Moment:
    return Moment(monotonic, 1_700_000_000.0 + monotonic)


def _stamp(monotonic: float) -> float:
    return 1_700_000_000.0 + monotonic


def _departed(at: float = 10.0) -> Timeline:
    timeline = Timeline()
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(at))
    return timeline


def _head(timeline: Timeline) -> None:
    timeline.released()
    timeline.head_complete()


def test_a_reused_connection_has_no_phases() -> None:
    """Nothing was opened: the departure is the origin."""
    timeline = _departed()

    assert (timeline.connect_s, timeline.tls_s, timeline.sent_s) == (None, None, 0.0)
    assert timeline.offset(10.5) == pytest.approx(0.5)


def test_phases_of_a_new_connection_are_before_the_departure() -> None:
    """Resolve, connect and TLS add up to the departure's offset; delays between are in none."""
    timeline = Timeline()
    timeline.resolving()
    assert timeline.phase is Phase.RESOLVE
    timeline.resolved(0.010)
    timeline.connecting(1.0)
    assert timeline.phase is Phase.CONNECT
    timeline.connected(1.030, None)
    assert timeline.phase is Phase.TLS
    timeline.sent(_moment(2.0))
    assert timeline.departed_at is None, "our hello is not the request"
    timeline.read(700, _stamp(2.050), _moment(2.060))
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(5.0))

    assert timeline.tls_s == pytest.approx(0.050)
    assert timeline.sent_s == pytest.approx(0.010 + 0.030 + 0.050)
    assert timeline.offset(5.1) == pytest.approx(0.190)
    assert timeline.phase is Phase.HEAD


def test_a_ticket_before_the_departure_is_not_handshake_time() -> None:
    """In TLS 1.3 the handshake ends with what our last message answers; in 1.2 it does not."""
    ends = {}
    for one_round_trip in (True, False):
        timeline = Timeline()
        timeline.sent(_moment(2.0))
        timeline.read(700, _stamp(2.020), _moment(2.021))
        timeline.sent(_moment(2.022))
        timeline.read(500, _stamp(2.040), _moment(2.041))
        timeline.writing(one_round_trip=one_round_trip)
        ends[one_round_trip] = timeline.tls_s

    assert ends == {True: pytest.approx(0.020, rel=1e-3), False: pytest.approx(0.040, rel=1e-3)}


def test_the_kernels_round_trip_is_believed_over_our_own() -> None:
    """We may notice a connection late; the kernel knows how long it took."""
    timeline = Timeline()
    timeline.connecting(1.0)
    timeline.connected(1.2, 0.015)

    assert timeline.connect_s == pytest.approx(0.015)


def test_with_several_attempts_the_user_waited_since_the_first() -> None:
    """Two addresses tried: the winner's own round trip would hide the wait for the other."""
    timeline = Timeline()
    for at in (1.0, 1.25):
        timeline.connecting(at)
    timeline.connected(1.3, 0.015)
    timeline.connected(1.4, 0.015)

    assert timeline.connect_s == pytest.approx(0.3)


@pytest.mark.parametrize("round_trip_s", [0.015, None])
def test_the_way_through_a_proxy_is_part_of_connecting(round_trip_s: float | None) -> None:
    """By our own clock: how late we were meanwhile is kept, so that a late figure is marked."""
    timeline = Timeline(lateness=Late(0.3))
    timeline.connecting(1.0)
    timeline.connected(1.2, round_trip_s)
    timeline.tunnelling()
    assert timeline.phase is Phase.PROXY
    timeline.tunnelled(1.5, 1.6)
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(2.0))

    assert timeline.connect_s == pytest.approx((round_trip_s or 0.2) + 0.1)
    assert timeline.opening_lag_s == 0.3


def test_the_departure_is_the_last_part_sent_before_the_answer() -> None:
    """A request may leave in parts; what we send once the answer is coming in is no part of it."""
    timeline, told = Timeline(), list[float]()
    timeline.on_departure = told.append
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(10.0))
    timeline.sent(_moment(10.1))
    timeline.read(50, _stamp(10.3), _moment(10.4))
    timeline.released()
    timeline.sent(_moment(10.5))

    assert timeline.departed_at == 10.1
    assert told == [10.0, 10.1]


def test_a_departure_that_took_long_is_told() -> None:
    """Of a request in parts that of the last one counts, as for the departure itself."""
    timeline = Timeline()
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(10.0), 0.25)
    assert timeline.departure_took_s == 0.25
    timeline.sent(_moment(10.5), 0.00002)
    assert timeline.departure_took_s == 0.00002


def test_the_head_was_complete_with_the_read_under_way() -> None:
    """Its time is that read's arrival, and so is that of the bytes behind it."""
    timeline = _departed()
    timeline.read(300, _stamp(10.20), _moment(10.30))
    assert timeline.released().at == pytest.approx(10.20)
    timeline.read(300, _stamp(10.40), _moment(10.50))
    _head(timeline)

    assert timeline.head_at == pytest.approx(10.40)
    assert timeline.phase is Phase.BODY
    assert timeline.trusted
    assert timeline.ended(10.9) == pytest.approx(0.40)


def test_a_read_that_releases_nothing_is_in_no_figure() -> None:
    """A session ticket, half a record: neither its time nor its lack of a stamp counts."""
    timeline = _departed()
    timeline.read(300, _stamp(10.20), _moment(10.21))
    _head(timeline)
    timeline.read(300, None, _moment(10.60))

    assert timeline.trusted
    assert timeline.ended(10.9) == pytest.approx(0.20)


def test_one_read_without_a_stamp_costs_the_trust() -> None:
    """In the body for good; before the head only that of the read which completed it counts."""
    timeline = _departed()
    timeline.read(10, None, _moment(10.10))
    timeline.released()
    assert not timeline.trusted
    timeline.read(300, _stamp(10.20), _moment(10.21))
    _head(timeline)
    assert timeline.trusted
    timeline.read(10, None, _moment(10.30))
    timeline.released()
    timeline.read(10, _stamp(10.40), _moment(10.41))
    timeline.released()

    assert not timeline.trusted


def test_bytes_before_the_departure_are_no_answer() -> None:
    """Nothing of them is taken down: they answer something else."""
    unsent, sent = Timeline(), _departed()
    unsent.read(300, _stamp(9.0), _moment(9.1))
    for timeline in (unsent, sent):
        with pytest.raises(UnaskedError):
            timeline.released()
        assert timeline.last is None
    assert sent.ended(10.6) == pytest.approx(0.6)


def test_bytes_that_had_arrived_before_the_departure_are_no_answer() -> None:
    """Read late, stamped early: they cannot answer what had not left."""
    timeline = _departed()
    timeline.read(300, _stamp(9.9), _moment(10.2))

    with pytest.raises(UnaskedError):
        timeline.released()
    assert timeline.last is None


def test_a_server_may_refuse_a_request_that_still_leaves() -> None:
    """An answer that came between the first and the last part of a request is one."""
    timeline = _departed()
    timeline.sent(_moment(10.5))
    timeline.read(300, _stamp(10.2), _moment(10.6))

    assert timeline.released().at == 10.6, "but its time can not be before the departure"


def test_a_stamp_a_hair_before_the_departure_is_not_used() -> None:
    """Within what two clocks may differ by, the read itself counts, and is not trusted."""
    timeline = _departed()
    timeline.read(300, _stamp(9.9995), _moment(10.2))
    _head(timeline)

    assert timeline.head_at == pytest.approx(10.2)
    assert not timeline.trusted


def test_an_answer_may_be_as_large_as_it_was_asked_to_be() -> None:
    """More tokens, more bytes, up to a limit."""
    assert limit_bytes_for(16) < 1024 * 1024
    assert limit_bytes_for(4000) > 4000 * 400
    assert limit_bytes_for(10**9) == MOST_BYTES


def test_an_early_ticket_does_not_cost_the_answer() -> None:
    """A ticket that had arrived before the departure releases nothing, so its stamp is not used."""
    timeline = _departed()
    timeline.read(300, _stamp(9.9), _moment(10.01))
    timeline.read(300, _stamp(10.2), _moment(10.21))
    _head(timeline)

    assert timeline.trusted
    assert timeline.head_at == pytest.approx(10.2)


def test_too_many_bytes_end_the_exchange_inside_the_read() -> None:
    """Beyond the limit the read fails, and the timeline says why."""
    timeline = Timeline(limit_bytes=100)
    timeline.read(100, None, _moment(10.1))
    assert not timeline.oversized
    with pytest.raises(WireCapError):
        timeline.read(1, None, _moment(10.2))
    assert timeline.oversized


class Late:
    """Says of itself that it is as late as this."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s

    def unseen_s(self, _now: float) -> float:
        """Whatever was read lay there for so long."""
        return self._late_s

    def worst_since(self, since: float, now: float | None = None) -> float:
        """As late as the time allows."""
        assert now is not None
        return min(self._late_s, now - since)


def _late(late_s: float = PILED_S * 1.1) -> Timeline:
    timeline = Timeline(lateness=Late(late_s))
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(10.0))
    return timeline


@pytest.mark.parametrize(
    ("late_s", "read_after_s", "at_once", "piled"),
    [
        (PILED_S * 1.1, 0.0, False, True),
        (PILED_S * 1.1, 0.0, True, False),
        (PILED_S * 0.9, 0.0, False, False),
        (0.0, PILED_S * 1.1, False, True),
    ],
    ids=["seen-late", "all-at-once", "punctual", "lay-there"],
)
def test_a_read_that_may_be_a_pile(
    late_s: float, read_after_s: float, at_once: bool, piled: bool
) -> None:
    """It brought more than one segment, and we may have let them pile up."""
    timeline = _late(late_s)
    look = Look(at_once=at_once, hung_up=False)
    timeline.read(300, _stamp(10.2), _moment(10.2 + read_after_s), lambda: look)

    assert timeline.released().piled is piled
    assert timeline.end_is_doubtful is False


def test_without_a_look_a_late_read_is_a_pile() -> None:
    """What is not known is doubted, the end too."""
    timeline = _late()
    timeline.read(300, _stamp(10.2), _moment(10.2))

    assert timeline.released().piled
    assert timeline.end_is_doubtful


@pytest.mark.parametrize(
    ("at_once", "hung_up", "followed", "doubtful"),
    [
        (False, False, False, False),
        (False, False, True, True),
        (False, True, False, True),
        (True, False, True, False),
    ],
)
def test_an_end_that_something_may_have_followed(
    at_once: bool, hung_up: bool, followed: bool, doubtful: bool
) -> None:
    """Of a pile the last bytes are true, unless the answer's end is not the last of it."""
    timeline = _late()
    assert timeline.end_is_doubtful is False
    look = Look(at_once=at_once, hung_up=hung_up)
    timeline.read(300, _stamp(10.2), _moment(10.2), lambda: look)
    timeline.released()
    if followed:
        timeline.followed()

    assert timeline.end_is_doubtful is doubtful


@pytest.mark.parametrize("empty", [True, False], ids=["end", "bytes"])
def test_what_a_later_read_brought_is_not_in_this_one(empty: bool) -> None:
    """The end of the connection, or bytes nobody asked for: the answer's stamp is its own."""
    timeline = _late()
    look = Look(at_once=False, hung_up=False)
    timeline.read(300, _stamp(10.2), _moment(10.2), lambda: look)
    timeline.released()
    if empty:
        timeline.nothing_read()
    else:
        timeline.read(300, _stamp(10.3), _moment(10.3), lambda: look)
    timeline.followed()

    assert timeline.end_is_doubtful is False


@pytest.mark.parametrize(
    ("attempts", "round_trip_s", "lag_s"), [(1, 0.01, 0.0), (1, None, 0.2), (2, 0.01, 0.2)]
)
def test_connecting_by_our_own_clock(
    attempts: int, round_trip_s: float | None, lag_s: float
) -> None:
    """Where the kernel has no figure of the whole, our lateness until the departure is kept."""
    timeline = Timeline(lateness=Late(0.2))
    for number in range(attempts):
        timeline.connecting(1.0 + 0.1 * number)
    timeline.connected(1.3, round_trip_s)
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(1.4))

    assert timeline.opening_lag_s == lag_s


@pytest.mark.parametrize(
    ("flights", "stamped", "lag_s"), [(1, True, 0.0), (2, True, 0.2), (1, False, 0.2)]
)
def test_a_handshake_by_our_own_clock(flights: int, stamped: bool, lag_s: float) -> None:
    """One that waited for us in the middle, or whose end was not stamped."""
    timeline = Timeline(lateness=Late(0.2))
    for number in range(flights):
        at = 2.0 + number
        timeline.sent(_moment(at))
        timeline.read(700, _stamp(at + 0.02) if stamped else None, _moment(at + 0.03))
    timeline.writing(one_round_trip=False)
    timeline.sent(_moment(5.0))

    assert timeline.tls_s == pytest.approx(flights - 1 + (0.02 if stamped else 0.03))
    assert timeline.opening_lag_s == lag_s


def test_what_connecting_began_the_handshake_does_not_shorten() -> None:
    """With both by our own clock the lateness since the first attempt counts."""
    timeline = Timeline(lateness=Late(9.0))
    timeline.connecting(1.0)
    timeline.connected(1.3, None)
    timeline.sent(_moment(2.0))
    timeline.read(700, None, _moment(2.1))
    timeline.writing(one_round_trip=True)
    timeline.sent(_moment(3.0))

    assert timeline.opening_lag_s == 2.0


def test_before_the_departure_there_is_no_origin() -> None:
    """An offset cannot be asked for before there is one."""
    timeline = Timeline()

    assert (timeline.sent_s, timeline.departed_at, timeline.reused) == (None, None, None)
    with pytest.raises(ValueError, match="no origin"):
        timeline.offset(1.0)
