"""Where the ledger is, and how it is."""

import errno
import os
from pathlib import Path, PosixPath

from aggregator.ledger_file import open_writer
from aggregator.results import RESULTS
from monitor.config.values import Store
from monitor.doctor.finding import Level
from monitor.doctor.ledger import ledger, mounted

MOUNTS = """\
/dev/a / ext4 rw 0 0
tmpfs {0}/memory tmpfs rw 0 0
server:/x {0}/far\\040away nfs4 rw 0 0
"""


def found(store: Store, mounts: Path) -> dict[str, tuple[Level, str]]:
    return {each.check: (each.level, each.text) for each in ledger(store, mounts)}


def test_a_sound_ledger_is_whole(tmp_path: Path) -> None:
    """And one that is not there yet will be made."""
    path = tmp_path / "deep" / "s.db"
    store = Store(path=path, max_size_bytes=1)
    told = found(store, tmp_path / "none")
    assert set(told) == {"ledger", "space"}
    assert "will make" in told["ledger"][1]
    path.parent.mkdir()
    path.touch()
    open_writer(path, (RESULTS,)).close()
    told = found(store, tmp_path / "none")
    assert {level for level, _ in told.values()} == {Level.OK}
    assert "none in" in told["damage"][1]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """A file that is no ledger, a disk that is too small for what is allowed."""
    path = tmp_path / "s.db"
    path.write_bytes(b"something else entirely" * 100)
    told = found(Store(path=path, max_size_bytes=1 << 60), tmp_path / "none")
    assert told["damage"][0] is Level.FAIL
    assert told["space"][0] is Level.WARN


def test_a_folder_that_is_a_file_is_no_place(tmp_path: Path) -> None:
    """Nothing can be made below it, whoever asks."""
    (tmp_path / "file").touch()
    told = found(Store(path=tmp_path / "file" / "s.db"), tmp_path / "none")
    assert told["ledger"][0] is Level.FAIL


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A folder, or a pipe that nobody writes to: reading one would wait for ever."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        told = found(Store(path=tmp_path / name), tmp_path / "none")
        assert told["damage"] == (Level.FAIL, f"{tmp_path / name}: is no file")


class Closed(PosixPath):
    """A path below a folder that we may not enter."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        if "closed" in self.parent.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return super().stat(follow_symlinks=follow_symlinks)


def test_a_folder_that_is_closed_to_us_is_looked_at_from_outside(tmp_path: Path) -> None:
    """What is in it cannot be seen: the nearest folder above that can is told of."""
    (tmp_path / "closed" / "deep").mkdir(parents=True)
    told = found(Store(path=Closed(tmp_path / "closed" / "deep" / "s.db")), tmp_path / "none")
    assert set(told) == {"ledger", "space"}


def test_a_large_ledger_is_not_looked_through(tmp_path: Path) -> None:
    """It would take seconds, beside a daemon."""
    path = tmp_path / "s.db"
    with path.open("wb") as file:
        file.truncate(64 * 1024**2)
    assert "too large" in found(Store(path=path), tmp_path / "none")["damage"][1]


def test_file_systems_that_forget_or_lock_badly_are_warned_of(tmp_path: Path) -> None:
    """By the mount that is nearest to the folder; names with a space in them too."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(tmp_path))
    kinds = {}
    for name in ("memory", "far away", "disk"):
        (tmp_path / name).mkdir()
        kinds[name] = mounted(tmp_path / name, mounts)
        told = found(Store(path=tmp_path / name / "s.db"), mounts)
        assert ("disk" in told) == (name != "disk")
    assert kinds == {"memory": "tmpfs", "far away": "nfs4", "disk": "ext4"}
    assert mounted(tmp_path, tmp_path / "none") == ""
