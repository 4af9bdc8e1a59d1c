"""JSON is read strictly, and everything wrong with it is one exception."""

import pytest

from probes.jsontext import JsonError, count, parse_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [(b'{"a": [1, "\xc3\xa9"]}', {"a": [1, "é"]}), (b"\xef\xbb\xbfnull", None), (b" 1.5 ", 1.5)],
)
def test_json_is_read(raw: bytes, value: object) -> None:
    """UTF-8 JSON is read, a byte order mark aside."""
    assert parse_json(raw) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff{}", "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": ', "not JSON at character 6"),
        (b"", "not JSON at character 0"),
        (b"NaN", "not JSON"),
        (b'[{"a": -Infinity}]', "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_everything_else_is_a_json_error(raw: bytes, why: str) -> None:
    """Bad UTF-8, cut text, NaN, endless numbers and bottomless nesting are refused."""
    with pytest.raises(JsonError, match=f"^{why}$"):
        parse_json(raw)


@pytest.mark.parametrize("value", [0, 7, 10])
def test_whole_numbers_within_bounds_count(value: int) -> None:
    """Both bounds are included."""
    assert count(value, most=10) == value


@pytest.mark.parametrize("value", [True, False, -1, 11, 10**400, 1.0, "1", None, [1]])
def test_everything_else_does_not_count(value: object) -> None:
    """A bool is no number, nor are a float, a text or a number out of bounds."""
    assert count(value, most=10) is None
