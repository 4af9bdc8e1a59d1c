"""Whatever stands in a configuration, it loads or is refused with places."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config.durations import format_duration, parse_duration
from monitor.config.errors import ConfigError, Problem
from monitor.config.load import load
from monitor.config.reader import read_text
from monitor.config.scalars import expand, resolve

KEYS = (
    "location",
    "defaults",
    "providers",
    "targets",
    "rules",
    "notify",
    "channels",
    "store",
    "http",
    "windows",
    "name",
    "provider",
    "model",
    "models",
    "operation",
    "interval",
    "deadline",
    "expect",
    "match",
    "when",
    "over",
    "for",
    "labels",
    "preset",
    "api_key",
    "base_url",
    "prices",
    "default",
    "input",
    "output",
    "type",
    "slack",
    "webhook",
    "url",
    "secrets",
    "listen",
    "budget",
    "slos",
)
scalars = st.one_of(
    st.sampled_from(["5m", "10s", "openai", "xai", "${KEY}", "${NO}", "slack", "chat", "a b", "*"]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)
trees = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), below, max_size=5)
    ),
    max_leaves=25,
)
yamlish = st.text(
    alphabet=st.sampled_from("ab:-?{}[],&*!|>'\"%@#$~<=.0x1\n\t \\uU\ud800\x00\u2028é"), max_size=60
)
quick = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def judged(folder: Path, raw: bytes) -> None:
    """Load the text; a refusal must say where, on one line for each problem."""
    (folder / "c.yaml").write_bytes(raw)
    # PyYAML also breaks lines at NEL and at the two separators.
    lines = len(re.findall("[\n\r\x85\u2028\u2029]", raw.decode(errors="replace"))) + 2
    for strict in (True, False):
        problems = refusal(Path("c.yaml"), {"KEY": "sk-1"}, folder, strict=strict)
        assert problems is None or problems
        for problem in problems or ():
            assert problem.source == "c.yaml"
            assert problem.line is not None
            assert 1 <= problem.line <= lines
            assert problem.column is not None
            assert problem.column >= 1
            assert "\n" not in str(problem)


def refusal(
    path: Path | None, environ: dict[str, str], cwd: Path, *, strict: bool
) -> tuple[Problem, ...] | None:
    """Return the problems of a configuration; None: it loads. Anything else fails the test."""
    try:
        load(path, environ, cwd=cwd, strict=strict)
    except ConfigError as error:
        return error.problems
    return None


@quick
@given(raw=st.binary(max_size=80))
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    """Any file at all raises ConfigError or nothing."""
    judged(tmp_path, raw)


@quick
@given(text=yamlish)
def test_any_yaml_like_text(tmp_path: Path, text: str) -> None:
    """Text made of YAML's own characters raises ConfigError or nothing."""
    judged(tmp_path, text.encode("utf-8", "surrogatepass"))


@quick
@given(tree=st.dictionaries(st.sampled_from(KEYS), trees, max_size=6))
def test_any_tree_of_our_own_keys(tmp_path: Path, tree: dict[str, object]) -> None:
    """Well-formed configurations of any shape raise ConfigError or nothing."""
    judged(tmp_path, written(tree).encode("utf-8", "surrogatepass"))


def written(value: object) -> str:
    """Write plain data as YAML in flow style, texts quoted unless they are plain words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            plain = re.fullmatch(r"[A-Za-z0-9_]+", value)
            return value if plain else "'" + value.replace("'", "''").replace("\n", " ") + "'"
        case _:
            return str(value)


@given(
    text=st.text(max_size=40), values=st.dictionaries(st.sampled_from("AB"), st.text(max_size=5))
)
def test_escaped_text_is_itself(text: str, values: dict[str, str]) -> None:
    """Doubling every dollar sign protects any text from replacement."""
    assert expand(text.replace("$", "$$"), values) == text


@given(value=st.text(max_size=40).filter(lambda text: "\ud800" not in text))
def test_a_variable_is_always_one_scalar(value: str) -> None:
    """Whatever a variable holds, it fills one text and adds no structure."""
    usable = not any(0xD800 <= ord(character) <= 0xDFFF for character in value)
    document, problems = read_text("a: ${X}\nb: 1\n", {"X": value}, source="c.yaml")
    assert document.data == {"a": value if usable else None, "b": 1}
    assert len(problems) == (0 if usable else 1)


@given(text=st.text(max_size=60))
def test_resolving_never_raises(text: str) -> None:
    """Every plain scalar means something."""
    resolve(text)


@given(milliseconds=st.integers(min_value=0, max_value=10**12))
def test_durations_read_back(milliseconds: int) -> None:
    """A duration that we write is one that we read, to the millisecond."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-4)


@given(
    environ=st.dictionaries(
        st.sampled_from(
            [
                "OPENAI_API_KEY",
                "OPENAI_ORG_ID",
                "OPENAI_BASE_URL",
                "XAI_API_KEY",
                "SLACK_WEBHOOK_URL",
                "SLACK_BOT_TOKEN",
                "SLACK_CHANNEL",
                "WEBHOOK_URL",
                "MAX_TOKENS_DEFAULT",
                "REQUEST_TIMEOUT",
                "DAILY_BUDGET_USD",
                "REDIS_URL",
                "SONDE_LISTEN",
            ]
        ),
        st.text(max_size=12) | st.sampled_from(["5", "90s", "https://x.example", "xoxb-1"]),
    )
)
def test_any_environment(environ: dict[str, str]) -> None:
    """Any variables make a configuration or a ConfigError that names where they came from."""
    problems = refusal(None, environ, Path("/nonexistent"), strict=True)
    assert {problem.source for problem in problems or ()} <= {"environment"}
    assert problems is None or problems
