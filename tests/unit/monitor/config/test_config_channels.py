"""Channels, store and HTTP."""

from pathlib import Path

import pytest

from monitor.config.values import (
    Alertmanager,
    Apprise,
    Channel,
    Email,
    Pagerduty,
    SlackBot,
    SlackWebhook,
    Store,
    Webhook,
)
from probes.secret import SecretSource
from tests.unit.monitor.config.configtexts import ENVIRON, SMALL, load_text, refusal


def channel(folder: Path, body: str) -> Channel:
    """Load a configuration with one channel."""
    text = SMALL + f"notify: {{channels: {{c: {{{body}}}}}}}\n"
    (found,) = load_text(folder, text).config.channels
    assert found.name == "c"
    return found


def test_a_slack_webhook(tmp_path: Path) -> None:
    """A webhook URL makes a webhook channel."""
    found = channel(tmp_path, "type: slack, webhook_url: '${HOOK}'")
    assert isinstance(found, SlackWebhook)
    assert found.url.read().reveal() == ENVIRON["HOOK"]
    assert not found.allow_http


@pytest.mark.parametrize("prefix", ["xoxb-", "xoxe.xoxb-", "xoxp-"])
def test_a_slack_bot(tmp_path: Path, prefix: str) -> None:
    """A token and a channel make a bot, at Slack's own address unless told otherwise."""
    (tmp_path / "token").write_text(prefix + "1-2-3\n")
    found = channel(tmp_path, "type: slack, bot_token_file: token, channel: '#alerts'")
    assert found == SlackBot(
        name="c",
        token=SecretSource(path=tmp_path / "token"),
        channel="#alerts",
        api_url="https://slack.com/api/",
    )


def test_a_slack_bot_elsewhere(tmp_path: Path) -> None:
    """The API's address always ends in a slash, as the client appends the method's name."""
    found = channel(
        tmp_path,
        "type: slack, bot_token: '${BOT}', channel: C1, api_url: 'http://127.0.0.1:1/api'",
    )
    assert isinstance(found, SlackBot)
    assert found.api_url == "http://127.0.0.1:1/api/"


def test_a_webhook(tmp_path: Path) -> None:
    """All secrets sign, the one of its own first."""
    found = channel(
        tmp_path,
        "type: webhook, url: '${URL}', secret: '${SIGNING}', secrets: ['${OLD:-}${SIGNING}'],"
        " allow_http: true, allow_private: true",
    )
    assert isinstance(found, Webhook)
    assert [source.read().reveal() for source in found.secrets] == [ENVIRON["SIGNING"]] * 2
    assert (found.allow_http, found.allow_private) == (True, True)


def test_http_where_it_is_allowed(tmp_path: Path) -> None:
    """`allow_http` is what it takes to send in clear text."""
    (tmp_path / "url").write_text("http://receiver.internal/in")
    found = channel(tmp_path, "type: webhook, url_file: url, allow_http: true")
    assert isinstance(found, Webhook)
    assert found.secrets == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("type: slack", "webhook_url: missing: give webhook_url (or webhook_url_file), or bot_tok"),
        ("type: slack, channel: c", "bot_token: missing: give webhook_url"),
        (
            "type: slack, webhook_url: '${HOOK}', bot_token: '${BOT}'",
            ": give a webhook_url or a bot_token, not both",
        ),
        (
            "type: slack, webhook_url: '${HOOK}', channel: c",
            "channel: has an effect only with bot_token",
        ),
        ("type: slack, bot_token: '${BOT}'", "channel: missing: a bot needs a channel"),
        (
            "type: slack, bot_token: '${HOOK}', channel: c",
            "bot_token: this is a webhook's URL: give it as webhook_url",
        ),
        ("type: slack, bot_token: '${KEY}', channel: c", 'bot_token: a bot token begins with "xo'),
        (
            "type: slack, bot_token: '${BOT}', channel: c, api_url: 'http://slack.example/api'",
            "api_url: expected an https URL; allow_http: true permits http",
        ),
        ("type: slack, webhook_url: 'https://x.example/hunter2'", "webhook_url: a secret is not w"),
        ("type: slack, webhook_url: '${BOT}'", "webhook_url: expected a URL such as https://"),
        ("type: slack, webhook_url: '${PLAIN}'", "webhook_url: expected an https URL; allow_http"),
        ("type: webhook", "url: missing: give url as ${VARIABLE}, or url_file"),
        ("type: webhook, url: '${PLAIN}'", "url: expected an https URL; allow_http: true permits"),
        ("type: webhook, url: '${URL}', secret: '${KEY}'", "secret: a signing secret begins with"),
        (
            "type: webhook, url: '${URL}', secrets: [plain]",
            "secrets[0]: a secret is not written into the file",
        ),
        ("type: webhook, url_file: none", "url_file: cannot read "),
    ],
)
def test_channels_that_cannot_work(tmp_path: Path, body: str, problem: str) -> None:
    """A channel that would never deliver is refused, without a word of its secrets."""
    text = SMALL + f"notify: {{channels: {{c: {{{body}}}}}}}\n"
    told = refusal(tmp_path, text, environ={"PLAIN": "http://receiver.internal/in?t=hunter2"})
    assert told.split("notify.channels.c", 1)[1].lstrip(".").startswith(problem)
    assert "hunter2" not in told
    assert ENVIRON["BOT"] not in told


