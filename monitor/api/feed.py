"""What is otherwise since: one account for everybody who listens to the stream.

State and no events: of each target, of the alerts and of the instance, how it is and the number of
the change that made it so. Whoever heard everything up to a number gets what has a higher one,
taken together: nothing is kept for those who are slow or away, and what many are missing is
written once. Numbers count within one life of daemon and configuration, which has a name.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.api.instance import instance_of
from monitor.api.models.instance import Instance
from monitor.api.models.shape import Shape
from monitor.api.sources import Current, Sources
from monitor.api.turns import Turns

EVERY_S: Final = 1.0
"""Between two looks, and so between two ticks: faster than people read."""
LIFE_BYTES: Final = 4
_INSTANCE: Final = 0
_ALERTS: Final = 1

Key = int | str
"""The instance, the alerts, or a target by its name."""
Seen = Shape | tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """How something is, written as JSON, and the change that made it so."""

    seen: Seen
    number: int
    text: bytes


class Feed:
    """What everybody is told; used in the daemon's loop alone."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._sources: Sources | None = None
        self._moved = asyncio.Event()
        self._wanted = asyncio.Event()
        self._now = 0.0
        self.listeners = 0
        """Streams that are open: without one nobody looks."""
        self.stopped = False
        self._stale = True
        """Whether nobody has looked since somebody began to listen: what is known is from then."""
        self._begin()

    def _begin(self) -> None:
        self.life = secrets.token_hex(LIFE_BYTES)
        """Another one: everything is to be asked for anew."""
        self.number = 0
        """Of the newest change; 0: nobody looked yet."""
        self._pieces: dict[Key, _Piece] = {}
        self._ticks: dict[int, bytes] = {}
        """What those are missing who heard everything up to a number; of the newest state."""

    async def run(self) -> None:
        """Look every second while somebody listens, for ever; when this ends, so do streams."""
        try:
            while True:
                await self._wanted.wait()
                await self.look()
                await asyncio.sleep(EVERY_S)
        finally:
            self.stop()

    def listening(self, by: int) -> None:
        """Count streams that open (1) or close (-1)."""
        self._stale = self._stale or self.listeners == 0
        self.listeners += by
        if self.listeners:
            self._wanted.set()
        else:
            self._wanted.clear()

    def stop(self) -> None:
        """End every stream."""
        self.stopped = True
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def moved(self, life: str, number: int, within_s: float) -> None:
        """Return when there is more than somebody heard, when it is over, or after `within_s`."""
        news = self.number > number and not self._stale
        if self.stopped or self.life != life or news:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._moved.wait()
        except TimeoutError:
            return

    async def look(self) -> None:
        """Find out what is otherwise, in slices, and wake those who listen."""
        sources = self._current()
        if self._sources is not None and sources is not self._sources:
            self._begin()
            self._wake()
        self._sources = sources
        self._now = sources.clock.wall()
        instance = instance_of(sources).model_copy(update={"now": 0.0})
        rows = await sources.present.rows()
        seen: list[tuple[Key, Seen]] = [(_INSTANCE, instance)]
        seen.append((_ALERTS, await sources.board.rows()))
        seen += ((row.name, row) for row in rows)
        await self._take(seen)

    async def _take(self, seen: Iterable[tuple[Key, Seen]]) -> None:
        number = self.number + 1
        changed: dict[Key, _Piece] = {}
        turns = Turns()
        for key, value in seen:
            known = self._pieces.get(key)
            if known is None or (known.seen is not value and known.seen != value):
                changed[key] = _Piece(value, number, await _written(value))
            await turns.give_way()
        if changed:
            self._pieces.update(changed)
            self.number = number
            self._ticks = {}
        if changed or self._stale:
            self._stale = False
            self._wake()

    def tick(self, since: int) -> bytes:
        """Return what somebody is missing who heard everything up to `since`: a Tick as JSON."""
        if since == self.number:  # nothing but the time
            return self._tick(since, self._current().clock.wall())
        if since not in self._ticks:
            self._ticks[since] = self._tick(since, self._now)
        return self._ticks[since]

    def _tick(self, since: int, now: float) -> bytes:
        targets = b",".join(
            piece.text
            for key, piece in self._pieces.items()
            if isinstance(key, str) and piece.number > since
        )
        instance, alerts = self._text(_INSTANCE, since), self._text(_ALERTS, since)
        return b'{"now":%f,"instance":%b,"targets":[%b],"alerts":%b}' % (
            now,
            instance,
            targets,
            alerts,
        )

    def _text(self, key: Key, since: int) -> bytes:
        piece = self._pieces.get(key)
        if piece is None or piece.number <= since:
            return b"null"
        if not isinstance(piece.seen, Instance):
            return piece.text
        return piece.seen.model_copy(update={"now": self._now}).model_dump_json().encode()


async def _written(value: Seen) -> bytes:
    if isinstance(value, Shape):
        return value.model_dump_json().encode()
    return b"[%b]" % b",".join(await _each(value))


async def _each(rows: Sequence[Shape]) -> list[bytes]:
    """Write alerts, of which there may be thousands."""
    texts: list[bytes] = []
    turns = Turns()
    for row in rows:
        texts.append(row.model_dump_json().encode())
        await turns.give_way()
    return texts
