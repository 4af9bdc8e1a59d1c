"""The drawing of one probe: to scale, within its width, the same with and without colours."""

import dataclasses

import pytest

from monitor.waterfall import LABEL_CHARS, LEAST_BAR_CHARS, TIME_CHARS, Style, plain, waterfall
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result, timeout

TARGET = Target(
    name="chat",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="ok?",
    stream=True,
)
STREAM = {
    "resolve_s": 0.1,
    "connect_s": 0.1,
    "tls_s": 0.2,
    "sent_s": 0.4,
    "first_byte_s": 0.6,
    "first_token_s": 0.8,
    "first_visible_token_s": 0.8,
    "last_token_s": 1.0,
    "total_s": 1.0,
    "status": 200,
}


def drawn(found: ProbeResult, width: int = 80, **seen: object) -> list[str]:
    """Return the drawing's lines of text."""
    trace = Trace(**({"reached": Phase.BODY} | seen))  # type: ignore[arg-type] # of many types
    return plain(waterfall(found, TARGET, trace, width)).splitlines()


def bar(line: str) -> str:
    return line[LABEL_CHARS:-TIME_CHARS]


def test_bars_stand_where_their_time_is() -> None:
    """One scale: a tenth of the time is a tenth of the columns; one begins where one ends."""
    lines = drawn(result(**STREAM), width=LABEL_CHARS + TIME_CHARS + 40)
    bars = [bar(line) for line in lines[3:9]]
    assert [each.count("━") for each in bars] == [4, 4, 8, 8, 8, 8]
    assert [len(each) - len(each.lstrip()) for each in bars] == [0, 4, 8, 16, 24, 32]
    assert [line.split()[-2:] for line in lines[3:5]] == [["100", "ms"], ["100", "ms"]]
    assert lines[2].split() == ["0", "1.00", "s"]


@pytest.mark.parametrize("width", [80, 100, 119])
def test_no_line_is_wider_than_asked(width: int) -> None:
    """Eighty columns are a terminal nobody has widened; nothing in it wraps by itself."""
    found = result(
        **STREAM,
        detail="HTTP 500 " + "word " * 38,
        hint="do something about it, " * 6,
        model="a-model-with-a-name-" * 6,
    )
    headers = (
        ("x-request-id", "r" * 200),
        ("via", "1.1 " + "proxy " * 30),
        ("x-ratelimit-" + "a" * 180, "1"),
    )
    lines = drawn(found, width, headers=headers, hidden_headers=3)
    assert max(map(len, lines)) <= width
    assert sum("do something" in line for line in lines) >= 2


def test_a_narrow_terminal_still_gets_a_bar() -> None:
    """Below what a bar needs, lines are as long as they must be."""
    lines = drawn(result(**STREAM), 20)
    assert len(bar(lines[3])) == LEAST_BAR_CHARS


def test_nothing_is_too_short_to_be_seen() -> None:
    """A microsecond has half a cell, at the very end too."""
    times = STREAM | {"connect_s": 1e-6, "last_token_s": 0.800001, "total_s": 0.800001}
    lines = drawn(result(**times))
    assert all(bar(line).strip() for line in lines[3:9])
    assert "1 µs" in lines[4]


def test_a_timeout_says_that_it_is_a_bound() -> None:
    """The stage it ended in is drawn to the deadline, marked, in the colour of what is bad."""
    trace = Trace(reached=Phase.HEAD)
    lines = waterfall(timeout(1.0, sent_s=0.0), TARGET, trace)
    ((_, (_, style), (took, _)),) = [line for line in lines if line and "wait for" in line[0][0]]
    assert (style, took.strip()) == (Style.BAD, "✗ ≥ 1.00 s")
    assert "latency        at least 1.00 s" in plain(lines)


def test_what_never_left_has_no_waterfall() -> None:
    """A key that cannot be read: verdict, fault and why, and no bar of zero length."""
    found = result(verdict=Verdict.AUTH, fault=Fault.ACCOUNT, detail="no key", total_s=0.0)
    assert drawn(found, reached=Phase.START) == [
        "✗ auth  chat  gpt-4o-mini, chat, streamed, at openai",
        "",
        "fault          account",
        "why            no key",
    ]


def test_everything_at_the_same_moment() -> None:
    """An exchange of no time at all does not divide by it."""
    assert bar(drawn(timeout(0.0), reached=Phase.CONNECT)[3]).startswith("╸")


def test_hidden_headers_are_counted() -> None:
    """What is not shown is said to exist, with and without others."""
    shown = drawn(result(**STREAM), headers=(("via", "x"),), hidden_headers=2)
    assert shown[-1].split() == ["2", "more", "not", "shown"]
    assert drawn(result(**STREAM), hidden_headers=2)[-1].split() == ["headers", "2", "not", "shown"]
    assert drawn(result(**STREAM), headers=(("via", ""),))[-1].split() == ["headers", "via"]


def test_a_plain_target_is_not_called_streamed() -> None:
    """The headline says what was asked."""
    target = dataclasses.replace(TARGET, stream=False)
    assert "streamed" not in plain(waterfall(result(), target, Trace()))
