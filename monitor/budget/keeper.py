"""Keeps budgets: every attempt is reserved before it is sent and settled when its result is had.

A target is under its provider's budget, under that of all together, under both or under none; one
that costs nothing, such as a list of models, is under none. Drawing (a commit of the ledger) goes
on in the background and in time, so that a probe as a rule reserves without waiting.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from aggregator.ledger import LedgerError
from alerting.metric import Fact
from monitor.budget.account import Account
from monitor.budget.book import Book
from monitor.budget.overruns import Overruns
from monitor.budget.pace import has_turn
from monitor.budget.purse import Purse, PurseError
from monitor.clock import Clock
from monitor.config.values import Budget
from monitor.facts import Reading
from monitor.schedule import phase_s
from probes.estimate import NUSD_PER_USD, Bound, bound_of, nusd, settled_nusd
from probes.result import ProbeResult, SkipReason
from probes.target import Target

DRAW_AGAIN_S: Final = 5.0
"""Pause after a draw that failed: while a disk hangs, not every probe should wait for it."""
GIVE_BACK_S: Final = 0.5
"""How long a process that stops waits for the purse to take back what it did not spend."""
LOOK_S: Final = 10.0
"""How often it is asked what others drew and counted, where there are any: a page and a pace that
are so old are good enough."""
TOLD_RATIO: Final = 0.9
"""A budget that lets fewer slots through than this is worth a line in the log; nearer to all of
them it may be only a dear minute."""

UNDRAWN: Final = (LedgerError, PurseError)

log = structlog.get_logger("sonde.budget")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one target costs at most, and whose money that is."""

    bound: Bound
    books: tuple[Book, ...]
    start: float
    """Its place among the others when slots are left out, 0..1."""


