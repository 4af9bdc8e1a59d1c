"""What is settled in one step inside Redis: whose a slot is, and what of a target is in flight.

A slot's key holds who took it, or that it is counted as skipped. A target's flight key holds whose
attempt is under way, and of what kind: `s` a slot's own, `c` a confirming one. Both live for a
bounded time, so what a replica held that is gone comes free by itself. Whoever asks again after a
lost answer (the values name replica, process and slot) gets the answer it would have had.
https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

LOST: Final = 0
WON: Final = 1
BUSY: Final = 2
"""What scripts answer."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text in Lua, and what Redis calls it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        name = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", name)


CLAIM: Final = Script("""\
local taken = redis.call('GET', KEYS[1])
if taken then return taken == ARGV[1] and 1 or 0 end
local flying = redis.call('GET', KEYS[2])
if flying and string.sub(flying, 1, 1) == 's' then return 2 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return 1
""")
"""KEYS slot, flight; ARGV who, life of the slot, life of the flight (ms). A confirming attempt
elsewhere is no reason to refuse a slot."""

COUNT: Final = Script("""\
local taken = redis.call('GET', KEYS[1])
if taken then return taken == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")
"""KEYS slot; ARGV who, life of the slot (ms). Whose it is to count the slot as skipped."""

FURTHER: Final = Script("""\
local flying = redis.call('GET', KEYS[1])
if flying and flying ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")
"""KEYS flight; ARGV who, life (ms). For a confirming attempt, which gives way to everything."""

RELEASE: Final = Script("""\
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")
"""KEYS flight; ARGV who. It may be another's by now."""
