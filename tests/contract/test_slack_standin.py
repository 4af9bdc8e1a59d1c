"""The stand-in for Slack refuses what Slack's documentation says is refused, in Slack's words."""

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.standins import slack
from tests.standins.slack import Slack

GOOD: dict[str, Any] = {
    "text": "hello",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "head", "emoji": True}},
        {"type": "divider"},
        {
            "type": "section",
            "block_id": "one",
            "text": {"type": "mrkdwn", "text": "words", "verbatim": True},
            "fields": [{"type": "mrkdwn", "text": "field"}],
        },
        {"type": "section", "fields": [{"type": "plain_text", "text": "field"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "go"},
                    "url": "https://sonde.example/",
                    "value": "1",
                    "action_id": "go",
                    "style": "danger",
                }
            ],
        },
    ],
}
"""A message with everything the stand-in knows, at no limit."""

Path = tuple[str | int, ...]
BUTTON: Path = ("blocks", 5, "elements", 0)
TEXT = {"type": "mrkdwn", "text": "x"}
LONG_SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2500}}

BAD_FOR_BOTH: list[tuple[str, Path, Any]] = [
    ("no_text", ("text",), ""),
    ("no_text", ("text",), "  "),
    ("no_text", ("text",), None),
    ("msg_too_long", ("text",), "x" * 40_001),
    ("too_many_attachments", ("attachments",), [{"text": "x"}] * 101),
    ("invalid_blocks", ("blocks",), "[]"),
    ("invalid_blocks", ("blocks",), [{"type": "divider"}] * 51),
    ("invalid_blocks", ("blocks", 1), "divider"),
    ("invalid_blocks", ("blocks", 1), {"type": "carousel"}),
    ("invalid_blocks", ("blocks", 1), {"text": TEXT}),
    ("invalid_blocks", ("blocks", 1, "colour"), "red"),
    ("invalid_blocks", ("blocks", 1, "block_id"), "one"),
    ("invalid_blocks", ("blocks", 1, "block_id"), "x" * 256),
    ("invalid_blocks", ("blocks", 0, "text", "text"), ""),
    ("invalid_blocks", ("blocks", 0, "text", "text"), "x" * 151),
    ("invalid_blocks", ("blocks", 0, "text", "type"), "mrkdwn"),
    ("invalid_blocks", ("blocks", 0, "text", "emoji"), "yes"),
    ("invalid_blocks", ("blocks", 2, "text"), "words"),
    ("invalid_blocks", ("blocks", 2, "text", "text"), "x" * 3001),
    ("invalid_blocks", ("blocks", 2, "text", "type"), "html"),
    ("invalid_blocks", ("blocks", 2, "text", "emoji"), True),
    ("invalid_blocks", ("blocks", 2, "fields"), []),
    ("invalid_blocks", ("blocks", 2, "fields"), [TEXT] * 11),
    ("invalid_blocks", ("blocks", 2, "fields", 0, "text"), "x" * 2001),
    ("invalid_blocks", ("blocks", 3), {"type": "section"}),
    ("invalid_blocks", ("blocks", 4, "elements"), []),
    ("invalid_blocks", ("blocks", 4, "elements"), [TEXT] * 11),
    ("invalid_blocks", ("blocks", 4), {"type": "context"}),
    ("invalid_blocks", ("blocks", 5, "elements"), []),
    ("invalid_blocks", ("blocks", 5, "elements"), [{"type": "button", "text": TEXT}] * 26),
    ("invalid_blocks", BUTTON, {"type": "checkboxes"}),
    ("invalid_blocks", (*BUTTON, "text", "text"), "x" * 76),
    ("invalid_blocks", (*BUTTON, "text"), TEXT),
    ("invalid_blocks", (*BUTTON, "url"), ""),
    ("invalid_blocks", (*BUTTON, "url"), "javascript:alert(1)"),
    ("invalid_blocks", (*BUTTON, "url"), "https://" + "x" * 3000),
    ("invalid_blocks", (*BUTTON, "value"), "x" * 2001),
    ("invalid_blocks", (*BUTTON, "value"), 1),
    ("invalid_blocks", (*BUTTON, "action_id"), "x" * 256),
    ("invalid_blocks", (*BUTTON, "style"), "loud"),
    ("msg_blocks_too_long", ("blocks",), [LONG_SECTION] * 4),
]  # fmt: skip


def spoilt(path: Path, value: Any) -> dict[str, Any]:
    """Return the good message with one thing in it replaced or added."""
    message = deepcopy(GOOD)
    node: Any = message
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return message


@pytest.fixture
async def workspace() -> AsyncIterator[Slack]:
    """Run the stand-in."""
    async with Slack() as running:
        yield running