class Keeper:
    """A gate before every slot, and the till of every attempt."""

    def __init__(
        self, budgets: Sequence[Budget], targets: Iterable[Target], purse: Purse, clock: Clock
    ) -> None:
        """Open the books; raises ValueError for a target under a budget without a known price."""
        self._purse = purse
        self._clock = clock
        targets = tuple(targets)
        self._subjects = ("", *dict.fromkeys(target.provider for target in targets))
        """All there can be budgets of."""
        bounds = {target: _bound(target) for target in targets if _under(target, budgets)}
        bounds = {target: bound for target, bound in bounds.items() if bound.cost_nusd > 0}
        wall = clock.wall()
        self.books = tuple(
            Book(
                each.subject,
                nusd(each.daily_usd),
                ZoneInfo(each.timezone),
                [b.cost_nusd for t, b in bounds.items() if each.subject in ("", t.provider)],
                wall,
            )
            for each in budgets
        )
        self._plans = {
            target.name: _Plan(
                bound,
                # The provider's own first: by its day its overruns are counted.
                tuple(
                    book
                    for subject in (target.provider, "")
                    for book in self.books
                    if book.subject == subject
                ),
                phase_s(target.name, 1.0),
            )
            for target, bound in bounds.items()
        }
        self._intervals_s = {target.name: target.interval_s for target in bounds}
        self._providers = {t.provider: self._plans[t.name].books[0] for t in bounds}
        self._overruns = Overruns()
        self._learned: dict[str, date] = {}
        """The day of a target's newest attempt, here or elsewhere."""
        self._told: dict[tuple[str, str], date] = {}
        self._low = asyncio.Event()
        self.turn = asyncio.Lock()
        """Held while money is drawn: whoever gives up a draw half-way has wasted it."""
        self._draw_again_at = 0.0
        """Monotonic time."""

    async def prepare(self, before: "Keeper") -> None:
        """Draw for budgets that are new; to be awaited before `take_over`. Raises LedgerError."""
        for book in self.books:
            if not any(book.goes_on(each) for each in before.books):
                account = book.at(self._clock.wall())
                await self._draw(book, account, 0)

    def take_over(self, before: "Keeper") -> tuple[Book, ...]:
        """Go on with another's money: what is reserved there is settled here.

        To be called while `before.turn` is held.

        Returns the books nobody goes on with: what was drawn for them is to be given back.
        """
        for book in self.books:
            for each in before.books:
                if book.goes_on(each):
                    book.take_over(each, self._intervals_s)
        self._overruns, self._told, self._learned = before._overruns, before._told, before._learned
        self.turn, self._draw_again_at = before.turn, before._draw_again_at
        # What is in flight under the old plan says here when little is at hand.
        self._low = before._low
        self._low.set()
        return tuple(b for b in before.books if not any(each.goes_on(b) for each in self.books))

    async def give_back(self, books: Iterable[Book]) -> None:
        """Give back what was drawn for budgets that are gone; raises no error of the purse."""
        for book in books:
            await self._give_back(book)

    async def open(self) -> None:
        """Take up today's budgets where the process before us left them, and draw for the start.

        Raises LedgerError when they cannot be read.
        """
        await self._count_overruns()
        await self._draw_all()

    async def run(self) -> None:
        """Draw whenever little is at hand, for ever; hear of what others do, if there are any."""
        shared = self._purse.shared
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if shared else None):
                    await self._low.wait()
            self._low.clear()
            await self._draw_all()
            if shared:
                await self._hear_overruns()

    async def _hear_overruns(self) -> None:
        try:
            await self._count_overruns()
        except UNDRAWN as error:  # a disk that fails now is asked again later
            log.warning("budget.overruns_not_heard", error=str(error))

    async def _count_overruns(self) -> None:
        """Count those of processes before us, and beside us."""
        for provider, book in self._providers.items():
            book.at(self._clock.wall())
            today = book.day.date
            counts = await self._purse.overruns(today)
            most = max(counts.get(provider, 0), self._overruns.of(provider, today))
            self._overruns.restore(provider, today, most)

    async def close(self) -> None:
        """Give back what was drawn and not spent; after this nothing is reserved or drawn."""
        try:
            async with asyncio.timeout(GIVE_BACK_S), self.turn, asyncio.TaskGroup() as group:
                self._draw_again_at = math.inf
                for book in self.books:
                    group.create_task(self._give_back(book), name="giving back of a budget")
        except TimeoutError:
            log.warning("budget.not_given_back", error="it took too long")

    async def _give_back(self, book: Book) -> None:
        account = book.account
        unspent_nusd = account.slice_nusd
        if unspent_nusd <= 0:
            return
        # Out of our hands first: then it is no matter when, or whether, it gets there.
        account.drew(-unspent_nusd, account.elsewhere_nusd + account.drawn_nusd)
        try:
            await self._purse.give_back(book.subject, account.date, unspent_nusd)
        except UNDRAWN as error:
            log.warning("budget.not_given_back", budget=_name(book), error=str(error))

    # Before a slot.

    def refusal(self, target: Target) -> SkipReason | None:
        """Return why the target must not be probed now: no money, or not its turn."""
        plan = self._plans.get(target.name)
        if plan is None:
            return None
        wall, cost_nusd, ratio = self._clock.wall(), plan.bound.cost_nusd, 1.0
        for book in plan.books:
            if book.at(wall).left_nusd < cost_nusd:
                self._tell_once("budget.exhausted", book)
                return SkipReason.BUDGET
            ratio = min(ratio, book.ratio(cost_nusd, wall))
            if ratio < TOLD_RATIO:
                self._tell_once("budget.stretched", book)
        if self._overruns.stopped(target.provider, plan.books[0].day.date):
            return SkipReason.BUDGET
        if ratio < 1.0 and not self._has_turn(target, plan, ratio, wall):
            return SkipReason.THROTTLED_BY_US
        return None

    def _has_turn(self, target: Target, plan: _Plan, ratio: float, wall: float) -> bool:
        """Say whether the slot is one of those it may have; the first of a day always is."""
        if self._learned.get(target.name) != plan.books[0].day.date:
            return True
        # The slot's number, whichever of two replicas' clocks is ahead of the other.
        number = round(wall / target.interval_s - plan.start)
        return has_turn(number, ratio, plan.start)

    def learn(self, target: Target, result: ProbeResult) -> None:
        """Take note of what an attempt cost, here or elsewhere: it was settled when it ended."""
        plan = self._plans.get(target.name)
        if plan is None:
            return
        spent_nusd = settled_nusd(result, plan.bound)
        ratio, wall = 1.0, self._clock.wall()
        self._learned[target.name] = plan.books[0].at(wall).date
        for book in plan.books:
            # Slots that the provider's own budget keeps will cost that of all nothing.
            book.pace.learn(target.name, target.interval_s, spent_nusd * ratio)
            ratio = book.ratio(plan.bound.cost_nusd, wall)

    # Around an attempt.

    @property
    def stuck(self) -> bool:
        """Whether the purse, asked a moment ago, did not let us draw.

        Then it is not for want of money that nothing is probed, and somebody should hear of it.
        """
        return self._clock.monotonic() < self._draw_again_at

    async def spend(
        self, target: Target, attempt: Callable[[], Awaitable[ProbeResult]]
    ) -> ProbeResult | None:
        """Make an attempt on the target's budgets; None: there is no money for it.

        An attempt that is cancelled, or raises, costs its whole reservation: it may be billed.
        """
        plan = self._plans.get(target.name)
        if plan is None:
            return await attempt()
        accounts = await self._reserve(plan)
        if accounts is None:
            return None
        try:
            result = await attempt()
        except BaseException:
            for account in accounts:
                account.settle(plan.bound.cost_nusd, plan.bound.cost_nusd)
            raise
        spent_nusd = settled_nusd(result, plan.bound)
        for book, account in zip(plan.books, accounts, strict=True):
            account.settle(plan.bound.cost_nusd, spent_nusd)
            if book.wanted_nusd(account):
                self._low.set()
        if plan.bound.exceeded_by(result):
            await self._overran(target, plan, result)
        return result

    async def _reserve(self, plan: _Plan) -> Sequence[Account] | None:
        """Reserve on every budget of the target, or, also when cancelled, on none."""
        cost_nusd = plan.bound.cost_nusd
        taken: list[Account] = []
        try:
            for book in plan.books:
                account = book.at(self._clock.wall())
                if not (account.reserve(cost_nusd) or await self._drawn(book, account, cost_nusd)):
                    return None
                taken.append(account)
            accounts = tuple(taken)
            taken.clear()
            return accounts
        finally:
            for account in taken:
                account.release(cost_nusd)

    async def _drawn(self, book: Book, account: Account, cost_nusd: int) -> bool:
        """Draw, then reserve: for when too little is at hand."""
        async with self.turn:
            if account.reserve(cost_nusd):  # somebody drew meanwhile
                return True
            await self._draw(book, account, cost_nusd - account.slice_nusd)
            return account.reserve(cost_nusd)

    async def _draw_all(self) -> None:
        for book in self.books:
            account = book.at(self._clock.wall())
            async with self.turn:
                await self._draw(book, account, 0)

    async def _draw(self, book: Book, account: Account, at_least_nusd: int) -> None:
        """Draw what is needed and some in advance; the lock is ours."""
        if self._clock.monotonic() < self._draw_again_at:
            return
        wanted_nusd = max(at_least_nusd, book.wanted_nusd(account))
        if wanted_nusd == 0 and not self._purse.shared:
            return
        try:
            drawn = await self._purse.draw(book.subject, account.date, wanted_nusd, book.cap_nusd)
        except UNDRAWN as error:
            self._draw_again_at = self._clock.monotonic() + DRAW_AGAIN_S
            log.error("budget.not_drawn", budget=_name(book), error=str(error))
        else:
            account.drew(drawn.granted_nusd, drawn.total_nusd)

    # Providers that bill more than they say.

    async def _overran(self, target: Target, plan: _Plan, result: ProbeResult) -> None:
        provider, today = target.provider, plan.books[0].day.date
        self._overruns.add(provider, today)
        log.error(
            "budget.overrun",
            provider=provider,
            target=target.name,
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            most_input_tokens=plan.bound.input_tokens,
            most_output_tokens=plan.bound.output_tokens,
            stopped_for_today=self._overruns.stopped(provider, today),
        )
        try:
            await self._purse.overrun(provider, today)
        except UNDRAWN as error:
            log.error("budget.overrun_not_kept", provider=provider, error=str(error))

    # What others want to know.

    def overruns(self) -> Iterator[tuple[str, int]]:
        """Yield providers, and how many of today's attempts they billed beyond the possible."""
        for provider, book in self._providers.items():
            yield provider, self._overruns.of(provider, book.day.date)

    def ratio(self, book: Book) -> float:
        """Return the part of their slots that a budget lets its targets have now, 0..1.

        Safe in any thread: it opens no new day.
        """
        return book.pace.ratio(book.account.left_nusd, book.day.ends_at - self._clock.wall())

    def facts(self, _now: float) -> Iterator[Reading]:
        """Say how much of each budget is used; of a provider that was stopped, all of it.

        Where there is no budget nothing of it is used: an alert from before it was taken out of the
        configuration, or of a provider that was stopped yesterday, must end.
        """
        wall = self._clock.wall()
        used = dict.fromkeys(self._subjects, 0.0)
        used |= {book.subject: book.used_ratio(wall) for book in self.books}
        for provider, book in self._providers.items():
            if self._overruns.stopped(provider, book.day.date):
                used[provider] = max(1.0, used[provider])
        for subject, ratio in used.items():
            yield Fact.BUDGET_USED, subject, ratio

    def _tell_once(self, event: str, book: Book) -> None:
        """Log something about a budget at most once a day."""
        key = event, book.subject
        if self._told.get(key) != book.day.date:
            self._told[key] = book.day.date
            account = book.account
            log.warning(
                event,
                budget=_name(book),
                day=account.date.isoformat(),
                limit_usd=account.cap_nusd / NUSD_PER_USD,
                used_usd=account.used_nusd / NUSD_PER_USD,
                reserved_usd=account.reserved_nusd / NUSD_PER_USD,
            )


def _name(book: Book) -> str:
    return book.subject or "_all"


def _under(target: Target, budgets: Sequence[Budget]) -> bool:
    return any(each.subject in ("", target.provider) for each in budgets)


def _bound(target: Target) -> Bound:
    bound = bound_of(target)
    if bound is None:
        raise ValueError(f"{target.name} is under a budget, and its price is not known")
    return bound
