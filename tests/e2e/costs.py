"""What attempts of the simulator's models may cost."""

from probes.estimate import NUSD_PER_USD, bound_of
from probes.result import Operation
from probes.target import Price, Target

PROMPT = "ping"


def bound_usd() -> float:
    """What one attempt at a dollar a token may cost."""
    bound = bound_of(
        Target(
            name="t",
            provider="sim",
            preset="compatible",
            model="gpt-4o-mini",
            operation=Operation.CHAT,
            prompt=PROMPT,
            price=Price(input_usd=1e6, output_usd=1e6),
        )
    )
    assert bound is not None
    return bound.cost_nusd / NUSD_PER_USD
