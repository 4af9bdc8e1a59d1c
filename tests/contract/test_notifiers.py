"""One suite over every notifier: what each must do with each answer, against strict stand-ins."""

import asyncio
import json as jsonlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from alerting.alertmanager_alerts import BATCH
from alerting.notification import DeliveryError, Notification, Notifier, Status
from alerting.notifiers import KINDS, build
from alerting.rule import Severity
from probes.secret import Secret, SecretSource
from tests.standins import alertmanager, answers, pagerduty, slack
from tests.standins.alertmanager import Alertmanager
from tests.standins.pagerduty import PagerDuty
from tests.standins.server import Server
from tests.standins.slack import Slack
from tests.standins.webhook_receiver import Receiver
from tests.unit.alerting.groups import hostile as group_of_hostile
from tests.unit.alerting.groups import others

NOW = 1_700_000_000.0
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FIRING = Notification(
    id="msg_0123456789abcdef",
    status=Status.FIRING,
    alertname="HighLatency",
    severity=Severity.WARNING,
    labels=(("alertname", "HighLatency"), ("provider", "openai"), ("target", "gpt-chat")),
    fingerprint="00ff00ff00ff00ff",
    condition="latency.p95 > 5s",
    value="8.2 s",
    summary="gpt-chat (openai/gpt-4o-mini): latency.p95 8.2 s > 5 s for 2m — provider",
    starts_at=NOW - 120,
    fired_at=NOW,
    url="https://sonde.example/",
)

SPARSE = replace(FIRING, id="msg_1", labels=(), condition="", value="", summary="x", url=None)
"""As little as there can be: a rule over everything that is not configured any more."""
_ESCAPED = "&" * 10_000
"""The longest text there is, once it is escaped."""
ENORMOUS = replace(
    FIRING,
    alertname=_ESCAPED,
    labels=tuple((name, _ESCAPED) for name in ("model", "provider", "target"))
    + tuple((f"label_{number}", _ESCAPED) for number in range(32)),
    condition=_ESCAPED,
    value=_ESCAPED,
    summary=_ESCAPED,
    url="https://sonde.example/" + "x" * 2_026,
)
"""More than a configuration allows (names of 64 characters, an address of 2,048)."""

_LABELS = tuple((name, "&" * 64) for name in ("alertname", "model", "provider", "target"))
GREATEST = replace(
    ENORMOUS,
    labels=_LABELS,
    notes=(_ESCAPED,) * 8,
    annotations=tuple((f"{number}{_ESCAPED}", _ESCAPED) for number in range(8)),
    group=(("provider", _ESCAPED),),
    thread="t" * 24,
    others=others(199, summary="&" * 200, condition="&" * 200, value="&" * 99, labels=_LABELS),
    more=10_000,
)
"""The most that one message tells."""


@dataclass
class Channel:
    """A notifier, the stand-in it talks to, and how to see what arrived."""

    kind: str
    notifier: Notifier
    server: Server
    arrived: Callable[[], int]
    secret: Path
    """The file that holds the channel's secret."""
    secret_text: str


def _wall() -> float:
    return NOW


OVER_HTTP = sorted(set(KINDS) - {"apprise", "email"})
"""The kinds whose receivers this suite plays; the other two have suites of their own."""


@pytest.fixture(params=OVER_HTTP)
async def channel(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Channel]:
    """Each kind of notifier in turn, its secret in a file, its stand-in listening."""
    path = tmp_path / "secret"
    source = SecretSource(path=path)
    if request.param == "webhook":
        async with Receiver(SIGNING, _wall) as receiver:
            notifier = build(
                "webhook",
                name="ops",
                url=SecretSource(Secret(receiver.url)),
                secrets=(source,),
                wall=_wall,
                allow_http=True,
                allow_private=True,
            )
            path.write_text(SIGNING)
            yield Channel(
                "webhook", notifier, receiver, lambda: len(receiver.deliveries), path, SIGNING
            )
            await notifier.close()
        return
    if request.param == "pagerduty":
        async with PagerDuty() as pager:
            notifier = build(
                "pagerduty",
                name="pager",
                routing_key=source,
                url=pager.url,
                wall=_wall,
                allow_http=True,
                allow_private=True,
            )
            path.write_text(pagerduty.ROUTING_KEY)
            yield Channel(
                "pagerduty", notifier, pager, lambda: len(pager.events), path, pagerduty.ROUTING_KEY
            )
            await notifier.close()
        return
    if request.param == "alertmanager":
        async with Alertmanager() as receiver:
            notifier = build(
                "alertmanager",
                name="am",
                urls=(receiver.origin,),
                token=source,
                wall=_wall,
                allow_http=True,
                allow_private=True,
            )
            path.write_text(alertmanager.TOKEN)
            yield Channel(
                "alertmanager", notifier, receiver, lambda: len(receiver.posts), path,
                alertmanager.TOKEN,
            )  # fmt: skip
            await notifier.close()
        return
    async with Slack() as workspace:
        if request.param == "slack_bot":
            text = slack.TOKEN
            notifier = build(
                "slack_bot",
                name="team",
                token=source,
                channel=slack.CHANNEL,
                api_url=workspace.api_url,
                wall=_wall,
            )
        else:
            text = workspace.webhook_url
            notifier = build("slack_webhook", name="team", url=source, allow_http=True, wall=_wall)
        path.write_text(text + "\n")
        yield Channel(
            request.param, notifier, workspace, lambda: len(workspace.messages), path, text
        )
        await notifier.close()


