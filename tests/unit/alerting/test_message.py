"""Plain text for people: what comes first, what is left out, and that it calls nobody together."""

from dataclasses import replace

import pytest

from alerting.literal import literal
from alerting.message import (
    REMARKS_SHOWN,
    facts,
    headline,
    lines,
    links,
    remarks,
    subject,
    text,
    word,
)
from tests.unit.alerting.groups import GROUP, HUGE, OVER
from tests.unit.alerting.messages import FIRING, RESOLVED

HOSTILE = "<!channel> @everyone @here <@U1> <!here|x> line\nbreak \u202e sk-abcdefghijklmnop"


def test_the_first_line_says_what_it_is() -> None:
    """A telephone shows one line: status, rule, who, how bad."""
    assert text(FIRING).splitlines()[0] == (
        "FIRING: HighLatency: gpt-chat (openai/gpt-4o-mini):"
        " latency.p95 8.2 s > 5 s for 2m \N{EM DASH} provider"
    )
    assert text(RESOLVED).startswith("RESOLVED: HighLatency: ")


def test_everything_known_has_a_line() -> None:
    """Value, condition, since, notes, labels, link; an end adds until and how long."""
    told = text(replace(FIRING, notes=("newest failure: http_5xx",)))
    for line in (
        "Value: 8.2 s", "Condition: latency.p95 > 5s", "Since: 2023-11-14T22:11:20.000Z",
        "Note: newest failure: http_5xx", "Sonde: https://sonde.example/",
    ):  # fmt: skip
        assert f"\n{line}\n" in told
    assert "Lasted" not in told
    assert dict(facts(RESOLVED))["Lasted"] == "14m"


def test_what_is_not_known_has_none() -> None:
    """No empty lines for what a notification lacks."""
    bare = replace(FIRING, value="", condition="", labels=(), url=None)
    assert [title for title, _ in facts(bare)] == ["Since"]
    assert "Sonde:" not in text(bare)


@pytest.mark.parametrize("call", ["<!channel>", "@everyone", "@here", "<@U1>", "<!here"])
def test_nobody_is_called_together(call: str) -> None:
    """What a provider writes is shown, not obeyed, wherever in the message it stands."""
    labels = (("target", HOSTILE), ("team", HOSTILE))
    hostile = replace(
        FIRING, alertname=HOSTILE, summary=HOSTILE, value=HOSTILE, notes=(HOSTILE,), labels=labels
    )
    for shown in (text(hostile), headline(hostile), subject(hostile)):
        assert call not in shown
        assert "\u202e" not in shown
        assert "sk-abc" not in shown
    assert "\n" not in headline(hostile) + subject(hostile)
    assert literal("mail me @ 5 < 6") == "mail me @ 5 < 6"


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        ((("target", "t"), ("provider", "p")), "[warning] HighLatency: t"),
        ((("provider", "p"), ("location", "l")), "[warning] HighLatency: p"),
        ((("location", "l"),), "[warning] HighLatency: l"),
        ((), "[warning] HighLatency"),
    ],
)
def test_the_subject_is_the_same_for_an_alert_and_its_end(
    labels: tuple[tuple[str, str], ...], title: str
) -> None:
    """Named after what it is about; the status is not in it, so that a thread forms."""
    assert subject(replace(FIRING, labels=labels)) == title
    assert subject(replace(RESOLVED, labels=labels)) == title


def test_a_group_says_how_many_first() -> None:
    """Who, how many fire, how many are over; then the loudest with its facts, then the others."""
    told = text(GROUP).splitlines()
    assert told[0] == "FIRING: openai, fault provider: 3 alerts fire, 1 over"
    assert told[2].startswith("critical HighLatency: gpt-chat")
    assert "Note: page the ml team" in told
    assert "runbook_url: https://wiki.example/slow" in told
    at = told.index("warning Slow0: chat-0: slow")
    assert told[at + 1] == "warning Slow1: chat-1: slow"
    assert told[at + 2].startswith("resolved Errors: gpt-chat")


def test_one_of_a_group_may_be_left() -> None:
    """The numbers are grammatical, and alerts that found no room are counted."""
    one = replace(GROUP, others=GROUP.others[2:])
    assert headline(one).endswith("1 alert fires, 1 over")
    assert headline(replace(GROUP, others=GROUP.others[:2])).endswith(": 3 alerts fire")
    assert headline(HUGE).endswith(": 38 alerts fire")
    assert headline(replace(GROUP, group=())) == "3 alerts fire, 1 over"


def test_a_group_that_is_over_says_how_long_it_was() -> None:
    """From the first beginning to the last end."""
    assert text(OVER).startswith("RESOLVED: openai, fault provider: 3 alerts are over after 1h 2m")


def test_ten_others_have_a_line() -> None:
    """The rest is one number: those left out here, and those that found no room at all."""
    told = list(lines(HUGE))
    assert len(told) == 11
    assert told[-1] == "+27 more"


def test_a_repetition_says_so() -> None:
    """Nothing new, but it goes on; an end is never a repetition."""
    assert text(replace(FIRING, why="repeat")).startswith("STILL FIRING: HighLatency: ")
    assert word(replace(RESOLVED, why="repeat")) == "RESOLVED"


def test_a_groups_subject_stays_the_same() -> None:
    """Whatever alert is the loudest just then, or the last: mails make one thread."""
    assert subject(GROUP) == subject(OVER) == "Alerts: openai, fault provider"


def test_alerts_of_an_instance_are_named_after_it() -> None:
    """They have no provider and blame nobody, and a message still says whose they are."""
    bare = replace(GROUP, group=(("provider", ""), ("fault", "")))
    assert (subject(bare), headline(bare)) == ("Alerts", "3 alerts fire, 1 over")
    ours = replace(bare, labels=(("alertname", "Budget"), ("location", "fra1")))
    assert (subject(ours), headline(ours)) == ("Alerts: fra1", "fra1: 3 alerts fire, 1 over")
    burn = replace(ours, group=(("provider", ""), ("fault", "provider")))
    assert subject(burn) == "Alerts: fra1, fault provider"


def test_links_are_ours_and_the_runbooks() -> None:
    """An annotation that is an address, and nothing else that looks like one."""
    assert list(links(GROUP)) == [
        ("Open Sonde", "https://sonde.example/"),
        ("Runbook", "https://wiki.example/slow"),
    ]
    odd = (("a", "https://x.example/ y"), ("b", "javascript:alert(1)"), ("c", "https://x<y"))
    assert list(links(replace(GROUP, url=None, annotations=odd))) == []


def test_remarks_are_bounded() -> None:
    """The rule's own come first; nobody reads on beyond some lines."""
    noted = replace(GROUP, notes=tuple(f"note {number}" for number in range(20)))
    told = remarks(noted)
    assert told[0] == ("Note", "page the ml team")
    assert len(told) == REMARKS_SHOWN
