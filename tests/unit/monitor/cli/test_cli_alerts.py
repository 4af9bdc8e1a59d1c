"""`sonde alerts`: what became of alerts, told from the tables that a daemon writes."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest

from aggregator.ledger_file import make_file, open_writer
from alerting.alert import Identity
from alerting.inhibition import Held, Reason
from alerting.notification import Notification, Status
from alerting.outbox import due, enqueue, mark_retry, mark_sent
from alerting.routing.group import Timing
from alerting.routing.router import Decision, Event, Group, Member
from alerting.routing.silence_store import SILENCES, load_silences
from alerting.routing.store import log_decisions, save_groups
from alerting.rule import Severity
from alerting.state import Firing, Pending, State
from alerting.store import ALERTING, save_held, save_states
from monitor.cli import main
from monitor.cli.beside import reading, writing
from monitor.clock import Clock
from tests.unit.alerting.routing.routed import identity

CONFIG = """\
store: {path: sonde.db}
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:9/v1"}}
targets: [{name: chat, provider: p, model: m}]
"""
NOW = float(int(Clock().wall())) - 600
DOWN = identity()
SLOW = identity("HighLatency", Severity.WARNING)
BUDGET = Identity("Budget", (("alertname", "Budget"), ("provider", "p"), ("severity", "critical")))
GROUP = ("team", (("provider", "openai"),))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that a daemon has made: once, as its tables take a while."""
    path = tmp_path_factory.mktemp("made") / "sonde.db"
    make_file(path)
    open_writer(path, (ALERTING, SILENCES)).close()
    return path


