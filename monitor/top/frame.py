"""One frame of `sonde top`: from what is known to what rich prints, as much as fits."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alerting.sparkline import sparkline
from monitor.api.models.alerts import AlertRow
from monitor.api.models.targets import Quantile, TargetRow
from monitor.particulars import seconds
from monitor.top.board import Board
from monitor.top.view import View, chosen

NOTHING: Final = "–"
ALERTS_AT_MOST: Final = 8
"""More than these, or than a third of the lines, would leave no place for targets; the rest is a
number."""
LOOKS: Final = {
    "down": "bold red",
    "failing": "red",
    "slow": "yellow",
    "unknown": "dim",
    "ok": "green",
    "critical": "bold red",
    "warning": "yellow",
    "info": "cyan",
}
FIGURE_COLUMNS: Final = {"p50": 56, "p95": 44, "token 1": 68, "errors": 32}
"""A terminal narrower than this has no place for the figure: the level and the name come first."""
NEWEST_COLUMNS: Final = 84
"""A terminal narrower than this has no place for the newest result,"""
MODEL_COLUMNS: Final = 112
"""one narrower than this none for providers and models,"""
SPARK_COLUMNS: Final = 140
"""and one narrower than this none for a course of 24 hours."""
GAP: Final = 2
LEAST_NAME: Final = 10
"""Of a target's name, however narrow the terminal is."""
DAY_S: Final = 86_400.0
AROUND_LINES: Final = 6
"""The title, the table's head with its lines, how many are left out, and the keys."""


