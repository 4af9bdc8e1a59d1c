"""One budget on one day: what was drawn of it, what is reserved, what is spent. Pure.

    cap = undrawn + drawn elsewhere + drawn by us
    drawn by us = spent + reserved + slice at hand

Only the slice at hand can be reserved, and it grows only by what the purse has written down as
drawn. So the reservations of one process never exceed what it drew, and the draws of all, in this
process and in those before it, never exceed the cap: whatever is forgotten in a crash was drawn,
and counts as drawn elsewhere from then on. Only a provider that bills beyond a reservation can
make more of it; then the slice is short, and is made good by the next draw.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

SLICES: Final = 64
"""A slice is at most this part of what is undrawn: a crash loses at most one, and a process that
crashes for ever spends less each time instead of all at once."""


@dataclass(slots=True)
class Account:
    """One budget on one day, as one process sees it."""

    subject: str
    """The provider's name; "" for all of them together."""
    date: date
    cap_nusd: int
    drawn_nusd: int = 0
    elsewhere_nusd: int = 0
    """Drawn by processes before us, or beside us."""
    spent_nusd: int = 0
    reserved_nusd: int = 0

    @property
    def slice_nusd(self) -> int:
        """What may be reserved without drawing."""
        return self.drawn_nusd - self.spent_nusd - self.reserved_nusd

    @property
    def left_nusd(self) -> int:
        """What is neither spent nor reserved by anybody, drawn or not."""
        return self.cap_nusd - self.elsewhere_nusd - self.spent_nusd - self.reserved_nusd

    @property
    def used_nusd(self) -> int:
        """What is gone: spent, and drawn elsewhere; without our reservations."""
        return self.elsewhere_nusd + self.spent_nusd

    def reserve(self, amount_nusd: int) -> bool:
        """Take a reservation from the slice; False when it is not in there.

        What was drawn under a cap that was lowered since is in the slice and may not be spent.
        """
        if amount_nusd > min(self.slice_nusd, self.left_nusd):
            return False
        self.reserved_nusd += amount_nusd
        return True

    def release(self, amount_nusd: int) -> None:
        """Put a reservation back whose request was not made."""
        self.reserved_nusd -= amount_nusd

    def settle(self, reserved_nusd: int, spent_nusd: int) -> None:
        """Replace a reservation by what the attempt cost."""
        self.reserved_nusd -= reserved_nusd
        self.spent_nusd += spent_nusd

    def drew(self, granted_nusd: int, total_nusd: int) -> None:
        """Note that so much was drawn for us, which makes so much drawn by all."""
        self.drawn_nusd += granted_nusd
        self.elsewhere_nusd = total_nusd - self.drawn_nusd

    def wanted_nusd(self, dearest_nusd: int, working_nusd: int) -> int:
        """Return how much to draw now so that nobody waits for it later; 0: enough is at hand.

        `dearest_nusd` is the bound of the dearest probe, `working_nusd` that of one probe of every
        target, more than which is never reserved at one time. A budget so small that a 64th of it
        is less is drawn probe by probe.
        """
        undrawn_nusd = self.cap_nusd - self.elsewhere_nusd - self.drawn_nusd
        enough_nusd = max(dearest_nusd, min(working_nusd, undrawn_nusd // SLICES))
        at_hand_nusd = self.slice_nusd + self.reserved_nusd
        if undrawn_nusd <= 0 or at_hand_nusd >= enough_nusd:
            return 0
        return 2 * enough_nusd - at_hand_nusd
