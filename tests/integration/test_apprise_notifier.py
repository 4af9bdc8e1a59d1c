"""Apprise against loopback servers: Twilio's own payload, and what each answer means."""

# Apprise does not type what a plugin is registered with:
# mypy: disable-error-code="no-untyped-call"

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from apprise import NotificationManager
from apprise.plugins.twilio import NotifyTwilio

from alerting.notification import DeliveryError
from alerting.notifiers.apprise import AppriseNotifier
from probes.secret import Secret, SecretSource
from tests.standins import answers
from tests.standins.server import Server
from tests.unit.alerting.messages import FIRING, RESOLVED

# Apprise loads every plugin it has, and some of them load what Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "fedcba9876543210" * 2
TWILIO = f"localtwilio://{SID}:{TOKEN}@15551230000/15551230001"


class Sink(Server):
    """Takes any POST and keeps its body."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[str] = []
        self.paths: list[str] = []
        self._app.router.add_post("/{path:.*}", self._take)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.text())
        self.paths.append(request.path)
        return web.json_response({"sid": "SM0"}, status=201)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Serve a sink."""
    async with Sink() as serving:
        yield serving


@pytest.fixture
def twilio(sink: Sink) -> Iterator[None]:
    """Apprise's own Twilio plugin under another name, whose API is the sink."""

    class LocalTwilio(NotifyTwilio):
        secure_protocol = "localtwilio"
        notify_sms_url = sink.origin + "/2010-04-01/Accounts/{sid}/Messages.json"

    NotificationManager().add(LocalTwilio)
    yield
    NotificationManager().remove("localtwilio", unload=False)


@asynccontextmanager
async def channel(url: str) -> AsyncIterator[AppriseNotifier]:
    """Make a channel of a URL, and close it."""
    made = AppriseNotifier("rest", SecretSource(Secret(url)), wall=lambda: 0.0)
    yield made
    await made.close()


def webhook(sink: Server) -> str:
    """Return Apprise's URL of the sink as a receiver of JSON."""
    return f"json://127.0.0.1:{sink.port}/"


async def test_twilio_gets_a_message_as_its_api_wants_it(sink: Sink, twilio: None) -> None:
    """From, To and Body of an SMS, at the account's address: what, with whom, how bad."""
    async with channel(TWILIO) as sms:
        await sms.send(FIRING)
    (body,) = map(parse_qs, sink.bodies)
    assert sink.paths == [f"/2010-04-01/Accounts/{SID}/Messages.json"]
    assert (body["From"], body["To"]) == (["+15551230000"], ["+15551230001"])
    assert "FIRING" in body["Body"][0]
    assert "latency.p95 8.2 s" in body["Body"][0]


async def test_a_yes_is_success_and_an_end_is_told_as_one(sink: Sink) -> None:
    """Apprise's kinds: a warning that fires, a success once it is over."""
    async with channel(webhook(sink)) as rest:
        await rest.send(FIRING)
        await rest.send(RESOLVED)
    assert ['"type": "warning"' in body for body in sink.bodies] == [True, False]
    assert '"type": "success"' in sink.bodies[1]


@pytest.mark.parametrize(
    "answer",
    [
        answers.status(400), answers.status(404), answers.status(429, Retry_After="7"),
        answers.status(500), answers.html(502), answers.reset,
        answers.status(302, Location="http://127.0.0.1:9/elsewhere"),
    ],
)  # fmt: skip
async def test_a_no_is_tried_again(sink: Sink, answer: answers.Answer) -> None:
    """It does not say why, so it may pass; the URL is in no message, a redirect is not followed."""
    sink.script.append(answer)
    async with channel(webhook(sink)) as rest:
        with pytest.raises(DeliveryError) as caught:
            await rest.send(FIRING)
    assert (caught.value.retryable, "127.0.0.1" in str(caught.value)) == (True, False)
    assert (sink.requests, sink.bodies) == (1, [])


async def test_a_hang_costs_the_deadline_and_the_next_attempt_waits(sink: Sink) -> None:
    """The thread that hangs is let go; a second one beside it is not begun."""
    sink.script.append(answers.hang)
    async with channel(webhook(sink)) as rest:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await rest.send(FIRING)
        with pytest.raises(DeliveryError, match="has not come back") as caught:
            await rest.send(FIRING)
        assert caught.value.retryable


@pytest.mark.parametrize("url", ["pigeon://roof", "no URL at all", "https://"])
async def test_what_apprise_does_not_know_is_final(url: str) -> None:
    """Nothing is sent; the URL is not repeated."""
    async with channel(url) as rest:
        with pytest.raises(DeliveryError) as caught:
            await rest.send(FIRING)
    assert not caught.value.retryable
    assert url not in str(caught.value)