async def failure(channel: Channel) -> DeliveryError:
    """Send, and return the error that must come of it."""
    with pytest.raises(DeliveryError) as caught:
        await channel.notifier.send(FIRING)
    assert channel.secret_text not in str(caught.value)
    return caught.value


async def test_a_message_arrives_with_one_request(channel: Channel) -> None:
    """A strict receiver accepts the message as it is, at the first request."""
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1
    assert channel.server.requests == 1


async def test_resolved_messages_are_as_valid_as_firing_ones(channel: Channel) -> None:
    """The other status, no link, another severity: still accepted."""
    over = replace(
        FIRING, id="msg_2", status=Status.RESOLVED, ends_at=NOW + 840, url=None,
        severity=Severity.CRITICAL,
    )  # fmt: skip
    await channel.notifier.send(over)
    assert channel.arrived() == 1


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize(
    "extreme", [SPARSE, ENORMOUS, GREATEST], ids=["sparse", "enormous", "greatest"]
)
async def test_whatever_can_be_rendered_is_accepted(
    channel: Channel, extreme: Notification, severity: Severity, status: Status
) -> None:
    """The shortest and the longest of each kind pass every limit the receiver documents."""
    ends_at = NOW + 1e7 if status is Status.RESOLVED else None
    await channel.notifier.send(replace(extreme, severity=severity, status=status, ends_at=ends_at))
    batched = channel.kind == "alertmanager" and extreme is GREATEST
    assert channel.arrived() == (-(-len(GREATEST.alerts) // BATCH) if batched else 1)
    if isinstance(channel.server, Slack):
        assert channel.server.warnings == []


async def test_a_storm_is_accepted_one_by_one(channel: Channel) -> None:
    """A hundred alerts at once are a hundred messages, each with one request of its own."""
    for number in range(100):
        await channel.notifier.send(
            replace(ENORMOUS, id=f"msg_{number}", fingerprint=f"{number:016x}")
        )
    assert (channel.arrived(), channel.server.requests) == (100, 100)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_server_errors_are_tried_again(channel: Channel, code: int) -> None:
    """A 5xx passes with time; the notifier itself tries once only."""
    channel.server.script.append(answers.status(code, "oops"))
    error = await failure(channel)
    assert error.retryable
    assert not error.throttled
    assert channel.server.requests == 1


async def test_throttling_holds_the_channel_as_long_as_it_says(channel: Channel) -> None:
    """429 with Retry-After: retryable, throttled, and the seconds it asked for."""
    channel.server.script.append(answers.status(429, "slow down", Retry_After="7"))
    error = await failure(channel)
    assert (error.retryable, error.throttled, error.retry_after_s) == (True, True, 7.0)
    assert channel.server.requests == 1


async def test_throttling_without_a_time_says_none(channel: Channel) -> None:
    """429 without Retry-After is throttling too; how long is the deliverer's choice."""
    channel.server.script.append(answers.status(429))
    error = await failure(channel)
    assert (error.retryable, error.throttled, error.retry_after_s) == (True, True, None)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
async def test_refusals_are_final(channel: Channel, code: int) -> None:
    """A 4xx speaks of our request or our place there: a repetition is answered the same."""
    channel.server.script.append(answers.status(code, "no_service"))
    assert not (await failure(channel)).retryable


async def test_a_strangers_404_is_doubted(channel: Channel) -> None:
    """A page that is not the receiver's own word: worth a few attempts before it is final."""
    channel.server.script.append(answers.html(404))
    error = await failure(channel)
    assert (error.retryable, error.doubtful) == (False, True)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_redirects_are_not_followed(channel: Channel, code: int) -> None:
    """A redirect is a refusal: nobody is sent to a place that nobody configured."""
    elsewhere = f"{channel.server.origin}/elsewhere"
    channel.server.script.append(answers.status(code, Location=elsewhere))
    error = await failure(channel)
    assert (error.retryable, error.doubtful) == (False, True)
    assert channel.server.requests == 1


async def test_a_page_is_success_only_where_any_2xx_is(channel: Channel) -> None:
    """200 with HTML comes from something that is not Slack; a webhook's 2xx is its word."""
    channel.server.script.append(answers.html())
    if channel.kind in ("webhook", "alertmanager"):
        await channel.notifier.send(FIRING)
    else:
        assert (await failure(channel)).retryable


async def test_an_error_page_is_tried_again(channel: Channel) -> None:
    """A proxy's 502 page is a server error whatever it looks like."""
    channel.server.script.append(answers.html(502))
    assert (await failure(channel)).retryable


@pytest.mark.parametrize("body", [[], "ok", 1, None, {}, {"ok": False}, {"ok": ""}])
async def test_json_that_is_not_a_yes_is_no_success_at_slack(
    channel: Channel, body: object
) -> None:
    """Slack means `ok: true` or the bare text; any other JSON is no delivery."""
    channel.server.script.append(answers.json(body))
    if channel.kind in ("webhook", "alertmanager"):  # their 200 is their word
        await channel.notifier.send(FIRING)
    else:
        assert (await failure(channel)).retryable


async def test_a_dropped_connection_is_tried_again(channel: Channel) -> None:
    """A reset before any answer is the transport's failure."""
    channel.server.script.append(answers.reset)
    assert (await failure(channel)).retryable


async def test_a_refused_connection_is_tried_again(channel: Channel) -> None:
    """Nobody listens: retryable, and said without the URL."""
    await channel.server.__aexit__(None, None, None)
    assert (await failure(channel)).retryable


async def test_a_hang_ends_with_the_callers_deadline(channel: Channel) -> None:
    """A receiver that never answers costs the deadline and nothing more."""
    channel.server.script.append(answers.hang)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await channel.notifier.send(FIRING)
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1


async def test_cancellation_passes_through(channel: Channel) -> None:
    """A cancelled send ends as cancelled, and the notifier can be used again."""
    channel.server.script.append(answers.hang)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(channel.notifier.send(FIRING), name="send")
        await channel.server.arrived.wait()
        task.cancel()
    assert task.cancelled()
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1


async def test_an_endless_answer_is_not_read(channel: Channel) -> None:
    """A body without end is neither collected nor waited for."""
    channel.server.script.append(answers.endless)
    async with asyncio.timeout(5):
        if channel.kind in ("webhook", "alertmanager"):
            await channel.notifier.send(FIRING)
        else:
            assert (await failure(channel)).retryable


async def test_a_missing_secret_file_is_tried_again(channel: Channel) -> None:
    """A secret being replaced may be missing for a moment; nothing is sent without it."""
    channel.secret.unlink()
    assert (await failure(channel)).retryable
    assert channel.server.requests == 0


async def test_the_secret_is_read_at_each_send(channel: Channel) -> None:
    """A rotated secret file counts from the next attempt on, without a restart."""
    wrong = {
        "webhook": "whsec_d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc=",
        "slack_bot": "xoxb-wrong",
        "slack_webhook": channel.secret_text + "x",
        "pagerduty": channel.secret_text[:-1],
        "alertmanager": "another",
    }
    channel.secret.write_text(wrong[channel.kind])
    assert not (await failure(channel)).retryable
    channel.secret.write_text(channel.secret_text)
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1


async def test_a_secret_of_the_wrong_kind_is_refused_unsent(channel: Channel) -> None:
    """A secret in the wrong place goes nowhere."""
    wrong = {
        "webhook": "not-a-signing-secret",
        "slack_bot": "https://hooks.slack.com/services/T0/B0/pasted",
        "slack_webhook": "xoxb-a-token",
        "pagerduty": "https://events.pagerduty.com/integration/pasted/enqueue",
    }
    if channel.kind not in wrong:
        return  # a bearer token may look like anything
    channel.secret.write_text(wrong[channel.kind])
    error = await failure(channel)
    assert not error.retryable
    assert "pasted" not in str(error)
    assert channel.server.requests == 0


@pytest.fixture
def proxied_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy that does not exist in every variable a library may look at."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


async def test_proxies_of_the_environment_are_ignored(
    proxied_environment: None, channel: Channel
) -> None:
    """Proxy variables meant for other programs do not divert alerts."""
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1


async def test_hostile_labels_make_no_mention(channel: Channel) -> None:
    """What a label says is shown, not obeyed: no mention, no link, no broken message."""
    hostile = "<!channel> <!here> <@U123> <https://evil.example|ok> & \n *b* \ud800 \u202e"
    labels = (("alertname", hostile), ("target", hostile), ("team", hostile), ("model", ""))
    await channel.notifier.send(
        replace(FIRING, alertname=hostile, labels=labels, summary=hostile * 40, value=hostile)
    )
    assert channel.arrived() == 1
    await channel.notifier.send(group_of_hostile())
    assert channel.arrived() == 2
    if isinstance(channel.server, Slack):
        assert channel.server.pings == []
        assert "<!channel>" not in jsonlib.dumps(channel.server.messages)


async def test_closing_is_harmless_before_and_after_use(channel: Channel) -> None:
    """A channel that never sent, and one that is closed twice, close quietly."""
    await channel.notifier.close()
    await channel.notifier.close()


async def test_an_unknown_kind_is_refused() -> None:
    """The registry builds what it knows."""
    with pytest.raises(KeyError):
        build("pigeon", name="roof")


@pytest.mark.parametrize("channel", ["slack_bot"], indirect=True)
@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("invalid_auth", False), ("not_authed", False), ("not_allowed_token_type", False),
        ("account_inactive", False), ("token_expired", False), ("token_revoked", False),
        ("missing_scope", False), ("no_permission", False), ("ekm_access_denied", False),
        ("channel_not_found", False), ("not_in_channel", False), ("is_archived", False),
        ("restricted_action", False), ("restricted_action_read_only_channel", False),
        ("no_text", False), ("msg_too_long", False), ("msg_blocks_too_long", False),
        ("invalid_blocks", False), ("too_many_attachments", False), ("invalid_arguments", False),
        ("invalid_json", False), ("something_new", False),
        ("ratelimited", True), ("rate_limited", True), ("internal_error", True),
        ("fatal_error", True), ("service_unavailable", True), ("request_timeout", True),
        ("team_added_to_org", True), ("org_login_required", True),
        ("message_limit_exceeded", True),
    ],
)  # fmt: skip
async def test_slack_errors_by_code(channel: Channel, code: str, retryable: bool) -> None:
    """chat.postMessage answers 200 with `ok: false` and a code: only passing ones are retried."""
    assert isinstance(channel.server, Slack)
    channel.server.refusing = code
    error = await failure(channel)
    assert error.retryable is retryable
    assert code in str(error)


