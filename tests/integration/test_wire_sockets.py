"""Stamping sockets by themselves, on loopback pairs."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes.wire.sockets import StampingSocket, read_clocks
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
    with socket.socket() as listener, _asked_for_stamps():
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = kind(socket.AF_INET, socket.SOCK_STREAM, 0, timeline)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
        timeline.writing(one_round_trip=False)
        try:
            yield ours, theirs, timeline
        finally:
            ours.close()
            theirs.close()


@pytest.mark.parametrize("nbytes", [0, 6], ids=["all", "some"])
@pytest.mark.parametrize("kind", [StampingSocket, Unstamped])
def test_arrivals(kind: type[StampingSocket], nbytes: int) -> None:
    """Bytes are handed out as ever; with the kernel's stamp the late read does not matter."""
    with _pair(kind) as (ours, theirs, timeline):
        ours.send(b"question")
        sent_at = time.monotonic()
        theirs.sendall(b"answer")
        time.sleep(0.05)
        buffer = bytearray(20)
        data = bytes(buffer[: ours.recv_into(buffer, nbytes)])
        read = timeline.released()

    assert data == b"answer"
    assert read.kernel is (kind is StampingSocket)
    late_s = read.at - sent_at
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


def test_what_comes_between_two_exchanges_ends_the_connection() -> None:
    """Nobody asked for it: the reader is told of the end, the peer sees it, nothing is kept."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        ours.timeline = None
        theirs.sendall(b"more")
        assert ours.recv_into(bytearray(10)) == 0
        assert theirs.recv(10) == b""
        assert timeline.wire_bytes == 0


def test_the_end_of_a_connection_is_no_bytes() -> None:
    """What a read returns at the end is taken down as nothing."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        theirs.close()
        assert ours.recv_into(bytearray(10)) == 0
        assert timeline.wire_bytes == 0


def test_a_socket_without_an_exchange_still_sends_and_ends() -> None:
    """Made for nobody: it connects and sends, and nothing is taken down."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0) as ours:
            ours.connect(listener.getsockname())
            theirs, _ = listener.accept()
            with theirs:
                assert ours.send(b"more") == 4
                assert ours.sendmsg([b"more"]) == 4
                assert theirs.recv(20) == b"moremore"
    alone = StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
    alone.cut()
    alone.close()
    alone.cut()


@pytest.mark.parametrize("several", [False, True], ids=["send", "sendmsg"])
def test_what_a_peer_said_before_it_hung_up_is_read(several: bool) -> None:
    """A send that fails is told by the read behind the last bytes, not before them."""
    with _pair(StampingSocket) as (ours, theirs, timeline):
        theirs.sendall(b"why")
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        theirs.close()
        assert (ours.sendmsg(iter([b"que", b"stion"])) if several else ours.send(b"question")) == 8
        assert timeline.departed_at is None
        assert ours.recv_into(bytearray(10)) == 3
        with pytest.raises(ConnectionResetError):
            ours.recv_into(bytearray(10))


def test_cutting_ends_both_directions() -> None:
    """The peer sees the end at once, before the socket is closed."""
    with _pair(StampingSocket) as (ours, theirs, _):
        ours.cut()
        assert theirs.recv(10) == b""


def test_both_clocks_are_read_together() -> None:
    """Their distance, taken many times, hardly moves."""
    apart = [moment.wall - moment.monotonic for moment in (read_clocks() for _ in range(200))]

    assert sorted(apart)[150] - sorted(apart)[50] < 0.001
