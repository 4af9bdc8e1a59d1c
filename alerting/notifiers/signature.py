"""Signatures as Standard Webhooks has them, so that receivers can use a library they know.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"


class SigningSecretError(Exception):
    """A signing secret is not `whsec_` and base64. The message never holds the secret."""


def signing_key(secret: str) -> bytes:
    """Return the key inside a `whsec_…` secret. Raises SigningSecretError."""
    if not secret.startswith(PREFIX):
        raise SigningSecretError(f"a signing secret begins with {PREFIX}")
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise SigningSecretError(f"a signing secret is base64 after {PREFIX}") from None
    if not key:
        raise SigningSecretError("a signing secret holds no key")
    return key


def signed_headers(
    keys: Iterable[bytes], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers over exactly these bytes; one signature per key, for rotation.

    `timestamp` is that of the attempt, `message_id` the same on every attempt. Without keys there
    is no signature header.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    signatures = [b64encode(hmac.new(key, content, sha256).digest()).decode() for key in keys]
    if signatures:
        headers["webhook-signature"] = " ".join(f"v1,{signature}" for signature in signatures)
    return headers
