"""Channel sections -> Channel values."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from alerting.notifiers.signature import SigningSecretError, signing_key
from monitor.config import defaults
from monitor.config.credentials import (
    Credential,
    check_secret_url,
    credential,
    from_variable,
    missing,
)
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.models import SlackSection, WebhookSection
from monitor.config.providers import LOOPBACK
from monitor.config.sections import Sections
from monitor.config.values import Channel, SlackBot, SlackWebhook, Webhook

TOKEN_PREFIXES: Final = ("xoxb-", "xoxp-", "xoxe.xoxb-", "xoxe.xoxp-")
"""Bot and user tokens, and those that rotate: https://docs.slack.dev/authentication/tokens"""


def compile_channels(
    sections: Sections, *, folder: Path, findings: Findings
) -> tuple[Channel, ...]:
    """Return the channels whose section is sound."""
    found: list[Channel | None] = []
    for name, section in sections.channels.items():
        path = ("notify", "channels", name)
        if isinstance(section, SlackSection):
            found.append(_slack(name, path, section, folder, findings))
        else:
            found.append(_webhook(name, path, section, folder, findings))
    return tuple(channel for channel in found if channel is not None)


def _slack(
    name: str, path: KeyPath, section: SlackSection, folder: Path, findings: Findings
) -> Channel | None:
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


def _webhook(
    name: str, path: KeyPath, section: WebhookSection, folder: Path, findings: Findings
) -> Webhook | None:
    url = credential(path, "url", section.url, section.url_file, folder=folder, findings=findings)
    if section.url is None and section.url_file is None:
        missing((*path, "url"), "give url as ${VARIABLE}, or url_file", findings)
    signing = credential(
        path, "secret", section.secret, section.secret_file, folder=folder, findings=findings
    )
    further = [
        from_variable((*path, "secrets", index), value, findings)
        for index, value in enumerate(section.secrets)
    ]
    secrets = [secret for secret in (signing, *further) if secret is not None]
    for secret in secrets:
        _check_signing(secret, findings)
    if url is None:
        return None
    check_secret_url(url, allow_http=section.allow_http, findings=findings)
    return Webhook(
        name=name,
        url=url.source,
        secrets=tuple(secret.source for secret in secrets),
        allow_http=section.allow_http,
        allow_private=section.allow_private,
    )


def _check_signing(secret: Credential, findings: Findings) -> None:
    if secret.text is None:
        return
    try:
        signing_key(secret.text)
    except SigningSecretError as error:
        findings.credential(secret.path, f"{error}: make one with openssl rand -base64 32")
