"""Channel sections -> Channel values."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

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
from monitor.config.notify_sections import (
    AlertmanagerSection,
    AppriseSection,
    ChannelSection,
    EmailSection,
    PagerdutySection,
    SlackSection,
    WebhookSection,
)
from monitor.config.sections import Sections
from monitor.config.slack import slack_channel
from monitor.config.values import (
    Alertmanager,
    Apprise,
    Channel,
    Email,
    Heartbeat,
    Pagerduty,
    Webhook,
)

SMTP_SCHEMES: Final = ("smtp", "smtps")


@dataclass(frozen=True, slots=True)
class _Place:
    """One channel's section: its name, where it stands, and what is needed to read its secrets."""

    name: str
    path: KeyPath
    folder: Path
    findings: Findings

    def secret(self, key: str, value: SecretStr | None, file: str | None) -> Credential | None:
        return credential(self.path, key, value, file, folder=self.folder, findings=self.findings)

    def needed(self, key: str, value: SecretStr | None, file: str | None) -> Credential | None:
        """Return the secret; that it is not there is a problem."""
        if value is None and file is None:
            missing((*self.path, key), f"give {key} as ${{VARIABLE}}, or {key}_file", self.findings)
        return self.secret(key, value, file)

    def check_https(self, key: str, url: str, *, allow_http: bool) -> None:
        if not url.startswith("https://") and not allow_http:
            message = "expected an https URL; allow_http: true permits http"
            self.findings.bad((*self.path, key), message)


def compile_channels(
    sections: Sections, *, folder: Path, findings: Findings
) -> tuple[Channel, ...]:
    """Return the channels whose section is sound."""
    found = [
        _channel(section, _Place(name, ("notify", "channels", name), folder, findings))
        for name, section in sections.channels.items()
    ]
    return tuple(channel for channel in found if channel is not None)


def compile_heartbeat(sections: Sections, folder: Path, findings: Findings) -> Heartbeat | None:
    """Return the dead-man's switch to ping; None without one."""
    section = sections.root.notify.heartbeat
    if section is None:
        return None
    place = _Place("heartbeat", ("notify", "heartbeat"), folder, findings)
    url = place.needed("url", section.url, section.url_file)
    if url is None:
        return None
    check_secret_url(url, allow_http=section.allow_http, findings=findings)
    return Heartbeat(
        url=url.source,
        every_s=section.every or defaults.HEARTBEAT_EVERY_S,
        allow_http=section.allow_http,
        allow_private=section.allow_private,
    )


def _channel(section: ChannelSection, place: _Place) -> Channel | None:
    match section:
        case SlackSection():
            return slack_channel(section, place.name, place.path, place.folder, place.findings)
        case WebhookSection():
            return _webhook(section, place)
        case PagerdutySection():
            return _pagerduty(section, place)
        case EmailSection():
            return _email(section, place)
        case AlertmanagerSection():
            return _alertmanager(section, place)
        case AppriseSection():
            return _apprise(section, place)


def _webhook(section: WebhookSection, place: _Place) -> Webhook | None:
    url = place.needed("url", section.url, section.url_file)
    signing = place.secret("secret", section.secret, section.secret_file)
    further = [
        from_variable((*place.path, "secrets", index), value, place.findings)
        for index, value in enumerate(section.secrets)
    ]
    secrets = [secret for secret in (signing, *further) if secret is not None]
    for secret in secrets:
        _check_signing(secret, place.findings)
    if url is None:
        return None
    check_secret_url(url, allow_http=section.allow_http, findings=place.findings)
    return Webhook(
        name=place.name,
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


def _pagerduty(section: PagerdutySection, place: _Place) -> Pagerduty | None:
    key = place.needed("routing_key", section.routing_key, section.routing_key_file)
    url = section.api_url or defaults.PAGERDUTY_URLS[section.region]
    place.check_https("api_url", url, allow_http=section.allow_http)
    if key is None:
        return None
    return Pagerduty(
        name=place.name,
        routing_key=key.source,
        url=url,
        allow_http=section.allow_http,
        allow_private=section.allow_private,
    )


def _email(section: EmailSection, place: _Place) -> Email | None:
    complaint = _smtp_complaint(section.smtp)
    if complaint is not None:
        place.findings.bad((*place.path, "smtp"), complaint)
        return None
    password = place.secret("password", section.password, section.password_file)
    if (password is None) != (urlsplit(section.smtp).username is None):
        message = "a user (smtp://USER@HOST) and a password go together"
        place.findings.bad((*place.path, "smtp"), message)
    domain = section.to[0].rpartition("@")[2]
    return Email(
        name=place.name,
        smtp=section.smtp,
        to=tuple(section.to),
        sender=section.sender or f"sonde@{domain}",
        password=None if password is None else password.source,
        allow_plain=section.allow_plain,
    )


def _smtp_complaint(text: str) -> str | None:
    """Say what is wrong with a mail server's address, without repeating it; None: nothing."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return "cannot be read as smtp://HOST:PORT"
    if url.scheme not in SMTP_SCHEMES or not url.hostname or port == 0 or url.path.strip("/"):
        return "expected smtp://HOST:PORT or smtps://HOST:PORT"
    if url.password is not None:
        return "a secret is not written into the file: give it as password or password_file"
    return None


def _alertmanager(section: AlertmanagerSection, place: _Place) -> Alertmanager | None:
    urls = ((section.url,) if section.url is not None else ()) + tuple(section.urls)
    if not urls:
        missing((*place.path, "url"), "give url, or urls of a cluster", place.findings)
    for url in urls:
        place.check_https("url", url, allow_http=section.allow_http)
    token = place.secret("token", section.token, section.token_file)
    return Alertmanager(
        name=place.name,
        urls=urls,
        token=None if token is None else token.source,
        allow_http=section.allow_http,
        allow_private=section.allow_private,
    )


def _apprise(section: AppriseSection, place: _Place) -> Apprise | None:
    if find_spec("apprise") is None:
        place.findings.bad((*place.path, "type"), "needs an extra: pip install 'sonde[apprise]'")
    url = place.needed("url", section.url, section.url_file)
    return None if url is None else Apprise(name=place.name, url=url.source)
