"""What one replica knows of everybody's draws: what it says to Redis, and what it hears. Pure.

Every counter has one writer and only grows, so two accounts of it are merged by taking the larger:
no message that is late, lost or said twice can make it wrong. `purse_script` says what the fields
are and which rules Redis keeps.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from monitor.cluster.purse_script import STALE_MS
from probes.sanitise import sanitise

MOST_FIELDS: Final = 20_000
"""More than a hundred replicas with twenty budgets on three days: beyond it somebody else writes
there."""
_COUNTERS: Final = frozenset("dgo")
_MOST_NUSD: Final = 2**53
"""Redis' scripts count exactly up to here: nine million dollars."""


class UnreadableError(Exception):
    """Redis said what no replica can have written."""

    def __init__(self, error: Exception, now_ms: int) -> None:
        super().__init__(f"Redis' budget hash is unreadable: {type(error).__name__}")
        self.now_ms = now_ms
        """The time by its clock; 0: that was unreadable, too."""


class Status(StrEnum):
    """What became of speaking to Redis."""

    HEARD = "heard"
    GRANTED = "granted"
    OVER = "over"
    """The session has ended: it was silent for too long."""
    MOVED = "moved"
    """Redis is not what it was when we last heard of it."""
    SETTLING = "settling"
    """It may have lost writes: everybody is given the time to say what was drawn."""
    JOINING = "joining"
    """The others have not had the time to see the session, or that it speaks of another day."""
    ABSENT = "absent"
    """Somebody who may have drawn what Redis has lost did not come back yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What Redis answered."""

    status: Status
    granted_nusd: int
    replicas: int
    """How many copies of itself it feeds."""
    now_ms: int
    epoch: str
    absent: str
    counters: Mapping[str, int]
    sessions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of one day's budget."""

    subject: str = ""
    day: str = ""
    wanted_nusd: int = 0
    cap_nusd: int = 0


NOTHING: Final = Wish()


@dataclass(slots=True)
class Mirror:
    """Everything a replica heard, and what it alone knows yet."""

    counters: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    """Sessions that can never draw again: all they drew is in our counters."""
    own: set[str] = field(default_factory=set)
    """Sessions of ours before this one, of this process and of those before it."""
    there: Reply | None = None
    """What Redis had when we last heard of it; None: we have not yet."""

    def add(self, kind: str, session: str, day: str, subject: str, amount: int) -> None:
        """Count something of a session of our own."""
        name = counter(kind, session, day, subject)
        self.counters[name] = self.counters.get(name, 0) + amount

    def total(self, kind: str, day: str, subject: str) -> int:
        """Return what all sessions together count."""
        return sum(
            value for name, value in self.counters.items() if _parts(name) == (kind, day, subject)
        )

    def drawn_nusd(self, day: str, subject: str) -> int:
        """Return what is drawn and was not given back."""
        return self.total("d", day, subject) - self.total("g", day, subject)

    def by_subject(self, kind: str, day: str) -> dict[str, int]:
        """Return what all sessions together count on a day, by subject."""
        sums: dict[str, int] = {}
        for name, value in self.counters.items():
            of_kind, on, subject = _parts(name)
            if (of_kind, on) == (kind, day):
                sums[subject] = sums.get(subject, 0) + value
        return sums

    def hear(self, reply: Reply) -> None:
        """Merge what Redis has; what it has less of than we is said to it next."""
        for name, value in reply.counters.items():
            self.counters[name] = max(value, self.counters.get(name, 0))
        self.sessions.update(reply.sessions)
        for name, text in reply.sessions.items():
            epoch, seen_ms, _, _, state = _session(text)
            if state == "ended" or (epoch == reply.epoch and reply.now_ms - seen_ms > STALE_MS):
                self.over.add(name)
            elif epoch == reply.epoch:
                self.over.discard(name)
        self.there = reply

    def forget(self, oldest: str) -> None:
        """Let go of what is of days before."""
        for name in [name for name in self.counters if _parts(name)[1] < oldest]:
            del self.counters[name]
        for name in [name for name, text in self.sessions.items() if _session(text)[3] < oldest]:
            del self.sessions[name]
            self.over.discard(name)
            self.own.discard(name)

    def speech(
        self, session: str, day: str, oldest: str, fresh: str, waits: "Waits", wish: Wish
    ) -> dict[str, object]:
        """Return what is said to Redis: what it lacks, and what is wanted.

        `day`: the newest one whose money this session may want; `fresh`: names a new epoch, should
        one begin.
        """
        there = self.there
        known = {} if there is None else there.counters
        heard = {} if there is None else there.sessions
        return {
            "session": session,
            "day": day,
            "oldest": oldest,
            "fresh": fresh,
            "epoch": "" if there is None else there.epoch,
            "stale": STALE_MS,
            "settle": round(waits.settle_s * 1000),
            "join": round(waits.join_s * 1000),
            "counters": {n: v for n, v in self.counters.items() if v > known.get(n, 0)},
            "sessions": {n: text for n, text in self.sessions.items() if n not in heard},
            "ended": dict(self._ended(heard, there, session)),
            "book": wish.subject,
            "book_day": wish.day,
            "wanted": wish.wanted_nusd,
            "cap": wish.cap_nusd,
        }

    def _ended(
        self, heard: Mapping[str, str], there: Reply | None, own: str
    ) -> Iterable[tuple[str, str]]:
        """Yield the sessions that Redis waits for and need not, each with its last day."""
        for name in self.over | self.own:
            text = heard.get(name, self.sessions.get(name))
            if text is None or name == own:
                continue
            epoch, _, _, day, state = _session(text)
            if name not in heard or (
                state == "open" and there is not None and epoch != there.epoch
            ):
                yield name, day


