"""A process that starts on ledgers, each in a fork of its own that can be killed.

For every path on stdin it prints the number of the child that opens it; then, after another line,
whether the child got to its end. Until that line the number stays the child's, dead or alive.
"""

import os
import sys
import traceback
from pathlib import Path

from aggregator.ledger import Ledger
from monitor.daemon import SCHEMAS

if __name__ == "__main__":
    for line in sys.stdin:
        path = Path(line.strip())
        child = os.fork()
        if child == 0:
            sys.stdout.write(f"{os.getpid()}\n")
            sys.stdout.flush()
            try:
                Ledger.open(path, SCHEMAS, inline=True)
            except BaseException:  # noqa: BLE001 - here the fork ends, whatever it is
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