@pytest.fixture
def folder(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with such a ledger beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sonde.yaml").write_text(CONFIG)
    copy(empty, tmp_path / "sonde.db")
    return tmp_path


def write(folder: Path, *works: Callable[[sqlite3.Connection], object]) -> None:
    """Do what a daemon does with its ledger."""
    for work in works:
        writing(folder / "sonde.db", (), work)


def _states(connection: sqlite3.Connection) -> None:
    """One fires and was told, one is held back, one waits."""
    states: dict[Identity, State] = {
        DOWN: Firing(NOW, NOW),
        SLOW: Firing(NOW, NOW + 120),
        BUDGET: Pending(NOW + 60),
    }
    save_states(connection, states, NOW)
    save_held(connection, {SLOW: Held(Reason.LOUDER)})
    save_groups(connection, [Group(GROUP, Timing(), {DOWN: Member(NOW, told=True)}, NOW, 1)])


def _decisions(connection: sqlite3.Connection) -> None:
    routed = Decision(DOWN, Event.ROUTED, "team", "provider=openai")
    log_decisions(connection, [routed, Decision(DOWN, Event.TOLD, "team", "first")], NOW)
    held = Decision(SLOW, Event.INHIBITED, "", "louder: Down")
    log_decisions(connection, [held], NOW + 120)


def _message(connection: sqlite3.Connection) -> None:
    """A message that the team took the second time."""
    notification = Notification(
        id="msg",
        status=Status.FIRING,
        alertname="Down",
        severity=Severity.CRITICAL,
        labels=DOWN.labels,
        fingerprint=DOWN.fingerprint,
        condition="",
        value="3",
        summary="",
        starts_at=NOW,
        fired_at=NOW,
    )
    enqueue(
        connection, [notification, replace(notification, id="x", fingerprint="y")], ["team"], NOW
    )
    (first, _) = due(connection, "team", NOW, 10)
    mark_retry(connection, first, NOW, "HTTP 503")
    mark_sent(connection, first.seq, NOW + 7)


def test_alerts_are_listed_with_what_became_of_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told, held back, or not firing yet; as a table and for scripts."""
    write(folder, _states)
    assert main(["alerts"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    by_name = {line.split()[1]: line for line in lines}
    assert by_name["Down"].endswith("team: told")
    assert "critical" in by_name["Down"]
    assert " chat " in by_name["Down"]
    assert "held back: a louder alert" in by_name["HighLatency"]
    assert "pending" in by_name["Budget"]
    assert main(["alerts", "--json"]) == 0
    rows = {row["alertname"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["Down"]["channels"] == [{"channel": "team", "told": True, "muted": None}]
    assert rows["HighLatency"]["held"] == "louder"
    assert rows["Budget"]["fired_at"] is None


@pytest.mark.parametrize("word", ["Down", DOWN.fingerprint])
def test_a_story_is_told_line_by_line(
    folder: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    """Of the alert of this name, and of no other."""
    write(folder, _states, _decisions, _message)
    assert main(["alerts", "explain", word]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == f"{DOWN.fingerprint}  Down of chat"
    assert [line[23:] for line in lines] == [
        "its condition became true",
        "fired; joined the group provider=openai of team",
        "a message to team says that it fires (first)",
        "team took the message that it fires, after 2 attempts",
        "team: told",
    ]


def test_a_target_has_the_stories_of_all_its_alerts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of others are left out; for scripts too."""
    write(folder, _states, _decisions, _message)
    assert main(["alerts", "explain", "chat", "--json"]) == 0
    stories = {each["alertname"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(stories) == {"Down", "HighLatency"}
    texts = [line["text"] for line in stories["HighLatency"]["lines"]]
    assert texts[-1] == "fired; held back: a louder alert of the same says it (Down)"
    assert stories["HighLatency"]["now"] == ["held back: a louder alert of the same says it"]
    assert main(["alerts", "explain"]) == 0
    assert "Budget of p" in capsys.readouterr().out


def test_what_is_over_is_told_as_far_back_as_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its story is in the log, though it is no alert any more."""
    write(folder, _decisions)
    assert main(["alerts", "explain", "HighLatency"]) == 0
    assert capsys.readouterr().out.endswith(f"  {'now':19}  over\n")
    assert main(["alerts", "explain", "HighLatency", "--since", "1m"]) == 0
    assert capsys.readouterr().out.startswith("nothing is known of HighLatency")


def test_many_stories_are_cut(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To the newest, with their number."""
    many = [Decision(identity(target=f"t{n}"), Event.NO_ROUTE) for n in range(30)]
    write(folder, lambda c: log_decisions(c, many, NOW))
    assert main(["alerts", "explain", "Down"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("the newest 20 of 30 alerts; name one for the others\n")
    assert text.count("nobody is told") == 20


def test_an_alert_is_acknowledged_by_the_beginning_of_its_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A silence of it alone, until it is over."""
    write(folder, _states)
    ack = ["alerts", "ack", DOWN.fingerprint[:8], "--comment", "on it", "--author", "ann"]
    assert main(ack) == 0
    assert capsys.readouterr().out.startswith("Down is acknowledged until it is over, 20")
    assert main([*ack, "--json", "--for", "1h"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == DOWN.fingerprint
    first, second = reading(folder / "sonde.db", lambda c: load_silences(c, 0.0))
    assert first.until_resolved
    assert second.until_resolved
    assert second.ends_at - second.starts_at == 7 * 86_400
    assert first.match.fields == (("fingerprint", (DOWN.fingerprint,)),)


@pytest.mark.parametrize(
    ("name", "told"), [("zz", "no alert that is pending or firing"), ("", "several alerts begin")]
)
def test_what_is_no_alert_cannot_be_acknowledged(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    """Nor several at once."""
    write(folder, _states)
    assert main(["alerts", "ack", name, "--comment", "x", "--author", "ann"]) == 2
    assert told in capsys.readouterr().err


def test_where_nothing_is_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No alert; no ledger; a configuration that is wrong."""
    assert main(["alerts"]) == 0
    assert capsys.readouterr().out == "no alert is pending or firing\n"
    assert main(["alerts", "explain"]) == 0
    assert capsys.readouterr().out.startswith("nothing is known: ")
    (folder / "sonde.db").unlink()
    assert main(["alerts"]) == 1
    assert "there is no ledger yet" in capsys.readouterr().err
    (folder / "sonde.yaml").write_text("targets: 3")
    assert main(["alerts"]) == 2


def test_a_ledger_that_is_too_old_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One without the tables."""
    write(folder, lambda c: c.execute("DROP TABLE held_alerts"))
    assert main(["alerts"]) == 1
    assert "no such table" in capsys.readouterr().err
