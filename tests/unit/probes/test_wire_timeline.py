"""The record of one exchange, told by hand what sockets would tell it."""

from dataclasses import dataclass, field

import pytest

from probes.wire.stamps import Moment
from probes.wire.timeline import MOST_BYTES, Phase, Timeline, WireCapError, limit_bytes_for


@dataclass
class Sock:
    """A socket that counts how often it was cut."""

    aborted: int = 0

    def abort(self) -> None:
        """Count."""
        self.aborted += 1


@dataclass
class Body:
    """The parser's output."""

    total_bytes: int = 0
    complete: bool = False

    def is_eof(self) -> bool:
        """Say whether the message has ended."""
        return self.complete


@dataclass
class Told:
    """Takes down what hooks say."""

    departures: list[float] = field(default_factory=list)
    closed: int = 0

    def close(self) -> None:
        """Count."""
        self.closed += 1


def _moment(monotonic: float) -> Moment:
    return Moment(monotonic, 1_700_000_000.0 + monotonic)


def _stamp(monotonic: float) -> float:
    return 1_700_000_000.0 + monotonic


def _departed(timeline: Timeline, sock: Sock, at: float = 10.0) -> None:
    timeline.writing(one_round_trip=False)
    assert timeline.sent(sock, _moment(at))


def test_a_reused_connection_has_no_phases() -> None:
    """Nothing was opened: reused, the departure is the origin."""
    timeline = Timeline()
    _departed(timeline, Sock())

    assert timeline.reused is True
    assert (timeline.connect_s, timeline.tls_s, timeline.sent_s) == (None, None, 0.0)
    assert timeline.offset(10.5) == pytest.approx(0.5)


def test_phases_of_a_new_connection_are_before_the_departure() -> None:
    """Resolve, connect and TLS add up to the departure's offset; delays between are in none."""
    timeline, sock = Timeline(), Sock()
    timeline.resolving()
    assert timeline.phase is Phase.RESOLVE
    timeline.resolved(0.010)
    timeline.opened(sock)
    timeline.connecting(1.0)
    assert timeline.phase is Phase.CONNECT
    timeline.connected(1.030, None)
    assert timeline.phase is Phase.TLS
    assert not timeline.sent(sock, _moment(2.0)), "our hello is not the request"
    timeline.read(700, _stamp(2.050), _moment(2.060))
    _departed(timeline, sock, at=5.0)

    assert timeline.reused is False
    assert timeline.tls_s == pytest.approx(0.050)
    assert timeline.sent_s == pytest.approx(0.010 + 0.030 + 0.050)
    assert timeline.offset(5.1) == pytest.approx(0.190)
    assert timeline.phase is Phase.HEAD


def test_a_ticket_before_the_departure_is_not_handshake_time() -> None:
    """In TLS 1.3 the handshake ends with what our last message answers; in 1.2 it does not."""
    ends = {}
    for one_round_trip in (True, False):
        timeline, sock = Timeline(), Sock()
        timeline.opened(sock)
        timeline.sent(sock, _moment(2.0))
        timeline.read(700, _stamp(2.020), _moment(2.021))
        timeline.sent(sock, _moment(2.022))
        timeline.read(500, _stamp(2.040), _moment(2.041))
        timeline.writing(one_round_trip=one_round_trip)
        ends[one_round_trip] = timeline.tls_s

    assert ends == {True: pytest.approx(0.020, rel=1e-3), False: pytest.approx(0.040, rel=1e-3)}


def test_the_kernels_round_trip_is_believed_over_our_own() -> None:
    """We may notice a connection late; the kernel knows how long it took."""
    timeline = Timeline()
    timeline.opened(Sock())
    timeline.connecting(1.0)
    timeline.connected(1.2, 0.015)

    assert timeline.connect_s == pytest.approx(0.015)


def test_with_several_attempts_the_user_waited_since_the_first() -> None:
    """Two addresses tried: the winner's own round trip would hide the wait for the other."""
    timeline = Timeline()
    for at in (1.0, 1.25):
        timeline.opened(Sock())
        timeline.connecting(at)
    timeline.connected(1.3, 0.015)
    timeline.connected(1.4, 0.015)

    assert timeline.connect_s == pytest.approx(0.3)


def test_the_departure_is_the_last_part_sent_before_the_answer() -> None:
    """A request may leave in parts; what we send once the answer is coming in is no part of it."""
    timeline, sock, told = Timeline(), Sock(), Told()
    timeline.on_departure = told.departures.append
    _departed(timeline, sock, at=10.0)
    assert timeline.sent(sock, _moment(10.1))
    timeline.read(50, _stamp(10.3), _moment(10.4))
    assert not timeline.sent(sock, _moment(10.5))

    assert timeline.departed_at == 10.1
    assert told.departures == [10.0, 10.1]


