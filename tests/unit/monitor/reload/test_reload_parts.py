"""What decides about a changed file: when it is read, what of it is run, how an attempt ends."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.stores.delivery import Destination
from monitor.config.errors import ConfigError, Problem
from monitor.config.load import Loaded
from monitor.config.values import Config, HistoryStore, Http, Influxdb, Store
from monitor.metrics import Metrics
from monitor.reload.file import ConfigFile, digest_of
from monitor.reload.fixed import keeping_fixed
from monitor.reload.reloads import EVERY_S, NotTakenError, Reloads
from monitor.reload.watch import Settling
from probes.secret import SecretSource

CONFIG = Config(source="sonde.yaml", location="here", providers=(), targets=(), rules=())
INFLUXDB = Influxdb(destination=Destination(url="http://127.0.0.1:1", org="", bucket="sonde"))


def test_a_content_is_read_when_it_stood_still() -> None:
    """A new content is read at the second look that sees it, once."""
    settling = Settling(b"one")
    looks = [b"one", b"half", b"two", b"two", b"two"]
    assert [settling.look(each) for each in looks] == [False, False, False, True, True]
    settling.tried(b"two")
    assert not settling.look(b"two")


def test_a_file_that_is_not_there_is_no_content() -> None:
    """While an editor swaps the file nothing is read, and what comes back as it was is not new."""
    settling = Settling(b"one")
    assert not any(settling.look(each) for each in [None, None, b"one", b"one"])


def test_what_was_refused_is_not_read_again_by_itself() -> None:
    """A bad content is tried once; the one before it, back again, is a new one."""
    settling = Settling(b"good")
    settling.look(b"bad")
    assert settling.look(b"bad")
    settling.tried(b"bad")
    assert not settling.look(b"bad")
    assert [settling.look(b"good"), settling.look(b"good")] == [False, True]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"location": "there"}, "location"),
        ({"public_url": "https://sonde.example"}, "public_url"),
        ({"http": Http(port=9000)}, "http.listen"),
        ({"http": Http(token=SecretSource(path=Path("token")))}, "http.token_file"),
        ({"store": Store(path=Path("other.db"))}, "store.path"),
        ({"store": Store(influxdb=INFLUXDB)}, "store.influxdb"),
    ],
)
def test_what_needs_a_restart_keeps_its_value(change: dict[str, object], key: str) -> None:
    """It is named, and everything else is taken up."""
    wanted = replace(CONFIG, evaluate_every_s=7.0, **change)  # type: ignore[arg-type] # a table
    config, needs_restart = keeping_fixed(CONFIG, wanted)
    assert needs_restart == (key,)
    assert config == replace(CONFIG, evaluate_every_s=7.0)


def test_the_store_s_bounds_are_taken_up() -> None:
    """Retention, size, and who is asked about the past where both can answer."""
    running = replace(CONFIG, store=Store(influxdb=INFLUXDB))
    store = Store(influxdb=INFLUXDB, max_size_bytes=1, history=HistoryStore.INFLUXDB)
    wanted = replace(running, store=store)
    assert keeping_fixed(running, wanted) == (wanted, ())


def test_nobody_asks_an_influxdb_that_is_not_there() -> None:
    """History stays with the ledger when the InfluxDB beside it needs a restart."""
    wanted = replace(CONFIG, store=Store(influxdb=INFLUXDB, history=HistoryStore.INFLUXDB))
    config, needs_restart = keeping_fixed(CONFIG, wanted)
    assert config.store.history is HistoryStore.LEDGER
    assert needs_restart == ("store.influxdb",)


@dataclass
class Daemon:
    """Takes configurations up as it is told to."""

    taken: list[str] = field(default_factory=list)
    may_go_on: asyncio.Event | None = None
    error: Exception | None = None
    needs_restart: tuple[str, ...] = ()

    async def take_up(self, config: Config) -> tuple[str, ...]:
        if self.error is not None:
            raise self.error
        self.taken.append(config.source)
        if self.may_go_on is not None:
            await self.may_go_on.wait()
        return self.needs_restart


def reading(path: Path) -> Callable[[], Loaded]:
    def load() -> Loaded:
        text = path.read_text()
        if text.startswith("bad"):
            raise ConfigError((Problem("sonde.yaml", "no such thing", "targets", 3, 7),))
        if text.startswith("bug"):
            raise RecursionError
        return Loaded(replace(CONFIG, source=text), ())

    return load


def watched(path: Path) -> ConfigFile:
    return ConfigFile(path, reading(path), running=digest_of(path))


@asynccontextmanager
async def at_work(
    path: Path | None, daemon: Daemon, spread: Callable[[], None] = lambda: None
) -> AsyncIterator[Reloads]:
    """Have the file watched meanwhile."""
    file = None if path is None else watched(path)
    reloads = Reloads(file, daemon.take_up, lambda: 5.0, Metrics("here", "1"), spread)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(reloads.run())
        yield reloads
        running.cancel()


def good(reloads: Reloads) -> float:
    return float(reloads._metrics.config_good._value.get())


async def until(look: Callable[[], object]) -> None:
    for _ in range(1_000):
        if look():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("in vain")


async def test_who_asks_is_answered_at_once(tmp_path: Path) -> None:
    """Asked, the file is read whether it changed or not."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    daemon = Daemon(needs_restart=("location",))
    async with at_work(path, daemon) as reloads:
        at_the_start = reloads.newest
        assert at_the_start is None
        reloads.ask()
        await until(lambda: reloads.newest)
        assert reloads.newest is not None
        assert reloads.newest.needs_restart == ("location",)
        assert (reloads.newest.at, reloads.newest.error) == (5.0, "")
    assert daemon.taken == ["one"]


