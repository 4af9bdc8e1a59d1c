"""Which channels gave up a message lately: somebody else must be told, over those that work."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from alerting.alert import Transition
from alerting.condition import sources
from alerting.deliver import Outcome
from alerting.metric import Fact
from monitor.facts import Reading

REMEMBERED_S: Final = 3_600.0
"""How long a lost message counts: long enough for its alert to be seen, short enough to end it."""
MOST: Final = 1_000
"""Lost messages counted for a channel."""


class Undelivered:
    """What each channel lost, and when. Times are steady, in seconds."""

    def __init__(self, channels: Sequence[str]) -> None:
        self._lost: dict[str, list[float]] = {channel: [] for channel in channels}

    def keep_only(self, channels: Sequence[str]) -> None:
        """Have these channels from now on; what they lost goes on counting."""
        self._lost = {channel: self._lost.get(channel, []) for channel in channels}

    def note(self, channel: str, outcome: Outcome, now: float) -> None:
        """Take note of what came of a message; only what is given up counts."""
        if outcome in (Outcome.DEAD, Outcome.DROPPED) and channel in self._lost:
            self._lost[channel] = [*self._recent(channel, now), now]

    def failing(self, now: float) -> Mapping[str, int]:
        """Return how many messages each channel gave up within the last hour; those alone."""
        counts = {channel: len(self._recent(channel, now)) for channel in self._lost}
        return {channel: count for channel, count in counts.items() if count}

    def facts(self, now: float) -> Iterator[Reading]:
        """Say how many channels gave something up."""
        yield Fact.CHANNELS_FAILING, "", float(len(self.failing(now)))

    def notes(self, transition: Transition) -> Sequence[str]:
        """Name the channels in a message that tells of it."""
        rule = transition.rule
        if rule is None or Fact.CHANNELS_FAILING not in sources(rule.when).facts:
            return ()
        return tuple(
            f"channel {channel} gave up {count} message{'s' if count > 1 else ''}"
            " within the last hour; the log (notification.dead) says why"
            for channel, count in self.failing(transition.now).items()
        )

    def _recent(self, channel: str, now: float) -> list[float]:
        return [at for at in self._lost[channel] if now - at < REMEMBERED_S][-MOST:]
