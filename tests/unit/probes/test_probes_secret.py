"""Secrets that stand in files."""

from pathlib import Path

import pytest

from probes.secret import LONGEST_BYTES, SecretError, SecretSource


def source(path: Path) -> SecretSource:
    return SecretSource(path=path)


def test_a_secret_is_what_its_file_says(tmp_path: Path) -> None:
    """Without the line's end, read anew each time."""
    path = tmp_path / "key"
    path.write_text("sk-one\n")
    assert source(path).read().reveal() == "sk-one"
    path.write_text("sk-two")
    assert source(path).read().reveal() == "sk-two"


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xff\xfe", "is not text"), (b" \n", "is empty"), (b"a\x00b", "not printable ASCII")],
)
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """In a line that holds nothing of it."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(SecretError, match=told):
        source(path).read()
    with pytest.raises(SecretError, match="cannot read"):
        source(tmp_path / "nothing").read()


def test_a_file_without_an_end_is_read_to_a_bound(tmp_path: Path) -> None:
    """A device, or a file somebody chose by mistake, does not fill the memory."""
    path = tmp_path / "key"
    path.write_bytes(b"a" * (LONGEST_BYTES + 1))
    for each in (path, Path("/dev/zero")):
        with pytest.raises(SecretError, match="too long for a secret"):
            source(each).read()
    path.write_bytes(b"a" * LONGEST_BYTES)
    assert len(source(path).read().reveal()) == LONGEST_BYTES
