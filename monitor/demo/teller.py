"""How the demo is told: a live screen, plain lines, or JSON."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from monitor.demo.screen import message_line, picture, screen, summary
from monitor.demo.story import Message, Story
from monitor.simulator.script import Script
from monitor.view import StatusView


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of the demo."""

    view: StatusView
    story: Story
    script: Script
    elapsed_s: float
    url: str

    @property
    def firing(self) -> int:
        """How many alerts fire."""
        return sum(alert.state == "firing" for alert in self.view.alerts)

    def drawn(self) -> RenderableType:
        """Return the frame as a screen."""
        return screen(self.view, self.story, self.script, self.elapsed_s, self.url)


class Teller(ABC):
    """Shows the demo to somebody. A context manager around the time frames come."""

    def __init__(self) -> None:
        self._fullest: tuple[int, RenderableType] = (-1, "")
        self._phase = ""
        self._url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put away what the subclass set up."""
        self.close()

    def close(self) -> None:
        """Frames are over. Does nothing unless a subclass has something to put away."""
        return

    def frame(self, frame: Frame) -> None:
        """Take the next frame."""
        if frame.firing > self._fullest[0]:
            self._fullest = (frame.firing, frame.drawn())
        phase = frame.script.phase(frame.elapsed_s)
        if phase.name != self._phase:
            self._phase = phase.name
            self.phase(frame.elapsed_s, phase.name, phase.note)
        if frame.url != self._url:
            self._url = frame.url
            self.page(frame.url)

    def picture(self) -> str:
        """Return the frame with the most alerts firing as SVG."""
        return picture(self._fullest[1])

    @abstractmethod
    def phase(self, at_s: float, name: str, note: str) -> None:
        """Tell that the provider's next phase began."""

    @abstractmethod
    def page(self, url: str) -> None:
        """Tell where the dashboard is."""

    @abstractmethod
    def message(self, message: Message) -> None:
        """Tell of a message that was delivered."""

    @abstractmethod
    def end(self, story: Story, verdicts: Mapping[str, int], complaints: tuple[str, ...]) -> None:
        """Tell how it ended; no complaints: the promise was kept."""


class LineTeller(Teller):
    """One line an event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def phase(self, at_s: float, name: str, note: str) -> None:
        """Print the phase."""
        self.console.print(f"  {at_s:5.1f} s  provider: {name} — {note}", highlight=False)

    def page(self, url: str) -> None:
        """Print the address."""
        self.console.print(f"  dashboard: {url}", highlight=False)

    def message(self, message: Message) -> None:
        """Print the message."""
        self.console.print(message_line(message))

    def end(self, story: Story, verdicts: Mapping[str, int], complaints: tuple[str, ...]) -> None:
        """Print the closing table and the outcome."""
        self.console.print(summary(story, dict(verdicts)))
        for complaint in complaints:
            self.console.print(f"✗ {complaint}", style="bold red")
        if not complaints:
            expected = ", ".join(sorted(story.expected))
            self.console.print(f"✓ fired and resolved as expected: {expected}", style="green")


class LiveTeller(LineTeller):
    """The live screen of a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()

    def frame(self, frame: Frame) -> None:
        """Draw the frame."""
        super().frame(frame)
        self._live.update(frame.drawn(), refresh=True)

    def phase(self, at_s: float, name: str, note: str) -> None:
        """Leave it to the screen's head, which shows the phase."""

    def page(self, url: str) -> None:
        """Leave it to the screen, which shows the address."""

    def message(self, message: Message) -> None:
        """Leave it to the next frame, whose foot shows the message."""


class JsonTeller(Teller):
    """JSON objects, one an event."""

    def __init__(self, write: Callable[[dict[str, object]], None]) -> None:
        super().__init__()
        self._write = write

    def phase(self, at_s: float, name: str, note: str) -> None:
        """Write the phase."""
        self._write({"event": "phase", "at_s": round(at_s, 3), "name": name, "note": note})

    def page(self, url: str) -> None:
        """Write the address."""
        self._write({"event": "page", "url": url})

    def message(self, message: Message) -> None:
        """Write the message."""
        self._write({"event": "message", **asdict(message)})

    def end(self, story: Story, verdicts: Mapping[str, int], complaints: tuple[str, ...]) -> None:
        """Write the outcome."""
        episodes = [
            {
                "alertname": episode.start.alertname,
                "subject": episode.start.subject,
                "fired_s": episode.start.at_s,
                "resolved_s": episode.end.at_s if episode.end else None,
            }
            for episode in story.episodes()
        ]
        self._write(
            {
                "event": "end",
                "kept": not complaints,
                "complaints": complaints,
                "expected": sorted(story.expected),
                "alerts": episodes,
                "verdicts": dict(verdicts),
            }
        )