async def test_a_bad_file_is_told_with_its_line(tmp_path: Path) -> None:
    """Log, state and metric say that the configuration before runs on; the next one is taken."""
    path = tmp_path / "sonde.yaml"
    path.write_text("bad")
    daemon = Daemon()
    with capture_logs() as log:
        async with at_work(path, daemon) as reloads:
            reloads.ask()
            await until(lambda: reloads.newest)
            assert reloads.newest is not None
            assert reloads.newest.error == "sonde.yaml:3:7 targets: no such thing"
            assert good(reloads) == 0
            path.write_text("two")
            reloads.ask()
            await until(lambda: daemon.taken)
            await until(lambda: good(reloads) == 1)
    refused = [each for each in log if each["event"] == "config.reload_refused"]
    assert [each["problems"] for each in refused] == [["sonde.yaml:3:7 targets: no such thing"]]


async def test_what_cannot_be_taken_up_is_told(tmp_path: Path) -> None:
    """A valid file that fails on the way leaves everything as it is, and says so."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    daemon = Daemon(error=NotTakenError("it could not be taken up: ValueError"))
    async with at_work(path, daemon) as reloads:
        reloads.ask()
        await until(lambda: reloads.newest)
        assert reloads.newest is not None
        assert "ValueError" in reloads.newest.error
        assert good(reloads) == 0


async def test_a_bug_in_reading_is_no_end(tmp_path: Path) -> None:
    """What breaks before anything changed is told, and the configuration before runs on."""
    path = tmp_path / "sonde.yaml"
    path.write_text("bug")
    daemon = Daemon()
    with capture_logs():
        async with at_work(path, daemon) as reloads:
            reloads.ask()
            await until(lambda: reloads.newest)
            assert reloads.newest is not None
            assert reloads.newest.error == "it could not be read: RecursionError"
            path.write_text("one")
            reloads.ask()
            await until(lambda: daemon.taken)


async def test_one_attempt_at_a_time(tmp_path: Path) -> None:
    """Whoever asks while an attempt is under way is heard after it, and then once."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    daemon = Daemon(may_go_on=asyncio.Event())
    async with at_work(path, daemon) as reloads:
        reloads.ask()
        await until(lambda: daemon.taken)
        path.write_text("two")
        for _ in range(3):
            reloads.ask()
        assert daemon.may_go_on is not None
        daemon.may_go_on.set()
        await until(lambda: len(daemon.taken) == 2)
        path.write_text("three")
        reloads.ask()
        await until(lambda: len(daemon.taken) == 3)
    assert daemon.taken == ["one", "two", "three"]


