"""Which addresses a webhook may reach."""

import asyncio
import socket
import threading

import pytest

from alerting.notification import DeliveryError
from alerting.notifiers import addresses
from alerting.notifiers.addresses import allowed_addresses, refusal

NEVER = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%1", "fd00:ec2::254", "fd20:ce::254",
    "100.100.100.200", "192.0.0.192", "168.63.129.16", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1",
    "239.255.255.250", "ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0.0.0.0", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::ffff:224.0.0.1",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.255.0.1", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "fd12:3456::1", "fc00::1", "198.18.0.1", "192.0.2.1", "203.0.113.1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "172.32.0.1", "192.169.0.1", "100.63.255.255", "100.128.0.1", "2606:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    """Metadata services, link-local, multicast, unspecified: not even with allow_private."""
    assert refusal(address, allow_private=True) is not None
    assert refusal(address, allow_private=False) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_only_when_allowed(address: str) -> None:
    """Loopback and whatever is not global needs allow_private, in every notation."""
    assert refusal(address, allow_private=False) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones(address: str) -> None:
    """The rest of the world may be reached."""
    assert refusal(address, allow_private=False) is None


def test_a_name_is_no_address() -> None:
    """What is judged must be an address already."""
    assert refusal("example.com", allow_private=True) is not None


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111"])
async def test_literal_addresses_stay_what_they_are(host: str) -> None:
    """A host that is an address is checked and connected to as it is."""
    assert await allowed_addresses(host, allow_private=False) == (host,)


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1"])
async def test_a_forbidden_literal_is_final(host: str) -> None:
    """A forbidden address in the configuration will not get better by waiting."""
    with pytest.raises(DeliveryError, match="may not be reached") as caught:
        await allowed_addresses(host, allow_private=False)
    assert not caught.value.retryable


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost"])
async def test_other_spellings_of_loopback_are_seen_through(host: str) -> None:
    """What counts is where a connection would go, not how it is written."""
    with pytest.raises(DeliveryError, match="may not be reached"):
        await allowed_addresses(host, allow_private=False)


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..b", "a\x00b"])
async def test_an_unresolvable_host_is_tried_again(host: str) -> None:
    """DNS trouble passes; the name is told, nothing else."""
    with pytest.raises(DeliveryError, match="cannot resolve") as caught:
        await allowed_addresses(host, allow_private=False)
    assert caught.value.retryable


async def test_look_ups_are_bounded() -> None:
    """When hung look-ups hold every place, the next is refused instead of piling up."""
    taken = [addresses._lookups.acquire(blocking=False) for _ in range(addresses.MAX_LOOKUPS)]
    try:
        assert all(taken)
        with pytest.raises(DeliveryError, match="too many") as caught:
            await allowed_addresses("8.8.8.8", allow_private=False)
        assert caught.value.retryable
    finally:
        for _ in taken:
            addresses._lookups.release()
    assert await allowed_addresses("8.8.8.8", allow_private=False) == ("8.8.8.8",)


async def test_a_hung_resolver_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling a wait for DNS ends it at once; the late answer is dropped, its place freed."""
    began, released = threading.Event(), threading.Event()

    def hang(*_arguments: object, **_options: object) -> list[object]:
        began.set()
        released.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(
            allowed_addresses("hung.example", allow_private=False), name="resolve"
        )
        await asyncio.to_thread(began.wait, 5)
        waiting.cancel()
    assert waiting.cancelled()
    released.set()
    for thread in threading.enumerate():
        if thread.name == "resolve hung.example":
            await asyncio.to_thread(thread.join, 5)
    await asyncio.sleep(0)
    monkeypatch.undo()
    assert await allowed_addresses("8.8.8.8", allow_private=False) == ("8.8.8.8",)


async def test_without_threads_a_look_up_fails_and_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine out of threads is no reason to lose a place for ever."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(addresses.MAX_LOOKUPS + 1):
        with pytest.raises(DeliveryError, match="no thread left") as caught:
            await allowed_addresses("8.8.8.8", allow_private=False)
        assert caught.value.retryable


async def test_look_ups_leave_no_thread_behind() -> None:
    """A thread ends with its look-up, and none would keep the process alive."""
    await allowed_addresses("8.8.8.8", allow_private=False)
    for thread in threading.enumerate():
        if thread.name.startswith("resolve "):
            assert thread.daemon
            thread.join(5)
            assert not thread.is_alive()
