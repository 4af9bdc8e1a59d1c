"""What is to be quiet now: silences of the ledger, maintenance of the configuration, inhibition.

Silences are read anew before each evaluation's messages, off the loop; a ledger that cannot be read
leaves those of before in force. Acknowledgements of alerts that are over end here.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.alert import Identity
from alerting.routing.maintenance import Maintenance
from alerting.routing.muting import Quiet, quiet_at
from alerting.routing.silence import FINGERPRINT, Silence
from alerting.routing.silence_store import expire_silence, load_silences
from alerting.state import State
from monitor.clock import Clock

READ_S: Final = 1.0
"""A disk that hangs delays an evaluation by so much at most; a healthy one takes a millisecond."""

log = structlog.get_logger("sonde.mutes")

Explains = Callable[[Mapping[str, str]], str]
"""Says which other alert explains one with these labels; empty: none does."""


class Mutes:
    """Says of each alert whether people are to hear of it; used in the daemon's loop alone."""

    def __init__(
        self,
        ledger: Ledger,
        maintenance: Sequence[Maintenance],
        clock: Clock,
        explains: Explains = lambda _labels: "",
        *,
        alone: bool = True,
    ) -> None:
        """Not `alone`, an acknowledgement may be of an alert that only another replica knows."""
        self._alone = alone
        self._known: frozenset[str] = frozenset()
        """Acknowledgements, by id, whose alert was there."""
        self._ledger = ledger
        self._maintenance = tuple(maintenance)
        self._clock = clock
        self._explains = explains
        self.silences: tuple[Silence, ...] = ()
        """Those that are not over, as of the newest `refresh`."""
        self._quiet: tuple[Quiet, ...] = ()
        self._stale = False

    def take_over(self, before: "Mutes") -> None:
        """Go on where another one stopped."""
        self.silences, self._known = before.silences, before._known  # noqa: SLF001 - of its class

    async def refresh(self, states: Mapping[Identity, State]) -> None:
        """Look at the ledger; `states`: of the alerts that are pending or firing.

        Never raises but CancelledError: what cannot be read stays as it was, and is logged once.
        """
        now = self._clock.wall()
        try:
            self.silences = await self._standing(states, now)
        except LedgerError as error:
            if not self._stale:
                log.error("silences.not_read", error=str(error))
            self._stale = True
        else:
            self._stale = False
        self._quiet = tuple(quiet_at(self.silences, self._maintenance, now))

    async def _standing(self, states: Mapping[Identity, State], now: float) -> tuple[Silence, ...]:
        found, unknown = await self._ledger.read(lambda c: _read(c, states, now), timeout_s=READ_S)
        over = tuple(each for each in unknown if self._alone or each.id in self._known)
        self._known = frozenset(each.id for each in (*found, *over) if each.until_resolved)
        found += tuple(each for each in unknown if each not in over)
        if over:
            await self._ledger.write(lambda c: _end(c, over, now), timeout_s=READ_S)
        for silence in over:
            log.info("silence.resolved", id=silence.id, author=silence.author)
        return found

    def why(self, labels: Mapping[str, str], _now: float = 0.0) -> str:
        """Say why an alert with these labels is kept quiet; empty: it is not.

        As of the newest `refresh`, so that one evaluation sees one moment.
        """
        said = (why for match, why in self._quiet if match.matches(labels))
        return next(said, "") or self._explains(labels)


def _read(
    connection: sqlite3.Connection, states: Mapping[Identity, State], now: float
) -> tuple[tuple[Silence, ...], tuple[Silence, ...]]:
    """Return the silences that stand, and apart acknowledgements whose alert is not there.

    In the reader's thread: of thousands of alerts the fingerprints take a while.
    """
    silences = load_silences(connection, now)
    if not any(each.until_resolved for each in silences):
        return silences, ()
    there = {identity.fingerprint for identity in states}
    over = tuple(each for each in silences if each.until_resolved and not _speaks_of(each, there))
    return tuple(each for each in silences if each not in over), over


def _speaks_of(silence: Silence, there: AbstractSet[str]) -> bool:
    return not there.isdisjoint(dict(silence.match.fields).get(FINGERPRINT, ()))


def _end(connection: sqlite3.Connection, silences: Sequence[Silence], now: float) -> None:
    for silence in silences:
        expire_silence(connection, silence.id, now)