def frame(board: Board, view: View, width: int, height: int, zone: timezone) -> RenderableType:
    """Return what fits into `width` columns and `height` lines. Times are in `zone`."""
    parts: list[RenderableType] = [_title(board)]
    if board.lost:
        since = NOTHING if board.lost_at is None else _clock(board.lost_at, zone)
        parts.append(_line(f"no connection since {since}: {board.lost}; trying again", "bold red"))
    if board.instance is not None:
        parts += _alerts(board, zone, min(ALERTS_AT_MOST, max(1, height // 3)))
    rows = chosen(board.rows.values(), view)
    places = max(1, height - len(parts) - AROUND_LINES)
    parts.append(_targets(rows[:places], board, width))
    if len(rows) > places:
        parts.append(_line(f"and {len(rows) - places} more", "dim"))
    parts.append(_keys(view))
    return Group(*parts)


def clean(text: str) -> str:
    """Return a text that a terminal takes for nothing but text.

    Names and providers' words may hold control characters: a terminal obeys them.
    """
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _line(text: str, style: str = "") -> Text:
    return Text(clean(text), style, no_wrap=True, overflow="ellipsis")


def _title(board: Board) -> Text:
    instance = board.instance
    if instance is None:
        return Text("Sonde", "bold")
    title = _line(f"Sonde {instance.version} in {instance.location}", "bold")
    title.append(
        f"   {len(board.rows)} targets, figures of {clean(instance.window)}   ", "not bold"
    )
    amiss = [f"{each.name} ({each.detail})" for each in instance.checks if not each.ok]
    if board.lost:
        title.append("as it last told", "yellow")
    elif instance.ready:
        title.append("ready", "green")
    else:
        title.append(clean(f"not ready: {', '.join(amiss)}"), "bold red")
    if instance.replicas:
        title.append(f"   {instance.replicas} replicas", "not bold")
    if instance.discord:
        title.append(clean(f"   {'; '.join(instance.discord)}"), "bold yellow")
    if instance.reload is not None and not instance.reload.ok:
        title.append("   its configuration was refused: the last good one runs", "bold red")
    return title


def _alerts(board: Board, zone: timezone, most: int) -> list[Text]:
    alerts = board.alerts
    if not alerts:
        return [_line("no alert is pending or firing", "dim" if board.lost else "green")]
    shown = [_alert(each, board.now, zone) for each in alerts[:most]]
    if len(alerts) > most:
        shown.append(_line(f"and {len(alerts) - most} more alerts", "dim"))
    return shown


def _alert(alert: AlertRow, now: float | None, zone: timezone) -> Text:
    line = _line(f"{alert.state:8} {alert.name}", LOOKS.get(alert.severity, ""))
    blamed = f", {alert.fault}'s fault" if alert.fault else ""
    told = f"  {alert.subject}{blamed}: {alert.value} since {_clock(alert.since, zone, now)}"
    line.append(clean(told), "not bold default")
    kept = alert.acknowledged or alert.held_back
    if kept:
        line.append(clean(f"  [{kept}]"), "dim")
    return line


def _targets(rows: Sequence[TargetRow], board: Board, width: int) -> Table:
    columns = list(_columns(width))
    taken = sum(size + GAP for _, size in columns)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, GAP, 0, 0))
    for name, size in columns:
        table.add_column(
            name,
            width=size or max(LEAST_NAME, width - taken),
            justify="right" if name in FIGURE_COLUMNS else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*_cells(row, board, width))
    return table


def _columns(width: int) -> Iterator[tuple[str, int]]:
    """Yield the columns that have a place, and how wide they are; 0: whatever is left."""
    yield "", max(map(len, LOOKS))
    yield "target", 0
    if width >= MODEL_COLUMNS:
        yield "model", 24
    for name, least in FIGURE_COLUMNS.items():
        if width >= least:
            yield name, 8
    if width >= NEWEST_COLUMNS:
        yield "newest", 24
    if width >= SPARK_COLUMNS:
        yield "p95, 24 h", 24


def _cells(row: TargetRow, board: Board, width: int) -> list[Text]:
    now, figures = row.now, row.now.figures
    rate = NOTHING if figures.error_rate is None else f"{100.0 * figures.error_rate:.1f} %"
    told = {
        "p50": _line(_seconds(figures.p50_s)),
        "p95": _line(_seconds(figures.p95_s)),
        "token 1": _line(_seconds(figures.first_token_p50_s)),
        "errors": _line(rate, "red" if figures.error_rate else ""),
    }
    cells = [
        _line(now.level, LOOKS.get(now.level, "")),
        _line(now.name),
        *([_line(f"{now.provider}/{now.model}", "dim")] if width >= MODEL_COLUMNS else []),
        *(told[name] for name, least in FIGURE_COLUMNS.items() if width >= least),
    ]
    if width >= NEWEST_COLUMNS:
        cells.append(_newest(row, board))
    if width >= SPARK_COLUMNS:
        cells.append(_line(sparkline(row.spark.p95_s), "cyan"))
    return cells


def _newest(row: TargetRow, board: Board) -> Text:
    last = row.now.last
    if row.now.paused:
        return _line(f"paused: {row.now.paused}", "yellow")
    if last is None or board.now is None:
        return _line(NOTHING, "dim")
    whose = "" if last.verdict == "ok" else f", {last.fault}"
    style = "" if last.verdict == "ok" else "red"
    return _line(f"{max(0.0, board.now - last.at):.0f} s: {last.verdict}{whose}", style)


def _seconds(quantile: Quantile | None) -> str:
    if quantile is None:
        return NOTHING
    return f"{'≥' if quantile.lower_bound else ''}{seconds(quantile.value)}"


def _clock(at: float, zone: timezone, now: float | None = None) -> str:
    """Return a time of day; with its date when that is not long ago any more."""
    recent = now is None or now - at < DAY_S / 2
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S" if recent else "%Y-%m-%d %H:%M")


def _keys(view: View) -> Text:
    if view.typing:
        return _line(f"/{view.wanted}_   Return: done", "bold")
    only = " only those in trouble" if view.troubled else ""
    word = f" only {view.wanted!r} (Esc: all)" if view.wanted else ""
    return _line(f"q quit   s sort: {view.sort}   t trouble:{only or ' all'}   / find{word}", "dim")
