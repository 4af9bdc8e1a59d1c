"""Kills a stuck process with its stack in the log, so that its supervisor starts it again.

A blocked event loop, or a C call that holds the GIL, cannot report itself. `faulthandler` keeps a
timer in a thread that needs neither: while the loop turns it is re-armed again and again, and when
the loop stops turning it writes every thread's stack to stderr and ends the process with status 1.
Should that write itself hang (nobody reads the pipe), the kernel's timer ends us a moment later.
"""

import asyncio
import faulthandler
import signal
from typing import Final

STUCK_AFTER_S: Final = 25.0
"""Together with the re-arming below 30 s: the promise for a stuck loop to be restarted."""
REARM_EVERY_S: Final = 2.0
DUMP_S: Final = 2.0
"""How long writing the stacks may take before SIGALRM, whose default is to kill, ends us."""


async def guard(stuck_after_s: float = STUCK_AFTER_S, rearm_every_s: float = REARM_EVERY_S) -> None:
    """Keep the timer armed until cancelled, then disarm it."""
    try:
        while True:
            faulthandler.dump_traceback_later(stuck_after_s, exit=True)
            signal.setitimer(signal.ITIMER_REAL, stuck_after_s + DUMP_S)
            await asyncio.sleep(rearm_every_s)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