@pytest.mark.looptime
async def test_a_change_during_the_start_is_seen(tmp_path: Path) -> None:
    """What is compared is the content that was read, not what the file held when we came round."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    file = watched(path)
    path.write_text("two")  # the ledger is still being read
    daemon = Daemon()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(
            Reloads(file, daemon.take_up, lambda: 5.0, Metrics("here", "1")).run()
        )
        await until(lambda: daemon.taken)
        running.cancel()
    assert daemon.taken == ["two"]


def test_a_pipe_is_not_looked_at(tmp_path: Path) -> None:
    """Who hands the configuration over in one (`sonde run <(...)`) has it read once, and whole."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert digest_of(path) is None


async def test_without_a_file_there_is_nothing_to_do() -> None:
    """Asked, it says so and goes on waiting."""
    daemon = Daemon()
    with capture_logs() as log:
        async with at_work(None, daemon) as reloads:
            for _ in range(2):
                heard = len(log)
                reloads.ask()
                await until(lambda heard=heard: len(log) > heard)
    assert [each["event"] for each in log] == ["config.nothing_to_reload"] * 2
    assert daemon.taken == []


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path: Path) -> None:
    """Nothing is raised: it may be there again at the next look."""
    file = ConfigFile(tmp_path / "gone.yaml", reading(tmp_path / "gone.yaml"))
    assert file.digest() is None
    file.path.write_text("one")
    assert file.digest() is not None
    assert EVERY_S > 0


async def test_a_failure_in_the_step_itself_ends_the_daemon(tmp_path: Path) -> None:
    """Never half of both: what fails there goes up to whoever starts us again."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    daemon = Daemon(error=RuntimeError("half done"))
    with pytest.RaisesGroup(RuntimeError):
        async with at_work(path, daemon) as reloads:
            reloads.ask()
            await asyncio.sleep(5)


async def test_what_is_taken_up_here_is_told_to_the_others(tmp_path: Path) -> None:
    """And a file that was refused is not."""
    path = tmp_path / "sonde.yaml"
    path.write_text("bad")
    told: list[str] = []
    daemon = Daemon()
    async with at_work(path, daemon, partial(told.append, "spread")) as reloads:
        reloads.ask()
        await until(lambda: reloads.newest)
        assert told == []
        path.write_text("two")
        reloads.ask()
        await until(lambda: told)
    assert (daemon.taken, told) == (["two"], ["spread"])


async def test_a_hint_takes_up_what_is_new_and_is_not_passed_on(tmp_path: Path) -> None:
    """Another replica took one up: our file is looked at now, and nobody hears an echo."""
    path = tmp_path / "sonde.yaml"
    path.write_text("one")
    told: list[str] = []
    daemon = Daemon()
    async with at_work(path, daemon, partial(told.append, "spread")) as reloads:
        reloads.hint()
        await asyncio.sleep(0.05)
        assert daemon.taken == []
        path.write_text("two")
        reloads.hint()
        await until(lambda: daemon.taken)
        await asyncio.sleep(0.05)
    assert (daemon.taken, told) == (["two"], [])


async def test_a_hint_without_a_file_is_nothing() -> None:
    """There is nothing to look at, and nobody asked."""
    daemon = Daemon()
    with capture_logs() as log:
        async with at_work(None, daemon) as reloads:
            reloads.hint()
            await asyncio.sleep(0.05)
    assert log == []
