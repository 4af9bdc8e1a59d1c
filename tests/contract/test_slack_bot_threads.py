"""A Slack bot's incident: one message that shows how things stand, and a thread of what changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from alerting.notification import DeliveryError, Notifier
from alerting.notifiers import build
from alerting.slack_threads import SLACK_THREADS, Threads
from probes.secret import Secret, SecretSource
from tests.standins import answers, slack
from tests.standins.slack import Slack
from tests.unit.alerting.groups import GROUP, OVER
from tests.unit.alerting.messages import FIRING, NOW

FIRST = replace(GROUP, id="msg_1", why="first", others=())
ADDED = replace(GROUP, id="msg_2", why="added")
SOME = replace(GROUP, id="msg_3", why="some_resolved")


@asynccontextmanager
async def bot(workspace: Slack, threads: Threads | None = None) -> AsyncIterator[Notifier]:
    """Run a bot of that workspace."""
    notifier = build(
        "slack_bot",
        name="team",
        token=SecretSource(Secret(slack.TOKEN)),
        channel=slack.CHANNEL,
        api_url=workspace.api_url,
        wall=lambda: NOW,
        threads=threads,
    )
    yield notifier
    await notifier.close()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    opened = Ledger.open(tmp_path / "a.db", (SLACK_THREADS,), inline=True)
    yield opened
    await opened.close()


async def test_an_incident_is_one_message_with_a_thread() -> None:
    """The first is edited each time; each further one is a reply under it."""
    async with Slack() as workspace, bot(workspace) as notifier:
        for notification in (FIRST, ADDED, SOME, OVER):
            await notifier.send(notification)
        first, *replies = workspace.messages
        assert "thread_ts" not in first
        assert {each["thread_ts"] for each in replies} == {"1700000000.000001"}
        shown = workspace.shown["1700000000.000001"]
    assert shown["text"].startswith("\N{LARGE GREEN CIRCLE} resolved: openai")
    assert shown["blocks"][0]["text"]["text"].endswith("(resolved)")
    assert [each["reply_broadcast"] for each in replies] == [True, False, False]
    assert workspace.pings == workspace.warnings == []


async def test_what_goes_on_is_shown_in_the_channel() -> None:
    """A repetition that only a thread had would wake nobody."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        await notifier.send(replace(FIRST, id="msg_9", why="repeat"))
    assert workspace.messages[1]["reply_broadcast"]


async def test_incidents_are_kept_apart() -> None:
    """Another incident has a message of its own; one that has no name stands alone each time."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        await notifier.send(replace(FIRST, id="msg_8", thread="another"))
        await notifier.send(FIRING)
        await notifier.send(replace(FIRING, id="msg_7"))
    assert ["thread_ts" in each for each in workspace.messages] == [False] * 4


@pytest.mark.parametrize(
    "word", ["message_not_found", "cant_update_message", "edit_window_closed", "something_new"]
)
async def test_what_cannot_be_edited_begins_anew(word: str) -> None:
    """A deleted message, a closed edit window: the news is posted, and edited from then on."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        workspace.frozen = word
        with capture_logs() as logs:
            await notifier.send(ADDED)
        workspace.frozen = None
        await notifier.send(SOME)
    assert ["thread_ts" in each for each in workspace.messages] == [False, False, True]
    assert workspace.messages[2]["thread_ts"] == "1700000000.000002"
    assert [each["event"] for each in logs] == ["slack.begun_anew"]


@pytest.mark.parametrize("answer", [answers.status(503), answers.html(404), answers.reset])
async def test_an_edit_that_fails_for_a_while_is_tried_again(answer: answers.Answer) -> None:
    """Nothing is posted beside an incident's message because Slack, or the way there, is unwell."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        workspace.script.append(answer)
        with pytest.raises(DeliveryError) as caught:
            await notifier.send(ADDED)
        assert caught.value.retryable or caught.value.doubtful
        assert len(workspace.messages) == 1
        await notifier.send(ADDED)
    assert workspace.messages[1]["thread_ts"] == "1700000000.000001"


async def test_a_reply_that_fails_is_made_at_the_next_attempt() -> None:
    """The edit is done twice, which changes nothing; the reply is there once."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        workspace.script += [workspace._update, answers.status(500)]
        with pytest.raises(DeliveryError):
            await notifier.send(ADDED)
        await notifier.send(ADDED)
    assert len(workspace.messages) == 2


async def test_what_was_posted_is_not_posted_again_after_a_restart(ledger: Ledger) -> None:
    """Killed between the post and its mark, the next process finds it told, and the thread too."""
    async with Slack() as workspace:
        for notification in (FIRST, FIRST, ADDED, ADDED, OVER):
            async with bot(workspace, Threads(ledger)) as notifier:
                await notifier.send(notification)
    assert ["thread_ts" in each for each in workspace.messages] == [False, True, True]


async def test_an_answer_without_a_place_is_a_delivery_all_the_same() -> None:
    """`ok: true` is Slack's word; without a name for the message there is nothing to edit."""
    async with Slack() as workspace, bot(workspace) as notifier:
        workspace.script.append(answers.json({"ok": True}))
        await notifier.send(FIRST)
        await notifier.send(ADDED)
    assert ["thread_ts" in each for each in workspace.messages] == [False]


async def test_a_hang_while_editing_costs_the_attempt_alone() -> None:
    """The caller's deadline ends it; the next attempt does the rest."""
    async with Slack() as workspace, bot(workspace) as notifier:
        await notifier.send(FIRST)
        workspace.script.append(answers.hang)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await notifier.send(ADDED)
        await notifier.send(ADDED)
    assert len(workspace.messages) == 2
