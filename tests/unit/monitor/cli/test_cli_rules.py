"""`sonde rules`: exit codes, and what is printed."""

import json
from pathlib import Path

import pytest

from monitor.cli import main
from tests.unit.monitor.backtest.pasts import write

PASSES = "{series: {a: ok x9}, expect: [{at: 8m, none: true}]}"
FAILS = "{series: {a: timeout x9}, expect: [{at: 8m, none: true}]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a ledger and its configuration."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_tests(folder: Path, *cases: str) -> None:
    (folder / "t.yaml").write_text(f"config: sonde.yaml\ntests: [{', '.join(cases)}]\n")


def test_rules_test_says_what_failed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 when all passed, 1 when one did not, 2 when the file cannot be used."""
    write_tests(folder, PASSES)
    assert main(["rules", "test", "t.yaml"]) == 0
    assert capsys.readouterr().out == "ok      test 1\nt.yaml: 1 tests, 0 failed\n"
    write_tests(folder, PASSES, FAILS)
    assert main(["rules", "test", "t.yaml", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert [each["passed"] for each in told["tests"]] == [True, False]
    write_tests(folder, "{series: {a: fine}}")
    assert main(["rules", "test", "t.yaml"]) == 2
    assert "t.yaml:2:" in capsys.readouterr().err


def test_backtest_prints_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a rule, what could not be tried, the incidents."""
    assert main(["rules", "backtest", "--since", "2026-09-21", "--until", "2026-09-23"]) == 0
    text = capsys.readouterr().out
    assert "480 results of 2 targets" in text
    assert "\nDown             critical  1 " in text
    assert "BudgetNear: not tried: budget.used" in text
    assert "nobody was told: 0" in text
    assert text.splitlines()[-1].split()[2:] == ["a", "9m2s", "10", "Down", "2m5s"]


def test_backtest_compares_two_configurations(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What differs stands side by side, a rule that one lacks with a dash."""
    config = (folder / "sonde.yaml").read_text()
    own = "{name: Own, when: 'failures >= 1', over: 5m}, {name: Down, enabled: false}"
    (folder / "other.yaml").write_text(f"{config}rules: [{own}]\n")
    asked = ["rules", "backtest", "--since", "2026-09-21", "--until", "2026-09-23"]
    assert main([*asked, "--compare", "other.yaml"]) == 0
    text = capsys.readouterr().out
    differing = text.split("what differs, ")[1].splitlines()
    assert [line.split() for line in differing[2:4]] == [
        ["Down", "1", "-", "1", "-", "8m", "-", "1", "-"],
        ["Own", "-", "2", "-", "2", "-", "20m", "-", "1"],
    ]
    assert main([*asked, "--compare", "sonde.yaml", "--json"]) == 0
    one, other = json.loads(capsys.readouterr().out)
    assert {**one, "configuration": ""} == {**other, "configuration": ""}
    assert one["incidents"][0]["told_by"] == "Down"
    assert main([*asked, "--compare", "sonde.yaml"]) == 0
    assert "\nnothing\n" in capsys.readouterr().out


def test_a_time_before_all_results_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And from when on there are some."""
    asked = ["rules", "backtest", "--rule", "Down"]
    assert main([*asked, "--since", "2026-01-01", "--until", "2026-01-02"]) == 0
    assert "no results are kept of that time" in capsys.readouterr().out
    assert main([*asked, "--since", "2026-09-01", "--until", "2026-09-23"]) == 0
    assert "of what is older no results are kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--since", "soon"], "neither a time ago"),
        (["--since", "2026-09-23", "--until", "2026-09-22"], "--since is not before"),
        (["--since", "800d"], "more than 400 days"),
        (["--target", "x*"], "no such target; there are: a, b"),
        (["--rule", "Dawn"], "no rule Dawn; there are: Down"),
        (["other.yaml"], "cannot read the file"),
    ],
)
def test_a_wrong_question_is_a_mistake(
    folder: Path, capsys: pytest.CaptureFixture[str], asked: list[str], says: str
) -> None:
    """Exit code 2, and what there is instead."""
    assert main(["rules", "backtest", *asked]) == 2
    assert says in capsys.readouterr().err


def test_without_a_ledger_there_is_no_answer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1."""
    (folder / "past.db").unlink()
    assert main(["rules", "backtest"]) == 1
    assert "past.db is not there" in capsys.readouterr().err
