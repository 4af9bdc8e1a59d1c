"""What goes with the alert of a budget: what is spent of how much, and whether probing stopped."""

from collections.abc import Iterator, Sequence

from alerting.engine import Transition
from alerting.metric import Fact
from monitor.budget.book import Book
from monitor.budget.keeper import Keeper
from monitor.budget.overruns import OVERRUNS_TO_STOP
from monitor.notes import Noting
from monitor.particulars import usd
from probes.estimate import NUSD_PER_USD


def spending(keeper: Keeper) -> Noting:
    """Make a source of it; of a provider's alert, that of the provider's own budget."""

    def told(transition: Transition) -> Sequence[str]:
        if transition.rule is None or transition.rule.when.metric is not Fact.BUDGET_USED:
            return ()
        subject = dict(transition.identity.labels).get("provider", "")
        books = (book for book in keeper.books if book.subject == subject)
        return *_stopped(keeper, subject), *map(_spent, books)

    return told


def _stopped(keeper: Keeper, provider: str) -> Iterator[str]:
    if dict(keeper.overruns()).get(provider, 0) >= OVERRUNS_TO_STOP:
        yield "it bills more than its own prices allow: it is not probed before midnight"


def _spent(book: Book) -> str:
    account = book.account
    line = f"{_usd(account.used_nusd)} of {_usd(book.cap_nusd)} are spent today"
    # What is reserved may yet come back: only what is spent is gone for the day.
    if book.cap_nusd - account.used_nusd >= book.dearest_nusd:
        return line
    return (
        f"{line}; a probe that may cost more than what is left, up to {_usd(book.dearest_nusd)}, is"
        f" not sent before midnight ({book.zone})"
    )


def _usd(amount_nusd: int) -> str:
    return usd(amount_nusd / NUSD_PER_USD)
