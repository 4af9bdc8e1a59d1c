"""Plain text for people: what comes first, what is left out, and that it calls nobody together."""

from dataclasses import replace

import pytest

from alerting.message import facts, headline, literal, subject, text
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
