"""Telling refused lines from good ones, in few writes."""

import math

import pytest

from aggregator.stores.delivery import Outcome, WriteError
from aggregator.stores.sifting import ASKED, SMALL_BYTES, Sifting
from tests.unit.aggregator.stores.shelf import Shelf


def lines(number: int) -> list[bytes]:
    return [b"m,n=%d v=1 %d" % (n, n) for n in range(number)]


def numbered(*numbers: int) -> set[bytes]:
    return {lines(n + 1)[n] for n in numbers}


async def sift(shelf: Shelf, number: int) -> tuple[Sifting, list[Outcome]]:
    """Write so many lines; return the sifting and what was noted."""
    noted: list[Outcome] = []
    sifting = Sifting(shelf, lines(number), lambda outcome, _lines, _took_s: noted.append(outcome))
    await sifting.run()
    return sifting, noted


async def test_a_good_batch_is_one_write() -> None:
    """Nothing is refused, nothing is written twice."""
    shelf = Shelf()
    sifting, noted = await sift(shelf, 1_000)
    assert (sifting.poison, sifting.expired, noted) == ([], 0, [Outcome.STORED])
    assert len(shelf.points) == 1_000


async def test_one_bad_line_of_a_thousand() -> None:
    """It alone is told, with the reason; the others are stored, in some twenty writes."""
    shelf = Shelf()
    bad = numbered(617)
    shelf.refused = bad.__contains__
    sifting, _ = await sift(shelf, 1_000)
    assert {poison.line for poison in sifting.poison} == bad
    assert sifting.poison[0].reason == "answered 400: type conflict"
    assert len(shelf.points) == 999
    assert len(shelf.written) <= 2 * math.ceil(math.log2(1_000)) + 1


@pytest.mark.parametrize("bad", [{0}, {99}, set(range(20)), set(range(80, 100)), {0, 50, 99}])
async def test_bad_lines_anywhere(bad: set[int]) -> None:
    """First, last, many in a row: exactly they are refused."""
    shelf = Shelf()
    refused = numbered(*bad)
    shelf.refused = refused.__contains__
    sifting, _ = await sift(shelf, 100)
    assert {poison.line for poison in sifting.poison} == refused
    assert len(shelf.points) == 100 - len(bad)


@pytest.mark.parametrize("number", [1, 5, 5_000])
async def test_a_store_that_takes_none_is_asked_a_few_times_only(number: int) -> None:
    """Then nothing is poison: what is wrong is not in a line."""
    shelf = Shelf()
    shelf.refused = lambda _line: True
    with pytest.raises(WriteError) as caught:
        await sift(shelf, number)
    assert caught.value.outcome is Outcome.REJECTED
    assert len(shelf.written) <= 2 * ASKED + 2 * math.ceil(math.log2(number + 1)) + ASKED


async def test_a_batch_that_is_too_large_goes_in_halves() -> None:
    """413 says nothing against the lines."""
    shelf = Shelf()
    shelf.most_lines = 30
    sifting, noted = await sift(shelf, 100)
    assert sifting.poison == []
    assert len(shelf.points) == 100
    assert noted.count(Outcome.TOO_LARGE) == 3


async def test_a_single_line_that_is_too_large_is_poison() -> None:
    """It would be too large for ever."""
    shelf = Shelf()
    big = lines(4)[2]
    shelf.refused = big.__eq__
    sifting, _ = await sift(shelf, 4)
    assert [poison.line for poison in sifting.poison] == [big]


async def test_points_too_old_are_counted_and_not_refused() -> None:
    """The store has taken the others of the same write."""
    shelf = Shelf()
    shelf.expired_before_s = 1
    sifting, noted = await sift(shelf, 10)
    assert (sifting.expired, sifting.poison, noted) == (10, [], [Outcome.EXPIRED])


async def test_an_outage_in_the_middle_is_an_outage() -> None:
    """What was not settled is not told at all."""
    shelf = Shelf()
    shelf.failure = WriteError(Outcome.TIMEOUT, "no answer")
    with pytest.raises(WriteError) as caught:
        await sift(shelf, 10)
    assert caught.value.outcome is Outcome.TIMEOUT


async def test_large_bodies_are_packed_too() -> None:
    """What a thread compresses is the same lines."""
    shelf = Shelf()
    number = SMALL_BYTES // 10
    await sift(shelf, number)
    assert len(shelf.points) == number


@pytest.mark.parametrize("old", [1, 37, 99, 100])
async def test_points_too_old_are_found_where_the_store_does_not_count_them(old: int) -> None:
    """It refuses a batch for one of them: exactly they are given up, in few writes."""
    shelf = Shelf()
    shelf.counts_expired = False
    shelf.expired_before_s = 1
    aged = [b"m,n=%d v=1 %d" % (n, 10**9 + n - old) for n in range(100)]
    sifting = Sifting(shelf, aged, lambda _outcome, _lines, _took_s: None)
    await sifting.run()
    assert (sifting.poison, sifting.expired) == ([], old)
    assert len(shelf.points) == 100 - old
    assert len(shelf.written) <= 4 * math.ceil(math.log2(100)) + 2


async def test_a_refused_line_among_points_too_old_is_told_apart() -> None:
    """That lines are too old shows that the store judges them: the refused one stands alone."""
    shelf = Shelf()
    shelf.counts_expired = False
    shelf.expired_before_s = 1
    shelf.refused = lambda line: b"n=7 " in line
    aged = [b"m,n=%d v=1 %d" % (n, n if n < 5 else 10**9 + n) for n in range(8)]
    sifting = Sifting(shelf, aged, lambda _outcome, _lines, _took_s: None)
    await sifting.run()
    assert ([each.line for each in sifting.poison], sifting.expired) == ([aged[7]], 5)
