"""Places and paths of a read configuration."""

import pytest

from monitor.config.document import Document, KeyPath, Mark, dotted, written


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("targets", 2, "interval"), "targets[2].interval"),
        (("a", 0, 1), "a[0][1]"),
    ],
)
def test_paths_are_written_as_people_do(path: KeyPath, text: str) -> None:
    """Dots before keys, brackets around positions."""
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "no value"),
        (True, "true"),
        (1.5, "1.5"),
        ("a", '"a"'),
        ("a\nb\x1b", '"a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"'),
        ("x" * 100, '"' + "x" * 59 + '…"'),
    ],
)
def test_wrong_values_are_shown_safely(value: str | float | None, text: str) -> None:
    """Short, in quotes, and without control characters that could forge a line."""
    assert written(value) == text


def test_a_place_is_found_nearby() -> None:
    """What has no place of its own is shown at the nearest key above it."""
    document = Document(
        source="c.yaml",
        data={"a": {"b": 1}},
        keys={("a",): Mark(1, 1), ("a", "b"): Mark(2, 3)},
        values={("a",): Mark(2, 3), ("a", "b"): Mark(2, 6)},
    )
    places = {
        path: (document.problem(path, "m").line, document.problem(path, "m").column)
        for path in [("a", "b"), ("a", "c"), ("z",)]
    }
    assert places == {("a", "b"): (2, 6), ("a", "c"): (1, 1), ("z",): (None, None)}
    assert document.problem(("a", "b"), "m", key=True).column == 3


def test_nothing_stands_where_nothing_is() -> None:
    """Asking for a value that is not there answers None, whatever stands above."""
    document = Document(source="c.yaml", data={"a": [1], "b": "text"})
    assert document.at(("a", 0)) == 1
    assert document.at(("a", 1)) is None
    assert document.at(("b", "c")) is None
