"""What a probe can cost at most, known before it is sent, and what it did cost, known after.

The upper bound needs no tokenizer. One that works on bytes (byte-level BPE, or SentencePiece with
byte fallback) makes at most one token of each byte of UTF-8, so the bytes sent bound the tokens of
the prompt: https://arxiv.org/abs/1909.03341. What a provider adds around it is allowed for by
preset. The output cannot be longer than the request permits, reasoning included.

Money is counted in whole nano-dollars (`_nusd`): sums of them are exact, and the cheapest token
there is costs several.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from probes.providers import PRESETS
from probes.result import Operation, ProbeResult, Verdict
from probes.target import Price, Target

NUSD_PER_USD: Final = 1_000_000_000
_NUSD_PER_PRICE: Final = 1_000
"""A price of one dollar per million tokens is this many nano-dollars per token."""

NONCE_BYTES: Final = 17
"""What a nonce and the space behind it add to a prompt."""
_AROUND_TOKENS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # Role, separators and priming; 8 were seen for one short message.
        # https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
        "openai": 32,
        "azure": 32,
        # A system prompt of its own, some hundreds of tokens in grok-4 and in grok-code-fast-1.
        "xai": 1_024,
    }
)
_AROUND_USUALLY_TOKENS: Final = 256
"""Chat templates of open models put a date or a system prompt of their own before the message, up
to a hundred tokens or so."""
_EMBEDDING_AROUND_TOKENS: Final = 8
"""Markers of beginning and end."""
_STOP_TOKENS: Final = 2
"""An end marker that some servers count beyond the limit."""

UNBILLED_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429})
"""Refusals that come before a model has begun: providers bill tokens, and there were none. Not in
it: 402 (nobody says), 408 and 409 (a model may have been at work), and every 5xx."""
_WHOLE: Final = frozenset({Verdict.OK, Verdict.CONTENT_MISMATCH, Verdict.EMPTY, Verdict.REFUSED})
"""Verdicts on answers that came to their end. Before it some servers (xAI, vLLM if told so) count
as they go along, and may go on working, and counting, when we have given up."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that one attempt at a target can use."""

    input_tokens: int
    output_tokens: int
    cost_nusd: int

    def exceeded_by(self, result: ProbeResult) -> bool:
        """Say whether the provider counts more tokens than a request of ours can have used."""
        return (result.input_tokens or 0) > self.input_tokens or (
            result.output_tokens or 0
        ) > self.output_tokens


FREE: Final = Bound(0, 0, 0)


def bound_of(target: Target) -> Bound | None:
    """Return the most that one attempt can use; None when its price is not known.

    Listing models costs nothing anywhere, so it needs no price.
    """
    if target.operation is Operation.MODELS:
        return FREE
    if target.price is None:
        return None
    prompt_bytes = len(target.prompt.encode("utf-8", "surrogatepass"))
    if target.operation is Operation.EMBEDDINGS:
        tokens = prompt_bytes + _EMBEDDING_AROUND_TOKENS, 0
    else:
        around_tokens = target.prompt_overhead_tokens
        if around_tokens is None:
            around_tokens = _AROUND_TOKENS.get(target.preset, _AROUND_USUALLY_TOKENS)
        # A limit below what the preset's models accept is raised to that before it is sent.
        most_tokens = max(target.max_output_tokens, PRESETS[target.preset].least_output_tokens)
        tokens = prompt_bytes + NONCE_BYTES + around_tokens, most_tokens + _STOP_TOKENS
    return Bound(*tokens, _cost_nusd(target.price, *tokens))


def _cost_nusd(price: Price, input_tokens: int, output_tokens: int) -> int:
    dearest_usd = max(price.input_usd, price.cached_input_usd or 0.0)
    cost = input_tokens * dearest_usd + output_tokens * price.output_usd
    return math.ceil(cost * _NUSD_PER_PRICE)


def settled_nusd(result: ProbeResult, bound: Bound) -> int:
    """Return what an attempt is taken to have cost.

    What its usage says, which may be more than the bound; not less, when the answer did not come to
    its end. Without usage: nothing when the request never left or was refused before a model had
    begun, else the whole bound, for a model may work and be billed although no answer came.
    """
    if result.cost_usd is not None:
        # Rounded first: the float of a sum may lie a hair above the whole number it stands for.
        said_nusd = math.ceil(round(result.cost_usd * NUSD_PER_USD, 3))
        return said_nusd if result.verdict in _WHOLE else max(said_nusd, bound.cost_nusd)
    unbilled = result.sent_s is None or result.status in UNBILLED_STATUSES
    return 0 if unbilled and result.output_tokens is None else bound.cost_nusd


def nusd(usd: float) -> int:
    """Return dollars as whole nano-dollars, rounded down: an allowance is never exceeded."""
    return math.floor(round(usd * NUSD_PER_USD, 3))
