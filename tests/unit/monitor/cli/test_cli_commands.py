"""The command line as a whole: its help, its mistakes, its parsers."""

import argparse
import json
import re
import signal
from pathlib import Path

import pytest

from monitor.cli import COMMANDS, EXIT_CODES, main, parsers, unknown
from monitor.cli.commands import actions
from monitor.cli.completion import script


def every_parser() -> list[argparse.ArgumentParser]:
    found = list(parsers().values())
    return [*found, *(below for each in found for below in actions(each).values())]


def test_every_command_has_a_parser_in_the_order_of_the_help() -> None:
    """By the name it is called."""
    assert list(parsers()) == [command.name for command in COMMANDS]


@pytest.mark.parametrize("parser", every_parser(), ids=lambda each: each.prog)
def test_help_is_of_one_kind(parser: argparse.ArgumentParser) -> None:
    """Examples that begin with the command, exit codes, and a word beside every option."""
    text = parser.format_help()
    assert re.search(
        rf"^examples:$\n  (\S+=\S+ )?{re.escape(parser.prog)}", text, re.MULTILINE
    ) or (re.search(rf"^examples:$(\n  .*)*\n  .*{re.escape(parser.prog)}", text, re.MULTILINE))
    assert "Exit codes: 0 " in text
    assert all(action.help for action in parser._actions if action.option_strings)
    assert not re.search(r"^.{101}", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        (["help"], ["--help"]),
        (["help", "check"], ["check", "--help"]),
        (["help", "silence", "add"], ["silence", "add", "--help"]),
    ],
)
def test_help_is_a_command_too(
    asked: list[str], same: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As people type it."""
    texts = []
    for arguments in (asked, same):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != ""


def test_a_command_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the one that may have been meant, if one is near."""
    assert main(["chek"]) == 2
    assert capsys.readouterr().err == (
        "sonde: no command 'chek'; did you mean 'check'? `sonde --help` lists them\n"
    )
    assert unknown("zzz") == "sonde: no command 'zzz'; `sonde --help` lists them"
    assert main([]) == 2
    assert "usage: sonde" in capsys.readouterr().out


def test_exit_codes_stand_in_one_table() -> None:
    """Documentation is made of it."""
    assert list(EXIT_CODES) == [0, 1, 2, 128 + signal.SIGINT]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is run."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"sonde \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize("shell_name", ["zsh", "fish"])
def test_other_shells_have_scripts_with_every_command(shell_name: str) -> None:
    """They are made by the same library from the same parsers; only bash's is run here."""
    text = script(shell_name)
    assert all(command.name in text for command in COMMANDS)


def test_a_schema_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed as JSON can be read as that."""
    assert main(["check", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"]


CONFIGURED = {
    "run": [],
    "check": [],
    "report": [],
    "export": [],
    "import": ["rows.csv"],
    "reference": ["reset", "chat"],
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_configuration_is_named_either_way(name: str) -> None:
    """As a word or by --config; neither is none, and both are a mistake."""
    parser, words = parsers()[name], CONFIGURED[name]
    assert parser.parse_args(words).file is None
    for said in ([*words, "c.yaml"], [*words, "--config", "c.yaml"], ["--config=c.yaml", *words]):
        assert parser.parse_args(said).file == Path("c.yaml")
    with pytest.raises(SystemExit):
        parser.parse_args([*words, "a.yaml", "--config", "c.yaml"])
