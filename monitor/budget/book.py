"""One budget over the days: whose it is, its account of today, its pace. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from monitor.budget.account import Account
from monitor.budget.day import day_of
from monitor.budget.pace import Pace

LASTED_RATIO: Final = 0.01
"""Money that runs out in the last hundredth of a day (a quarter of an hour) has lasted for it: a
budget that is stretched to the end does so every night, and nobody need be woken."""


class Book:
    """A budget's account of the day, opened anew at midnight."""

    def __init__(
        self,
        subject: str,
        cap_nusd: int,
        zone: ZoneInfo,
        bounds_nusd: Sequence[int],
        wall: float,
    ) -> None:
        """`bounds_nusd`: of each target it is for; `wall`: now."""
        self.subject = subject
        self.cap_nusd = cap_nusd
        self.zone = zone
        self.dearest_nusd = max(bounds_nusd, default=0)
        self._working_nusd = sum(bounds_nusd)
        self.pace = Pace()
        self._open(wall)

    def _open(self, wall: float) -> None:
        self.day = day_of(wall, self.zone)
        self.account = Account(self.subject, self.day.date, self.cap_nusd)

    def goes_on(self, before: "Book") -> bool:
        """Say whether this is another's budget under a new plan: the same money of the same day."""
        return self.subject == before.subject and self.zone == before.zone

    def take_over(self, before: "Book", intervals_s: Mapping[str, float]) -> None:
        """Go on with another's account, reservations in flight and all; the cap is the new one."""
        self.day, self.account = before.day, before.account
        self.account.cap_nusd = self.cap_nusd
        self.pace = before.pace.kept(intervals_s)

    def at(self, wall: float) -> Account:
        """Return the account of the day that a moment is on.

        Reservations of the day before are settled there: each knows its account.
        """
        if not self.day.holds(wall):
            self._open(wall)
        return self.account

    def ratio(self, bound_nusd: int, wall: float) -> float:
        """Return the part of its slots that a target with this bound may have, 0..1.

        The dearest bound is not counted as left, so that the day's last probe can be anybody's;
        once that much is not left, the target's own.
        """
        left_nusd = self.at(wall).left_nusd
        kept_nusd = self.dearest_nusd if left_nusd >= self.dearest_nusd else bound_nusd
        return self.pace.ratio(left_nusd - kept_nusd, self.day.ends_at - wall)

    def wanted_nusd(self, account: Account) -> int:
        """Return how much to draw for the account now; 0: enough is at hand."""
        return account.wanted_nusd(self.dearest_nusd, self._working_nusd)

    def used_ratio(self, wall: float) -> float:
        """Return the part of today's budget that is spent or reserved, 0..

        1 at least as soon as the dearest target cannot be probed any more, although the day is not
        as good as over: what is left then is of no use to it, and somebody should know.
        """
        account, day = self.at(wall), self.day
        over = day.ends_at - wall <= LASTED_RATIO * (day.ends_at - day.starts_at)
        if not over and account.cap_nusd - account.used_nusd < self.dearest_nusd:
            return max(1.0, account.used_nusd / account.cap_nusd)
        return (account.used_nusd + account.reserved_nusd) / account.cap_nusd
