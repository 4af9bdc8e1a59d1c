"""Takes up changed configurations, one after another; a bad one leaves everything as it is."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from monitor.config.errors import ConfigError
from monitor.config.load import Loaded
from monitor.config.values import Config
from monitor.metrics import Metrics
from monitor.reload.file import ConfigFile
from monitor.reload.watch import Settling
from probes.sanitise import redact

EVERY_S: Final = 2.0
"""How often the file is looked at: a change is taken up at the second look that sees it."""

log = structlog.get_logger("sonde.reload")

TakeUp = Callable[[Config], Awaitable[tuple[str, ...]]]
"""Takes a configuration up and returns the keys that need a restart. Raises NotTakenError."""


class NotTakenError(Exception):
    """A configuration that is valid could not be taken up; the one before runs on."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended."""

    at: float
    """Wall time."""
    error: str = ""
    """Why the last good configuration is kept; empty: it is not."""
    needs_restart: tuple[str, ...] = ()
    """Keys whose new values a running daemon cannot take up."""


class Reloads:
    """Reads the file again when it changes or somebody asks; used in the daemon's loop alone.

    What is taken up here is told to the other replicas, but for what they told us.
    """

    def __init__(
        self,
        file: ConfigFile | None,
        take_up: TakeUp,
        wall: Callable[[], float],
        metrics: Metrics,
        spread: Callable[[], None] = lambda: None,
    ) -> None:
        """`file` None: the configuration came from the environment alone.

        `spread` tells other replicas that a configuration was taken up.
        """
        self._file = file
        self._take_up = take_up
        self._wall = wall
        self._spread = spread
        self._awake = asyncio.Event()
        self._asked = self._hinted = False
        self.newest: Attempt | None = None
        """None: there was none since the start."""
        self._metrics = metrics
        metrics.config_good.set(1)
        metrics.config_good_at.set(wall())

    def ask(self) -> None:
        """Read the file now, changed or not; while one attempt is under way, after it."""
        self._asked = True
        self._awake.set()

    def hint(self) -> None:
        """Look at the file now, and read it if it is not the one that runs: another replica did."""
        self._hinted = True
        self._awake.set()

    async def run(self) -> None:
        """Take up what changes, for ever.

        A mount that hangs holds up this task and one thread, and nothing else.
        """
        file = self._file
        if file is None:
            await self._say_there_is_none()
            return
        settling = Settling(file.running)
        while True:
            await self._woken_within(EVERY_S)
            asked, hinted = self._asked, self._hinted
            self._asked = self._hinted = False
            digest = await asyncio.to_thread(file.digest)
            news = settling.look(digest)
            if news or asked or (hinted and settling.is_new(digest)):
                settling.tried(digest)
                if await self._attempt(file) and not hinted:
                    self._spread()

    async def _say_there_is_none(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            if self._asked:
                reason = "there is no file: environment alone"
                log.warning("config.nothing_to_reload", reason=reason)
            self._asked = False

    async def _woken_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        self._awake.clear()

    async def _attempt(self, file: ConfigFile) -> bool:
        """Take the file up; say whether that was done."""
        try:
            loaded = await _read(file)
            file.learn(loaded)
            needs_restart = await self._take_up(loaded.config)
        except ConfigError as error:
            self._refuse([str(each) for each in error.problems])
        except NotTakenError as error:
            self._refuse([str(error)])
        else:
            self._accept(loaded, needs_restart)
            return True
        return False

    def _refuse(self, problems: list[str]) -> None:
        told = [redact(each) for each in problems]
        log.error("config.reload_refused", problems=told, running="the configuration before")
        self.newest = Attempt(self._wall(), "\n".join(told))
        self._metrics.config_good.set(0)

    def _accept(self, loaded: Loaded, needs_restart: tuple[str, ...]) -> None:
        for problem in loaded.warnings:
            log.warning("configuration.warning", problem=str(problem))
        if needs_restart:
            log.warning("config.needs_restart", keys=list(needs_restart))
        self.newest = Attempt(self._wall(), "", needs_restart)
        self._metrics.config_good.set(1)
        self._metrics.config_good_at.set(self.newest.at)


async def _read(file: ConfigFile) -> Loaded:
    try:
        return await asyncio.to_thread(file.load)
    except ConfigError:
        raise
    except Exception as error:
        log.exception("config.not_read")
        raise NotTakenError(f"it could not be read: {type(error).__name__}") from error