@dataclass(frozen=True, slots=True)
class Waits:
    """How long nothing is drawn, for the others' sake."""

    settle_s: float = 10.0
    """After Redis may have lost writes: all who live have spoken again several times."""
    join_s: float = 3.0
    """By a new session: all who live have seen it several times."""


def counter(kind: str, session: str, day: str, subject: str) -> str:
    """Return the field's name."""
    return f"{kind}|{session}|{day}|{subject}"


def read_reply(answer: object) -> Reply:
    """Read what the script returned. Raises UnreadableError."""
    now_ms = 0
    try:
        status, granted, replicas, now, epoch, absent, fields = _listed(answer)
        now_ms = _amount(_text(now))
        texts = [_text(each) for each in _listed(json.loads(_text(fields)), 2 * MOST_FIELDS)]
        pairs = dict(zip(texts[::2], texts[1::2], strict=True))
        return Reply(
            Status(_text(status)),
            _amount(_text(granted)),
            _amount(_text(replicas)),
            now_ms,
            _text(epoch),
            sanitise(_text(absent)),
            read_counters(pairs),
            read_sessions(pairs),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise UnreadableError(error, now_ms) from None


def read_counters(fields: Mapping[str, str]) -> dict[str, int]:
    """Return the counters among fields. Raises ValueError."""
    return {name: _amount(text) for name, text in fields.items() if _parts(name)[0] in _COUNTERS}


def read_sessions(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the sessions among fields. Raises ValueError."""
    found = {name[2:]: text for name, text in fields.items() if name.startswith("s|")}
    for text in found.values():
        _session(text)
    return found


def said(speech: Mapping[str, object]) -> str:
    """Return a speech as the script reads it; an empty table is an object in Lua all the same."""
    return json.dumps(speech, separators=(",", ":"))


@lru_cache(maxsize=MOST_FIELDS)
def _parts(name: str) -> tuple[str, str, str]:
    """Return a counter's kind, day and subject; of any other field, nothing.

    Names are the same each second, and there are thousands of them.
    """
    kind, _, rest = name.partition("|")
    if kind not in _COUNTERS:
        return "", "", ""
    _, day, subject = rest.split("|", 2)
    date.fromisoformat(day)
    return kind, day, subject


def _session(text: str) -> tuple[str, int, int, str, str]:
    epoch, seen_ms, since_ms, day, state = text.split("|")
    if state not in {"open", "ended"}:
        raise ValueError("no such state")
    date.fromisoformat(day)
    return epoch, int(seen_ms), int(since_ms), day, state


def _amount(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MOST_NUSD:
        raise ValueError("no such amount")
    return value


def _listed(value: object, most: int = 7) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError("no list, or too long")
    return value


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return value
    raise TypeError("no text")
