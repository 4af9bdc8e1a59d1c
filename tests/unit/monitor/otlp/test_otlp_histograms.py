"""What is counted for OpenTelemetry, and what becomes of it."""

import pytest
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from monitor.otlp.histograms import (
    DURATION,
    FIRST_CHUNK,
    INSTRUMENTS,
    MOST_MODELS,
    PER_CHUNK,
    TOKEN_USAGE,
    Histogram,
    Histograms,
    Instrument,
)
from monitor.otlp.temporality import Temporality
from probes.result import Fault, Verdict
from tests.unit.monitor.otlp.telling_values import answered, subject

SUBJECTS = {"chat": subject()}


def counting(temporality: Temporality = Temporality.CUMULATIVE) -> Histograms:
    return Histograms(temporality, SUBJECTS, 5)


def of(series: tuple[Histogram, ...], instrument: Instrument) -> list[Histogram]:
    return [each for each in series if each.key.instrument is instrument]


def counts(series: tuple[Histogram, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in series:
        found[each.key.instrument.name] = found.get(each.key.instrument.name, 0) + each.count
    return found


def test_names_are_the_conventions() -> None:
    """Every metric is one of a client's, by name; no server's."""
    known = {v for n, v in vars(gen_ai_metrics).items() if n.startswith("GEN_AI_CLIENT_")}
    assert {each.name for each in INSTRUMENTS} == known


def test_buckets_are_the_conventions() -> None:
    """From 10 ms to 82 s by doubling; from one token to 67 million by fours."""
    assert DURATION.bounds == FIRST_CHUNK.bounds == PER_CHUNK.bounds
    assert (len(DURATION.bounds), DURATION.bounds[0], DURATION.bounds[-1]) == (14, 0.01, 81.92)
    assert (len(TOKEN_USAGE.bounds), TOKEN_USAGE.bounds[-1]) == (14, 67_108_864)


def test_a_streamed_answer_counts_in_everything() -> None:
    """Its duration, first token, mean gap, and tokens of both kinds."""
    found = counting()
    found.observe(answered())
    assert counts(found.collect(9)) == {
        "gen_ai.client.operation.duration": 1,
        "gen_ai.client.operation.time_to_first_chunk": 1,
        "gen_ai.client.operation.time_per_output_chunk": 1,
        "gen_ai.client.token.usage": 2,
    }
    (gap,) = of(found.collect(9), PER_CHUNK)
    assert (gap.least, gap.most, gap.total) == (0.05, 0.05, 0.05)


def test_a_value_on_a_bound_is_below_it() -> None:
    """Upper bounds are inclusive, as the data model has it; what is above all has a bucket."""
    found = counting()
    for seconds in (0.01, 0.011, 100.0):
        found.observe(answered(last_token_s=None, first_token_s=None, total_s=seconds))
    (duration,) = of(found.collect(9), DURATION)
    assert duration.counts == [1, 1, *[0] * 12, 1]
    assert (duration.least, duration.most, duration.count) == (0.01, 100.0, 3)


def test_a_failure_says_what_it_was_and_whose() -> None:
    """It is a series of its own; so is each model that answers."""
    found = counting()
    found.observe(answered(verdict=Verdict.TIMEOUT, fault=Fault.PROVIDER))
    found.observe(answered(returned_model="m-1"))
    own = [dict(each.key.own) for each in of(found.collect(9), DURATION)]
    assert own == [
        {"error.type": "timeout", "sonde.fault": "provider"},
        {"gen_ai.response.model": "m-1"},
    ]


def test_a_time_that_is_not_to_be_believed_is_in_no_histogram() -> None:
    """Our own lateness is no figure of a provider; what it used up counts."""
    found = counting()
    found.observe(answered(latency_tainted=True, stream_tainted=True))
    assert counts(found.collect(9)) == {"gen_ai.client.token.usage": 2}


def test_a_confirming_attempt_counts_by_its_tokens_alone() -> None:
    """It is no slot's result, and it is billed."""
    found = counting()
    found.observe(answered(attempt=2))
    assert counts(found.collect(9)) == {"gen_ai.client.token.usage": 2}


def test_tokens_that_nobody_counted_are_unknown() -> None:
    """They are not zero."""
    found = counting()
    found.observe(answered(input_tokens=None, output_tokens=None))
    assert of(found.collect(9), TOKEN_USAGE) == []


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -0.5])
def test_an_impossible_time_spoils_no_sum(seconds: float) -> None:
    """It is in no histogram."""
    found = counting()
    found.observe(answered(last_token_s=None, first_token_s=None, total_s=seconds))
    assert of(found.collect(9), DURATION) == []


def test_a_stranger_is_not_counted() -> None:
    """A result of a target that is not told of."""
    found = counting()
    found.observe(answered(target="other", input_tokens=None))
    assert found.collect(9) == ()


def test_a_provider_cannot_make_series_without_end() -> None:
    """Answers that name ever other models count under none after some."""
    found = counting()
    for number in range(MOST_MODELS + 5):
        found.observe(answered(returned_model=f"m-{number}"))
    series = of(found.collect(9), DURATION)
    assert len(series) == MOST_MODELS + 1
    assert series[-1].key.own == ()
    assert series[-1].count == 5


def test_cumulative_counts_go_on() -> None:
    """Each export says all since the start; one that failed needs nothing."""
    found = counting()
    found.observe(answered())
    found.put_back(found.collect(9))
    found.observe(answered())
    (duration,) = of(found.collect(10), DURATION)
    assert (duration.count, duration.since_ns) == (2, 5)


def test_deltas_begin_where_the_ones_before_ended() -> None:
    """What was collected is not told again."""
    found = counting(Temporality.DELTA)
    found.observe(answered())
    assert [each.since_ns for each in of(found.collect(9), DURATION)] == [5]
    assert found.collect(10) == ()
    found.observe(answered())
    assert [each.since_ns for each in of(found.collect(11), DURATION)] == [10]


def test_deltas_that_were_not_taken_are_told_as_a_longer_one() -> None:
    """With what came meanwhile, since when the lost one began; least and most of both."""
    found = counting(Temporality.DELTA)
    found.observe(answered(last_token_s=0.5, first_token_s=None))
    lost = found.collect(9)
    found.observe(answered(last_token_s=2.0, first_token_s=None))
    found.put_back(lost)
    (duration,) = of(found.collect(11), DURATION)
    assert (duration.count, duration.since_ns) == (2, 5)
    assert (duration.least, duration.most, duration.total) == (0.5, 2.0, 2.5)


def test_only_targets_that_are_the_same_go_on() -> None:
    """One that went, or is another by the same name, is not counted on, nor put back."""
    found = counting(Temporality.DELTA)
    found.observe(answered(returned_model="m"))
    lost = found.collect(9)
    found.observe(answered(returned_model="m"))
    found.keep_only({"chat": subject(model="gpt-4o")})
    found.put_back(lost)
    assert found.collect(10) == ()
    found.keep_only({"chat": subject(model="gpt-4o"), "b": subject()})
    found.observe(answered())
    assert len(of(found.collect(11), DURATION)) == 1
