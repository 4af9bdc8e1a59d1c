"""Responses out of bytes, however they are cut."""

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.response import (
    HEADER_LINE_BYTES,
    HEADERS,
    CutError,
    FramingError,
    Piece,
    Response,
)
from probes.wire.stamps import Arrival

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 6\r\n\r\nanswer"
CHUNKED = (
    b"HTTP/1.1 103 Early Hints\r\nContent-Type: x/y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;ext=1\r\nans\r\n3 \r\nwer\r\n0\r\nTrailer: 1\r\n\r\n"
)
CLOSED = b"HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\nanswer"


def _fed(*reads: bytes) -> Response:
    """Feed one read after the other, at the times 0, 1, 2 and so on."""
    response = Response()
    for number, data in enumerate(reads):
        response.feed(memoryview(data), Arrival(float(number), kernel=True, piled=True))
    return response


def _body(response: Response) -> bytes:
    return b"".join(piece.data for piece in response.pieces)


@given(message=st.sampled_from([PLAIN, CHUNKED, CLOSED]), cuts=st.lists(st.integers(1, 250)))
def test_any_cut_gives_the_same_response(message: bytes, cuts: list[int]) -> None:
    """Head, body and end do not depend on how the bytes came; interim responses are no answer."""
    bounds = [0, *sorted({cut for cut in cuts if cut < len(message)}), len(message)]
    response = _fed(*(message[a:b] for a, b in pairwise(bounds)))
    assert response.complete is (message is not CLOSED)
    response.end()

    assert (response.status, response.headers["content-type"]) == (200, "a/b")
    assert _body(response) == b"answer"
    assert response.complete
    assert response.reusable is (message is not CLOSED)


def test_each_read_is_one_piece_with_its_own_time() -> None:
    """Chunks of one read belong together; a read without body gives none."""
    head, _, rest = CHUNKED.rpartition(b"chunked\r\n\r\n")
    response = _fed(head + b"chunked\r\n\r\n1\r\na\r\n", rest[:-20] + b"\r\n", b"0\r\n", b"\r\n")

    assert [piece.at for piece in response.pieces] == [0.0, 1.0]
    assert response.pieces[0] == Piece(b"a", 0.0, piled=True)


