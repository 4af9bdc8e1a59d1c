"""A silence as replicas tell each other of it. Pure."""

import json
import re
from math import isfinite
from typing import Any, Final

from alerting.routing.silence import (
    LONGEST_S,
    Silence,
    cleaned,
    matchers_texts,
    of_everything,
    parse_matchers,
)

_ID: Final = re.compile(r"[0-9a-f]{1,32}")
_MOST_CHARS: Final = 20_000
_MOST_MATCHERS: Final = 64
_LATEST: Final = 253_402_300_800.0
"""The year 10000: no page and no list can show it."""
_PLAY_S: Final = 1.0
"""Begin and end are rounded apart from each other."""


def encode(silence: Silence) -> str:
    """Return its end and then the rest: whoever holds two against each other reads the end alone.

    `decode` makes an equal value of it.
    """
    fields = {
        "starts_at": silence.starts_at,
        "match": matchers_texts(silence.match),
        "author": silence.author,
        "comment": silence.comment,
        "until_resolved": silence.until_resolved,
    }
    return f"{silence.ends_at!r} {json.dumps(fields, separators=(',', ':'))}"


def decode(identity: str, text: str) -> Silence:
    """Read what another replica wrote. Raises ValueError for what no replica writes."""
    ends, _, rest = text.partition(" ")
    if len(text) > _MOST_CHARS or not _ID.fullmatch(identity):
        raise ValueError("no silence of ours")
    try:
        fields: Any = json.loads(rest)  # Any: JSON of unknown shape, checked by what follows
        matchers = [str(each) for each in fields["match"]][: _MOST_MATCHERS + 1]
        silence = Silence(
            id=identity,
            match=parse_matchers(matchers),
            starts_at=float(fields["starts_at"]),
            ends_at=float(ends),
            author=cleaned(str(fields["author"])),
            comment=cleaned(str(fields["comment"])),
            until_resolved=fields["until_resolved"] is True,
        )
    except (TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"no silence: {type(error).__name__}") from error
    _check(silence, len(matchers))
    return silence


def _check(silence: Silence, matchers: int) -> None:
    lasts_s = silence.ends_at - silence.starts_at
    if not isfinite(lasts_s) or not 0.0 <= lasts_s <= LONGEST_S + _PLAY_S:
        raise ValueError("no time")
    if silence.starts_at < 0.0 or silence.ends_at >= _LATEST:
        raise ValueError("no time that can be shown")
    if of_everything(silence.match) or matchers > _MOST_MATCHERS:
        raise ValueError("no labels")
