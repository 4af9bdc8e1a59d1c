"""Points in the line protocol: fields, what is left out, and what no text may do to a line."""

import math

import pytest

from aggregator.stores.lines import (
    NUMBER_FIELDS,
    ProbeRow,
    marker_line,
    microseconds,
    probe_line,
    window_line,
)


def row(**said: object) -> ProbeRow:
    """Return a row without any number, with what is said instead."""
    numbers = [said.pop(name, None) for name in NUMBER_FIELDS]
    plain = ProbeRow(
        id=7,
        at=1.5,
        attempt=1,
        fault="none",
        location="here",
        model="m",
        operation="chat",
        provider="p",
        status=None,
        target="t",
        verdict="ok",
        latency_tainted=0,
        error="",
        rate_limits=None,
        numbers=numbers,  # type: ignore[arg-type]  # objects that are numbers
    )
    return plain._replace(**said)  # type: ignore[arg-type]  # by name, of all types


HEAD = "api_probe,attempt=1,fault=none,location=here,model=m,operation=chat,provider=p"


def test_a_whole_point() -> None:
    """Tags and fields stand sorted, numbers are floats, and a status is a tag."""
    said = row(status=200, latency_ms=12.5, tokens_input=3, latency_tainted=1, error="a b")
    assert probe_line(said) == (
        f"{HEAD},status_code=200,target=t,verdict=ok"
        ' latency_ms=12.5,tokens_input=3,latency_tainted=true,error="a b" 1500000007'
    )


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf])
def test_what_is_unknown_or_not_finite_is_not_written(unknown: float | None) -> None:
    """No field is better than a wrong one, and InfluxDB refuses NaN."""
    assert probe_line(row(cost_usd=unknown)) == (
        f"{HEAD},target=t,verdict=ok latency_tainted=false 1500000007"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(3, "3"), (3.0, "3"), (0.1, "0.1"), (1e22, "1e+22"), (2**63 - 1, "9.223372036854776e+18")],
)
def test_numbers_are_the_shortest_floats(value: float, written: str) -> None:
    """Never with an `i`: a field that was a float once refuses integers for ever."""
    assert f" latency_ms={written},latency_tainted" in probe_line(row(latency_ms=value))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a,b=c d", r"a\,b\=c\ d"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("a\\b", "a\\b"),
        ("ends\\", "ends/"),
        ("a\\,b\\ c\\\\=d", "a/\\,b/\\ c\\/\\=d"),
        ('"quoted"', '"quoted"'),
    ],
)
def test_tags_are_escaped(value: str, written: str) -> None:
    """A separator in a value separates nothing; a backslash at its end eats none."""
    assert f",model={written},operation=" in probe_line(row(model=value))


@pytest.mark.parametrize(
    ("value", "written"),
    [('say "hi"', r"say \"hi\""), ("a\\", "a\\\\"), ("a\nb\rc", "a b c"), ("a,b =", "a,b =")],
)
def test_texts_are_escaped(value: str, written: str) -> None:
    """A quote ends nothing, and a line break makes no second line."""
    line = probe_line(row(error=value))
    assert line.endswith(f'error="{written}" 1500000007')
    assert "\n" not in line


def test_an_empty_tag_is_left_out() -> None:
    """InfluxDB knows no empty tags: it would refuse the line."""
    assert "model=" not in probe_line(row(model=""))


@pytest.mark.parametrize(
    ("stated", "fields"),
    [
        (
            '[["requests", 10, 5, 1.0], ["tokens", null, 700, null]]',
            "rate_limit_remaining=5,rate_limit_remaining_tokens=700",
        ),
        ('[["tokens", 10, null, 1.0]]', ""),
        ('[["project_tokens", 10, 4, 1.0]]', ""),
        (f'[["requests", 10, {10**400}, 1.0]]', ""),
    ],
)
def test_rate_limits(stated: str, fields: str) -> None:
    """What is left of requests and tokens, where stated and possible."""
    expected = f" latency_tainted=false{',' if fields else ''}{fields} 1500000007"
    assert probe_line(row(rate_limits=stated)).endswith(expected)


def test_times_tell_results_of_one_microsecond_apart() -> None:
    """The same series at the same time are two points all the same, and each is always itself."""
    first, second = row(id=1_001), row(id=1_002)
    assert probe_line(first).endswith(" 1500000001")
    assert probe_line(second).endswith(" 1500000002")
    assert probe_line(first) == probe_line(first)
    assert microseconds(1_763_000_000.123456) == 1_763_000_000_123_456


def test_points_of_windows() -> None:
    """Whole seconds; what is unknown is left out."""
    line = window_line((("location", "a b"), ("target", "")), {"count": 0, "p99": None}.items(), 60)
    assert line == r"api_window,location=a\ b count=0 60000000000"


def test_the_marker() -> None:
    """It says where it comes from."""
    assert marker_line("sonde_check", "fra 1", 1.0, 5) == r"sonde_check,location=fra\ 1 value=1 5"
