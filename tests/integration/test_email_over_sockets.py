"""Mail against a real SMTP server: TLS, AUTH, refusals, threads, and a server that hangs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alerting.notification import DeliveryError, Notification
from alerting.notifiers.email import EmailNotifier
from probes.secret import Secret, SecretSource
from tests.integration.authority import Authority
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED

PASSWORD = "mail-password-0123456789"
# A self-made reply: both warnings are about plain AUTH, which one of these tests is about.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@dataclass
class Mailbox:
    """What aiosmtpd asks at each step; keeps the mails it took."""

    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    answer: str | None = None
    """Given in the place of 250 once a mail is there."""
    refused: dict[str, str] = field(default_factory=dict)
    """Answers to recipients."""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer is not None:
            return self.answer
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's TLS, and that of a client that trusts it."""
    authority = Authority(tmp_path_factory.mktemp("mail"))
    issued = authority.issue("mail")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(issued.certificate, issued.key)
    return server, ssl.create_default_context(cafile=authority.ca)


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    known = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def serving(
    mailbox: Mailbox,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    auth: bool = False,
    host: str = "127.0.0.1",
) -> AsyncIterator[int]:
    """Serve a mailbox on a free port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            mailbox,
            hostname="mail.example",
            tls_context=starttls,
            authenticator=_authenticate if auth else None,
            auth_required=auth,
            auth_require_tls=starttls is not None,
        ),
        host,
        0,
        ssl=implicit,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def notifier(
    smtp: str,
    *,
    tls: ssl.SSLContext | None = None,
    password: str | None = None,
    plain: bool = False,
) -> EmailNotifier:
    """Return a channel with two recipients."""
    return EmailNotifier(
        "mail",
        smtp,
        ("a@example.com", "b@example.com"),
        sender="sonde@example.com",
        wall=lambda: NOW,
        password=None if password is None else SecretSource(Secret(password)),
        allow_plain=plain,
        tls=tls,
    )


async def failure(channel: EmailNotifier, notification: Notification = FIRING) -> DeliveryError:
    """Send, and return the error that must come of it."""
    with pytest.raises(DeliveryError) as caught:
        await channel.send(notification)
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_starttls_and_auth(papers: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """The usual submission: encrypted before the password, one mail to both."""
    mailbox = Mailbox()
    async with serving(mailbox, starttls=papers[0], auth=True) as port:
        url = f"smtp://sonde%40example.com@127.0.0.1:{port}"
        await notifier(url, tls=papers[1], password=PASSWORD).send(FIRING)
    assert mailbox.encrypted == [True]
    assert mailbox.mails[0]["To"] == "a@example.com, b@example.com"


async def test_a_wrong_password_is_final(papers: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """535 needs a person."""
    async with serving(Mailbox(), starttls=papers[0], auth=True) as port:
        url = f"smtp://sonde@127.0.0.1:{port}"
        error = await failure(notifier(url, tls=papers[1], password="wrong"))
    assert (error.retryable, str(error)) == (False, "the server answered 535")


async def test_tls_from_the_start(papers: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """smtps:// speaks TLS before anything else."""
    mailbox = Mailbox()
    async with serving(mailbox, implicit=papers[0]) as port:
        await notifier(f"smtps://127.0.0.1:{port}", tls=papers[1]).send(FIRING)
    assert len(mailbox.mails) == 1


async def test_no_mail_goes_out_in_plain_text_unasked() -> None:
    """A server that offers no STARTTLS gets nothing, unless the configuration says so."""
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        error = await failure(notifier(f"smtp://127.0.0.1:{port}"))
        assert not error.retryable
        assert "STARTTLS" in str(error)
        assert mailbox.mails == []
        await notifier(f"smtp://127.0.0.1:{port}", plain=True).send(FIRING)
    assert mailbox.encrypted == [False]