def test_a_bad_token_at_run_time_is_a_warning(tmp_path: Path) -> None:
    """A token that is not there yet, or of an odd kind, costs only its own channel."""
    text = SMALL + (
        "notify:\n  channels:\n"
        "    a: {type: slack, bot_token: '${KEY}', channel: c}\n"
        "    b: {type: slack, bot_token_file: none, channel: c}\n"
        "    c: {type: webhook, url_file: none, secret_file: nothing}\n"
    )
    loaded = load_text(tmp_path, text, strict=False)
    assert [warning.path for warning in loaded.warnings] == [
        "notify.channels.a.bot_token",
        "notify.channels.b.bot_token_file",
        "notify.channels.c.url_file",
        "notify.channels.c.secret_file",
    ]
    assert [found.name for found in loaded.config.channels] == ["a", "b", "c"]


def test_a_signing_variable_that_is_empty_is_warned_of(tmp_path: Path) -> None:
    """An empty secret means unsigned messages: legal, and worth a line."""
    text = SMALL + "notify: {channels: {c: {type: webhook, url: '${URL}', secret: '${NIL}'}}}\n"
    loaded = load_text(tmp_path, text, environ={"NIL": ""})
    assert [warning.path for warning in loaded.warnings] == ["notify.channels.c.secret"]


def test_no_channel_is_warned_of(tmp_path: Path) -> None:
    """Alerts that nobody is told are possible, and said."""
    assert any(
        "nobody is told" in warning.message for warning in load_text(tmp_path, SMALL).warnings
    )


def test_the_store(tmp_path: Path) -> None:
    """Size and retention are read with their units."""
    kept = "{results: 2d, minutes: 30d, hours: 1y}"
    text = SMALL + f"store: {{path: /x/y.db, max_size: 10 MiB, retention: {kept}}}\n"
    assert load_text(tmp_path, text).config.store == Store(
        path=Path("/x/y.db"),
        max_size_bytes=10 * 1024**2,
        retention_results_s=2 * 86_400.0,
        retention_minutes_s=30 * 86_400.0,
        retention_hours_s=365 * 86_400.0,
    )


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65535),
    ],
)
def test_listening(tmp_path: Path, listen: str, host: str, port: int) -> None:
    """A host and a port, with IPv6 in brackets."""
    http = load_text(tmp_path, SMALL + f"http: {{listen: '{listen}'}}\n").config.http
    assert (http.host, http.port, http.token) == (host, port, None)


@pytest.mark.parametrize("listen", ["8000", ":8000", "h:", "h:65536", "::1:80", "h:-1", "a b:1"])
def test_addresses_that_are_none(tmp_path: Path, listen: str) -> None:
    """Everything else is refused, bare IPv6 and a port alone included."""
    told = refusal(tmp_path, SMALL + f"http: {{listen: '{listen}'}}\n")
    assert "http.listen: expected HOST:PORT" in told


def test_listening_widely(tmp_path: Path) -> None:
    """Wider than loopback without a token is warned of; a token file ends that."""
    text = SMALL + "http: {listen: '0.0.0.0:8000'}\n"
    warned = [w.path for w in load_text(tmp_path, text).warnings if "loopback" in w.message]
    assert warned == ["http.listen"]
    (tmp_path / "token").write_text("t")
    with_token = text.replace("'}", "', token_file: token}")
    loaded = load_text(tmp_path, with_token)
    assert not any("loopback" in warning.message for warning in loaded.warnings)
    assert loaded.config.http.token == SecretSource(path=tmp_path / "token")


