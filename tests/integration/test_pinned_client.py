"""TLS by name to an address that was checked: certificates, server names, addresses in turn."""

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alerting.notification import DeliveryError
from alerting.notifiers import build
from alerting.notifiers.pinned import PinnedClient, checked_url
from probes.secret import Secret, SecretSource
from tests.standins import answers
from tests.standins.webhook_receiver import Receiver
from tests.unit.alerting.messages import FIRING, NOW


def wall() -> float:
    """Return a fixed wall time."""
    return NOW


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a self-signed certificate for `localhost`, and for no address."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path) + ".crt",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return path


@pytest.fixture
async def receiver(certificate: Path) -> AsyncIterator[Receiver]:
    """Start a receiver behind TLS that notes the server names it was asked for."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(f"{certificate}.crt", certificate)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    async with Receiver(None, wall, tls=served) as standin:
        standin.server_names = names
        yield standin


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return a context that trusts this certificate alone."""
    return ssl.create_default_context(cafile=f"{certificate}.crt")


async def test_the_name_is_kept_for_tls_and_host(receiver: Receiver, certificate: Path) -> None:
    """The connection goes to an address; certificate, server name and Host speak of the name."""
    notifier = build(
        "webhook",
        name="ops",
        url=SecretSource(Secret(f"https://localhost:{receiver.port}/hook")),
        wall=wall,
        allow_private=True,
        tls=trusting(certificate),
    )
    await notifier.send(FIRING)
    await notifier.close()
    assert receiver.server_names == ["localhost"]
    assert receiver.hosts == [f"localhost:{receiver.port}"]


async def test_a_certificate_for_another_name_is_refused(
    receiver: Receiver, certificate: Path
) -> None:
    """Pinning the address does not loosen the certificate's check: 127.0.0.1 is not in it."""
    client = PinnedClient(allow_private=True, tls=trusting(certificate))
    url = checked_url(receiver.url, allow_http=False)
    with pytest.raises(DeliveryError) as caught:
        await client.post(url, {}, b"")
    await client.close()
    assert caught.value.retryable
    assert receiver.requests == 0


async def test_a_certificate_nobody_vouches_for_is_refused(receiver: Receiver) -> None:
    """Without the test's own trust, the system's store decides, and knows no such certificate."""
    client = PinnedClient(allow_private=True)
    url = checked_url(f"https://localhost:{receiver.port}/hook", allow_http=False)
    with pytest.raises(DeliveryError, match="did not answer"):
        await client.post(url, {}, b"")
    await client.close()
    assert receiver.requests == 0


async def test_every_post_connects_anew() -> None:
    """No connection outlives its attempt, so every attempt checks its address."""
    peers: set[str] = set()
    async with Receiver(None, wall) as plain:
        client = PinnedClient(allow_private=True)
        url = checked_url(plain.url, allow_http=True)
        for _ in range(3):
            plain.script.append(answers.status(204))
            await client.post(url, {"webhook-id": "m"}, b"{}")
        peers = set(plain.peers)
        await client.close()
    assert len(peers) == 3


class Names:
    """A resolver that answers one name in turn with each of the lists it was given."""

    def __init__(self, *turns: list[str]) -> None:
        self.turns = list(turns)
        self.asked = 0

    def getaddrinfo(self, host: str | bytes, *_arguments: object, **_options: object) -> list[Any]:
        """Stand in for socket.getaddrinfo."""
        assert host == "receiver.example"
        self.asked += 1
        addresses = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, socket.IPPROTO_TCP, "", (each, 0)) for each in addresses]


async def post_to(names: Names, plain: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Post to a name that `names` resolves."""
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    client = PinnedClient(allow_private=True)
    url = checked_url(f"http://receiver.example:{plain.port}/hook", allow_http=True)
    try:
        await client.post(url, {"webhook-id": "m"}, b"{}")
    finally:
        await client.close()


async def test_a_second_answer_of_dns_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what is connected to is what was checked, whatever DNS would say next."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    async with Receiver(None, wall) as plain:
        await post_to(names, plain, monkeypatch)
        assert plain.requests == 1
    assert names.asked == 1


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address nobody listens at costs nothing: the next one is the same attempt."""
    async with Receiver(None, wall) as plain:
        await post_to(Names(["127.0.0.2", "127.0.0.1"]), plain, monkeypatch)
        assert plain.requests == 1


async def test_forbidden_addresses_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several addresses only allowed ones are used; with none left it is tried again later."""
    async with Receiver(None, wall) as plain:
        await post_to(Names(["169.254.169.254", "127.0.0.1"]), plain, monkeypatch)
        assert plain.requests == 1
        with pytest.raises(DeliveryError, match="may not be reached") as caught:
            await post_to(Names(["169.254.169.254", "0.0.0.0"]), plain, monkeypatch)
        assert plain.requests == 1
    assert caught.value.retryable


async def test_private_addresses_need_leave() -> None:
    """Without allow_private a receiver on loopback is not even connected to."""
    async with Receiver(None, wall) as plain:
        notifier = build(
            "webhook",
            name="ops",
            url=SecretSource(Secret(plain.url)),
            wall=wall,
            allow_http=True,
        )
        with pytest.raises(DeliveryError, match="may not be reached") as caught:
            await notifier.send(FIRING)
        await notifier.close()
        assert plain.requests == 0
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://example.com/hook", "not https"),
        ("ftp://example.com/hook", "not https"),
        ("https:///hook", "no host"),
        ("https://example.com:99999/hook", "port"),
        ("https://example.com:port/sekret", "cannot be parsed"),
        ("https://[::1/sekret", "cannot be parsed"),
        ("", "not https"),
    ],
)
def test_unusable_urls_are_refused_without_repeating_them(url: str, fault: str) -> None:
    """A URL is a password: what is wrong with it is said, itself it is not."""
    with pytest.raises(DeliveryError, match=fault) as caught:
        checked_url(url, allow_http=False)
    assert not caught.value.retryable
    assert "sekret" not in str(caught.value)
    assert caught.value.__cause__ is None
