"""The demo's promise."""

from monitor.demo.story import Message, Story
from monitor.simulator.script import demo


def message(name: str, status: str, at_s: float, subject: str = "chat") -> Message:
    return Message(name, subject, "critical", status, f"{name} {status}", at_s)


def story(*messages: Message, expected: frozenset[str] = frozenset({"Down"})) -> Story:
    told = Story(expected)
    for each in messages:
        told.tell(each)
    return told


def test_nothing_told_is_not_kept() -> None:
    """A silent monitor fails the demo."""
    assert not story().kept()
    assert story().complaints() == ("Down did not fire",)


def test_fired_but_not_resolved_is_not_kept() -> None:
    """An alert that stands when the demo ends is a complaint."""
    told = story(message("Down", "firing", 1))
    assert not told.kept()
    assert told.complaints() == ("Down of chat did not resolve",)


def test_fired_and_resolved_is_kept() -> None:
    """Firing and its resolution make an episode with both ends."""
    told = story(message("Down", "firing", 1), message("Down", "resolved", 5))
    assert told.kept()
    (episode,) = told.episodes()
    assert episode.end is not None
    assert episode.end.at_s == 5


def test_an_unexpected_alert_must_resolve_too() -> None:
    """Whatever fired must be over at the end."""
    told = story(
        message("Down", "firing", 1), message("Down", "resolved", 5), message("Odd", "firing", 6)
    )
    assert not told.kept()


def test_subjects_are_kept_apart() -> None:
    """One target's resolution does not close another's alert."""
    told = story(message("Down", "firing", 1), message("Down", "resolved", 5, subject="embed"))
    assert told.open() == frozenset({("Down", "chat")})


def test_another_subject_does_not_end_an_episode() -> None:
    """Between firing and resolution others may come and go: each episode ends with its own."""
    told = story(
        message("Down", "firing", 1),
        message("Down", "firing", 2, subject="embed"),
        message("Down", "resolved", 3, subject="embed"),
        message("Down", "resolved", 4),
    )
    ends = [
        (episode.start.subject, episode.end and episode.end.at_s) for episode in told.episodes()
    ]
    assert ends == [("chat", 4), ("embed", 3)]


def test_an_episode_nobody_ended_has_no_end() -> None:
    """Fired last: the episode stands open."""
    (episode,) = story(message("Down", "firing", 1)).episodes()
    assert episode.end is None


def test_a_second_episode_closes_the_first_one_open() -> None:
    """Fired twice without a resolution between: the first episode has no end."""
    told = story(
        message("Down", "firing", 1), message("Down", "firing", 3), message("Down", "resolved", 5)
    )
    first, second = told.episodes()
    assert first.end is None
    assert second.end is not None


def test_the_script_says_what_to_expect() -> None:
    """The story expects every alert that any phase of the script ought to raise."""
    assert Story.of(demo(60)).expected == {"HighLatency", "Account", "Down", "ErrorRate"}
