"""List alerts with what became of them, say why people were told or not, acknowledge one.

examples:
  sonde alerts                               what is pending or firing, and who knows
  sonde alerts explain HighLatency           the story of this rule's alerts, line by line
  sonde alerts explain chat --since 7d       of everything about the target chat
  sonde alerts ack 4f1c --comment "on it"    no more messages about this one until it is over

An alert is named by its fingerprint (its beginning will do for ack), its rule or its target. A
daemon may run meanwhile; nothing but an acknowledgement is written. Times are in UTC.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from alerting.match import Match
from alerting.routing.muting import when_text
from alerting.routing.record import Wanted, find, read_standing, read_stories
from alerting.routing.silence import FINGERPRINT, ID_BYTES, Silence, check, cleaned
from alerting.routing.silence_store import SILENCES, TooManySilencesError, add_silence
from alerting.routing.story import Standing, Story, became
from monitor.cli.beside import configured, reading, writing
from monitor.cli.output import put
from monitor.cli.silence import Row, add_author, duration
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.values import Config
from monitor.known_secrets import known_secrets

EPILOG: Final = (
    "Exit codes: 0 done, 1 the ledger cannot be read or written, 2 the command line or the"
    " configuration is wrong, or there is no such alert."
)
MOST_STORIES: Final = 20
"""Stories told at once, the newest: more is not read, and named by their number."""
ACKNOWLEDGED_S: Final = "7d"
TITLES: Final = ("FINGERPRINT", "ALERT", "SEVERITY", "OF", "STATE", "SINCE (UTC)", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    explain = actions.add_parser("explain", help="say why people were told, or not")
    explain.add_argument("word", nargs="?", default="", metavar="ALERTNAME|FINGERPRINT|TARGET")
    explain.add_argument("--since", type=duration, default="24h", metavar="AGO", help="24h, 7d …")
    ack = actions.add_parser("ack", help="no more messages about one alert until it is over")
    ack.add_argument("fingerprint", help="as `sonde alerts` shows it, or its beginning")
    ack.add_argument(
        "--for", dest="for_s", type=duration, default=ACKNOWLEDGED_S, metavar="TIME", help="at most"
    )
    add_author(ack)
    for each, default in ((parser, None), (explain, argparse.SUPPRESS), (ack, argparse.SUPPRESS)):
        each.add_argument("--config", type=Path, default=default, help="default: as sonde run")
        each.add_argument("--json", action="store_true", default=default, help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; 0: done, 1: the ledger refused, 2: a mistake."""
    try:
        config = configured(arguments.config)
        return _ACTIONS[arguments.action](config, arguments, Clock().wall())
    except (ConfigError, ValueError, TooManySilencesError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except LedgerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _list(config: Config, arguments: argparse.Namespace, _now: float) -> int:
    standing = reading(config.store.path, read_standing)
    if arguments.json:
        text = json.dumps([row(each) for each in standing], indent=2)
    else:
        text = "\n".join(table(standing))
    put(text + "\n")
    return 0


def _explain(config: Config, arguments: argparse.Namespace, now: float) -> int:
    wanted = Wanted(arguments.word)
    stories = reading(config.store.path, lambda c: read_stories(c, wanted, now - arguments.since))
    if arguments.json:
        text = json.dumps([_story_row(each) for each in stories], indent=2)
    else:
        text = "\n".join(_texts(stories, arguments.word))
    put(text + "\n")
    return 0


def _ack(config: Config, arguments: argparse.Namespace, now: float) -> int:
    found = find(reading(config.store.path, read_standing), arguments.fingerprint)
    hidden = known_secrets(config)()
    silence = Silence(
        secrets.token_hex(ID_BYTES),
        Match(((FINGERPRINT, (found.identity.fingerprint,)),)),
        now,
        now + arguments.for_s,
        cleaned(arguments.author, hidden),
        cleaned(arguments.comment, hidden),
        until_resolved=True,
    )
    check(silence, (FINGERPRINT,), now)
    writing(config.store.path, (SILENCES,), lambda c: add_silence(c, silence, now))
    if arguments.json:
        text = json.dumps({"id": silence.id, "fingerprint": found.identity.fingerprint})
    else:
        until = when_text(silence.ends_at)
        text = f"{found.identity.rule} is acknowledged until it is over, {until} at the latest"
    put(text + "\n")
    return 0


_ACTIONS: Final = {None: _list, "explain": _explain, "ack": _ack}


def row(standing: Standing) -> Row:
    """Return an alert as a JSON object. Times in seconds since the epoch."""
    return {
        "fingerprint": standing.identity.fingerprint,
        "alertname": standing.identity.rule,
        "labels": dict(standing.identity.labels),
        "state": _state(standing),
        "since": standing.since,
        "fired_at": standing.fired_at,
        "held": standing.held or None,
        "channels": [
            {"channel": place.channel, "told": place.told, "muted": place.muted or None}
            for place in standing.places
        ],
        "became": list(became(standing)),
    }


def _story_row(story: Story) -> Row:
    return {
        "fingerprint": story.identity.fingerprint,
        "alertname": story.identity.rule,
        "labels": dict(story.identity.labels),
        "lines": [{"at": line.at, "text": line.text} for line in story.lines],
        "now": list(story.now),
    }


def _state(standing: Standing) -> str:
    return "pending" if standing.fired_at is None else "firing"


def table(standing: Sequence[Standing]) -> Iterator[str]:
    """Yield the lines that list alerts, aligned; what became of one stands behind it."""
    if not standing:
        yield "no alert is pending or firing"
        return
    cells = [TITLES, *(line for each in standing for line in _cells(each))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _cells(standing: Standing) -> Iterator[tuple[str, ...]]:
    identity = standing.identity
    labels = dict(identity.labels)
    first, *others = became(standing)
    yield (
        identity.fingerprint,
        identity.rule,
        identity.severity.value,
        _of_whom(labels),
        _state(standing),
        _clock_text(standing.since),
        first,
    )
    for other in others:
        yield ("", "", "", "", "", "", other)


def _of_whom(labels: dict[str, str]) -> str:
    found = (labels.get(name) for name in ("target", "provider", "location"))
    return next((each for each in found if each), "")


def _texts(stories: Sequence[Story], word: str) -> Iterator[str]:
    if not stories:
        about = f" of {word}" if word else ""
        yield f"nothing is known{about}: no alert is pending or firing, and none was decided about"
        return
    if len(stories) > MOST_STORIES:
        yield f"the newest {MOST_STORIES} of {len(stories)} alerts; name one for the others"
    for story in stories[-MOST_STORIES:]:
        identity = story.identity
        yield f"{identity.fingerprint}  {identity.rule} of {_of_whom(dict(identity.labels))}"
        for line in story.lines:
            yield f"  {_clock_text(line.at)}  {line.text}"
        for now in story.now or ("over",):
            yield f"  {'now':19}  {now}"


def _clock_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
