"""Whether this process may be trusted right now, and why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes.target import Target


@dataclass(frozen=True, slots=True)
class Check:
    """One thing readiness depends on."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of /readyz."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)


def readiness(
    targets: Iterable[Target],
    last_slot_at: Mapping[str, float],
    ledger_error: str | None,
    now: float,
    started_at: float,
) -> Readiness:
    """Judge from what has really happened: slots that ran and writes that were committed.

    A target whose newest slot is older than three intervals is not being watched, whatever the
    process says of itself; that makes the whole instance not ready. Times are steady seconds.
    """
    targets = tuple(targets)
    first = Check(
        "first_slot", bool(last_slot_at), "a slot has run" if last_slot_at else "none yet"
    )
    ledger = Check("ledger", ledger_error is None, ledger_error or "takes writes")
    stale = [
        f"{target.name} ({now - last_slot_at.get(target.name, started_at):.0f} s ago)"
        for target in targets
        if now - last_slot_at.get(target.name, started_at) > 3 * target.interval_s
    ]
    slots = Check("slots", not stale, "stale: " + ", ".join(stale[:5]) if stale else "on time")
    return Readiness(
        (Check("configuration", True, f"{len(targets)} targets"), first, ledger, slots)
    )
