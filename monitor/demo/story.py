"""What the demo promises: which alerts must fire, and that each must resolve. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.simulator.script import Script


@dataclass(frozen=True, slots=True)
class Message:
    """One notification as the receiver got it. Times in seconds since the demo began."""

    alertname: str
    subject: str
    severity: str
    status: str
    summary: str
    at_s: float


@dataclass(slots=True)
class Story:
    """Follows the messages and says whether the demo kept its promise."""

    expected: frozenset[str]
    messages: list[Message] = field(default_factory=list)

    @classmethod
    def of(cls, script: Script) -> "Story":
        """Return the story of a script: every alert any of its phases ought to raise."""
        return cls(frozenset(name for phase in script.phases for name in phase.alerts))

    def tell(self, message: Message) -> None:
        """Take the next message."""
        self.messages.append(message)

    def fired(self) -> frozenset[str]:
        """Return the names of alerts that fired."""
        return frozenset(m.alertname for m in self.messages if m.status == "firing")

    def open(self) -> frozenset[tuple[str, str]]:
        """Return (alert, subject) pairs that fired and have not resolved."""
        standing: set[tuple[str, str]] = set()
        for message in self.messages:
            pair = (message.alertname, message.subject)
            standing.add(pair) if message.status == "firing" else standing.discard(pair)
        return frozenset(standing)

    def kept(self) -> bool:
        """Say whether everything expected fired, and everything that fired resolved."""
        return self.expected <= self.fired() and not self.open()

    def complaints(self) -> tuple[str, ...]:
        """Say what is missing, one line each."""
        silent = (f"{name} did not fire" for name in sorted(self.expected - self.fired()))
        standing = (f"{name} of {who} did not resolve" for name, who in sorted(self.open()))
        return (*silent, *standing)

    def episodes(self) -> tuple["Episode", ...]:
        """Return each firing with its resolution, in the order they fired."""
        starts = (message for message in self.messages if message.status == "firing")
        return tuple(Episode(start, self._end_of(start)) for start in starts)

    def _end_of(self, start: Message) -> Message | None:
        later: Iterable[Message] = self.messages[self.messages.index(start) + 1 :]
        for message in later:
            if (message.alertname, message.subject) == (start.alertname, start.subject):
                return message if message.status == "resolved" else None
        return None


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from firing to resolved; `end` None while it stands."""

    start: Message
    end: Message | None
