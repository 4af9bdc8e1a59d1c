"""Send a test notification through a channel, and say what came back.

examples:
  sonde notify test pager                 through the channel "pager"
  sonde notify test pager --resolve       and then say that it is over
  sonde notify test --all                 through every channel
  sonde notify test --all --json          for scripts

The alert is called SondeTest and is of severity info. It goes out once, now, past the outbox: a
daemon may be running meanwhile. Nothing is tried again; whether a daemon would is said.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from alerting.notification import (
    SEND_BUDGET_S,
    DeliveryError,
    Notification,
    Notifier,
    Status,
)
from alerting.rule import Severity
from monitor.channels import build_notifiers
from monitor.cli.beside import configured
from monitor.cli.output import put
from monitor.cli.progress import waiting
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.values import Channel, Config
from monitor.known_secrets import known_secrets
from monitor.threads import run as run_loop
from probes.sanitise import sanitise

EPILOG: Final = (
    "Exit codes: 0 every channel took it, 1 one did not, 2 the command line or the configuration"
    " is wrong."
)
NAME: Final = "SondeTest"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message."""

    channel: str
    status: str
    delivered: bool
    said: str
    """What came back, and what a daemon would do about it."""
    took_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=("test",), help="send a test notification")
    parser.add_argument("channel", nargs="?", help="a channel of the configuration")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: as sonde run")
    parser.add_argument("--all", action="store_true", help="every channel, one after the other")
    parser.add_argument("--resolve", action="store_true", help="then say that it is over")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Send and tell; 0: all taken; 1: one was not; 2: no such channel, or no such file."""
    name = arguments.channel
    try:
        config = configured(arguments.config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.all and name is not None:
        sys.stderr.write("name one channel, or say --all\n")
        return 2
    chosen = [each for each in config.channels if arguments.all or each.name == name]
    if not chosen:
        sys.stderr.write(f"{config.source}: {_complaint(config, name)}\n")
        return 2
    sent: list[Sent] = []

    def tell(each: Sent) -> None:
        sent.append(each)
        if not arguments.json:
            put(f"{each.channel}: {each.status}: {each.said} ({each.took_s:.2f} s)\n")

    run_loop(_test(config, chosen, tell, resolve=arguments.resolve))
    if arguments.json:
        put(json.dumps([asdict(each) for each in sent], indent=2) + "\n")
    return 0 if all(each.delivered for each in sent) else 1


def _complaint(config: Config, name: str | None) -> str:
    known = ", ".join(channel.name for channel in config.channels)
    if not known:
        return "no channel is configured"
    if name is None:
        return f"name a channel, or --all; channels: {known}"
    return f'no channel is called "{name}"; channels: {known}'


async def _test(
    config: Config, channels: Sequence[Channel], tell: Callable[[Sent], None], *, resolve: bool
) -> None:
    clock, secrets = Clock(), known_secrets(config)
    for notifier in build_notifiers(channels, clock.wall).values():
        for notification in notifications(config, clock.wall(), resolve=resolve):
            started = clock.monotonic()
            with waiting(f"sending through {notifier.name}"):
                error = await _error_of(notifier, notification)
            took_s = clock.monotonic() - started
            said = "delivered" if error is None else sanitise(error, secrets())
            tell(Sent(notifier.name, notification.status.value, error is None, said, took_s))
        await notifier.close()


def notifications(config: Config, now: float, *, resolve: bool) -> Iterator[Notification]:
    """Yield the test alert as it fires, and as it is over if that is wanted."""
    fingerprint = "5e57000000005e57"
    firing = Notification(
        id=f"msg_test_{now:.0f}_firing",
        status=Status.FIRING,
        alertname=NAME,
        severity=Severity.INFO,
        labels=(("alertname", NAME), ("location", config.location), ("severity", "info")),
        fingerprint=fingerprint,
        condition="",
        value="",
        summary=f"{config.location}: a test of this channel; there is nothing to do",
        starts_at=now,
        fired_at=now,
        thread=f"test_{now:.0f}",
        url=config.public_url,
    )
    yield firing
    if resolve:
        yield replace(
            firing,
            id=f"msg_test_{now:.0f}_resolved",
            status=Status.RESOLVED,
            summary=f"{config.location}: the test of this channel is over",
            ends_at=now,
        )


async def _error_of(notifier: Notifier, notification: Notification) -> str | None:
    """Send once; return what was wrong, and what a daemon would do about it."""
    try:
        async with asyncio.timeout(SEND_BUDGET_S):
            await notifier.send(notification)
    except DeliveryError as error:
        again = "would be tried again" if error.retryable or error.doubtful else "final"
        return f"{error} ({again})"
    except TimeoutError:
        return f"no answer within {SEND_BUDGET_S:.0f} s (would be tried again)"
    return None
