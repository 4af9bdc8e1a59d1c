"""`sonde probe --all`: which targets it takes, and what it refuses."""

import argparse
import json
from pathlib import Path

import pytest

from monitor.cli.probe import add_arguments, run
from monitor.cli.probe_all import MistakenError, chosen, document
from monitor.config.values import Config
from probes.result import SkipReason
from tests.unit.monitor.config.configtexts import load_text
from tests.unit.monitor.smoke.rounds import MIXED

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets:
  - {name: a, provider: p, model: m, labels: {team: one}}
  - {name: b, provider: p, model: gpt-4o}
"""


def arguments(*given: str) -> argparse.Namespace:
    """Parse a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_text(tmp_path, CONFIG).config


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("--all",), ["a", "b"]),
        (("--all", "--once", "--match", "team=one"), ["a"]),
        (("--all", "--match", "model=gpt-*", "--match", "provider=p"), ["b"]),
    ],
)
def test_labels_choose(config: Config, given: tuple[str, ...], names: list[str]) -> None:
    """Each --match must fit; without one every target does."""
    assert [each.name for each in chosen(arguments(*given), config)] == names


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--all", "--match", "model=none"), "no target matches model=none"),
        (("--all", "--match", "model"), "--match: 'model': expected LABEL=PATTERN"),
        (("--all", "a"), "either --all or 'a'"),
        (("a", "--match", "model=m"), "go with --all"),
        (("a", "--junit", "x.xml"), "go with --all"),
    ],
)
def test_a_mistake_probes_nothing(config: Config, given: tuple[str, ...], told: str) -> None:
    """A smoke test of no target must not look like one that passed."""
    with pytest.raises(MistakenError, match=told):
        chosen(arguments(*given), config)


def test_without_a_name_the_names_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; so is a mistake's."""
    path = tmp_path / "sonde.yaml"
    path.write_text(CONFIG)
    assert run(arguments("--config", str(path))) == 2
    assert run(arguments("--config", str(path), "--junit", "x")) == 2
    assert capsys.readouterr() == (
        "",
        "which target? there are: a, b, or --all\n--match and --junit go with --all\n",
    )


def test_the_document_has_each_result_as_for_one() -> None:
    """Counts beside it; a target without a probe stands apart, with why."""
    told = json.loads(json.dumps(document(MIXED)))
    assert (told["ok"], told["targets"], told["failed"], told["skipped"]) == (False, 4, 2, 1)
    assert [each["target"] for each in told["results"]] == ["chat", "chat", "chat"]
    assert {"latency_s", "phases", "verdict"} <= set(told["results"][0])
    assert told["skips"] == [{"target": "left-out", "reason": SkipReason.BUDGET.value}]
    assert told["began_at"] == "2026-11-18T11:06:40+00:00"


def test_a_report_that_cannot_be_written_is_noticed_before_anything_is_sent(
    config: Config, tmp_path: Path
) -> None:
    """Probes cost money: a mistyped folder must not take what they found with it."""
    with pytest.raises(MistakenError, match=r"there is no folder .*missing"):
        chosen(arguments("--all", "--junit", str(tmp_path / "missing" / "x.xml")), config)
