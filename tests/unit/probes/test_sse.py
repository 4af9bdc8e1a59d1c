"""Server-sent events, whatever the line ends and wherever the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.sse import Event, EventSource, OversizedEventError


def _events(*pieces: bytes, limit_bytes: int = 1024) -> list[Event]:
    source = EventSource(limit_bytes)
    return [event for piece in pieces for event in source.feed(piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_line_ends(end: bytes) -> None:
    """LF, CR and CRLF end a line alike."""
    data = end.join([b"data: a", b"", b"data: b", b"", b""])
    assert _events(data) == [Event("", b"a"), Event("", b"b")]


def test_a_cut_between_cr_and_lf_makes_no_line() -> None:
    """The LF of a CRLF that was cut in two does not count as an empty line."""
    assert _events(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") == [Event("", b"a\nb")]


def test_a_cut_inside_a_character() -> None:
    """A UTF-8 sequence may be cut anywhere."""
    first, second = "data: é\n\n".encode()[:7], "data: é\n\n".encode()[7:]
    assert _events(first, second) == [Event("", "é".encode())]


def test_data_lines_are_joined() -> None:
    """Several data lines are one text, with LF between them; one leading space is dropped."""
    assert _events(b"data:a\ndata:  b\ndata\n\n") == [Event("", b"a\n b\n")]


def test_comments_and_other_fields_are_ignored() -> None:
    """Comments, ids, retries and unknown fields make no event and spoil none."""
    stream = b": ping\n\nid: 1\nretry: 5\n\ndatum: x\ndata: a\n: b\nid: 2\n\n"
    assert _events(stream) == [Event("", b"a")]


def test_an_event_has_a_name_of_its_own() -> None:
    """A name belongs to one event and does not leak into the next."""
    assert _events(b"event: ping\n\ndata: a\n\nevent: x\ndata: b\n\n") == [
        Event("", b"a"),
        Event("x", b"b"),
    ]


def test_an_error_without_data_still_counts() -> None:
    """The standard drops events without data; an error is not dropped."""
    assert _events(b"event: error\n\n") == [Event("error", b"")]


def test_an_event_the_end_interrupts_does_not_count() -> None:
    """Without its empty line an event is not complete."""
    assert _events(b"data: a\n\ndata: b\n") == [Event("", b"a")]


@pytest.mark.parametrize(
    "pieces", [[b"\xef\xbb\xbfdata: a\n\n"], [b"\xef", b"\xbb\xbfdata: a\n\n"]]
)
def test_a_byte_order_mark_is_dropped_once(pieces: list[bytes]) -> None:
    """A mark at the very beginning is no part of the first field's name; a later one is."""
    assert _events(*pieces, b"\xef\xbb\xbfdata: b\n\n") == [Event("", b"a")]


def test_an_event_of_the_limit_fits() -> None:
    """The limit counts the whole line and the data gathered before it."""
    assert _events(b"data: 1234\n\n", limit_bytes=10) == [Event("", b"1234")]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"data: 12345\n\n", id="line"),
        pytest.param(b"data: 12345", id="line-without-end"),
        pytest.param(b"data:1\ndata:2\ndata:3\ndata:4\n\n", id="lines"),
        pytest.param(b"data\n" * 20, id="empty-lines"),
    ],
)
def test_an_event_beyond_the_limit_is_refused(stream: bytes) -> None:
    """An endless line and endless data lines stop at the limit, in one piece or byte by byte."""
    with pytest.raises(OversizedEventError, match="10 bytes"):
        _events(stream, limit_bytes=10)
    with pytest.raises(OversizedEventError, match="10 bytes"):
        _events(*(bytes([byte]) for byte in stream), limit_bytes=10)


def test_a_comment_is_never_kept() -> None:
    """It is stepped over however long it is, in one piece, in two or byte by byte."""
    stream = b": 234567890\ndata: 1\n\n"
    for pieces in ([stream], [stream[:6], stream[6:]], [bytes([byte]) for byte in stream]):
        assert _events(*pieces, limit_bytes=10) == [Event("", b"1")]


@given(
    pieces=st.lists(
        st.sampled_from([b"\n", b"\r", b"\r\n", b": c\n", b":\r\n", b"data: x\n", b"event: e\n"]),
        max_size=30,
    ),
    cuts=st.sets(st.integers(0, 200)),
)
def test_what_is_stepped_over_would_have_meant_nothing(pieces: list[bytes], cuts: set[int]) -> None:
    """Cut anywhere, and cut at every byte (where nothing can be stepped over): the same events."""
    stream = b"".join(pieces)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    cut = [stream[start:end] for start, end in pairwise(bounds)]

    assert _events(*cut) == _events(*(bytes([byte]) for byte in stream))


def test_many_small_events_do_not_add_up() -> None:
    """The limit is for one event; a long stream of comments and events passes."""
    assert len(_events(b": c\ndata: 1\n\n" * 100, limit_bytes=10)) == 100
