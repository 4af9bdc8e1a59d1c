"""What statuses mean."""

import pytest

from aggregator.stores.delivery import Outcome
from monitor.otlp.taken import RETRYABLE, outcome_of


def test_only_what_the_specification_names_is_retried() -> None:
    """Of all statuses four; https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes."""
    assert [code for code in range(200, 600) if outcome_of(code) in RETRYABLE] == [
        429,
        502,
        503,
        504,
    ]


@pytest.mark.parametrize("code", [200, 202, 204])
def test_what_is_taken(code: int) -> None:
    """200 is what the specification says, and some receivers say it otherwise."""
    assert outcome_of(code) is Outcome.STORED
