"""What an HTTP receiver's status means for a notification."""

from collections.abc import Container
from typing import Final

import httpx2

from alerting.notification import DeliveryError
from alerting.notifiers.retry_after import retry_after_s

_TRY_AGAIN: Final = frozenset({408, 425, 429})
"""Answers below 500 that do not speak of our request: it may be taken next time."""
_DOUBTFUL: Final = frozenset({301, 302, 303, 307, 308, 401, 403, 404})
"""What a login page, a portal or an ingress in the middle of a rollout answers in the receiver's
place as well: not final before it was said a few times."""


def judge(answer: httpx2.Response, now: float, *, who: str, taken: Container[int]) -> None:
    """Return if `answer` is one of those that mean delivered. Raises DeliveryError for any other.

    Another 2xx than those comes from something that is not the receiver, and may be gone next time.
    """
    status = answer.status_code
    if status in taken:
        return
    raise DeliveryError(
        f"{who} answered {status}",
        retryable=status >= 500 or 200 <= status < 300 or status in _TRY_AGAIN,
        retry_after_s=retry_after_s(answer.headers.get("Retry-After"), now),
        throttled=status == 429,
        doubtful=status in _DOUBTFUL,
    )
