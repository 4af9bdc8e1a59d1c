"""What the simulated provider does and when: a pure timeline of phases.

A script is a list of phases; a phase gives each model a behaviour. Nothing in here reads a clock
or a random number: `elapsed_s` and `luck` come in as arguments, so a script with a seed always
plays the same way, and anything else (the demo, a test) can ask it what is on and which alerts
that ought to raise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final


class Outcome(StrEnum):
    """How one request to the simulator ends."""

    ANSWER = "answer"
    THROTTLED = "throttled"
    """429 for load: Retry-After, and a request bucket that is empty."""
    QUOTA = "quota"
    """429 for money: `insufficient_quota`, which no waiting mends."""
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    CUT = "cut"
    """The answer stops halfway and the response still ends politely: no finish reason, no end
    marker. (An answer that is not streamed loses its second half and its connection.)"""
    DROPPED = "dropped"
    """The answer stops halfway because the connection goes away."""
    HANG = "hang"
    """Not a byte comes back; the socket stays open until the client leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a model answers. Durations in seconds, before jitter."""

    outcome: Outcome = Outcome.ANSWER
    first_token_s: float = 0.18
    token_s: float = 0.03
    """Between two tokens of a stream; an answer in one piece takes as long in total."""
    embedding_s: float = 0.06
    jitter_ratio: float = 0.15
    """Each request is this much faster or slower at most."""
    retry_after_s: float = 2.0
    """What a 429 for load asks the client to wait."""

    def factor(self, luck: float) -> float:
        """Turn `luck` (0..1) into what this request's durations are multiplied by."""
        return 1.0 + self.jitter_ratio * (2.0 * luck - 1.0)


HEALTHY: Final = Behaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of the script. It lasts until the next one starts; the last one for ever."""

    name: str
    start_s: float
    note: str
    """One line for people: what is going on."""
    behaviours: tuple[tuple[str, Behaviour], ...] = ()
    """Model pattern (`*`, `?`) and behaviour; the first that fits, else healthy."""
    alerts: tuple[str, ...] = ()
    """Names of the default rules a watcher should have firing before this phase ends."""

    def behaviour(self, model: str) -> Behaviour:
        """Return how `model` behaves in this phase."""
        for pattern, behaviour in self.behaviours:
            if fnmatchcase(model, pattern):
                return behaviour
        return HEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole play: phases in order of their start, the first at 0."""

    name: str
    seconds: float
    phases: tuple[Phase, ...]

    def phase(self, elapsed_s: float) -> Phase:
        """Return the phase that is on; before the start the first, after the end the last."""
        current = self.phases[0]
        for phase in self.phases:
            if phase.start_s > elapsed_s:
                break
            current = phase
        return current

    def behaviour(self, model: str, elapsed_s: float) -> Behaviour:
        """Return how `model` behaves at `elapsed_s`."""
        return self.phase(elapsed_s).behaviour(model)


TROUBLED_CHAT: Final = "gpt-4o-mini"
"""The chat model that goes through every trouble of the demo."""
TROUBLED_EMBEDDING: Final = "text-embedding-3-small"
"""The embedding model that shares the demo's server errors, and only those."""


def demo(seconds: float) -> Script:
    """Return the demo: one model meets six troubles, its neighbours stay well throughout.

    The last third is healthy again, so that windows can empty and alerts resolve.
    """
    # Slow, but a whole answer stays below a sixtieth of the play, which a watcher scaled down with
    # it has for its deadline: slowness and silence are different troubles.
    slow = Behaviour(first_token_s=seconds / 80, token_s=seconds / 2000, jitter_ratio=0.05)
    wait = Behaviour(outcome=Outcome.THROTTLED, retry_after_s=max(1.0, 0.02 * seconds))
    broken = Behaviour(outcome=Outcome.SERVER_ERROR)
    cut = Behaviour(outcome=Outcome.CUT)
    hang = Behaviour(outcome=Outcome.HANG)
    return Script(
        name="demo",
        seconds=seconds,
        phases=(
            Phase(name="healthy", start_s=0.0, note="every model answers as it should"),
            Phase(
                name="slow",
                start_s=0.12 * seconds,
                note=f"{TROUBLED_CHAT} takes {slow.first_token_s:.2g} s to its first token",
                behaviours=((TROUBLED_CHAT, slow),),
                alerts=("HighLatency",),
            ),
            Phase(
                name="throttled",
                start_s=0.27 * seconds,
                note=f"{TROUBLED_CHAT} answers 429: our request bucket is empty",
                behaviours=((TROUBLED_CHAT, wait),),
                alerts=("Account",),
            ),
            Phase(
                name="errors",
                start_s=0.37 * seconds,
                note=f"{TROUBLED_CHAT} and {TROUBLED_EMBEDDING} answer 500",
                behaviours=((TROUBLED_CHAT, broken), (TROUBLED_EMBEDDING, broken)),
                alerts=("Down", "ErrorRate"),
            ),
            Phase(
                name="cut",
                start_s=0.49 * seconds,
                note=f"{TROUBLED_CHAT} stops in the middle of its streams",
                behaviours=((TROUBLED_CHAT, cut),),
                alerts=("Down", "ErrorRate"),
            ),
            Phase(
                name="hang",
                start_s=0.56 * seconds,
                note=f"{TROUBLED_CHAT} accepts requests and never answers",
                behaviours=((TROUBLED_CHAT, hang),),
                alerts=("Down", "ErrorRate"),
            ),
            Phase(name="recovered", start_s=0.66 * seconds, note="every model is well again"),
        ),
    )


def outage(seconds: float) -> Script:
    """Return a plain outage: a healthy third, a third of 500s from every model, a healthy third."""
    broken = Behaviour(outcome=Outcome.SERVER_ERROR)
    return Script(
        name="outage",
        seconds=seconds,
        phases=(
            Phase(name="healthy", start_s=0.0, note="every model answers as it should"),
            Phase(
                name="errors",
                start_s=seconds / 3,
                note="every model answers 500",
                behaviours=(("*", broken),),
                alerts=("Down", "ErrorRate"),
            ),
            Phase(name="recovered", start_s=2 * seconds / 3, note="every model is well again"),
        ),
    )


def _steady(outcome: Outcome) -> Callable[[float], Script]:
    def build(seconds: float) -> Script:
        phase = Phase(
            name=outcome.value,
            start_s=0.0,
            note=f"every request ends as: {outcome.value}",
            behaviours=(("*", Behaviour(outcome=outcome)),),
        )
        return Script(name=outcome.value, seconds=seconds, phases=(phase,))

    return build


SCRIPTS: Final[Mapping[str, Callable[[float], Script]]] = MappingProxyType(
    {"demo": demo, "outage": outage} | {outcome.value: _steady(outcome) for outcome in Outcome}
)
"""Every script by name: the two plays, and one endless phase for each outcome."""
