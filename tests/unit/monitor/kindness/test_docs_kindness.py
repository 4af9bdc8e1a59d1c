"""docs/kindness.md gives the figures that are in force."""

import re
from pathlib import Path

import pytest

from aggregator.rate_limits import REMEMBERED_S, STALE_S
from aggregator.window import HELD_BACK
from monitor.kindness import breaker, patience
from monitor.kindness.confirm import JITTER_RATIO, Outcome
from probes.result import SkipReason
from probes.target import Confirm

PAGE = " ".join(
    (Path(__file__).parents[4] / "docs" / "kindness.md").read_text(encoding="utf-8").split()
)


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        (r"hard failures \| (\d+) \|", breaker.HARD_FAILURES),
        (r"opens after (\d+) hard failures", breaker.HARD_FAILURES),
        (r"first wait \| (\d+) s", breaker.COOL_S),
        (r"eager target, at most \| (\d+) \|", breaker.COOL_INTERVALS),
        (r"up to \| (\d+) times", breaker.COOL_GROWTH),
        (r"lost after \| (\d+) deadlines", breaker.TRIAL_DEADLINES),
        (r"After (\d+) such refusals", breaker.ACCOUNT_FAILURES),
        (r"canary, every (\d+) s", breaker.CANARY_S),
        (r"\((\d+) of its key's intervals", breaker.CANARY_INTERVALS),
        (r"makes it wait (\d+) s", patience.BARE_WAIT_S),
        (r"A wait of more than (\d+) minutes", patience.OUTAGE_S / 60),
        (r"less than (\d+) % of a bucket", 100 * patience.NEAR_RATIO),
        (r"nothing was heard for (\d+) minutes", STALE_S / 60),
    ],
)
def test_figures_are_those_in_force(words: str, figure: float) -> None:
    """Each number on the page is the constant's."""
    found = re.search(words, PAGE)
    assert found is not None
    assert float(found[1]) == figure


def test_what_is_said_in_words_is_so() -> None:
    """An hour, the second, half as much again, and the configuration as shipped."""
    assert patience.LONGEST_S == REMEMBERED_S == 3600.0
    assert patience.BARE_FROM == 2
    assert JITTER_RATIO == 0.5
    shipped = Confirm()
    backoff = ", ".join(f"{step:g}s" for step in shipped.backoff_s)
    assert (
        f"{{attempts: {shipped.attempts}, backoff: [{backoff}],"
        f" throttled: {shipped.throttled_s:g}s}}"
    ) in PAGE


def test_closed_sets_are_told_whole() -> None:
    """Every outcome, and every reason that reads otherwise than missing."""
    told = {*Outcome, *HELD_BACK, SkipReason.BREAKER}
    assert [word for word in told if f"`{word}`" not in PAGE] == []
