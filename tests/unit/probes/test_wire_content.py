"""Content encodings, undone in bounded steps."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.content import (
    STEP_BYTES,
    ContentCapError,
    ContentCutError,
    ContentError,
    decoder_for,
)

LIMIT = 1_000_000


def _fed(encoding: str, data: bytes, step: int = 7, limit: int = LIMIT) -> bytes:
    decoder = decoder_for(encoding, limit)
    assert decoder is not None
    return b"".join(
        piece
        for start in range(0, len(data), step)
        for piece in decoder.feed(data[start : start + step])
    )


@given(body=st.binary(max_size=5000), step=st.integers(1, 100))
def test_any_body_comes_out_as_it_went_in(body: bytes, step: int) -> None:
    """gzip, zlib and raw deflate, however the bytes are cut."""
    raw = zlib.compressobj(wbits=-15)
    packed = raw.compress(body) + raw.flush()

    assert _fed(" GZip ", gzip.compress(body), step) == body
    assert _fed("deflate", zlib.compress(body), step) == body
    assert _fed("deflate", packed, 10_000) == body


@pytest.mark.parametrize("wbits", [-15, 15, 31])
def test_a_step_that_ends_where_the_input_does_gives_all(wbits: int) -> None:
    """What has been taken in is given out, at the end and (after a flush) in the middle."""
    name = "gzip" if wbits == 31 else "deflate"
    for size in range(2 * STEP_BYTES - 300, 2 * STEP_BYTES + 300, 7):
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        decoder = decoder_for(name, LIMIT)
        assert decoder is not None
        begun = packer.compress(b"a" * size) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert sum(map(len, decoder.feed(begun))) == size
        assert sum(map(len, decoder.feed(packer.compress(b"b" * size) + packer.flush()))) == size
        decoder.close()


def test_a_bomb_is_opened_in_small_steps_and_only_up_to_the_limit() -> None:
    """No step gives out more than STEP_BYTES, and the cap ends it."""
    bomb = gzip.compress(b"0" * 50_000_000)
    sizes: list[int] = []
    decoder = decoder_for("gzip", LIMIT)
    assert decoder is not None
    steps = decoder.feed(bomb)
    with pytest.raises(ContentCapError):
        sizes.extend(map(len, steps))

    assert max(sizes) <= STEP_BYTES
    assert sum(sizes) <= LIMIT


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_nothing_to_undo(encoding: str) -> None:
    """A plain body is handed on as it came: the cap on the wire is its cap."""
    assert decoder_for(encoding, LIMIT) is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_compressed_is_an_error(encoding: str) -> None:
    """Bytes that are no such stream are refused."""
    with pytest.raises(ContentError):
        _fed(encoding, b"\xff\xffplain text, no stream", 100)


def test_damage_in_the_middle_is_an_error() -> None:
    """A stream that has begun as zlib is not tried again as raw deflate."""
    packed = bytearray(zlib.compress(b"some text " * 100))
    packed[10:14] = b"\xff\xff\xff\xff"
    with pytest.raises(ContentError):
        _fed("deflate", bytes(packed), 5)


def test_what_follows_the_end_of_the_stream_is_ignored() -> None:
    """Rubbish behind a complete gzip stream does not matter to the answer."""
    assert _fed("gzip", gzip.compress(b"answer") + b"rubbish", 100) == b"answer"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_an_end_before_the_end_is_noticed(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """Without its checksum a compressed body is cut, even if all its text came."""
    packed = pack(b"answer")
    for data, whole in ((packed, True), (packed[:-1], False), (packed[:5], False)):
        decoder = decoder_for(encoding, LIMIT)
        assert decoder is not None
        list(decoder.feed(data))
        if whole:
            decoder.close()
            continue
        with pytest.raises(ContentCutError):
            decoder.close()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """Only what a client can be expected to undo is undone."""
    with pytest.raises(ContentError, match="not asked for"):
        decoder_for(encoding, LIMIT)
