"""One frame: what stands in it, what fits, and what a hostile name cannot do."""

import io
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from rich.console import Console

from monitor.api.models.instance import Check, Reload
from monitor.api.models.live import Overview
from monitor.top.board import Board
from monitor.top.frame import ALERTS_AT_MOST, clean, frame
from monitor.top.view import View
from tests.unit.monitor.top.top_boards import alert, figures, last, overview, row


def drawn(
    told: Overview | None,
    width: int = 150,
    height: int = 40,
    *,
    lost: str = "",
    view: View = View(),  # noqa: B008 - immutable
    **how: Any,
) -> str:
    board = Board()
    if told is not None:
        board.take(told)
    if lost:
        board.lose(lost, 7_200.0)
    file = io.StringIO()
    Console(file=file, width=width, **how).print(frame(board, view, width, height, UTC))
    return file.getvalue()


FULL = overview(
    row("chat", 0, "down", figures=figures(30.0, 0.25), last=last("timeout", "provider")),
    row("embed", 1, last=last()),
    row("idle", 2, "unknown", paused="budget"),
    alerts=(alert("Down"), alert("Slow", severity="warning", acknowledged="ann is on it")),
)


def test_a_frame_says_everything() -> None:
    """Alerts with whose fault, targets with figures, the newest result, a course."""
    text = drawn(FULL)
    for said in (
        "Sonde 1.2.3 in fra1",
        "3 targets, figures of 15m",
        "ready",
        "firing   Down  chat, provider's fault: 3 since 01:00:00",
        "[ann is on it]",
        "≥30.0 s",
        "25.0 %",
        "10 s: timeout, provider",
        "10 s: ok",
        "paused: budget",
        "openai/model-of-chat",
        "▅█",
        "q quit",
    ):
        assert said in text


@pytest.mark.parametrize("width", [20, 40, 60, 80, 84, 100, 112, 140, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Columns give way before figures do; a name keeps ten letters where there is room for one."""
    lines = drawn(FULL, width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert ("openai/model-of-chat" in "".join(lines)) == (width >= 112)
    assert ("newest" in "".join(lines)) == (width >= 84)


def test_the_narrowest_terminal_shows_who_is_not_well() -> None:
    """Figures go first: a level and a name without them say something, they without it nothing."""
    lines = drawn(FULL, 20).splitlines()
    assert any(line.startswith("down       chat") for line in lines)
    assert "errors" not in "".join(lines)
    assert "25.0 %" in drawn(FULL, 32)


def test_alerts_leave_a_low_terminal_its_targets() -> None:
    """A third of the lines is theirs, and the others are counted."""
    told = overview(row("chat"), alerts=tuple(alert(f"A{n}") for n in range(8)))
    text = drawn(told, height=12, lost="refused")
    assert "and 4 more alerts" in text
    assert " chat " in text
    assert len(text.splitlines()) <= 14


@pytest.mark.parametrize("height", [1, 8, 12, 24])
def test_no_frame_is_taller_than_the_terminal(height: int) -> None:
    """But one target is always there; the others are counted."""
    rows = [row(f"t{n}", n) for n in range(100)]
    text = drawn(overview(*rows), height=height)
    shown = sum(f" t{n} " in text for n in range(100))
    assert shown >= 1
    assert f"and {100 - shown} more" in text
    assert len(text.splitlines()) <= max(height, 8)


def test_many_alerts_leave_room_for_targets() -> None:
    """Beyond some they are a number."""
    text = drawn(overview(row("chat"), alerts=tuple(alert(f"A{n}") for n in range(20))))
    assert f"and {20 - ALERTS_AT_MOST} more alerts" in text
    assert " chat " in text


def test_what_is_amiss_with_the_daemon_is_in_the_first_line() -> None:
    """Readiness with its reasons, and a configuration that was refused."""
    checks = [Check(name="ledger", ok=False, detail="disk full")]
    refused = Reload(at=0.0, ok=False, error="line 3")
    text = drawn(overview(ready=False, checks=checks, reload=refused))
    assert "not ready: ledger (disk full)" in text
    assert "its configuration was refused" in text


def test_replicas_are_counted_and_what_is_amiss_among_them_is_said() -> None:
    """Of one that is alone nothing is said."""
    assert "replica" not in drawn(FULL)
    first = drawn(overview(replicas=3, discord=["the clock of b is 3 s ahead"])).splitlines()[0]
    assert "3 replicas   the clock of b is 3 s ahead" in first


def test_a_lost_connection_is_said_with_its_beginning() -> None:
    """What was known last stays on the screen; before anything was, there is little."""
    assert "no connection since 02:00:00: refused; trying again" in drawn(FULL, lost="refused")
    assert " chat " in drawn(FULL, lost="refused")
    assert drawn(None, lost="refused").startswith("Sonde\nno connection since")


def test_nothing_is_said_to_be_well_that_is_not_known() -> None:
    """Without a connection nobody is ready; before the first overview nothing is said of alerts."""
    assert "ready" not in drawn(overview(row("chat")), lost="refused")
    assert "as it last told" in drawn(overview(row("chat")), lost="refused")
    assert "no alert" in drawn(overview(row("chat")))
    assert "no alert" not in drawn(None)
    assert "no alert" not in drawn(None, lost="refused")


def test_an_old_alert_says_of_which_day_it_is() -> None:
    """A time of day alone would be taken for today's."""
    board = Board()
    board.take(FULL)
    board.now = 3_600.0 + 86_400.0
    file = io.StringIO()
    Console(file=file, width=150).print(frame(board, View(), 150, 40, UTC))
    assert "since 1970-01-01 01:00" in file.getvalue()


def test_the_last_line_says_what_keys_do() -> None:
    """And what was chosen."""
    assert "/em_" in drawn(FULL, view=View(typing=True, wanted="em"))
    text = drawn(FULL, view=View(troubled=True, wanted="chat"))
    assert "only those in trouble" in text
    assert "only 'chat' (Esc: all)" in text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    """Nothing that a provider, a name or an alert says moves the cursor or hides text."""
    evil = "\x1b]0;owned\x07\x1b[2J\u202egpt\r\n\x9b31m"
    text = drawn(
        overview(
            row(evil, model=evil, last=last(evil, evil), paused=""),
            row("paused", paused=evil),
            alerts=(alert(evil, subject=evil, value=evil, held_back=evil, fault=evil),),
            location=evil,
            window=evil,
            ready=False,
            checks=[Check(name=evil, ok=False, detail=evil)],
        ),
        lost=evil,
        force_terminal=True,
        color_system="standard",
    )
    for sign in ("\x1b]", "\x07", "\x1b[2J", "\u202e", "\r", "\x9b"):
        assert sign not in text
    assert clean("a\x1bb\u202ec\u00e9") == "a\ufffdb\ufffdc\u00e9"


def test_times_are_those_of_the_zone() -> None:
    """Two hours east of Greenwich it is later."""
    board = Board()
    board.take(FULL)
    file = io.StringIO()
    east = timezone(timedelta(hours=2))
    Console(file=file, width=150).print(frame(board, View(), 150, 40, east))
    assert "since 03:00:00" in file.getvalue()
