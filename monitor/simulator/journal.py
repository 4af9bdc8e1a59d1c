"""The simulator's own record of what it received: the judge of what a watcher claims."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

KEPT: Final = 100_000
"""Requests remembered; beyond that the oldest are forgotten (about 40 MB when full)."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. Times are wall times in seconds since the epoch."""

    number: int
    """Counted from 1 in order of arrival."""
    request_id: str
    """What the client got as `x-request-id`."""
    path: str
    received_at: float
    phase: str
    model: str | None = None
    stream: bool = False
    prompt: str = ""
    """How the prompt begins; a nonce in front tells two probes apart."""
    connection: str = ""
    """Client address and port: two requests with the same one shared a connection."""
    status: int | None = None
    """None: no response head was sent."""
    first_byte_at: float | None = None
    answered_at: float | None = None
    """When the exchange ended here, however it ended; None while it goes on."""
    completed: bool = False
    """Whether a whole answer (an error counts) was handed to the operating system."""


class Journal:
    """Every request, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._opened = 0

    @property
    def opened(self) -> int:
        """How many requests have arrived in all."""
        return self._opened

    def open(self, *, request_id: str, path: str, at: float, phase: str, connection: str) -> Entry:
        """Begin the record of a request."""
        self._opened += 1
        entry = Entry(
            number=self._opened,
            request_id=request_id,
            path=path,
            received_at=at,
            phase=phase,
            connection=connection,
        )
        self._entries.append(entry)
        return entry

    def lines(self) -> Iterator[str]:
        """Return the record as JSON lines, without line ends."""
        for entry in tuple(self._entries):
            yield json.dumps(asdict(entry), separators=(",", ":"))
