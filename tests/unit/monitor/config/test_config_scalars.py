"""Plain scalars and variables in them."""

import math

import pytest

from monitor.config.scalars import Interpolated, InterpolationError, expand, resolve


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-10-21", "2024-10-21"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("012", 12),
        ("0o17", 15),
        ("0o18", "0o18"),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, meaning: object) -> None:
    """YAML 1.2 decides: `no` is a text, `1:30` is not ninety, `012` is twelve."""
    value = resolve(text)
    assert value == meaning
    assert type(value) is type(meaning)


def test_not_a_number_is_read_as_one() -> None:
    """`.nan` is a float (which fields then refuse), not a text."""
    value = resolve(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_huge_number_stays_a_text() -> None:
    """A number of five thousand digits is left alone instead of raising."""
    assert resolve("9" * 5000) == "9" * 5000


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x${A}y${B}z", "xoneytwoz"),
        ("${NONE:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("${A:-unused}", "one"),
        ("${NONE:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("cost: 5$", "cost: 5$"),
        ("$A", "$A"),
    ],
)
def test_references_are_replaced(text: str, result: str) -> None:
    """`${VAR}` and `${VAR:-default}` are replaced, `$$` is a dollar, any other `$` stays."""
    assert expand(text, {"A": "one", "B": "two", "EMPTY": ""}) == result


def test_a_value_is_not_expanded_again() -> None:
    """What a variable holds is data: a reference inside it is not followed."""
    assert expand("${A}", {"A": "${B}", "B": "secret"}) == "${B}"


def test_the_variables_behind_a_text_are_known() -> None:
    """Only variables whose value is in the text are named, not those a default stood in for."""
    text = expand("${A}-${NONE:-x}-${B:-y}", {"A": "1", "B": "2"})
    assert isinstance(text, Interpolated)
    assert text.variables == ("A", "B")


def test_text_without_references_is_ordinary() -> None:
    """`$$` alone does not make a text count as coming from a variable."""
    assert not isinstance(expand("$$5", {}), Interpolated)


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1A}", "${A-b}", "${A b}", "${A:+b}"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    """What looks like a reference and is none is an error, not a text with a dollar in it."""
    with pytest.raises(InterpolationError, match=r"write \$\$ for a dollar sign"):
        expand(text, {"A": "1"})


def test_every_unset_variable_is_named() -> None:
    """One error names all the variables that are missing."""
    with pytest.raises(InterpolationError, match=r"\bA is not set.*\bB is not set"):
        expand("${A}${B}", {})


def test_a_default_holds_no_variable() -> None:
    """Nested references are refused rather than half replaced."""
    with pytest.raises(InterpolationError, match="cannot hold another variable"):
        expand("${A:-${B}}", {"B": "x"})


def test_a_value_that_is_no_text_is_refused() -> None:
    """Bytes of the environment that are not UTF-8 reach us as lone surrogates; they stop here."""
    with pytest.raises(InterpolationError, match="A is not valid UTF-8"):
        expand("${A}", {"A": "\udcff"})
