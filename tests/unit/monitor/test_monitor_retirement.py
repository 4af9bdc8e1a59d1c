"""How long targets' models have left, by table and by header."""

from dataclasses import replace

import pytest

from alerting.metric import Fact
from monitor.retirement import NEVER_DAYS, Retirements, announced
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.retirement import DAY_S, retires_at
from probes.secret import Secret, SecretSource
from probes.target import Provider, Target

MODEL = "gpt-4o"
ENDING = retires_at("openai", MODEL)
assert ENDING is not None
END = ENDING.at
AT = END - 10 * DAY_S
PROVIDER = Provider(
    name="p",
    preset="openai",
    base_url="https://api.openai.com/v1",
    api_key=SecretSource(Secret("sk-1")),
)
TARGET = Target(
    name="ends",
    provider="p",
    preset="openai",
    model=MODEL,
    operation=Operation.CHAT,
    prompt="x",
)
STAYS = replace(TARGET, name="stays", model="no-such-model")


def _result(target: Target, sunset_at: float | None, verdict: Verdict = Verdict.OK) -> ProbeResult:
    return ProbeResult(
        target=target.name,
        provider="p",
        model=target.model,
        operation=target.operation,
        location="here",
        slot=1,
        slot_at=0.0,
        at=0.0,
        verdict=verdict,
        fault=Fault.NONE,
        total_s=1.0,
        sunset_at=sunset_at,
    )


def _days(known: Retirements, now: float = AT) -> dict[str, float]:
    found = list(known.facts(now))
    assert {fact for fact, _, _ in found} <= {Fact.RETIREMENT_DAYS}
    return {subject: value for _, subject, value in found}


def test_the_table_speaks_of_models_in_it() -> None:
    """Days from now, negative afterwards; a model that is not in it is unknown, and has none."""
    known = Retirements((PROVIDER,), (TARGET, STAYS))
    assert _days(known) == {"ends": 10.0}
    assert _days(known, END + DAY_S) == {"ends": -1.0}


def test_the_sooner_of_table_and_header_counts() -> None:
    """A header later than the table changes nothing, an earlier one does."""
    known = Retirements((PROVIDER,), (TARGET, STAYS))
    known.learn(TARGET, _result(TARGET, END + DAY_S))
    known.learn(STAYS, _result(STAYS, AT + 2 * DAY_S))
    assert _days(known) == {"ends": 10.0, "stays": 2.0}
    known.learn(TARGET, _result(TARGET, AT + DAY_S))
    assert _days(known) == {"ends": 1.0, "stays": 2.0}


def test_a_header_holds_until_a_good_answer_has_none() -> None:
    """A failure says nothing about it; an answer without one calls it off, which ends its alert."""
    known = Retirements((PROVIDER,), (STAYS,))
    known.learn(STAYS, _result(STAYS, AT + DAY_S))
    known.learn(STAYS, _result(STAYS, None, Verdict.TIMEOUT))
    assert _days(known) == {"stays": 1.0}
    known.learn(STAYS, _result(STAYS, None))
    assert _days(known) == {"stays": NEVER_DAYS}


def test_an_answer_that_says_nothing_leaves_the_table_right() -> None:
    """A good answer without a header does not call off what a page announced."""
    known = Retirements((PROVIDER,), (TARGET,))
    known.learn(TARGET, _result(TARGET, None))
    assert _days(known) == {"ends": 10.0}


@pytest.mark.parametrize(
    ("base_url", "known"),
    [
        (None, True),
        ("https://api.openai.com/v1", True),
        ("https://api.openai.com", True),
        ("http://gateway.internal/v1", False),
    ],
)
def test_a_gateways_models_are_its_own(base_url: str | None, *, known: bool) -> None:
    """What a provider retires may live on behind another address."""
    assert (announced("openai", base_url, MODEL) is not None) is known
    if base_url is not None:
        elsewhere = replace(PROVIDER, base_url=base_url)
        assert bool(_days(Retirements((elsewhere,), (TARGET,)))) is known