def test_the_head_was_complete_with_the_last_read() -> None:
    """Its time is that read's arrival, and the bytes behind it came with it."""
    timeline = Timeline()
    _departed(timeline, Sock())
    timeline.read(300, _stamp(10.20), _moment(10.30))
    timeline.read(300, _stamp(10.40), _moment(10.50))
    assert timeline.head_complete(Body(total_bytes=7))

    assert timeline.head_at == pytest.approx(10.40)
    assert timeline.trusted
    assert [length for length, _ in timeline.split(0, 7)] == [7]
    assert timeline.ended(10.9) == pytest.approx(0.40)


def test_a_head_that_nothing_brought_in_is_not_the_answer() -> None:
    """It lay in the parser since before the request: nothing of it is taken down."""
    unsent, sent = Timeline(), Timeline()
    _departed(sent, Sock())
    for timeline in (unsent, sent):
        assert not timeline.head_complete(Body())
        assert timeline.head_at is None
        assert timeline.phase is not Phase.BODY
    assert sent.ended(10.6) == pytest.approx(0.6)


def test_a_head_that_had_arrived_before_the_departure_is_not_the_answer() -> None:
    """Read late, stamped early: it cannot answer what had not left."""
    timeline = Timeline()
    _departed(timeline, Sock())
    timeline.read(300, _stamp(9.9), _moment(10.2))

    assert not timeline.head_complete(Body())
    assert timeline.head_at is None


def test_a_server_may_refuse_a_request_that_still_leaves() -> None:
    """An answer that came between the first and the last part of a request is one."""
    timeline, sock = Timeline(), Sock()
    _departed(timeline, sock)
    assert timeline.sent(sock, _moment(10.5))
    timeline.read(300, _stamp(10.2), _moment(10.6))

    assert timeline.head_complete(Body())


def test_a_stamp_a_hair_before_the_departure_is_not_used() -> None:
    """Within what two clocks may differ by, the read itself counts, and is not trusted."""
    timeline = Timeline()
    _departed(timeline, Sock())
    timeline.read(300, _stamp(9.9995), _moment(10.2))
    assert timeline.head_complete(Body())

    assert timeline.head_at == pytest.approx(10.2)
    assert not timeline.trusted


def test_what_comes_behind_the_end_of_the_answer_is_not_its_own() -> None:
    """Nothing of it is taken down, so it lengthens no latency and fills no allowance."""
    timeline, body = Timeline(limit_bytes=400), Body()
    _departed(timeline, Sock())
    assert timeline.read(300, _stamp(10.2), _moment(10.21))
    assert timeline.head_complete(body)
    assert timeline.read(100, _stamp(10.3), _moment(10.31))
    body.complete = True

    assert not timeline.read(300, _stamp(10.4), _moment(10.41))
    assert timeline.ended(10.5) == pytest.approx(0.3)
    assert timeline.wire_bytes == 400


def test_an_answer_may_be_as_large_as_it_was_asked_to_be() -> None:
    """More tokens, more bytes, up to what the parser takes without being paused."""
    assert limit_bytes_for(16) < 1024 * 1024
    assert limit_bytes_for(4000) > 4000 * 400
    assert limit_bytes_for(10**9) == MOST_BYTES


def test_an_early_ticket_does_not_cost_the_trust() -> None:
    """A ticket that had arrived before the departure releases nothing, so its stamp is not used."""
    timeline = Timeline()
    _departed(timeline, Sock())
    timeline.read(300, _stamp(9.9), _moment(10.01))
    timeline.read(300, _stamp(10.2), _moment(10.21))
    assert timeline.head_complete(Body())

    assert timeline.trusted


def test_too_many_bytes_end_the_exchange_inside_the_read() -> None:
    """Beyond the limit the read fails, and the timeline says why."""
    timeline = Timeline(limit_bytes=100)
    _departed(timeline, Sock())
    timeline.read(100, None, _moment(10.1))
    assert not timeline.oversized
    with pytest.raises(WireCapError):
        timeline.read(1, None, _moment(10.2))
    assert timeline.oversized


def test_before_the_departure_there_is_no_origin() -> None:
    """An offset cannot be asked for before there is one."""
    timeline = Timeline()

    assert (timeline.sent_s, timeline.departed_at, timeline.reused) == (None, None, None)
    with pytest.raises(ValueError, match="no origin"):
        timeline.offset(1.0)


def test_finishing_cuts_only_when_asked_to() -> None:
    """A kept connection is left alone; a cut one is cut wherever the exchange had come to."""
    for cut in (True, False):
        timeline, opened, used = Timeline(), Sock(), Sock()
        timeline.opened(opened)
        _departed(timeline, used)
        timeline.finish(cut=cut)

        assert timeline.finished
        assert (opened.aborted, used.aborted) == (int(cut), int(cut))


def test_only_the_connection_in_use_reports_its_end() -> None:
    """The loser of two connection attempts is closed without the exchange hearing of it."""
    timeline, used, other, told = Timeline(), Sock(), Sock(), Told()
    _departed(timeline, used)
    timeline.closed(used)
    timeline.on_close = told.close
    timeline.closed(other)
    assert told.closed == 0
    timeline.closed(used)
    assert told.closed == 1
