"""Which addresses a webhook may reach.

A webhook's URL is configuration, but what its host resolves to is somebody else's DNS. The host is
resolved here, every address judged, and the connection made to exactly a judged one, so that no
second look-up can answer otherwise (DNS rebinding).

- Never: link-local (cloud metadata lives there), multicast, unspecified, reserved, and metadata
  services that live elsewhere.
- Only with `allow_private`: loopback and everything else that is not global.

Look-ups run in threads of their own, a few at most: a resolver that hangs then costs neither the
event loop nor the shutdown anything, as it would in the loop's shared executor.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from alerting.notification import DeliveryError

MAX_LOOKUPS: Final = 8
"""Look-ups under way at once, over all channels. A hung resolver may hold these and no more."""
_METADATA: Final = frozenset(
    ip_address(address)
    for address in (
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
        "fd00:ec2::254",
        # https://cloud.google.com/compute/docs/metadata/querying-metadata
        "fd20:ce::254",
        # https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        "100.100.100.200",
        # https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm
        "192.0.0.192",
        # https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
        "168.63.129.16",
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""https://www.rfc-editor.org/rfc/rfc6052: an IPv4 address in its last 32 bits."""

_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


def refusal(address: str, *, allow_private: bool) -> str | None:
    """Say why `address` may not be reached, or None when it may.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as what it is.
    """
    try:
        ip = _innermost(ip_address(address))
    except ValueError:
        return "not an IP address"
    if ip in _METADATA:
        return "a metadata service"
    if ip.is_link_local:
        return "link-local, where metadata services are"
    if ip.is_multicast:
        return "multicast"
    if ip.is_unspecified or _is_this_network(ip):
        return "unspecified"
    if ip.is_loopback:  # before "reserved", which ::1 is as well
        return None if allow_private else "loopback (see allow_private)"
    if ip.is_reserved:
        return "reserved"
    if not ip.is_global and not allow_private:
        return "private (see allow_private)"
    return None


def _innermost(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo[1] if ip.teredo is not None else None
    return ip.ipv4_mapped or ip.sixtofour or teredo or ip


def _is_this_network(ip: IPv4Address | IPv6Address) -> bool:
    """Say whether it is in 0.0.0.0/8, which Linux connects to itself."""
    return isinstance(ip, IPv4Address) and ip.packed[0] == 0


async def allowed_addresses(host: str, *, allow_private: bool) -> tuple[str, ...]:
    """Resolve `host` and return the addresses a connection may go to, in the resolver's order.

    The caller sets the deadline. Raises DeliveryError when the look-up fails or no address is
    allowed: for good if the host is written as an address, else to be tried again, since names get
    wrong answers for a while (a captive portal, a sinkhole) and nothing has been sent.
    """
    found = await _resolve(host)
    reasons: dict[str, str] = {}
    allowed: list[str] = []
    for address in found:
        reason = refusal(address, allow_private=allow_private)
        if reason is None:
            allowed.append(address)
        else:
            reasons[address] = reason
    if not allowed:
        told = ", ".join(f"{address} is {reason}" for address, reason in reasons.items())
        raise DeliveryError(f"{host} may not be reached: {told}", retryable=_is_name(host))
    return tuple(allowed)


def _is_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


async def _resolve(host: str) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def deliver(found: tuple[str, ...] | OSError) -> None:
        if answer.done():  # nobody waits any more
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def look_up() -> None:
        try:
            found = _look_up(host)
        finally:
            _lookups.release()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, found)

    if not _lookups.acquire(blocking=False):
        raise DeliveryError("too many DNS look-ups hang", retryable=True)
    try:
        threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    except RuntimeError as error:
        _lookups.release()
        raise DeliveryError("no thread left for a DNS look-up", retryable=True) from error
    try:
        return await answer
    except OSError as error:
        raise DeliveryError(f"cannot resolve {host}: {error.strerror}", retryable=True) from error


def _look_up(host: str) -> tuple[str, ...] | OSError:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError:
        return OSError(0, "not a host name")
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))
