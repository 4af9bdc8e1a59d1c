"""PromQL as text: what is quoted, and which series a match hits."""

from dataclasses import replace

import pytest

from alerting.match import EVERYTHING, Match
from alerting.prometheus.promql import joined, matcher, matchers_of, number, quoted, selector
from tests.unit.alerting.windows import CHAT

TARGETS = (
    replace(CHAT, name="a.b", labels=(("team", "x"),)),
    replace(CHAT, name="a|c", labels=(("team", "y"),)),
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", '"plain"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("\n\x07\u2028", '"\\u000a\\u0007\\u2028"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("größer 😀", '"größer 😀"'),
    ],
)
def test_text_is_quoted(text: str, written: str) -> None:
    """Nothing in a name ends the string, and nothing that cannot be seen stands in the file."""
    assert quoted(text) == written


def test_numbers_are_short_and_exact() -> None:
    """A threshold keeps every digit it has."""
    assert [number(each) for each in (5.0, 0.05, 1e-7, 3)] == ["5", "0.05", "1e-07", "3"]


@pytest.mark.parametrize(
    ("match", "matchers"),
    [
        (EVERYTHING, ()),
        (Match((("target", ("a.b",)),)), ('target="a.b"',)),
        (Match((("target", ("a.*", "b?")),)), ('target=~"a\\\\..*|b."',)),
        (
            Match((("model", ("gpt-*", "!*-mini", "!x")),)),
            ('model=~"gpt-.*"', 'model!~".*-mini|x"'),
        ),
        (Match((("provider", ("!",)), ("location", ("he*",)))), ('provider!=""',)),
        (Match((("team", ("x",)),)), ('target=~"a\\\\.b"',)),
        (Match((("preset", ("open*",)),)), ('target=~"a\\\\.b|a\\\\|c"',)),
        (Match((("target", ("a[.]b",)),)), ('target=~"a\\\\.b"',)),
    ],
)
def test_a_match_becomes_matchers(match: Match, matchers: tuple[str, ...]) -> None:
    """Globs are anchored regular expressions; what no series carries is said by names."""
    assert matchers_of(match, TARGETS, "here") == (*matchers, 'location="here"')


def test_selectors_and_sets() -> None:
    """One word is compared, several are a choice; a join stands in brackets of its own."""
    one, several = matcher("fault", ["a"], without=True), matcher("fault", ["a", "b"])
    assert selector("x", [one, several]) == 'x{fault!="a", fault=~"a|b"}'
    assert matcher("fault", ["a", "b"], without=True) == 'fault!~"a|b"'
    assert joined("or", ["a"]) == "a"
    assert joined("or", ["a", joined("and", ["b", "c"])]) == (
        "(\n  a\n  or (\n    b\n    and c\n  )\n)"
    )
