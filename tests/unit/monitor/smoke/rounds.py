"""Rounds to test with."""

from monitor.smoke.probed import Probed, Round
from probes.result import Fault, Operation, SkipReason, Verdict
from probes.target import Target
from probes.trace import Trace
from tests.unit.aggregator.samples import result, stream


def target(name: str, provider: str = "p") -> Target:
    return Target(
        name=name,
        provider=provider,
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="ok?",
    )


GOOD = Probed(target("good"), stream(0.2, 1.0, 10, cost_usd=0.25), Trace())
BAD = Probed(
    target("bad"),
    result(
        verdict=Verdict.SERVER_ERROR,
        fault=Fault.PROVIDER,
        detail='HTTP 500: <script> & "quotes"',
        hint="wait",
        cost_usd=0.5,
    ),
    Trace(),
)
OURS = Probed(target("ours"), result(verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR), Trace())
LEFT_OUT = Probed(target("left-out"), SkipReason.BUDGET, Trace())
MIXED = Round("fra1", 1_795_000_000.0, 2.5, (GOOD, BAD, OURS, LEFT_OUT))
FINE = Round("fra1", 1_795_000_000.0, 2.5, (GOOD,))
EMPTY = Round("fra1", 1_795_000_000.0, 0.0, ())