def test_the_usual_address_from_the_environment(tmp_path: Path) -> None:
    """SONDE_LISTEN is the default; the file wins over it; a wrong one is told by its name."""
    environ = {"SONDE_LISTEN": "0.0.0.0:9"}
    assert load_text(tmp_path, SMALL, environ=environ).config.http.port == 9
    said = SMALL + "http: {listen: '127.0.0.1:7'}\n"
    assert load_text(tmp_path, said, environ=environ).config.http.port == 7
    assert refusal(tmp_path, SMALL, environ={"SONDE_LISTEN": "9"}).startswith(
        "environment SONDE_LISTEN: expected HOST:PORT"
    )


def test_pagerduty(tmp_path: Path) -> None:
    """Events go to the account's own region; the key is a secret."""
    found = channel(tmp_path, "type: pagerduty, routing_key: '${KEY}', region: eu")
    assert isinstance(found, Pagerduty)
    assert found.url == "https://events.eu.pagerduty.com/v2/enqueue"
    assert [source.read().reveal() for source in found.secret_sources] == [ENVIRON["KEY"]]


def test_email(tmp_path: Path) -> None:
    """A sender is made of the first recipient's domain; a password needs a user."""
    body = "type: email, smtp: 'smtps://u@mail.internal', to: [sre@example.com]"
    found = channel(tmp_path, body + ", password: '${KEY}'")
    assert isinstance(found, Email)
    assert (found.sender, found.to) == ("sonde@example.com", ("sre@example.com",))
    assert len(found.secret_sources) == 1
    plain = channel(tmp_path, "type: email, smtp: 'smtp://m:25', to: [a@b.c], from: d@e.f")
    assert isinstance(plain, Email)
    assert (plain.sender, plain.secret_sources) == ("d@e.f", ())


def test_alertmanagers(tmp_path: Path) -> None:
    """One, or those of a cluster; with a bearer token or without."""
    found = channel(
        tmp_path, "type: alertmanager, url: 'https://a.x', urls: ['https://b.x'], token: '${KEY}'"
    )
    assert isinstance(found, Alertmanager)
    assert found.urls == ("https://a.x", "https://b.x")
    assert len(found.secret_sources) == 1


def test_apprise(tmp_path: Path) -> None:
    """Its URL holds everything, and is a secret."""
    found = channel(tmp_path, "type: apprise, url: '${URL}'")
    assert isinstance(found, Apprise)
    assert found.secret_sources == (found.url,)


def test_a_heartbeat(tmp_path: Path) -> None:
    """A minute unless said otherwise."""
    text = SMALL + "notify: {heartbeat: {url: '${URL}'}}\n"
    heartbeat = load_text(tmp_path, text).config.heartbeat
    assert heartbeat is not None
    assert heartbeat.every_s == 60.0


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("type: pagerduty", "routing_key: missing: give routing_key"),
        ("type: email, smtp: 'mail:25', to: [a@b.c]", "expected smtp://HOST:PORT"),
        ("type: email, smtp: 'smtp://[x', to: [a@b.c]", "cannot be read"),
        ("type: email, smtp: 'smtp://u@m', to: [a@b.c]", "go together"),
        ("type: email, smtp: 'smtp://m', to: ['a@b.c, d@e.f']", "expected an e-mail address alone"),
        ("type: email, smtp: 'smtp://m', to: []", "expected at least one entry"),
        ("type: alertmanager", "give url, or urls of a cluster"),
        ("type: alertmanager, url: 'http://a.x'", "allow_http: true permits http"),
        ("type: apprise", "url: missing: give url"),
    ],
)
def test_further_channels_that_cannot_work(tmp_path: Path, body: str, told: str) -> None:
    """Each is refused with what to do."""
    assert told in refusal(tmp_path, SMALL + f"notify: {{channels: {{c: {{{body}}}}}}}\n")


def test_a_password_in_a_mail_servers_address_is_not_repeated(tmp_path: Path) -> None:
    """It is a secret in the file: refused, and not shown."""
    body = "type: email, smtp: 'smtp://u:hunter2@m', to: [a@b.c]"
    told = refusal(tmp_path, SMALL + f"notify: {{channels: {{c: {{{body}}}}}}}\n")
    assert "a secret is not written into the file" in told
    assert "hunter2" not in told


def test_a_heartbeat_without_an_address_is_refused(tmp_path: Path) -> None:
    """It would tell nobody."""
    told = refusal(tmp_path, SMALL + "notify: {heartbeat: {every: 60s}}\n")
    assert "notify.heartbeat.url: missing" in told
