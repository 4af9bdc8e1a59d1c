"""JSON from outside, read strictly: one exception for all that can be wrong with it."""

import json
from typing import Final, NoReturn


class JsonError(ValueError):
    """The bytes are not JSON in UTF-8, or nest deeper than can be read. The message says which."""


def parse_json(raw: bytes) -> object:
    """Read one JSON value; a byte order mark is tolerated, NaN and Infinity are not.

    Raises JsonError for everything that is wrong with the bytes, and nothing else. Numbers may
    still overflow to infinity (`1e999` is valid JSON): whoever uses a number checks it.
    """
    try:
        value: object = _DECODER.decode(raw.removeprefix(_BYTE_ORDER_MARK).decode())
    except UnicodeDecodeError:
        raise JsonError("not UTF-8") from None
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, or an integer of thousands of digits
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise JsonError(f"not JSON{where}") from None
    return value


def count(value: object, *, most: int) -> int | None:
    """Return a whole number from 0 to `most`; None for anything else, a bool included."""
    return value if type(value) is int and 0 <= value <= most else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
"""Made once: `json.loads` would make one for each text."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
