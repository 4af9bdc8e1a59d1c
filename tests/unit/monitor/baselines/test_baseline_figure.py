"""Paths into somebody else's JSON, and the figures there."""

import pytest

from monitor.baselines.figure import figure_s, parse_path, quantile_of
from monitor.polled.unreadable import UnreadableError


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$.p95_ms", ("p95_ms",)),
        ("$.data[0].p95", ("data", 0, "p95")),
        ("$['a name'][12]", ("a name", 12)),
        ('$["a.b"].c-d', ("a.b", "c-d")),
        ("$[0]", (0,)),
    ],
)
def test_paths_that_name_one_value(text: str, steps: tuple[str | int, ...]) -> None:
    """Names and positions, as RFC 9535 writes them."""
    assert parse_path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "$",
            "p95",
            "$.",
            "$..p95",
            "$.*",
            "$[*]",
            "$[-1]",
            "$[0:2]",
            "$.a b",
            "$[?@.a]",
            "$.é",
        )
    ],
)
def test_paths_that_do_not(text: str) -> None:
    """Wildcards, filters and slices name many values: refused, and told where."""
    with pytest.raises(ValueError, match=r"^expected "):
        parse_path(text)


@pytest.mark.parametrize(
    ("texts", "q"),
    [
        (("gateway p95", "$.p50"), 0.95),
        (("gateway", "$.p99_ms"), 0.99),
        (("", "$.P95"), 0.95),
        (("mean", "$.latency"), 0.5),
        (("", "$.p99.9"), 0.5),
    ],
)
def test_the_quantile_is_in_the_name(texts: tuple[str, ...], q: float) -> None:
    """The name says which figure it is, else the path, else it is taken for a median."""
    assert quantile_of(*texts) == q


def test_a_figure_in_its_unit() -> None:
    """Milliseconds and seconds alike come out as seconds, whole numbers too."""
    raw = b'{"data": [{"p95": 850}, {"p95": 1.25}]}'
    assert figure_s(raw, ("data", 0, "p95"), 0.001) == pytest.approx(0.85)
    assert figure_s(raw, ("data", 1, "p95"), 1.0) == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("raw", "steps"),
    [
        (b"<html>", ("a",)),
        (b"{}", ("a",)),
        (b"[]", (0,)),
        (b"[1]", ("a",)),
        (b'{"a": 1}', (0,)),
        (b'{"a": "fast"}', ("a", 0)),
        (b'{"a": null}', ("a", "b")),
        (b'{"a": true}', ("a",)),
        (b'{"a": "1"}', ("a",)),
        (b'{"a": 0}', ("a",)),
        (b'{"a": -1}', ("a",)),
        (b'{"a": 1e999}', ("a",)),
        (b'{"a": NaN}', ("a",)),
        (b'{"a": 86400.1}', ("a",)),
        (b'{"a": 1' + b"0" * 400 + b"}", ("a",)),
    ],
)
def test_what_is_no_latency(raw: bytes, steps: tuple[str | int, ...]) -> None:
    """Nothing there, no number, no time, or one nobody can mean: refused, never 0."""
    with pytest.raises(UnreadableError):
        figure_s(raw, steps, 1.0)
