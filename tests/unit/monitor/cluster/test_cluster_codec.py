"""What of the stream is believed."""

import json
from typing import Any

import pytest

from aggregator.results import SkippedSlot
from monitor.cluster.codec import (
    ENTRY_BYTES,
    ITEMS,
    LIMITS,
    TEXT_CHARS,
    Decoded,
    UntellableError,
    decode,
    encode,
    joined,
    printable,
)
from monitor.cluster.protocol import News
from probes.result import RateLimit, SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import result

SKIP = SkippedSlot("chat", "here", Slot(7, 70.0), SkipReason.LATE, 71.0)


def changed(news: News, **fields: Any) -> Decoded:  # Any: whatever somebody might write
    """Return what is heard of news in which some fields were changed."""
    return decode(json.dumps([{**json.loads(encode(news)), **fields}]).encode())


def test_what_says_nothing_is_left_out() -> None:
    """A field with its default takes no room."""
    assert "detail" not in json.loads(encode(result()))
    assert len(encode(result())) < 200


def test_a_newer_replica_is_understood() -> None:
    """A field we do not know is passed over, one we do not hear of has its default."""
    found = changed(result(), from_the_future=[1, 2])
    assert found == Decoded([result()])


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "from the future"},
        {"verdict": ["ok"]},
        {"at": -1.0},
        {"at": 1e12},
        {"at": True},
        {"at": None},
        {"total_s": "1"},
        {"slot": 1.5},
        {"slot": True},
        {"slot": 2**63},
        {"reused": 1},
        {"target": 5},
        {"target": "x" * (TEXT_CHARS + 1)},
        {"detail": "x" * 201},
        {"total_s": 10**400},
        {"rate_limits": "none"},
        {"rate_limits": [["requests", 1, 1, 1.0]] * (LIMITS + 1)},
        {"rate_limits": [["requests", 1]]},
        {"rate_limits": [[None, 1, 1, 1.0]]},
    ],
)
def test_what_no_field_can_be_is_refused(fields: dict[str, object]) -> None:
    """A value of another type, or beyond all bounds, costs its item, which is counted."""
    assert changed(result(), **fields) == Decoded([], 1)


@pytest.mark.parametrize("fields", [{"skipped": "x"}, {"verdict": "ok"}, {"slot_at": -5}])
def test_a_skip_is_looked_at_as_closely(fields: dict[str, object]) -> None:
    """An unknown reason, half a failure or an impossible time: left out and counted."""
    assert changed(SKIP, **fields) == Decoded([], 1)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}",
        b"[",
        b"\xff",
        b"[NaN]",
        b"[" * 100_000,
        b"[" + b"1," * ITEMS + b"1]",
        b" " * (ENTRY_BYTES + 1),
        b"[" + b"9" * 10_000 + b"]",
    ],
)
def test_what_is_no_entry_counts_as_one_refusal(entry: bytes) -> None:
    """Broken, endless or deep: nothing is heard, and nothing raised."""
    assert decode(entry) == Decoded((), 1)


def test_an_item_that_is_none_costs_itself() -> None:
    """What stands beside it is heard."""
    assert decode(joined(["1", encode(SKIP), "[]", "{}"])) == Decoded([SKIP], 3)


def test_figures_that_are_not_finite_are_not_told() -> None:
    """The rest of the result is; rate limits go with them, for one of them may be the figure."""
    limit = RateLimit("requests", None, None, float("inf"))
    odd = result(cost_usd=float("nan"), retry_after_s=3.0, rate_limits=(limit,))
    assert decode(joined([encode(odd)])) == Decoded([result(retry_after_s=3.0)])


@pytest.mark.parametrize("name", ["at", "slot_at", "total_s"])
def test_a_result_without_its_time_has_no_text(name: str) -> None:
    """What everybody needs of a result cannot be left out."""
    with pytest.raises(UntellableError):
        encode(result(**{name: float("inf")}))


def test_a_skip_without_its_time_has_no_text() -> None:
    """As with a result."""
    with pytest.raises(UntellableError):
        encode(SkippedSlot("t", "here", Slot(1, float("inf")), SkipReason.LATE, 0.0))


def test_no_text_of_the_stream_draws_a_terminal() -> None:
    """Line ends, escapes and halves of characters are replaced."""
    found = changed(result(), detail="a\x1b[31m\nb\ud800")
    (heard,) = found.news
    assert heard == result(detail="a�[31m�b�")
    assert printable("as it is") == "as it is"
