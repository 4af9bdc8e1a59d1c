"""Make text from outside fit to be stored, shown and sent on.

What a provider writes in an error is hostile input: it may echo our key, hide text behind
bidirectional overrides, forge log lines with newlines, or be a megabyte long. Two functions:
`redact` takes secrets out and leaves the rest alone (log lines, tracebacks); `sanitise` also makes
one short printable line of it (details of results, messages to people). Sanitising twice changes
nothing.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from probes.result import DETAIL_LIMIT

MASK: Final = "***"

MIN_SECRET_CHARS: Final = 4
"""Shorter known values are not masked: they would eat letters out of every word."""

MIN_PART_CHARS: Final = 8
"""Of a value such as `Bearer …` or `session=…` a server may echo the second part alone. Shorter
ones are the names of schemes."""
_BETWEEN: Final = re.compile(r"[\s=;,]+")

MIN_BASE64_CHARS: Final = 8
"""Nor are shorter pieces of base64, which could be a part of any word."""

SCAN_LIMIT: Final = 16 * 1024
"""Characters looked at. Far more than the 200 that are kept, so that what folds away does not eat
the message, and few enough that a megabyte of text does not hold up the event loop."""

START_BYTES: Final = 64 * 1024
"""Of a body that cannot be read, so much is looked at: far beyond SCAN_LIMIT, for where it is cut a
part of a secret may be left, which nothing would know again."""

_HINT: Final = re.compile(
    r"sk-|xai-|xox|xapp-|whsec_|hooks\.slack|bearer|basic|api[_-]key|://", re.IGNORECASE
)
"""What any of the patterns needs to match; most texts have none of it."""

_PATTERNS: Final = (
    # OpenAI keys, also as OpenAI echoes them with stars in the middle.
    (re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_*\-]{6,}"), MASK),
    (re.compile(r"(?<![A-Za-z0-9])xai-[A-Za-z0-9_*\-]{6,}"), MASK),
    # Slack bot, user and app tokens: https://docs.slack.dev/authentication/tokens
    (re.compile(r"(?<![A-Za-z0-9])(?:xox[a-z]|xapp)-[A-Za-z0-9\-]{6,}"), MASK),
    # Standard Webhooks signing secrets: https://www.standardwebhooks.com
    (re.compile(r"(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=_\-]{6,}"), MASK),
    # A Slack incoming webhook's path is its password.
    (re.compile(r"(?i)(hooks\.slack\.com)/[^\s\"'<>]+"), rf"\1/{MASK}"),
    (
        re.compile(r"(?i)\b(bearer|basic)(\s+)(?=[^\s]*[0-9._~+/=\-])[\w.~+/=\-]{8,}"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)(\bapi[_-]key[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&<>]{4,}"), rf"\1{MASK}"),
    # user:password@ in an address
    (re.compile(r"(://)[^/\s@]{1,256}@"), rf"\1{MASK}@"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the known secrets, and whatever has the shape of a key, with `***`."""
    return _mask_shapes(_mask_values(text, _spellings(tuple(secrets))))


def sanitise(text: str, secrets: Iterable[str] = ()) -> str:
    """Make one printable line of at most `DETAIL_LIMIT` characters, without secrets.

    Control and format characters (bidirectional overrides, zero-width characters), lone surrogates
    and unassigned code points go; runs of white space become one space.
    """
    known = _spellings(tuple(secrets))
    # By value before folding (a secret may hold two spaces) and after (it may hold a hidden
    # character); by shape last, when nothing can hide inside a key any more.
    folded = _fold(_mask_values(text, known)[:SCAN_LIMIT])
    return _clip(_mask_shapes(_mask_values(folded, known)))


def start_of(raw: bytes) -> str:
    """Return how a body begins, as text to be sanitised."""
    return raw[:START_BYTES].decode("utf-8", "replace")


def mask_values(text: str, secrets: Iterable[str]) -> str:
    """Replace the known secrets alone, in text that has been sanitised before it met them."""
    return _mask_values(text, _spellings(tuple(secrets))) if text else text


@lru_cache(maxsize=64)
def _spellings(secrets: tuple[str, ...]) -> list[str]:
    """List the secrets as they may be spelt in a text, the longest first.

    Kept for the newest sets of secrets: every text of a result is asked about the same few.
    """
    known = {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARS}
    parts = {part for secret in known for part in _BETWEEN.split(secret)}
    known |= {part for part in parts if len(part) >= MIN_PART_CHARS}
    spelt = known | {quote(secret, safe="") for secret in known}
    spelt |= {text for secret in known for text in _in_base64(secret)}
    return sorted(spelt, key=len, reverse=True)


def _in_base64(secret: str) -> Iterator[str]:
    """Yield how base64 spells it, alone or behind something else (`Bearer …`, `user:…`).

    A base64 digit holds six bits, so there are three ways, by what stands before; the digits at
    either end that hold bits of something else are left out.
    """
    data = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        begin, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            digits = encode(b"\0" * before + data).decode("ascii")[begin:end]
            if len(digits) >= MIN_BASE64_CHARS:
                yield digits


def _mask_values(text: str, known: list[str]) -> str:
    for secret in known:
        text = text.replace(secret, MASK)
    return text


def _mask_shapes(text: str) -> str:
    if not _HINT.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _fold(text: str) -> str:
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(text.split())


def _clip(text: str) -> str:
    if len(text) <= DETAIL_LIMIT:
        return text
    return text[: DETAIL_LIMIT - 1].rstrip() + "…"
