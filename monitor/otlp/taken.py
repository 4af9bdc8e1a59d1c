"""What an answer to an export means. Pure.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#failures
"""

from collections.abc import Mapping
from typing import Final

from aggregator.stores.delivery import Outcome

RETRYABLE: Final = frozenset(
    {Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNREACHABLE, Outcome.TIMEOUT}
)
"""What may be sent again. Any other answer must not be, says the specification: the data is
dropped."""
_BY_STATUS: Final[Mapping[int, Outcome]] = {
    401: Outcome.TOKEN,
    403: Outcome.TOKEN,
    413: Outcome.TOO_LARGE,
    429: Outcome.THROTTLED,
    502: Outcome.UNAVAILABLE,
    503: Outcome.UNAVAILABLE,
    504: Outcome.UNAVAILABLE,
}


def outcome_of(status: int) -> Outcome:
    """Say what a status means: 200 alone is success, 429, 502, 503 and 504 ask for another try.

    Some receivers answer an empty 202 or 204, which is as good.
    """
    if 200 <= status < 300:
        return Outcome.STORED
    return _BY_STATUS.get(status, Outcome.REJECTED)
