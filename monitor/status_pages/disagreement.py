"""Whether a provider's page and our probes tell the same story."""

from typing import Final

from aggregator.summary import Summary
from monitor.status_pages.page import PageState
from probes.result import Fault

TROUBLE_RATIO: Final = 0.05
"""Above this part of results with fault provider there is trouble: as the rule ErrorRate has it."""
TROUBLE_FAILURES: Final = 3
"""And at least so many: one lost probe among ten is no story."""
ENOUGH: Final = 5
"""Below so many results in the window nothing can be said."""


def disagrees(state: PageState, summary: Summary) -> bool | None:
    """Say whether the page says otherwise than the window; None when either says too little.

    It does when the page says operational while the provider fails us, and when it says outage
    while nothing of the provider's failed us. Degraded and maintenance agree with everything.
    """
    if state in (PageState.DEGRADED, PageState.MAINTENANCE):
        return False
    if state is PageState.UNKNOWN or summary.n < ENOUGH:
        return None
    failures = summary.count(Fault.PROVIDER)
    if state is PageState.OUTAGE:
        return failures == 0
    return failures >= TROUBLE_FAILURES and failures > TROUBLE_RATIO * summary.n
