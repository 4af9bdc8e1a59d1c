"""What the demo draws: plain functions from what is known to what rich prints."""

import re

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor.demo.story import Episode, Message, Story
from monitor.simulator.script import Phase, Script
from monitor.view import NOTHING, StatusView, TargetRow

SHOWN_MESSAGES = 9


def screen(
    view: StatusView | None, story: Story, script: Script, elapsed_s: float, url: str
) -> RenderableType:
    """Return one frame."""
    parts: list[RenderableType] = [_header(script, elapsed_s, url)]
    if view is not None:
        parts += [_targets(view), _alerts(view)]
    parts.append(_messages(story))
    return Padding(Group(*parts), (0, 1))


def _header(script: Script, elapsed_s: float, url: str) -> RenderableType:
    phase = script.phase(elapsed_s)
    title = Text.assemble(
        ("Sonde demo", "bold"),
        f"   {min(elapsed_s, script.seconds):3.0f} of {script.seconds:.0f} s",
    )
    title.append(f"   page and metrics: {url}" if url else "", "dim")
    story = Text.assemble(
        "the provider is: ", (phase.name, _phase_style(phase)), f" — {phase.note}"
    )
    bar = ProgressBar(total=script.seconds, completed=min(elapsed_s, script.seconds), width=60)
    return Group(title, story, bar, Text())


def _phase_style(phase: Phase) -> str:
    return "bold red" if phase.behaviours else "bold green"


def _targets(view: StatusView) -> Table:
    table = Table(
        title=f"targets, last {view.window}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("target", no_wrap=True)
    table.add_column("model", overflow="ellipsis")  # the one that gives way in a narrow terminal
    for name in ("newest", "fault"):
        table.add_column(name, no_wrap=True)
    for name in ("p50", "p95", "token 1", "errors", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in view.targets:
        table.add_row(*_target_cells(row))
    return table


def _target_cells(row: TargetRow) -> tuple[str | Text, ...]:
    style = {"ok": "green", NOTHING: "dim"}.get(row.verdict, "bold red")
    mark = {"ok": "✓ ", NOTHING: ""}.get(row.verdict, "✗ ")
    numbers = (row.p50, row.p95, row.first_token, row.error_rate, str(row.samples))
    return (row.name, row.model, Text(mark + row.verdict, style), row.fault, *numbers)


def _alerts(view: StatusView) -> RenderableType:
    if not view.alerts:
        return Text("no alert is pending or firing\n", "dim")
    lines = Text()
    for alert in view.alerts:
        style = "bold red" if alert.state == "firing" else "yellow"
        lines.append(f"  {alert.state:8}", style)
        lines.append(f" {alert.name:12} {alert.subject:12} {alert.value} (since {alert.since})\n")
    return lines


def _messages(story: Story) -> RenderableType:
    title = Text("messages delivered to the webhook", "bold")
    if not story.messages:
        return Group(title, Text("  none yet", "dim"))
    return Group(title, *(message_line(message) for message in story.messages[-SHOWN_MESSAGES:]))


def message_line(message: Message) -> Text:
    """Return one message as a line, cut rather than wrapped."""
    firing = message.status == "firing"
    mark, style = ("▲ FIRING  ", "bold red") if firing else ("▼ resolved", "bold green")
    said = message.summary.partition(": ")[2]  # the subject has a column of its own
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"  {message.at_s:5.1f} s ").append(mark, style)
    return line.append(f" {message.alertname:12} {message.subject:12} {said}")


def summary(story: Story, verdicts: dict[str, int]) -> RenderableType:
    """Return the table that closes the demo."""
    table = Table(title="what was told, and when it was over", title_justify="left")
    for name in ("alert", "subject", "severity"):
        table.add_column(name)
    for name in ("fired after", "resolved after", "lasted"):
        table.add_column(name, justify="right")
    for episode in story.episodes():
        table.add_row(*_episode_cells(episode))
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    probes = Text(f"{sum(verdicts.values())} probes: {counts}")
    return Group(table, probes)


def _episode_cells(episode: Episode) -> tuple[str, ...]:
    start, end = episode.start, episode.end
    head = (start.alertname, start.subject, start.severity, f"{start.at_s:.1f} s")
    if end is None:
        return (*head, NOTHING, NOTHING)
    return (*head, f"{end.at_s:.1f} s", f"{end.at_s - start.at_s:.1f} s")


def picture(frame: RenderableType) -> str:
    """Return a frame as an SVG document, as a terminal of 100 columns would show it.

    It names no font to fetch from elsewhere: it is drawn with whatever monospace is there.
    """
    with open("/dev/null", "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        console = Console(record=True, width=100, file=nowhere, force_terminal=True)
        console.print(frame)
        drawing = console.export_svg(title="sonde demo")
    return re.sub(r"@font-face\s*\{[^}]*\}", "", drawing)
