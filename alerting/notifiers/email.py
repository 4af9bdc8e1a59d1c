"""E-mail through one SMTP server, encrypted unless the configuration says otherwise."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from ssl import SSLContext, create_default_context
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponse,
    SMTPResponseException,
)

from alerting.mail import mail
from alerting.notification import SEND_BUDGET_S, DeliveryError, Notification
from alerting.notifiers.addresses import allowed_addresses
from probes.sanitise import sanitise
from probes.secret import SecretError, SecretSource

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}
"""Submission with STARTTLS, and with TLS from the start: https://www.rfc-editor.org/rfc/rfc8314"""
CONNECT_TIMEOUT_S: Final = 3.0
"""Per address, so that a dead first one leaves time for the second within one attempt."""

QUIT_TIMEOUT_S: Final = 1.0


class EmailNotifier:
    """Sends one mail to all recipients over a connection of its own."""

    def __init__(
        self,
        name: str,
        smtp: str,
        to: tuple[str, ...],
        *,
        sender: str,
        wall: Callable[[], float],
        password: SecretSource | None = None,
        allow_plain: bool = False,
        tls: SSLContext | None = None,
    ) -> None:
        """`smtp`: smtp://[USER@]HOST[:PORT] or smtps://…; `allow_plain`: TLS is not asked for."""
        self.name = name
        self._server, self._to, self._sender, self._wall = urlsplit(smtp), to, sender, wall
        self._password, self._plain = password, allow_plain
        self._tls = tls or create_default_context()

    async def send(self, notification: Notification, /) -> None:
        """Deliver once: success is the server's 250 for the mail and for every recipient."""
        message = mail(notification, sender=self._sender, recipients=self._to, sent_at=self._wall())
        try:
            password = self._password.read().reveal() if self._password is not None else None
            async with asyncio.timeout(SEND_BUDGET_S):
                connection = await _connect(self._server)
                refused = await _hand_over(self._client(connection, password), message, self._to)
        except SecretError as error:  # the file may be being replaced
            raise DeliveryError(str(error), retryable=True) from error
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            raise _meaning(error) from None  # its text is the server's, and may repeat ours
        if refused:  # the others have it: another attempt would be their second mail
            codes = ", ".join(str(code) for code, _ in refused.values())
            raise DeliveryError(f"some recipients were refused: {codes}", retryable=False)

    async def close(self) -> None:
        """Nothing is kept open between mails."""

    def _client(self, connection: socket.socket, password: str | None) -> SMTP:
        implicit = self._server.scheme == "smtps"
        return SMTP(
            hostname=self._server.hostname,
            sock=connection,
            local_hostname=_greeting(connection),
            username=unquote(user) if (user := self._server.username) else None,
            password=password,
            use_tls=implicit,
            start_tls=not implicit and not self._plain,
            tls_context=self._tls,
            timeout=None,  # ours is around it: a wait_for of Python 3.11 may swallow a cancel
        )


async def _hand_over(
    client: SMTP, message: EmailMessage, to: tuple[str, ...]
) -> Mapping[str, SMTPResponse]:
    """Send, and return the recipients that were refused with what was said of them."""
    try:
        await client.connect()
        refused, _ = await client.send_message(message, recipients=to)
        # It is theirs now: how they take our leave must not make it a failure, and a second mail.
        with suppress(SMTPException, OSError):
            async with asyncio.timeout(QUIT_TIMEOUT_S):
                await client.quit()
        return refused
    finally:
        client.close()


async def _connect(server: SplitResult) -> socket.socket:
    """Connect to the first of the server's addresses that answers. Mail servers may be private."""
    port = server.port or DEFAULT_PORTS[server.scheme]
    failed: Exception | None = None
    for address in await allowed_addresses(server.hostname or "", allow_private=True):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
        except (OSError, TimeoutError) as error:
            connection.close()
            failed = error
        except asyncio.CancelledError:
            connection.close()
            raise
        else:
            return connection
    raise DeliveryError(f"the server did not answer: {type(failed).__name__}", retryable=True)


def _greeting(connection: socket.socket) -> str:
    """Return our address as EHLO wants it of a host without a name of its own (RFC 5321, 4.1.3)."""
    address = str(connection.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _meaning(error: Exception) -> DeliveryError:
    """Return what a failed mail means: 4yz passes with time, 5yz does not.

    https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
    """
    if isinstance(error, SMTPRecipientsRefused):
        codes = [each.code for each in error.recipients]
        told = ", ".join(map(str, codes))
        return DeliveryError(f"recipients refused: {told}", retryable=any(c < 500 for c in codes))
    if isinstance(error, SMTPResponseException):
        return DeliveryError(f"the server answered {error.code}", retryable=error.code < 500)
    if isinstance(error, OSError):
        what = type(error).__name__
        return DeliveryError(f"the server did not answer: {what}", retryable=True)
    return DeliveryError(f"the server cannot take it: {sanitise(str(error))}", retryable=False)
