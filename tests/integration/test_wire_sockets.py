"""Stamping sockets by themselves, on loopback pairs."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes.wire.sockets import StampingSocket, exchange_of_task, read_clocks
from probes.wire.timeline import Phase, Timeline


class Unstamped(StampingSocket):
    """A stamping socket on a system without the option."""

    def _ask_for_stamps(self) -> bool:
        return False


@contextmanager
def _asked_for_stamps() -> Iterator[None]:
    """Have the kernel stamp packets, and wait until it does: it begins a little later."""
    with StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0):
        time.sleep(0.05)
        yield


@contextmanager
def _pair(kind: type[StampingSocket]) -> Iterator[tuple[StampingSocket, socket.socket, Timeline]]:
    """Connect one to a listener, as the running task's exchange; the request can be sent."""
    timeline = Timeline()
    token = exchange_of_task.set(timeline)
    with socket.socket() as listener, _asked_for_stamps():
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = kind(socket.AF_INET, socket.SOCK_STREAM, 0)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
        timeline.writing(one_round_trip=False)
        try:
            yield ours, theirs, timeline
        finally:
            ours.close()
            theirs.close()
            exchange_of_task.reset(token)


@pytest.mark.parametrize("into", [False, True], ids=["recv", "recv_into"])
@pytest.mark.parametrize("kind", [StampingSocket, Unstamped])
def test_arrivals(kind: type[StampingSocket], into: bool) -> None:
    """Bytes are handed out as ever; with the kernel's stamp the late read does not matter."""
    with _pair(kind) as (ours, theirs, timeline):
        ours.send(b"question")
        sent_at = time.monotonic()
        theirs.sendall(b"answer")
        time.sleep(0.05)
        if into:
            buffer = bytearray(20)
            data = bytes(buffer[: ours.recv_into(buffer, 6)])
        else:
            data = ours.recv(20)
        last = timeline.arrivals.last

    assert data == b"answer"
    assert last is not None
    assert last.kernel is (kind is StampingSocket)
    late_s = last.at - sent_at
    assert late_s >= 0.05 if kind is Unstamped else late_s < 0.04


@pytest.mark.parametrize("several", [False, True], ids=["send", "sendmsg"])
def test_departures(several: bool) -> None:
    """Both ways of sending note when the bytes left."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        before = time.monotonic()
        sent_bytes = ours.sendmsg([b"que", b"stion"]) if several else ours.send(b"question")
        after = time.monotonic()

        assert sent_bytes == 8
        assert theirs.recv(20) == b"question"
        assert timeline.phase is Phase.HEAD
        assert timeline.departed_at is not None
        assert before <= timeline.departed_at <= after


def test_the_handshake_has_the_kernels_figure() -> None:
    """A loopback connection takes microseconds, whoever looks at it when."""
    with _pair(StampingSocket) as (_, _, timeline):
        assert timeline.connect_s is not None
        assert timeline.connect_s < 0.01
    with _pair(Unstamped) as (_, _, timeline):
        assert timeline.connect_s is not None


@pytest.mark.parametrize("into", [False, True], ids=["recv", "recv_into"])
def test_what_comes_between_two_exchanges_ends_the_connection(into: bool) -> None:
    """Nobody asked for it: the reader is told of the end, the peer sees it, nothing is kept."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        timeline.finish(cut=False)
        theirs.sendall(b"more")
        if into:
            assert ours.recv_into(bytearray(10)) == 0
        else:
            assert ours.recv(10) == b""
        assert theirs.recv(10) == b""
        assert timeline.arrivals.last is None


def test_a_kept_socket_says_how_long_it_was_idle() -> None:
    """From the last bytes of one exchange to the departure of the next."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        ours.send(b"question")
        theirs.sendall(b"answer")
        assert ours.recv(10) == b"answer"
        timeline.finish(cut=False)
        assert timeline.idle_s is None

        later = Timeline()
        exchange_of_task.set(later)
        later.writing(one_round_trip=False)
        time.sleep(0.02)
        ours.send(b"question")
        theirs.sendall(b"answer")
        assert ours.recv(10) == b"answer"
        assert later.arrivals.last is not None
        assert later.idle_s is not None
        assert later.idle_s >= 0.02


def test_a_socket_without_an_exchange_is_an_ordinary_one() -> None:
    """Made for nobody: everything works and nothing is kept."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0) as ours:
            ours.connect(listener.getsockname())
            theirs, _ = listener.accept()
            with theirs:
                ours.send(b"more")
                theirs.sendall(b"less")
                assert ours.recv(10) == b"less"
    alone = StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
    alone.abort()
    alone.close()
    alone.abort()


def test_aborting_ends_both_directions() -> None:
    """The peer sees the end at once, before the socket is closed."""
    with _pair(StampingSocket) as (ours, theirs, _):
        ours.abort()
        assert theirs.recv(10) == b""


def test_a_failed_read_is_noted() -> None:
    """A reset is remembered; an empty non-blocking socket is no failure."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(10)
        assert timeline.broken is None
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        theirs.close()
        with pytest.raises(ConnectionResetError):
            ours.recv(10)
        assert isinstance(timeline.broken, ConnectionResetError)


def test_both_clocks_are_read_together() -> None:
    """Their distance, taken many times, hardly moves."""
    apart = [moment.wall - moment.monotonic for moment in (read_clocks() for _ in range(200))]

    assert sorted(apart)[150] - sorted(apart)[50] < 0.001
