"""Whole numbers to bytes and back."""

import pytest

from aggregator.rollup.packing import Unpacking, pack

NUMBERS = [0, 1, 127, 128, 300, 16_383, 16_384, 2**63, 10**42]


def packed(*numbers: int) -> bytes:
    into = bytearray()
    pack(numbers, into)
    return bytes(into)


def test_numbers_of_any_size_come_back() -> None:
    """What was packed is unpacked, one by one and together, and then nothing is left."""
    one_by_one, together = Unpacking(packed(*NUMBERS)), Unpacking(packed(*NUMBERS))
    assert [one_by_one.number() for _ in NUMBERS] == NUMBERS
    assert together.numbers(len(NUMBERS)) == NUMBERS
    assert one_by_one.done
    assert together.done


@pytest.mark.parametrize(("number", "size"), [(127, 1), (128, 2), (16_383, 2), (16_384, 3)])
def test_a_number_takes_a_byte_for_seven_bits(number: int, size: int) -> None:
    """Small numbers are small."""
    assert len(packed(number)) == size


def test_a_run_of_small_numbers_ends_where_it_was_asked_to() -> None:
    """The short way through a run of single bytes leaves what follows for the next question."""
    reading = Unpacking(packed(1, 2, 3, 4))
    assert reading.numbers(3) == [1, 2, 3]
    assert not reading.done
    assert reading.number() == 4


@pytest.mark.parametrize("cut", [b"", b"\x80"])
def test_what_is_cut_short_is_an_error(cut: bytes) -> None:
    """A number that is not there, or not all of it, is never made up."""
    with pytest.raises(IndexError):
        Unpacking(cut).number()
    with pytest.raises(IndexError):
        Unpacking(cut).numbers(1)
