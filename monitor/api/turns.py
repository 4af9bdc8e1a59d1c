"""Long work in the loop, some of it in each turn."""

import asyncio
import time
from typing import Final

TURN_S: Final = 0.002
"""How long one turn of the loop may be spent on it."""


class Turns:
    """Gives way to others whenever a turn has lasted for TURN_S."""

    def __init__(self) -> None:
        self._ends = time.perf_counter() + TURN_S

    async def give_way(self) -> None:
        """Go on at once, or in the next turn. Call it after each piece of the work."""
        if time.perf_counter() >= self._ends:
            await asyncio.sleep(0)
            self._ends = time.perf_counter() + TURN_S