async def test_a_certificate_nobody_vouches_for_ends_it(
    papers: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Not sent; certificates are renewed, so it is tried again."""
    mailbox = Mailbox()
    async with serving(mailbox, starttls=papers[0]) as port:
        assert (await failure(notifier(f"smtp://127.0.0.1:{port}"))).retryable
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        ("451 try later", True), ("421 closing", True), ("452 full", True),
        ("550 no such user", False), ("554 spam", False), ("552 too large", False),
    ],
)  # fmt: skip
async def test_four_passes_and_five_does_not(answer: str, retryable: bool) -> None:
    """4yz is tried again, 5yz is final; only the number is repeated."""
    async with serving(Mailbox(answer=answer)) as port:
        error = await failure(notifier(f"smtp://127.0.0.1:{port}", plain=True))
    assert (error.retryable, str(error)) == (retryable, f"the server answered {answer[:3]}")


@pytest.mark.parametrize(
    ("refused", "retryable", "told"),
    [
        ({"a@example.com": "550 gone", "b@example.com": "550 gone"}, False, "refused: 550, 550"),
        ({"a@example.com": "550 gone", "b@example.com": "450 busy"}, True, "refused: 550, 450"),
        ({"b@example.com": "450 busy"}, False, "some recipients were refused: 450"),
    ],
)
async def test_recipients_that_are_refused(
    refused: dict[str, str], retryable: bool, told: str
) -> None:
    """Nobody has it: again if one may be had later. Somebody has it: told, never sent twice."""
    async with serving(Mailbox(refused=refused)) as port:
        error = await failure(notifier(f"smtp://127.0.0.1:{port}", plain=True))
    assert error.retryable is retryable
    assert told in str(error)


async def test_fired_and_over_make_a_thread_whatever_is_tried_again() -> None:
    """The same id on each attempt; all refer to one root, and the subject is the same."""
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        channel = notifier(f"smtp://127.0.0.1:{port}", plain=True)
        for each in (FIRING, FIRING, RESOLVED):
            await channel.send(each)
    first, again, over = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first["References"] == over["References"] == over["In-Reply-To"]
    assert over["Subject"] == f"Re: {first['Subject']}"
    assert over["Message-ID"] != first["Message-ID"]


async def test_ipv6() -> None:
    """An address in brackets is connected to as it is."""
    mailbox = Mailbox()
    async with serving(mailbox, host="::1") as port:
        await notifier(f"smtp://[::1]:{port}", plain=True).send(FIRING)
    assert len(mailbox.mails) == 1


@asynccontextmanager
async def talking(greeting: bytes | None) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Serve what says no more than a greeting, or closes at once."""
    arrived = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        if greeting is not None:
            writer.write(greeting)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], arrived


async def test_a_dropped_connection_is_tried_again() -> None:
    """A server that hangs up before it says anything."""
    async with talking(None) as (port, _):
        assert (await failure(notifier(f"smtp://127.0.0.1:{port}", plain=True))).retryable


async def test_nobody_listens() -> None:
    """Refused connections are tried again; so is a name that does not resolve."""
    async with talking(None) as (port, _):
        pass
    assert (await failure(notifier(f"smtp://127.0.0.1:{port}", plain=True))).retryable


@pytest.mark.parametrize("greeting", [b"", b"220 mail.example ESMTP\r\n"])
async def test_a_server_that_hangs_costs_the_deadline_and_can_be_cancelled(
    greeting: bytes,
) -> None:
    """Before the greeting and after it; cancelled means cancelled."""
    async with talking(greeting) as (port, arrived):
        channel = notifier(f"smtp://127.0.0.1:{port}", plain=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await channel.send(FIRING)
        arrived.clear()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(channel.send(FIRING), name="send")
            await arrived.wait()
            task.cancel()
        assert task.cancelled()


async def test_a_missing_password_file_is_tried_again(tmp_path: Path) -> None:
    """A secret being replaced may be missing for a moment."""
    channel = EmailNotifier(
        "mail", "smtp://u@127.0.0.1:9", ("a@example.com",), sender="s@example.com",
        wall=lambda: NOW, password=SecretSource(path=tmp_path / "none"),
    )  # fmt: skip
    assert (await failure(channel)).retryable
    await channel.close()


async def test_a_server_that_keeps_silent_after_it_took_the_mail_has_it() -> None:
    """A QUIT without an answer is no failure: another attempt would be a second mail."""
    mailbox = Mailbox()

    async def silence(*_asked: object) -> str:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    mailbox.handle_QUIT = silence  # type: ignore[attr-defined]  # looked up by name, per server
    async with serving(mailbox) as port:
        await notifier(f"smtp://127.0.0.1:{port}", plain=True).send(FIRING)
    assert len(mailbox.mails) == 1
