"""How a benchmark measures: CPU time of this process, the best of several rounds."""

import time
from collections.abc import Callable

ROUNDS = 5


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Return CPU microseconds for one call of `work`: the least of several rounds.

    The least, because other processes can only add; CPU time, because these machines are shared.
    """
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - before)
    return best / times * 1e6
