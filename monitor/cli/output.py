"""What a command prints when all of it is known: one text, or what went wrong."""

import os
import sys


def put(text: str) -> None:
    """Print a text, and know that it was taken.

    Raises OSError when standard output is closed or takes no more, BrokenPipeError when its reader
    has seen enough. Nothing more is printed then: what its buffer holds would fail again
    at the end.
    """
    if sys.stdout is None:  # closed before the start, as by `>&-`
        raise OSError("standard output is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def words(error: Exception) -> str:
    """Return what went wrong as one line for people: the file and the system's own words."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error) or type(error).__name__
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
