"""No attempt can cost more than its bound, and what is unknown costs all of it."""

from dataclasses import replace

import pytest

from probes.compile import NONCE_CHARS
from probes.estimate import (
    FREE,
    NONCE_BYTES,
    UNBILLED_STATUSES,
    Bound,
    bound_of,
    nusd,
    settled_nusd,
)
from probes.pricing import cost_usd
from probes.reading import Usage
from probes.result import Operation, Verdict
from probes.target import Price
from tests.unit.monitor.budget.paying import result, target


def test_the_nonce_is_counted_in() -> None:
    """What the compiler splices in and the space behind it are bytes like any other."""
    assert NONCE_CHARS + len(" ") == NONCE_BYTES


@pytest.mark.parametrize(
    ("prompt", "tokens"), [("ping", 4), ("ä", 2), ("€", 3), ("𝄞", 4), ("a" * 1000, 1000)]
)
def test_a_prompt_has_at_most_a_token_for_each_byte(prompt: str, tokens: int) -> None:
    """Bytes of UTF-8 bound the tokens, whatever the tokenizer."""
    bound, empty = bound_of(target(prompt=prompt)), bound_of(target(prompt=""))
    assert bound is not None
    assert empty is not None
    assert bound.input_tokens - empty.input_tokens == tokens


@pytest.mark.parametrize(("asked", "sent"), [(1, 16), (15, 16), (16, 16), (500, 500)])
def test_a_limit_below_the_presets_floor_counts_as_the_floor(asked: int, sent: int) -> None:
    """What is sent is what may be billed, and a low limit is raised before it is sent."""
    openai = bound_of(target(preset="openai", max_output_tokens=asked))
    assert openai is not None
    assert openai.output_tokens - 2 == sent


def test_a_hidden_prompt_is_allowed_for() -> None:
    """A provider such as xAI puts some hundreds of tokens before ours: its bound is wider."""
    xai, openai = bound_of(target(preset="xai")), bound_of(target(preset="openai"))
    assert xai is not None
    assert openai is not None
    assert xai.input_tokens >= openai.input_tokens + 900


def test_what_a_provider_adds_can_be_said() -> None:
    """The configuration knows better than the preset, also that it is nothing."""
    for said in (0, 2000):
        bound = bound_of(target(prompt="", prompt_overhead_tokens=said))
        assert bound is not None
        assert bound.input_tokens == NONCE_BYTES + said


def test_embeddings_have_no_output_and_no_nonce() -> None:
    """An embedding is billed by its input alone."""
    bound = bound_of(target(operation=Operation.EMBEDDINGS))
    assert bound is not None
    assert (bound.input_tokens, bound.output_tokens) == (4 + 8, 0)


def test_a_list_of_models_is_free_without_a_price() -> None:
    """No provider bills it."""
    assert bound_of(target(operation=Operation.MODELS, price=None)) == FREE


def test_without_a_price_there_is_no_bound() -> None:
    """Unknown is not free."""
    assert bound_of(target(price=None)) is None


def test_a_cache_that_costs_more_than_the_input_is_what_may_be_billed() -> None:
    """The bound takes the dearer of both."""
    plain = bound_of(target(price=Price(input_usd=1.0, output_usd=1.0)))
    dear = bound_of(target(price=Price(input_usd=1.0, output_usd=1.0, cached_input_usd=2.0)))
    assert plain is not None
    assert dear is not None
    assert dear.cost_nusd == plain.cost_nusd + plain.input_tokens * 1_000


@pytest.mark.parametrize("usd", [0.00001, 0.028, 0.15, 1.25, 3.0, 75.0])
def test_usage_within_the_bound_costs_no_more_than_it(usd: float) -> None:
    """The dearest answer that fits the bound's tokens settles within its cost."""
    of = target(price=Price(input_usd=usd, output_usd=4 * usd))
    bound = bound_of(of)
    assert bound is not None
    usage = Usage(input_tokens=bound.input_tokens, output_tokens=bound.output_tokens)
    full = result(of, cost_usd=cost_usd(of.price, usage))
    assert 0 < settled_nusd(full, bound) <= bound.cost_nusd


BOUND = Bound(100, 18, 5_000)


def test_known_usage_settles_at_its_cost() -> None:
    """Also beyond the bound: the bill is what it is."""
    assert settled_nusd(result(target(), cost_usd=1e-6), BOUND) == 1_000
    assert settled_nusd(result(target(), cost_usd=1e-5), BOUND) == 10_000


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.TRUNCATED, Verdict.SERVER_ERROR])
def test_usage_in_the_middle_of_an_answer_is_not_the_bill(verdict: Verdict) -> None:
    """A stream that counts as it goes, and that we gave up: the model may have gone on."""
    cut = result(target(), verdict=verdict, cost_usd=1e-6)
    assert settled_nusd(cut, BOUND) == BOUND.cost_nusd
    assert settled_nusd(replace(cut, cost_usd=1e-5), BOUND) == 10_000


NO_USAGE = replace(result(target()), input_tokens=None, output_tokens=None, cost_usd=None)


@pytest.mark.parametrize("status", [None, 200, 302, 402, 408, 409, 500, 503])
def test_what_may_have_been_billed_keeps_its_reservation(status: int | None) -> None:
    """A timeout, a cut stream, a server's error: a model may have worked."""
    assert settled_nusd(replace(NO_USAGE, status=status), BOUND) == BOUND.cost_nusd


@pytest.mark.parametrize("status", sorted(UNBILLED_STATUSES))
def test_a_refusal_before_the_model_began_costs_nothing(status: int) -> None:
    """Bad requests, bad keys, unknown models and rate limits have no tokens to bill."""
    assert settled_nusd(replace(NO_USAGE, status=status), BOUND) == 0


def test_a_refusal_that_counts_tokens_is_billed() -> None:
    """Who says in a 400 how many tokens it was may bill them."""
    odd = replace(NO_USAGE, status=400, output_tokens=3)
    assert settled_nusd(odd, BOUND) == BOUND.cost_nusd


def test_a_request_that_never_left_costs_nothing() -> None:
    """No name, no connection, no place: nobody can bill it."""
    assert settled_nusd(replace(NO_USAGE, status=None, sent_s=None), BOUND) == 0


@pytest.mark.parametrize(
    ("tokens", "exceeded"),
    [((100, 18), False), ((101, 18), True), ((100, 19), True), ((None, None), False)],
)
def test_more_tokens_than_possible_are_noticed(
    tokens: tuple[int | None, int | None], exceeded: bool
) -> None:
    """Either count beyond the bound is one that cannot be."""
    found = replace(NO_USAGE, input_tokens=tokens[0], output_tokens=tokens[1])
    assert BOUND.exceeded_by(found) is exceeded


def test_an_allowance_is_rounded_down() -> None:
    """A cap is never a fraction of a nano-dollar higher than was said; an exact one stays exact."""
    assert nusd(0.1) == 100_000_000
    assert nusd(5.0) == 5_000_000_000
    assert nusd(1.9999999999) == 1_999_999_999
