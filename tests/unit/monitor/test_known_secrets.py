"""Which secrets are masked, while their files come and go."""

import os
from pathlib import Path

from monitor.known_secrets import KEPT, KnownSecrets
from probes.secret import Secret, SecretSource


def test_values_and_files_are_known(tmp_path: Path) -> None:
    """Those that can be read; the others cannot be printed either."""
    (tmp_path / "a").write_text("in-a-file\n")
    known = KnownSecrets(
        [
            SecretSource(value=Secret("a-value")),
            SecretSource(path=tmp_path / "a"),
            SecretSource(path=tmp_path / "missing"),
            SecretSource(value=Secret("")),
        ]
    )
    assert known() == ("a-value", "in-a-file")


def test_a_file_that_comes_later_is_read(tmp_path: Path) -> None:
    """From the next question on."""
    known = KnownSecrets([SecretSource(path=tmp_path / "a")])
    assert known() == ()
    (tmp_path / "a").write_text("late")
    assert known() == ("late",)


def test_the_newest_values_are_kept(tmp_path: Path) -> None:
    """A file that is replaced each hour does not make masking slower for ever."""
    path = tmp_path / "a"
    path.write_text("value-0")
    known = KnownSecrets([SecretSource(path=path)])
    for number in range(1, 6):
        path.write_text(f"value-{number}")
        os.utime(path, ns=(number, number))
        known()
    path.unlink()
    assert known() == tuple(f"value-{number}" for number in range(6 - KEPT, 6))
