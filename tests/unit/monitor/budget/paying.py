"""Targets, results and keepers for tests of budgets."""

from dataclasses import replace

from monitor.budget.keeper import Keeper
from monitor.budget.purse import Purse
from monitor.clock import Clock
from monitor.config.values import Budget
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Price, Target

NOON = 1_750_075_200.0
"""2025-06-16 12:00:00 UTC."""

DOLLAR_A_TOKEN = Price(input_usd=1e6, output_usd=1e6)


def target(name: str = "a", provider: str = "p", **changes: object) -> Target:
    """One that costs (4 bytes + 17 of nonce + 256 around + 18 of output) = 295 dollars at most."""
    usual = Target(
        name=name,
        provider=provider,
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="ping",
        price=DOLLAR_A_TOKEN,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # each test names real fields


BOUND_USD = 295


def result(of: Target, **changes: object) -> ProbeResult:
    """An answer that cost ten dollars, unless told otherwise."""
    usual = ProbeResult(
        target=of.name,
        provider=of.provider,
        model=of.model,
        operation=of.operation,
        location="here",
        slot=1,
        slot_at=NOON,
        at=NOON,
        verdict=Verdict.OK,
        fault=Fault.NONE,
        status=200,
        sent_s=0.1,
        total_s=1.0,
        input_tokens=9,
        output_tokens=1,
        cost_usd=10.0,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # each test names real fields


class Hands:
    """The hands of both clocks."""

    def __init__(self, wall: float = NOON) -> None:
        self.wall = wall
        self.monotonic = 1_000.0

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic)


def budget(subject: str = "p", daily_usd: float = 1000.0, timezone: str = "UTC") -> Budget:
    return Budget(subject=subject, daily_usd=daily_usd, timezone=timezone)


async def opened(
    purse: Purse, hands: Hands, budgets: list[Budget], targets: list[Target]
) -> Keeper:
    """Return a keeper as the daemon has it when slots begin."""
    keeper = Keeper(budgets, targets, purse, hands.clock())
    await keeper.open()
    return keeper
