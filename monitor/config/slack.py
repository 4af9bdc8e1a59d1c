"""Sections of Slack -> channel values."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from monitor.config import defaults
from monitor.config.credentials import Credential, check_secret_url, credential, missing
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.notify_sections import SlackSection
from monitor.config.providers import LOOPBACK
from monitor.config.values import SlackBot, SlackWebhook

TOKEN_PREFIXES: Final = ("xoxb-", "xoxp-", "xoxe.xoxb-", "xoxe.xoxp-")
"""Bot and user tokens, and those that rotate: https://docs.slack.dev/authentication/tokens"""


def slack_channel(
    section: SlackSection, name: str, path: KeyPath, folder: Path, findings: Findings
) -> SlackWebhook | SlackBot | None:
    """Return the channel of a sound section."""
    by_webhook = section.webhook_url is not None or section.webhook_url_file is not None
    by_bot = section.bot_token is not None or section.bot_token_file is not None
    if by_webhook and by_bot:
        findings.bad(path, "give a webhook_url or a bot_token, not both")
        return None
    if by_bot:
        return _slack_bot(name, path, section, folder, findings)
    if not by_webhook:
        key = "bot_token" if section.channel is not None else "webhook_url"
        what = (
            "give webhook_url (or webhook_url_file), or bot_token (or bot_token_file) and channel"
        )
        missing((*path, key), what, findings)
        return None
    for key in ("channel", "api_url"):
        if getattr(section, key) is not None:
            message = "has an effect only with bot_token: an incoming webhook has its own channel"
            findings.bad((*path, key), message, key=True)
    url = credential(
        path,
        "webhook_url",
        section.webhook_url,
        section.webhook_url_file,
        folder=folder,
        findings=findings,
    )
    if url is None:
        return None
    check_secret_url(url, allow_http=section.allow_http, findings=findings)
    return SlackWebhook(name=name, url=url.source, allow_http=section.allow_http)


def _slack_bot(
    name: str, path: KeyPath, section: SlackSection, folder: Path, findings: Findings
) -> SlackBot | None:
    token = credential(
        path,
        "bot_token",
        section.bot_token,
        section.bot_token_file,
        folder=folder,
        findings=findings,
    )
    if section.channel is None:
        findings.bad((*path, "channel"), "missing: a bot needs a channel, such as #alerts")
    api_url = section.api_url or defaults.SLACK_API_URL
    parts = urlsplit(api_url)
    if parts.scheme == "http" and not (section.allow_http or parts.hostname in LOOPBACK):
        message = "expected an https URL; allow_http: true permits http"
        findings.bad((*path, "api_url"), message)
    if token is None or section.channel is None:
        return None
    _check_token(token, findings)
    slash = "" if api_url.endswith("/") else "/"
    return SlackBot(name=name, token=token.source, channel=section.channel, api_url=api_url + slash)


def _check_token(token: Credential, findings: Findings) -> None:
    if token.text is None or token.text.startswith(TOKEN_PREFIXES):
        return
    if token.text.startswith(("http://", "https://")):
        findings.bad(token.path, "this is a webhook's URL: give it as webhook_url")
        return
    findings.credential(token.path, 'a bot token begins with "xoxb-": copy it from the app\'s page')
