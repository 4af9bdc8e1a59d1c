"""Run a program as a systemd unit would have it: `confined.py FILE PROGRAM [ARGUMENT...]`.

FILE names the system calls that are let through, one a line; all others fail with EPERM. Memory
cannot be written and executed. Needs no right: a filter only takes away.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

ALLOW: Final = 0x7FFF0000
EPERM: Final = 0x00050001
"""SCMP_ACT_ALLOW and SCMP_ACT_ERRNO(EPERM) of /usr/include/seccomp.h."""
PR_SET_MDWE: Final = 65
"""https://man7.org/linux/man-pages/man2/PR_SET_MDWE.2const.html (Linux 6.3)"""
_UNKNOWN: Final = 0
"""What resolves to less is a call of other machines."""


def confine(calls: list[str]) -> None:
    """Give up everything else, for this process and what becomes of it."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(EPERM))
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= _UNKNOWN and seccomp.seccomp_rule_add_array(rules, ALLOW, number, 0, None):
            sys.exit(f"no rule for {call}")
    # Of Linux 6.3: an older one has no such ban, and systemd makes it of filters.
    ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0)
    if seccomp.seccomp_load(rules):
        sys.exit("the filter was not taken")


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text(encoding="utf-8").split())
    os.execv(sys.argv[2], sys.argv[2:])