async def posted(workspace: Slack, message: dict[str, Any], **changes: Any) -> str:
    """Post as the unmodified SDK does, and return Slack's word: "ok", or what is wrong."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            changes.pop("token", slack.TOKEN), workspace.api_url, session=session, retry_handlers=[]
        )
        body = {"channel": slack.CHANNEL, **message, **changes}
        try:
            await client.api_call("chat.postMessage", json=body)
        except SlackApiError as error:
            return str(error.response["error"])
    return "ok"


async def hooked(workspace: Slack, message: dict[str, Any], path: str = "") -> tuple[int, str]:
    """Post to the webhook as the unmodified SDK does; return status and word."""
    url = workspace.origin + (path or slack.WEBHOOK_PATH)
    async with aiohttp.ClientSession() as session:
        answer = await AsyncWebhookClient(url, session=session, retry_handlers=[]).send_dict(
            message
        )
    return answer.status_code, answer.body


async def test_a_good_message_is_taken(workspace: Slack) -> None:
    """Both ways, without a warning; each limit is a limit, not less."""
    full = spoilt(("blocks", 0, "text", "text"), "x" * 150)
    assert await posted(workspace, GOOD) == await posted(workspace, full) == "ok"
    assert await hooked(workspace, GOOD) == await hooked(workspace, full) == (200, "ok")
    assert len(workspace.messages) == 4
    assert workspace.warnings == []


@pytest.mark.parametrize(("word", "path", "value"), BAD_FOR_BOTH)
async def test_a_bad_message_is_refused(
    workspace: Slack, word: str, path: Path, value: object
) -> None:
    """One thing wrong is enough, and the word is the documented one."""
    message = spoilt(path, value)
    assert await posted(workspace, message) == word
    assert await hooked(workspace, message) == (400, word)
    assert workspace.messages == []


async def test_unknown_fields_are_refused(workspace: Slack) -> None:
    """A field nobody documents is a mistake, and so is a bot's field in a webhook."""
    assert await posted(workspace, GOOD, colour="red") == "invalid_arguments"
    assert await posted(workspace, GOOD, parse="some") == "invalid_arguments"
    assert await hooked(workspace, GOOD | {"colour": "red"}) == (400, "invalid_payload")
    assert await hooked(workspace, GOOD | {"channel": "#any"}) == (400, "invalid_payload")


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("", "not_authed"), ("xoxp-1-2-user", "not_allowed_token_type"),
        ("xapp-1-A-app", "not_allowed_token_type"), ("xoxb-1-2-wrong", "invalid_auth"),
    ],
)  # fmt: skip
async def test_tokens(workspace: Slack, token: str, word: str) -> None:
    """No token, one of another kind, one that is nobody's."""
    assert await posted(workspace, GOOD, token=token) == word


@pytest.mark.parametrize(
    ("place", "word"), [(slack.NOT_JOINED, "not_in_channel"), ("#gone", "channel_not_found")]
)
async def test_channels(workspace: Slack, place: str, word: str) -> None:
    """A channel the bot is not in, one that does not exist."""
    assert await posted(workspace, GOOD, channel=place) == word


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/services/T9/B9/x", 404, "no_team"), ("/services/T0000/B9/x", 404, "no_service"),
        ("/services/T0000/B0000/x", 403, "invalid_token"),
    ],
)  # fmt: skip
async def test_webhook_addresses(workspace: Slack, path: str, status: int, word: str) -> None:
    """The wrong team, a removed webhook, the wrong secret."""
    assert await hooked(workspace, GOOD, path) == (status, word)


@pytest.mark.parametrize(
    ("content_type", "body", "word"),
    [
        ("text/html", "{}", "invalid_post_type"),
        ("application/json; charset=utf-7", "{}", "invalid_charset"),
        ("application/json; charset=utf-8", "{", "invalid_json"),
        ("application/json; charset=utf-8", "[]", "json_not_object"),
    ],
)
async def test_bodies(workspace: Slack, content_type: str, body: str, word: str) -> None:
    """A type, a character set, a text that is not JSON; a webhook has one word for them all."""
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {slack.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{workspace.api_url}chat.postMessage", data=body) as answer:
            assert await answer.json() == {"ok": False, "error": word}
        async with session.post(workspace.webhook_url, data=body) as answer:
            assert (answer.status, await answer.text()) == (400, "invalid_payload")


async def test_a_missing_content_type_is_refused(workspace: Slack) -> None:
    """Nobody guesses what a body is."""
    headers = {"Authorization": f"Bearer {slack.TOKEN}"}
    async with aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session:
        post = session.post(f"{workspace.api_url}chat.postMessage", data=b"{}", headers=headers)
        async with post as answer:
            assert (await answer.json())["error"] == "missing_post_type"


async def test_a_missing_charset_is_a_warning(workspace: Slack) -> None:
    """The message is taken, and the answer says what was missing."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {slack.TOKEN}"}
    body = b'{"channel": "#alerts", "text": "hello"}'
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{workspace.api_url}chat.postMessage", data=body) as answer:
            document = await answer.json()
    assert document["ok"] is True
    assert document["response_metadata"] == {"warnings": ["missing_charset"]}
    assert workspace.warnings == ["missing_charset"]
