"""What a command prints at the end, to a reader who may have gone."""

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.output import put, words

PROGRAM = """
from monitor.cli.output import put
try:
    put("text" * 100_000)
except OSError as error:
    raise SystemExit(type(error).__name__ + ": " + str(error))
"""


def test_a_text_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """As it is."""
    put("a\nb")
    assert capsys.readouterr().out == "a\nb"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (">&-", "OSError: standard output is closed"),
        (">/dev/full", "OSError: [Errno 28] No space left on device"),
        ("| true; exit ${PIPESTATUS[0]}", "BrokenPipeError: [Errno 32] Broken pipe"),
    ],
)
def test_what_is_not_taken_is_one_failure(where: str, said: str) -> None:
    """It is heard of once, by who can say it; the interpreter's end has no more to write."""
    ended = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {where}', sys.executable, PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    assert (ended.returncode, ended.stderr) == (1, f"{said}\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "a.csv"),
            "a.csv: No such file or directory",
        ),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("standard output is closed"), "standard output is closed"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("a.csv holds nothing"), "a.csv holds nothing"),
    ],
)
def test_an_error_is_told_without_its_number(error: Exception, said: str) -> None:
    """The file, and what the system says of it."""
    assert words(error) == said
