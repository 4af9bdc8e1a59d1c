"""Monitor until stopped: probe on schedule, evaluate rules, notify, serve metrics.

examples:
  OPENAI_API_KEY=sk-… sonde run      default targets and rules from the environment
  sonde run sonde.yaml               what the file says
  sonde run --log-level DEBUG        logs every probe, not only those that failed
  sonde run --log-level WARNING      only what needs a look

The page, /metrics, /livez and /readyz are on http://127.0.0.1:8000 unless http.listen says
otherwise. SIGTERM and SIGINT stop within 20 seconds and lose nothing that was measured. A file that
changes is taken up while it runs, and SIGHUP has it read at once; see docs/reload.md.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.ledger_damage import Mended, Mending
from monitor import logs
from monitor.budget.forgotten import count_as_drawn, forgets_budgets
from monitor.cli.naming import add_config
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.load import Loaded, find_config, load
from monitor.config.values import Config
from monitor.daemon import SCHEMAS, Daemon
from monitor.known_secrets import KnownSecrets, known_secrets, secret_sources
from monitor.reload.file import ConfigFile, digest_of
from monitor.threads import DaemonThreads
from monitor.web.assets import Assets, load_assets
from monitor.web.server import ListenError
from probes.lag import LagMeter

log = structlog.get_logger("sonde.run")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(
        parser,
        "default: ./sonde.yaml, then /etc/sonde/sonde.yaml, if there is one; else the environment"
        " alone",
    )
    parser.add_argument(
        "--log-level",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="default: %(default)s",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon; return its exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon listens to it
    try:
        path = find_config(arguments.file, Path.cwd())
        running = None if path is None else digest_of(Path.cwd() / path)
        read = partial(_read, path, Path.cwd())
        loaded = read()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command line's own output
        return 2
    config = loaded.config
    secrets = known_secrets(config)
    stderr = logs.set_up(secrets, level=arguments.log_level, for_good=True)
    for problem in loaded.warnings:
        log.warning("configuration.warning", problem=str(problem))
    _raise_file_limit()
    file = None
    if path is not None:
        learn = partial(_learn, secrets)
        file = ConfigFile(Path.cwd() / path, read, learn, running)
    code = serve(config, file)
    stderr.settle()
    return code


def _read(path: Path | None, cwd: Path) -> Loaded:
    return load(path, os.environ, cwd=cwd, strict=False, now=Clock().wall())


def _learn(secrets: KnownSecrets, loaded: Loaded) -> None:
    secrets.learn(secret_sources(loaded.config))


def _raise_file_limit() -> None:
    """Take as many open files as we may: each connection to us and each probe is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(config: Config, file: ConfigFile | None = None) -> int:
    """Open the ledger, run a daemon on it until a signal comes, and return the exit code.

    `file`: where the configuration came from, and comes from when it changes. Raises
    AssetsMissingError before anything has begun.
    """
    assets = load_assets()
    now = Clock().wall()
    budgets = () if config.cluster else config.budgets  # else Redis knows, and the others
    try:
        ledger = Ledger.open(
            config.store.path,
            SCHEMAS,
            mending=Mending(now, partial(count_as_drawn, budgets=budgets, wall=now)),
        )
    except LedgerError as error:
        print(f"{config.source} store.path: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if ledger.mended is not None:
        _tell(ledger.mended, known=not budgets)
    try:
        lag = LagMeter()
        with asyncio.Runner(loop_factory=lag.new_loop) as runner:
            runner.get_loop().set_default_executor(DaemonThreads())
            runner.run(_until_signalled(config, ledger, lag, file, assets))
    except ListenError as error:
        print(f"{config.source} http.listen: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except LedgerError as error:
        print(f"{config.source} store.path: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except ExceptionGroup as group:
        for failure in _leaves(group):
            log.critical("daemon.failed", error=repr(failure), exc_info=failure)
        return 1
    return 0


def _tell(mended: Mended, *, known: bool) -> None:
    """Log what is left. `known`: budgets are, whatever this ledger has lost of them."""
    drawn = not known and forgets_budgets(mended.lost)
    log.error(
        "ledger.begun_anew",
        reason=mended.reason,
        set_aside=str(mended.aside or ""),
        saved=dict(mended.saved),
        lost=mended.lost,
        budgets_of_today="counted as drawn" if drawn else "known",
    )


async def _until_signalled(
    config: Config, ledger: Ledger, lag: LagMeter, file: ConfigFile | None, assets: Assets
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    daemon = Daemon(config, ledger, lag, file=file, assets=assets)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop, number)
    await daemon.run(stop)


def _on_signal(stop: asyncio.Event, number: int) -> None:
    if stop.is_set():
        # Asked twice: somebody does not want to wait. Everything measured is committed already.
        os._exit(128 + number)
    log.info("signal.received", signal=signal.Signals(number).name)
    stop.set()


def _leaves(error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
