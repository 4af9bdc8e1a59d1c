"""What targets expect: compiled when it is read, refused where it stands."""

from pathlib import Path

import pytest

from probes.answer_schema import AnswerSchema, TextPattern
from probes.result import Operation
from probes.target import Expectation, ReasoningEffort, Target
from tests.unit.monitor.config.configtexts import load_text, refusals

FRAME = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:9/v1"}}
targets:
  - {name: a, provider: p, model: m, @@}
"""


def _target(folder: Path, part: str) -> Target:
    return load_text(folder, FRAME.replace("@@", part)).config.targets[0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("expect: {equals: ok}", Expectation(equals="ok")),
        ("expect: {regex: ^ok$}", Expectation(regex=TextPattern("^ok$"))),
        (
            "expect: {json_schema: {type: object, required: [a]}}",
            Expectation(json_schema=AnswerSchema('{"required": ["a"], "type": "object"}')),
        ),
        ("expect: {json_schema: a.json}", Expectation(json_schema=AnswerSchema("true"))),
        (
            "operation: embeddings, expect: {normalised: true, dimensions: 3}",
            Expectation(normalised=True, dimensions=3),
        ),
        (
            'operation: embeddings, expect: {cosine_to_reference: ">= 0.99"}',
            Expectation(cosine_at_least=0.99),
        ),
        (
            "operation: embeddings, expect: {cosine_to_reference: 1}",
            Expectation(cosine_at_least=1.0),
        ),
    ],
)
def test_each_expectation(tmp_path: Path, part: str, expected: Expectation) -> None:
    """Schemas stand inline, or in a file beside the configuration."""
    (tmp_path / "a.json").write_text("true")
    assert _target(tmp_path, part).expect == expected


@pytest.mark.parametrize(
    ("part", "path", "said"),
    [
        ("expect: {regex: (}", "regex", "not a pattern"),
        ("expect: {json_schema: {type: nope}}", "json_schema", "not a JSON Schema"),
        ("expect: {json_schema: 3}", "json_schema", "a mapping, or the path of a file, not 3"),
        ("expect: {json_schema: ~/a}", "json_schema", "a path without ~"),
        ("expect: {json_schema: none.json}", "json_schema", "No such file"),
        ("expect: {json_schema: latin.json}", "json_schema", "not UTF-8"),
        ("expect: {json_schema: large.json}", "json_schema", "larger than 256 KiB"),
        (
            'operation: embeddings, expect: {cosine_to_reference: "> 0.9"}',
            "cosine_to_reference",
            "expected a bound",
        ),
        (
            "operation: embeddings, expect: {cosine_to_reference: 1.1}",
            "cosine_to_reference",
            "expected a bound",
        ),
        (
            "operation: embeddings, expect: {cosine_to_reference: true}",
            "cosine_to_reference",
            "expected a bound",
        ),
        ("operation: embeddings, expect: {regex: a}", "regex", "only with operation: chat or resp"),
        ("operation: models, expect: {equals: a}", "equals", "only with operation: chat or resp"),
        (
            "operation: responses, expect: {normalised: true}",
            "normalised",
            "only with operation: em",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused(tmp_path: Path, part: str, path: str, said: str) -> None:
    """By the check of the configuration, not by the first probe."""
    (tmp_path / "latin.json").write_bytes(b"\xff")
    (tmp_path / "large.json").write_text(" " * 300_000)
    (problem,) = refusals(tmp_path, FRAME.replace("@@", part))
    assert problem.path == f"targets[0].expect.{path}"
    assert said in problem.message


def test_models_are_free_and_have_no_prompt(tmp_path: Path) -> None:
    """Whatever the model costs."""
    target = _target(tmp_path, "operation: models")
    assert (target.operation, target.prompt) == (Operation.MODELS, "")
    assert target.price is not None
    assert (target.price.input_usd, target.price.output_usd) == (0.0, 0.0)


def test_a_model_that_reasons(tmp_path: Path) -> None:
    """Effort and temperature are said of a target, and of nothing by default."""
    target = _target(tmp_path, "reasoning_effort: xhigh, temperature: 0")
    assert (target.reasoning_effort, target.temperature) == (ReasoningEffort.XHIGH, 0.0)
    plain = _target(tmp_path, "operation: responses")
    assert (plain.reasoning_effort, plain.temperature) == (None, None)


@pytest.mark.parametrize(
    ("part", "path", "said"),
    [
        ("operation: models, prompt: x", "prompt", "an operation that has a prompt"),
        ("operation: models, stream: true", "stream", "only with operation: chat or responses"),
        ("operation: embeddings, temperature: 1", "temperature", "only with operation: chat or re"),
        ("reasoning_effort: loww", "reasoning_effort", "did you mean low?"),
        ("temperature: 3", "temperature", "expected at most 2"),
        ("operation: responses, max_output_tokens: 15", "max_output_tokens", "no fewer than 16"),
    ],
)
def test_keys_that_do_not_fit(tmp_path: Path, part: str, path: str, said: str) -> None:
    """A key without effect, or beyond what the API takes, is refused by name."""
    (problem,) = refusals(tmp_path, FRAME.replace("@@", part))
    assert problem.path == f"targets[0].{path}"
    assert said in problem.message


def test_few_tokens_for_everybody_are_raised_for_responses(tmp_path: Path) -> None:
    """`defaults:` was not meant for this target in particular."""
    text = "defaults: {max_output_tokens: 5}\n" + FRAME.replace("@@", "operation: responses")
    (target,) = load_text(tmp_path, text).config.targets
    assert target.max_output_tokens == 16
