"""Every example of every page: read by the program that a reader would hand it to."""

from pathlib import Path

import pytest

from tests.docs import configs
from tests.docs.blocks import PAGES, ROOT, Block, blocks, mentioned
from tests.docs.checking import check, check_mention
from tests.docs.picture import configuration

BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_an_example_is_what_it_promises(block: Block, tmp_path: Path) -> None:
    """Configurations load, command lines parse, queries are PromQL; no kind goes unchecked."""
    assert check(block, tmp_path) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_in_a_sentence_is_one(page: Path) -> None:
    """Its name and its options exist."""
    assert [told for line in mentioned(page) for told in check_mention(line)] == []


@pytest.mark.parametrize("line", ["sonde prob", "sonde check --conect", "sonde rules tset FILE"])
def test_a_wrong_command_in_a_sentence_is_found(line: str) -> None:
    """What no parser knows misleads in a sentence as well."""
    assert check_mention(line) != []


def test_every_fence_is_found() -> None:
    """A block that the pattern misses would be checked by nobody."""
    fences = sum(page.read_text(encoding="utf-8").count("```") for page in PAGES)
    assert fences == 2 * len(BLOCKS)


def test_the_picture_is_of_a_valid_configuration(tmp_path: Path) -> None:
    """What `make picture` shows is what the loader takes."""
    configs.check(configuration(), tmp_path)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "x"),
        ("yaml", "defaults: {intervall: 60s}"),
        ("yaml", "unheard: of"),
        ("yaml", "kind: Pod\napiVersion: v1\nspec: {containers: [{name: a, imge: b}]}"),
        ("yaml", "scrape_configs: [{job: a}]"),
        ("yaml", "- {alert: A, expr: 'rate('}"),
        (
            "yaml",
            "tests: [{name: a, series: {gpt-chat: nonsense}, expect: [{at: 1m, none: true}]}]",
        ),
        ("yaml", "jobs: {a: {steps: [{run: sonde prob --all}]}}"),
        ("cron", "0 * * * sonde probe --all"),
        ("cron", "0 * * * * sonde prob --all"),
        ("console", "sonde prob gpt-chat"),
        ("console", "sonde check --no-such-flag"),
        ("console", "make nothing"),
        ("console", "kubectl exec a -- sonde doctro"),
        ("sh", "if then"),
        ("sh", "unheard --of"),
        ("console", "python -m no_such_module"),
        ("promql", "rate(a[5m"),
        ("json", "{"),
        ("python", "def"),
        ("toml", "a ="),
        ("text", "$ sonde check"),
    ],
)
def test_a_wrong_example_is_found(language: str, text: str, tmp_path: Path) -> None:
    """Each kind of check refuses what it is there to refuse."""
    assert check(Block(ROOT / "README.md", 1, language, f"{text}\n"), tmp_path) != []
