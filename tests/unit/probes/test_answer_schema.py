"""Patterns and schemas of somebody else's: compiled once, bounded in what they may cost."""

import pytest

from probes.answer_schema import (
    CHECKED_CHARS,
    SCHEMA_LIMIT_BYTES,
    AnswerSchema,
    TextPattern,
    TooLongError,
    UncheckableError,
    unfenced,
)


def test_a_pattern_may_be_found_anywhere() -> None:
    """As everybody knows it: search, not match; flags stand inside."""
    assert TextPattern("(?i)OK").found_in("it is ok.")
    assert not TextPattern("^ok$").found_in("it is ok.")


@pytest.mark.parametrize("text", ["(", "(?=a)b", r"(a)\1", "(a{1,999}){1,999}"])
def test_patterns_that_cannot_be_run_in_linear_time_are_refused(text: str) -> None:
    """Look-around, back references and monsters are told when they are read, not at a probe."""
    with pytest.raises(UncheckableError, match="look-around"):
        TextPattern(text)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a|aa)+$"])
def test_patterns_that_hang_others_end_here(text: str) -> None:
    """Each of these takes Python's own engine longer than the universe has; the test just ends."""
    assert TextPattern(text).found_in("a" * (CHECKED_CHARS - 1) + "!") is False


def test_text_that_is_no_unicode_is_searched_all_the_same() -> None:
    """An answer may hold half of a surrogate pair."""
    assert TextPattern("o.k").found_in("o\ud800k")


def test_patterns_and_schemas_are_equal_by_their_text() -> None:
    """A target is a key: what it expects must be comparable, and hashable."""
    assert TextPattern("a") == TextPattern("a")
    assert hash(AnswerSchema("{}")) == hash(AnswerSchema("{}"))
    assert AnswerSchema("{}") != AnswerSchema("true")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "not JSON"),
        ("3", "not a JSON Schema"),
        ('{"type": "nope"}', "not a JSON Schema"),
        ('{"pattern": "(?=a)"}', "not a JSON Schema"),
        ('{"$ref": "http://127.0.0.1:1/x"}', "schemas are not fetched"),
        ('{"$ref": "file:///etc/hostname"}', "schemas are not fetched"),
        (f'"{"x" * SCHEMA_LIMIT_BYTES}"', "larger than 256 KiB"),
    ],
)
def test_schemas_that_cannot_be_used_are_refused(schema: str, said: str) -> None:
    """Nothing is fetched for one, from nowhere."""
    with pytest.raises(UncheckableError, match=said):
        AnswerSchema(schema)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": [1]}', None),
        ('```json\n{"a": []}\n```', None),
        ("no", "not JSON at character 0"),
        ("{}", 'the answer: "a" is a required property'),
        ('{"a": ["x"]}', '["a"][0]: "x" is not of type "integer"'),
        ('{"a": []} ' + "[" * 300 + "]" * 300, "not JSON at character 10"),
        ('{"b": ' + "[" * 300 + "]" * 300 + "}", "nested too deeply, or text that is no Unicode"),
        ('{"a": ["\\ud800"]}', "nested too deeply, or text that is no Unicode"),
        ("\ud800", "not JSON at character 0"),
    ],
)
def test_an_answer_is_checked_with_the_place_of_what_is_wrong(
    text: str, complaint: str | None
) -> None:
    """The first thing that is wrong is told, and where."""
    schema = AnswerSchema(
        '{"required": ["a"], "properties": {"a": {"items": {"type": "integer"}}}}'
    )
    assert schema.complaint(text) == complaint


@pytest.mark.parametrize("alternatives", ["oneOf", "anyOf", "allOf"])
@pytest.mark.parametrize("levels", [17, 200])
def test_a_schema_that_refers_to_itself_ends_as_any_other(alternatives: str, levels: int) -> None:
    """To look for the place in each alternative at each level would take longer than for ever."""
    inner = '{"properties": {"in": {"$ref": "#"}, "x": {"type": "integer"}}}'
    schema = AnswerSchema(f'{{"{alternatives}": [{inner}, {inner}]}}')
    nested = '{"in": ' * levels + '{"x": "y"}' + "}" * levels
    assert schema.complaint(nested) == f"the answer does not fit: {nested}"
    assert AnswerSchema(inner).complaint(nested.replace('"y"', "1")) is None


def test_a_long_answer_is_not_checked() -> None:
    """Neither by a pattern nor by a schema."""
    long = "1" * (CHECKED_CHARS + 1)
    with pytest.raises(TooLongError):
        TextPattern("1").found_in(long)
    with pytest.raises(TooLongError):
        AnswerSchema("{}").complaint(long)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("x", "x"),
        ("```json\n{}\n```", "{}\n"),
        (" ```\n[1]```\n", "[1]"),
        ("```JSON\r\n{}```", "{}"),
        ("```python\n{}\n```", "```python\n{}\n```"),
        ("see ```json\n{}\n```", "see ```json\n{}\n```"),
        ("``````", "``````"),
        ("```", "```"),
    ],
)
def test_only_a_fence_around_everything_is_taken_off(text: str, inner: str) -> None:
    """Prose around the JSON stays, and is then no JSON."""
    assert unfenced(text) == inner
