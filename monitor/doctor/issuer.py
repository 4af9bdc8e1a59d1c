"""Who issued a certificate, read from its DER: for one that nobody here trusts.

Python tells the parts of a certificate only after it has verified it. Here nothing is verified: it
is named, so that people see that it is their company's proxy and not the provider.

https://www.rfc-editor.org/rfc/rfc5280#section-4.1
"""

from collections.abc import Iterator
from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
"""[0] EXPLICIT, before the serial number in all but the first version."""
_ORGANISATION: Final = bytes((0x55, 0x04, 0x0A))
_COMMON_NAME: Final = bytes((0x55, 0x04, 0x03))
_WIDE: Final = 0x1E
"""BMPString: two bytes a character."""


def issuer(der: bytes) -> str:
    """Return the issuer's organisation, or its common name; empty when it cannot be read.

    The text is whatever the other side sent.
    """
    try:
        certificate = next(_items(der))[1]
        signed = next(_items(certificate))[1]
        parts = [(tag, value) for tag, value in _items(signed) if tag != _VERSION]
        names = dict(_names(parts[2][1]))  # behind the serial number and the algorithm
    except (IndexError, StopIteration, ValueError):
        return ""
    return names.get(_ORGANISATION) or names.get(_COMMON_NAME) or ""


def _names(name: bytes) -> Iterator[tuple[bytes, str]]:
    for _, group in _items(name):
        for tag, pair in _items(group):
            if tag == _SEQUENCE:
                (_, kind), (how, value) = list(_items(pair))[:2]
                yield kind, value.decode("utf-16-be" if how == _WIDE else "utf-8", "replace")


def _items(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tags and contents one after the other. Raises ValueError, IndexError at a cut."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size])
            at += size
        if at + length > len(der):
            raise ValueError("cut short")
        yield tag, der[at : at + length]
        at += length
