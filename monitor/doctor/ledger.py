"""Where the ledger is, or will be: whether it can be written, for how long, and is whole."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from aggregator.ledger_file import CHECKED_BYTES, open_reader
from monitor.config.durations import format_size
from monitor.config.values import Store
from monitor.doctor.finding import Finding, Level

MOUNTS: Final = Path("/proc/self/mounts")
LEAST_BYTES: Final = 256 * 1024**2
"""Below this a busy ledger's log and its checkpoint may not fit beside it."""
_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gfs2"}
)
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def ledger(store: Store, mounts: Path = MOUNTS) -> Iterator[Finding]:
    """Look at the ledger's place and at the file in it. Blocks while it reads."""
    folder = next(each for each in store.path.absolute().parents if _there(each))
    yield _writable(store.path, folder)
    yield _space(store, folder)
    if (found := _kind(folder, mounts)) is not None:
        yield found
    if _there(store.path):
        yield _whole(store.path)


def _there(path: Path) -> bool:
    """Whether something is there, as far as we may see: in a closed folder nothing is."""
    try:
        return path.exists()
    except PermissionError:
        return False


def _writable(path: Path, folder: Path) -> Finding:
    place = path if _there(path) else folder
    if folder.is_dir() and os.access(place, os.W_OK) and os.access(folder, os.W_OK | os.X_OK):
        there = "" if _there(path) else ", which `sonde run` will make"
        return Finding("ledger", Level.OK, f"{path}{there}")
    user = f"user {os.getuid()}"
    return Finding(
        "ledger",
        Level.FAIL,
        f"{path}: {user} cannot write there",
        f"give {folder} to {user}, or say another store.path",
    )


def _space(store: Store, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    there = store.path.stat().st_size if _there(store.path) else 0
    grows = max(0, store.max_size_bytes - there)
    said = f"{format_size(free)} free; the ledger may grow by {format_size(grows)}"
    if free < LEAST_BYTES:
        return Finding("space", Level.FAIL, said, f"make room on the disk of {folder}")
    if free < grows:
        return Finding("space", Level.WARN, said, "make room, or say a smaller store.max_size")
    return Finding("space", Level.OK, said)


def _kind(folder: Path, mounts: Path) -> Finding | None:
    """Warn of a file system that locks unreliably, or forgets; None: it is an ordinary one."""
    kind = mounted(folder, mounts)
    if kind in _NETWORK or kind.startswith("fuse.sshfs"):
        return Finding(
            "disk",
            Level.WARN,
            f"{folder} is on {kind}, over a network",
            "SQLite's locks cannot be relied on there (https://www.sqlite.org/faq.html#q5):"
            " say a store.path on a disk of this machine",
        )
    if kind in _MEMORY:
        text = f"{folder} is on {kind}: what is there is gone after a restart of the machine"
        return Finding("disk", Level.WARN, text, "say a store.path on a disk, or a volume")
    return None


def mounted(folder: Path, mounts: Path) -> str:
    """Return the kind of the file system a folder is on; empty when that is not known."""
    try:
        text = mounts.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    real, best, found = folder.resolve(), -1, ""
    for line in text.splitlines():
        _, place, kind, *_ = (*line.split(), "", "", "")
        where = place.replace("\\040", " ")
        if where and real.is_relative_to(where) and len(where) >= best:
            best, found = len(where), kind
    return found


def _whole(path: Path) -> Finding:
    if not path.is_file():
        text = f"{path}: is no file"
        return Finding("damage", Level.FAIL, text, "say another store.path, or move it away")
    size = path.stat().st_size
    if size > CHECKED_BYTES:
        text = f"{format_size(size)}: too large to be looked through here"
        return Finding("damage", Level.OK, text)
    remedy = "`sonde run` sets a damaged ledger aside and begins anew; docs/history.md"
    try:
        with closing(open_reader(path)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except (LedgerError, sqlite3.Error) as error:
        return Finding("damage", Level.FAIL, f"{path}: {error}", remedy)
    if said != "ok":
        return Finding("damage", Level.FAIL, f"{path}: {said}", remedy)
    return Finding("damage", Level.OK, f"none in {format_size(size)}")
