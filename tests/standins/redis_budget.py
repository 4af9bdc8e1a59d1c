"""The budget's hash as Redis keeps it, for tests of everything Redis may lose.

It says in Python what `purse_script` says in Lua; tests/integration/test_cluster_purse.py holds the
two side by side.
"""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis

from monitor.cluster.link import ASK_S, AwayError

T = TypeVar("T")
NOON_MS = 1_750_075_200_000


class RememberedRedis:
    """One server, its copies, and what it forgets."""

    def __init__(self) -> None:
        self.hash: dict[str, str] = {}
        self.run = "run0"
        self.now_ms = NOON_MS
        self.copies = 0
        """How many are fed."""
        self.acknowledge = True
        """Whether they say in time what they have."""

    def speak(self, speech: str) -> list[object]:
        """Do what the script does."""
        asked = json.loads(speech)
        epoch, since_ms = self._epoch(asked["fresh"])
        if asked["epoch"] not in ("", epoch):
            return [
                "moved",
                "0",
                str(self.copies),
                str(self.now_ms),
                epoch,
                "",
                self._told(self.hash),
            ]
        self._take_in(asked, epoch)
        status, joined_ms = self._present(asked, epoch)
        drawn_nusd, absent = self._counted(asked, epoch)
        every = dict(self.hash)
        self._clean(asked["oldest"])
        granted_nusd = 0
        if asked["wanted"] > 0 and status != "over":
            if not asked["epoch"]:
                status = "moved"
            elif self.now_ms - since_ms < asked["settle"]:
                status = "settling"
            elif self.now_ms - joined_ms < asked["join"] or asked["day"] < asked["book_day"]:
                status = "joining"
            elif absent:
                status = "absent"
            else:
                status = "granted"
                granted_nusd = max(0, min(asked["wanted"], asked["cap"] - drawn_nusd))
                if granted_nusd > 0:
                    field = "|".join(("d", asked["session"], asked["book_day"], asked["book"]))
                    every[field] = str(int(self.hash.get(field, "0")) + granted_nusd)
                    self.hash[field] = every[field]
        told = (status, str(granted_nusd), str(self.copies), str(self.now_ms), epoch, absent)
        return [*told, self._told(every)]

    def _told(self, fields: dict[str, str]) -> str:
        return json.dumps([text for pair in fields.items() for text in pair])

    def _epoch(self, fresh: str) -> tuple[str, int]:
        epoch, _, since = self.hash.get("epoch", "").rpartition("|")
        since_ms = int(since or 0)
        if not epoch or epoch.split(":")[0] != self.run:
            epoch, since_ms = f"{self.run}:{fresh}", self.now_ms
        elif since_ms > self.now_ms:
            since_ms = self.now_ms
        self.hash["epoch"] = f"{epoch}|{since_ms}"
        return epoch, since_ms

    def _take_in(self, asked: dict[str, dict[str, str]], epoch: str) -> None:
        for field, value in asked["counters"].items():
            if int(value) > int(self.hash.get(field, "0")):
                self.hash[field] = str(value)
        for name, text in asked["sessions"].items():
            self.hash.setdefault(f"s|{name}", text)
        for name, day in asked["ended"].items():
            of, _, _, _, state = (self.hash.get(f"s|{name}") or "||||").split("|")
            if of != epoch or state != "open":
                self.hash[f"s|{name}"] = f"{epoch}|{self.now_ms}|{self.now_ms}|{day}|ended"

    def _present(self, asked: dict[str, str], epoch: str) -> tuple[str, int]:
        me, joined_ms, status = f"s|{asked['session']}", self.now_ms, "heard"
        if me in self.hash:
            of, seen, since, day, state = self.hash[me].split("|")
            if state != "open" or (of == epoch and self.now_ms - int(seen) > int(asked["stale"])):
                status = "over"
            elif of == epoch and day >= asked["day"] and int(since) <= self.now_ms:
                joined_ms = int(since)
        if asked["leave"] or status != "over":
            state = "ended" if asked["leave"] else "open"
            self.hash[me] = f"{epoch}|{self.now_ms}|{joined_ms}|{asked['day']}|{state}"
        return status, joined_ms

    def _counted(self, asked: dict[str, str], epoch: str) -> tuple[int, str]:
        drawn_nusd, absent = 0, ""
        for field, value in self.hash.items():
            kind, _, rest = field.partition("|")
            if kind in ("d", "g"):
                _, day, subject = rest.split("|", 2)
                wanted = day >= asked["oldest"] and day == asked["book_day"]
                if wanted and subject == asked["book"]:
                    drawn_nusd += int(value) if kind == "d" else -int(value)
            elif kind == "s":
                of, _, _, last, state = value.split("|")
                due = last >= asked["book_day"] and last >= asked["oldest"]
                if state == "open" and of != epoch and due:
                    absent = rest
        return drawn_nusd, absent

    def _clean(self, oldest: str) -> None:
        for field, value in list(self.hash.items()):
            day = (
                value.split("|")[3]
                if field.startswith("s|")
                else field.split("|", 3)[2]
                if field != "epoch"
                else oldest
            )
            if day < oldest:
                del self.hash[field]


class _Pipeline:
    def __init__(self, server: RememberedRedis) -> None:
        self._server = server
        self._commands: list[tuple[object, ...]] = []

    def execute_command(self, *command: object) -> None:
        self._commands.append(command)

    async def execute(self) -> list[object]:
        answers: list[object] = []
        for name, *rest in self._commands:
            if name == "EVAL":
                answers.append(self._server.speak(str(rest[-1])))
            else:
                answers.append(self._server.copies if self._server.acknowledge else 0)
        return answers


class _Client:
    def __init__(self, server: RememberedRedis) -> None:
        self._server = server

    def pipeline(self, *, transaction: bool) -> _Pipeline:
        assert not transaction
        return _Pipeline(self._server)


class RememberedLink:
    """The way to it, which may be cut, and may lose answers."""

    def __init__(self, server: RememberedRedis) -> None:
        self.server = server
        self.cut = False
        self.deaf = False
        """What is asked arrives, and no answer comes back."""

    def key(self, *parts: str, together: str = "") -> str:
        return ":".join((together, *parts))

    async def ask(self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = ASK_S) -> T:
        if self.cut:
            raise AwayError("cut")
        done = await work(_Client(self.server))  # type: ignore[arg-type]  # all that is used of it
        if self.deaf:
            raise AwayError("deaf")
        return done
