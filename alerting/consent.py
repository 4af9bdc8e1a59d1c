"""Whether a message may go out: another replica may have sent it, or be sending it.

A lane asks before an attempt and says afterwards what came of it. Alone, the answer is always yes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from alerting.notification import Notification


class Word(StrEnum):
    """What is said to a message that wants to go out."""

    GO = "go"
    TOLD = "told"
    """People know it already: another replica told them."""
    WAIT = "wait"
    """Another replica is telling them, or has the right to try first."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The answer."""

    word: Word
    notification: Notification
    """The message as it is to go out: perhaps in the thread another replica began."""
    wait_s: float = 0.0
    """When to ask again."""


class Consent(Protocol):
    """Who is asked. No method raises but CancelledError."""

    async def ask(self, channel: str, notification: Notification) -> Leave:
        """Ask for leave to send; GO is good for one attempt."""

    async def settled(self, channel: str, notification: Notification, *, told: bool) -> None:
        """Say what became of an attempt that had leave; not `told`: somebody else may try."""


class _Free:
    """Nobody is to be asked."""

    async def ask(self, _channel: str, notification: Notification) -> Leave:
        return Leave(Word.GO, notification)

    async def settled(self, channel: str, notification: Notification, *, told: bool) -> None:
        """Do nothing: nobody wants to know."""


FREE: Final[Consent] = _Free()