def test_of_headers_with_one_name_the_first_counts() -> None:
    """Names in any case are one; what is not UTF-8 in a value does no harm."""
    response = _fed(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xff\r\n\r\n")

    assert response.headers == {"x-a": "1", "x-b": "\udcff"}


def test_a_line_may_end_with_lf_alone() -> None:
    """As for the HTTP library under the SDK."""
    response = _fed(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK")

    assert (response.complete, _body(response)) == (True, b"OK")


@pytest.mark.parametrize(
    ("line", "value"),
    [(b"1\r\n  more", "1  more"), (b"1\r\n\tmore", "1\tmore"), (b"a\x01\x7fb", "a\x01\x7fb")],
    ids=["folded", "folded-by-tab", "control"],
)
def test_what_a_client_tolerates_in_a_value(line: bytes, value: str) -> None:
    """As the HTTP library under the SDK: a user would see this answer."""
    response = _fed(b"HTTP/1.1 200 OK\r\nX-A: " + line + b"\r\nContent-Length: 2\r\n\r\nOK")

    assert (response.headers["x-a"], response.complete, _body(response)) == (value, True, b"OK")


def test_a_length_may_stand_in_the_next_line() -> None:
    """A folded header frames the body like any other."""
    response = _fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n Chunked \r\n\r\n2\r\nOK\r\n")

    assert (_body(response), response.complete) == (b"OK", False)
    with pytest.raises(CutError):
        response.end()


@pytest.mark.parametrize("message", [PLAIN, CHUNKED, b"HTTP/1.1 204 X\r\n\r\n"])
@pytest.mark.parametrize("behind", [b"", b"\n", b"\r\n", b"x", PLAIN])
def test_whether_the_last_read_brought_more(message: bytes, behind: bytes) -> None:
    """To the byte: the time of that read may be that of what is behind the end."""
    response = _fed(message + behind)

    assert response.complete
    assert response.followed is bool(behind)
    assert response.reusable is not bool(behind)


@pytest.mark.parametrize(
    "behind",
    [PLAIN, b"HTTP/1.1 200 OK\r\nContent-", b"garbage\r\n\r\n"],
    ids=["response", "half-a-head", "garbage"],
)
@pytest.mark.parametrize("apart", [False, True])
def test_what_is_behind_the_end_is_nobodys(behind: bytes, apart: bool) -> None:
    """It changes nothing, but no other request may follow on this connection."""
    response = _fed(PLAIN, behind) if apart else _fed(PLAIN + behind)

    assert (response.complete, response.reusable, _body(response)) == (True, False, b"answer")


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_whether_a_connection_may_be_used_again(head: bytes, reusable: bool) -> None:
    """By version and header, as HTTP has it."""
    assert _fed(head + b"Content-Length: 0\r\n\r\n").reusable is reusable


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    """They are complete with their head, and the connection can be kept."""
    response = _fed(b"HTTP/1.1 %d X\r\n\r\n" % status)

    assert (response.complete, response.reusable) == (True, True)


@pytest.mark.parametrize("headers", [b"", b"Upgrade: x\r\nConnection: upgrade\r\n"])
def test_another_protocol_is_not_spoken(headers: bytes) -> None:
    """101 is a final status with nothing behind it."""
    response = _fed(b"HTTP/1.1 101 Switching\r\n" + headers + b"\r\nwhatever")

    assert (response.status, response.complete, response.reusable) == (101, True, False)
    assert response.pieces == []


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\x01: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\x01\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * (HEADERS + 2),
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEADER_LINE_BYTES + b"\r\n\r\n",
    ],
)
def test_what_is_no_response(data: bytes) -> None:
    """Another protocol, two lengths, codings a client does not know, a head without measure."""
    with pytest.raises(FramingError, match="not a valid HTTP response: "):
        _fed(data)


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (CHUNKED[: CHUNKED.index(b"ext")], b"e"),
        (CHUNKED[: CHUNKED.index(b"1\r\n\r\n")], b"t"),
    ],
    ids=["reason", "header", "extension", "trailer"],
)
def test_a_line_without_an_end(before: bytes, line: bytes) -> None:
    """However small the pieces, it is given up before it fills the memory."""
    pieces = [line * 64] * (HEADER_LINE_BYTES // 64)
    _fed(before, *pieces[1:])
    with pytest.raises(FramingError):
        _fed(before, *pieces, line)


def test_a_body_that_breaks_keeps_what_had_come() -> None:
    """In the same read even: the tokens before the break are true."""
    response = Response()
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\nzz\r\n"
    with pytest.raises(FramingError, match="the body is not framed"):
        response.feed(memoryview(data), Arrival(1.0, kernel=True))

    assert (response.status, _body(response)) == (200, b"OK")


@pytest.mark.parametrize("cut", [PLAIN[:10], PLAIN[:-1], CHUNKED[:-2], CHUNKED[:40], b""])
def test_an_end_before_the_end_is_noticed(cut: bytes) -> None:
    """In the head, in the body, before the last chunk."""
    with pytest.raises(CutError):
        _fed(cut).end()


def test_an_end_behind_the_end_changes_nothing() -> None:
    """A message that was complete stays so."""
    response = _fed(PLAIN)
    response.end()

    assert response.complete
    assert response.reusable


def test_letting_go_leaves_no_circle() -> None:
    """What was read stays; parser and response end at once, without the collector."""
    response = _fed(PLAIN)
    held = sys.getrefcount(response)
    response.close()
    response.close()

    assert (_body(response), response.complete, response.reusable) == (b"answer", True, True)
    assert sys.getrefcount(response) == 2 < held, "the name here, and the call's argument"
