"""YAML text to plain data with places."""

from pathlib import Path

import pytest

from monitor.config.document import Document, Mark
from monitor.config.errors import ConfigError, Problem
from monitor.config.reader import DEPTH_LIMIT, SIZE_LIMIT_BYTES, read_file, read_text
from monitor.config.scalars import Interpolated


def read(text: str, **variables: str) -> tuple[Document, tuple[Problem, ...]]:
    """Read a text."""
    return read_text(text, variables, source="sonde.yaml")


def sound(text: str, **variables: str) -> Document:
    """Read a text that has no problems."""
    document, problems = read(text, **variables)
    assert problems == ()
    return document


def complaint(text: str, **variables: str) -> str:
    """Return the only problem of a text, whether it stops the reading or not."""
    try:
        problems = read(text, **variables)[1]
    except ConfigError as error:
        problems = error.problems
    assert len(problems) == 1, problems
    return str(problems[0])


def test_data_and_places() -> None:
    """Every key and value has its place, counted from 1."""
    document = sound("a: 1\nb:\n  - x: yes\n    y: 2.5\n  - text\n")
    assert document.data == {"a": 1, "b": [{"x": "yes", "y": 2.5}, "text"]}
    assert document.keys["b", 0, "y"] == Mark(4, 5)
    assert document.values["b", 0, "y"] == Mark(4, 8)
    assert document.values["b", 1] == Mark(5, 5)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    """A file with nothing in it says nothing; what is missing is found later."""
    assert sound(text).data == {}


def test_quoted_scalars_are_texts() -> None:
    """Quotes make a text of anything."""
    assert sound("a: \"1\"\nb: 'true'\nc: |\n  5\n").data == {"a": "1", "b": "true", "c": "5\n"}


def test_a_variable_cannot_become_structure() -> None:
    """A value that looks like YAML is one text, wherever it is put."""
    document = sound("a: ${X}\n", X="{b: 1}\nc: [2]")
    assert document.data == {"a": "{b: 1}\nc: [2]"}


def test_a_variable_keeps_its_mark() -> None:
    """A value from a variable is a marked text, even when it looks like a number."""
    value = sound("a: ${PORT}\n", PORT="8000").data["a"]
    assert isinstance(value, Interpolated)
    assert (value, value.variables) == ("8000", ("PORT",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\n", "sonde.yaml:1:4 a: anchors are not read: write the value out"),
        ("a: !!str 1\n", "sonde.yaml:1:4 a: YAML tags (!…) are not read"),
        ("a: !!python/object:os.system x\n", "sonde.yaml:1:4 a: YAML tags (!…) are not read"),
        ("<<: {a: 1}\n", "sonde.yaml:1:1: merge keys (<<) are not read"),
        ("a: 1\nb: 2\na: 3\n", "sonde.yaml:3:1 a: a second `a` (first on line 1)"),
        ("? [a]\n: {b: [c]}\n", "sonde.yaml:1:3: a key must be text"),
        ('"": 1\n', "sonde.yaml:1:1: a key is missing before the colon"),
        ("${X}: 1\n", "sonde.yaml:1:1: a key holds a variable or a control character"),
        ('"a\\tb": 1\n', "sonde.yaml:1:1: a key holds a variable or a control character"),
        ('a: "\\ud800"\n', "sonde.yaml:1:4 a: half of a surrogate pair is not a character"),
        ("a: 1\n---\nb: 2\n", "sonde.yaml:2:1: a second YAML document: put everything in one"),
        (
            "- a\n",
            "sonde.yaml:1:1: expected a mapping of sections such as `providers:` and `targets:`",
        ),
        ("a:\n\tb: 1\n", "sonde.yaml:2:1: a tab: YAML is indented with spaces only"),
        (
            "x: {api_key: ${KEY}}\n",
            'sonde.yaml:1:15: not YAML: inside { } and [ ] put variables in quotes, as in "${VAR}"',
        ),
        (
            "a: b: c\n",
            (
                'sonde.yaml:1:5: not YAML: ": " inside a text; put the text in quotes, or check the'
                " indentation"
            ),
        ),
        ("a: \x07\n", "sonde.yaml:1:4: the character U+0007 is not allowed in YAML"),
        (
            'a: "\\U00110000"\n',
            "sonde.yaml:1:1: not YAML: an escape or directive near here holds an impossible number",
        ),
    ],
)
def test_what_a_configuration_does_not_need_is_refused(text: str, problem: str) -> None:
    """Aliases, tags, merges, duplicates and broken YAML are refused at their place."""
    assert complaint(text, KEY="k", X="x") == problem


def test_aliases_are_refused() -> None:
    """An alias is refused where it stands, beside its anchor."""
    _, problems = read("a: &x 1\nb: *x\n")
    assert [str(problem) for problem in problems] == [
        "sonde.yaml:1:4 a: anchors are not read: write the value out",
        "sonde.yaml:2:4 b: aliases are not read: write the value out",
    ]


def test_the_first_of_two_keys_counts() -> None:
    """After the complaint the reading goes on, so that later problems are found too."""
    document, problems = read("a: {b: 1, b: [2, {c: 3}]}\nd: &e 4\n")
    assert document.data == {"a": {"b": 1}, "d": 4}
    assert len(problems) == 2


def test_unset_variables_are_named_at_their_place() -> None:
    """Every unset variable is told, and its value counts as already complained about."""
    document, problems = read("a: ${X}\nb: [1, '${Y}']\n")
    assert [(problem.line, problem.column, problem.path) for problem in problems] == [
        (1, 4, "a"),
        (2, 8, "b[1]"),
    ]
    assert document.reported(("b", 1))
    assert not document.reported(("b", 0))


def test_depth_is_capped() -> None:
    """A tower of brackets stops at the cap, not at the interpreter's stack."""
    text = "a: " + "[" * 5000
    assert complaint(text).endswith(f"nested more than {DEPTH_LIMIT} levels deep")


def test_a_file_is_read_below_the_working_directory(tmp_path: Path) -> None:
    """A relative path is found from the given directory and shown as it was given."""
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    document, _ = read_file(Path("x.yaml"), {}, tmp_path)
    assert (document.source, document.data) == ("x.yaml", {"a": "é"})


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a: 1\nb: \xff\n", "x.yaml:2:4: not UTF-8: save the file as UTF-8"),
        (b"#" * (SIZE_LIMIT_BYTES + 1), "x.yaml:1:1: larger than 256 KiB"),
    ],
)
def test_files_that_are_not_text_or_too_large(tmp_path: Path, raw: bytes, problem: str) -> None:
    """A file is read up to its cap and as UTF-8 only."""
    (tmp_path / "x.yaml").write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read_file(Path("x.yaml"), {}, tmp_path)
    assert str(caught.value) == problem


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a problem like any other."""
    with pytest.raises(ConfigError) as caught:
        read_file(Path("x.yaml"), {}, tmp_path)
    assert str(caught.value) == "x.yaml:1:1: cannot read the file: No such file or directory"
