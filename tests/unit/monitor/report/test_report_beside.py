"""What a status page said beside an incident: silence, late words, and not looking."""

import pytest

from monitor.report.beside import LATE_S, SAID_AT_MOST, UNSEEN_S, Said, beside


def said(first_at: float, until_at: float, state: str = "operational", title: str = "") -> Said:
    """Return one statement of a page."""
    return Said("status.example.com", state, title, first_at, until_at, seen_to_end=True)


def test_no_words_are_no_silence() -> None:
    """Nobody looked: that is None, not a page that said nothing."""
    assert beside([], 100.0, 200.0) is None
    assert beside([said(0.0, 50.0), said(300.0, 400.0)], 100.0, 200.0) is None


def test_a_page_that_was_well_all_the_while_was_silent() -> None:
    """It was read, and admitted to nothing."""
    found = beside([said(0.0, 300.0)], 100.0, 200.0)
    assert found is not None
    assert (found.silent, found.watched_throughout) == (True, True)


@pytest.mark.parametrize(
    "word", [said(150.0, 180.0, "degraded"), said(150.0, 180.0, "operational", "Slow")]
)
def test_a_page_that_admits_is_not_silent(word: Said) -> None:
    """By its state or by an incident's title."""
    found = beside([said(0.0, 300.0), word], 100.0, 200.0)
    assert found is not None
    assert not found.silent
    assert found.said == (said(0.0, 300.0), word)


def test_a_page_that_could_not_be_read_is_not_silent() -> None:
    """Unknown is no word, and was not watching."""
    found = beside([said(0.0, 300.0, "unknown")], 100.0, 200.0)
    assert found is not None
    assert (found.silent, found.watched_throughout) == (False, False)


def test_a_gap_in_the_reading_is_told() -> None:
    """At the beginning, in the middle and at the end; the beat of the polling is none."""
    end = 10 * UNSEEN_S
    whole = [said(0.0, 3 * UNSEEN_S), said(4 * UNSEEN_S, end - UNSEEN_S)]
    for words, watched in (
        (whole, True),
        ([said(UNSEEN_S + 1.0, end)], False),
        ([said(0.0, UNSEEN_S), said(2 * UNSEEN_S + 1.0, end)], False),
        ([said(0.0, end - UNSEEN_S - 1.0)], False),
    ):
        found = beside(words, 0.0, end)
        assert found is not None
        assert found.watched_throughout is watched


def test_late_words_count_when_they_are_of_trouble() -> None:
    """Pages lag; but that all is well an hour later says nothing of the incident."""
    during = said(0.0, 250.0)
    late = said(250.0, 900.0, "outage", "Chat was down")
    found = beside([during, late, said(900.0, 1_000.0)], 100.0, 200.0)
    assert found is not None
    assert found.said == (during, late)
    assert not found.silent
    assert beside([said(200.0 + LATE_S + 1.0, 9e9, "outage")], 100.0, 200.0) is None


def test_late_words_alone_do_not_make_a_page_watched() -> None:
    """It was first read after the incident."""
    found = beside([said(250.0, 900.0, "outage")], 100.0, 200.0)
    assert found is not None
    assert not found.watched_throughout


def test_a_page_that_talks_without_end_is_cut_short() -> None:
    """And how much more it said is told."""
    found = beside([said(float(n), 300.0, "outage", str(n)) for n in range(99)], 100.0, 200.0)
    assert found is not None
    assert (len(found.said), found.left_out) == (SAID_AT_MOST, 99 - SAID_AT_MOST)