@pytest.mark.parametrize("channel", ["slack_webhook"], indirect=True)
@pytest.mark.parametrize(("code", "status"), slack.WEBHOOK_REFUSALS.items())
async def test_webhook_errors_by_code(channel: Channel, code: str, status: int) -> None:
    """An incoming webhook answers a status and a word: Slack's own failures alone pass."""
    assert isinstance(channel.server, Slack)
    channel.server.refusing = code
    error = await failure(channel)
    assert error.retryable is (status >= 500)
    assert f"{status}: {code}" in str(error)


@pytest.mark.parametrize("channel", ["slack_bot", "slack_webhook"], indirect=True)
async def test_slacks_own_rate_limit(channel: Channel) -> None:
    """Slack's 429, with its body, holds the channel; afterwards the message is taken."""
    assert isinstance(channel.server, Slack)
    channel.server.throttled_s = 30
    error = await failure(channel)
    assert (error.retryable, error.throttled, error.retry_after_s) == (True, True, 30.0)
    channel.server.throttled_s = None
    await channel.notifier.send(FIRING)
    assert channel.arrived() == 1


@pytest.mark.parametrize("channel", ["slack_bot"], indirect=True)
@pytest.mark.parametrize(
    ("place", "code"),
    [(slack.NOT_JOINED, "not_in_channel"), ("#gone", "channel_not_found")],
)
async def test_a_channel_that_is_not_ours_is_final(channel: Channel, place: str, code: str) -> None:
    """A bot that was not invited, and a channel that does not exist: a person must act."""
    assert isinstance(channel.server, Slack)
    elsewhere = build(
        "slack_bot",
        name="team",
        token=SecretSource(Secret(slack.TOKEN)),
        channel=place,
        api_url=channel.server.api_url,
        wall=_wall,
    )
    with pytest.raises(DeliveryError, match=code) as caught:
        await elsewhere.send(FIRING)
    await elsewhere.close()
    assert not caught.value.retryable


@pytest.mark.parametrize("channel", ["slack_bot"], indirect=True)
@pytest.mark.parametrize("token", ["sk-proj-0123456789", "xapp-1-A0", "alerts"])
async def test_a_token_of_another_kind_is_refused_unsent(channel: Channel, token: str) -> None:
    """Only bot and user tokens may post; another program's key is not sent to Slack."""
    channel.secret.write_text(token)
    error = await failure(channel)
    assert not error.retryable
    assert token not in str(error)
    assert channel.server.requests == 0


def test_the_registry_imports_no_sdk() -> None:
    """A daemon without Slack does not spend its start on Slack's SDK."""
    probe = "import sys, alerting.notifiers as n; print('slack_sdk' in sys.modules, len(n.KINDS))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "7"]
