"""What an operation is made of: how to ask for it, and how to read what comes back.

An operation is one file that fills in an OperationSpec, and one line in probes.prober.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import openai

from probes.providers import Preset
from probes.reading import Reading
from probes.target import Target


class ReadBody(Protocol):
    """Reads the body of a plain JSON answer. Never raises."""

    def __call__(self, body: bytes, *, secrets: Iterable[str] = ()) -> Reading:
        """Say what it held."""


class Fold(Protocol):
    """Folds the pieces of a stream. Never raises. Times are offsets in seconds."""

    @property
    def done(self) -> bool:
        """Whether nothing more is wanted."""

    @property
    def first_token_s(self) -> float | None:
        """The first token of any kind."""

    @property
    def last_token_s(self) -> float | None:
        """The newest token of any kind."""

    @property
    def events_in_last_feed(self) -> int:
        """Tokens in the newest piece."""

    def feed(self, data: bytes, at_s: float) -> None:
        """Take a piece that arrived at `at_s`."""

    def close(self, at_s: float) -> Reading:
        """Say what the stream held, as far as it came."""


class NewFold(Protocol):
    """Makes the fold of a new stream."""

    def __call__(self, *, secrets: Iterable[str] = ()) -> Fold:
        """Return it; the secrets are hidden in its details."""


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """One API call: asked for through the SDK, read by us."""

    ask: Callable[[openai.AsyncOpenAI, Target, Preset, str], Awaitable[object]]
    """Make the SDK send the request for a target, with the prompt given beside it."""
    nonce: bool
    """Whether the prompt begins with a nonce, so that no cache answers in the model's place."""
    read: ReadBody
    fold: NewFold | None
    """None: the operation has no streams."""
    otherwise: "OperationSpec | None" = None
    """What to ask instead, from then on, where the server has no such path (404)."""


def sampling_of(target: Target) -> dict[str, Any]:  # Any: parameters of several types
    """Return the parameters that chats and responses share: only those that are configured.

    A parameter that is left out is not the same as one that is None.
    """
    parameters: dict[str, Any] = {}
    if target.stream:
        parameters["stream"] = True
    if target.temperature is not None:
        parameters["temperature"] = target.temperature
    return parameters
