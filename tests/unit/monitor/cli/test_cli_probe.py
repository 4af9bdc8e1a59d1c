"""`sonde probe`: how it takes its arguments, what it prints, and its exit codes."""

import argparse
import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from monitor.cli import COMMANDS, main
from monitor.cli.drawn import LOOKS, as_json, show
from monitor.cli.probe import add_arguments, run, unknown
from monitor.waterfall import Style, plain, waterfall
from probes.result import Operation, RateLimit
from probes.target import Target
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}, {name: other, provider: p, model: m}]
"""
TARGET = Target(
    name="chat", provider="p", preset="openai", model="m", operation=Operation.CHAT, prompt="ok?"
)


def arguments(*given: str) -> argparse.Namespace:
    """Parse a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Write a configuration whose provider is not there."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG)
    return str(path)


def test_an_unknown_name_is_mended(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the name that was probably meant; else those that there are."""
    assert run(arguments("chatt", "--config", config)) == 2
    assert run(arguments("zzz", "--config", config)) == 2
    assert capsys.readouterr() == (
        "",
        "no target 'chatt'; did you mean 'chat'?\nno target 'zzz'; there are: chat, other\n",
    )


def test_a_thousand_names_are_not_listed() -> None:
    """Twenty of them, and how many more there are."""
    text = unknown("?", [f"t{n}" for n in range(1000)])
    assert text.endswith(", t19 and 980 more")


def test_a_bad_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with the place of the mistake."""
    path = tmp_path / "c.yaml"
    path.write_text("target: []\n")
    assert run(arguments("chat", "--config", str(path))) == 2
    assert f"{path}:1:1" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "soon", "0s", "-1s"])
def test_a_timeout_is_a_duration(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is refused with what it should be."""
    with pytest.raises(SystemExit) as caught:
        arguments("chat", f"--timeout={text}")
    assert caught.value.code == 2
    assert "--timeout" in capsys.readouterr().err


def test_json_has_the_results_own_fields() -> None:
    """Names are those of a result, unknown is null, and what is derived stands beside it."""
    found = result(
        sent_s=0.0,
        first_byte_s=0.5,
        rate_limits=(RateLimit("requests", 100, 99, None),),
        retry_after_s=None,
    )
    trace = Trace(reached=Phase.BODY, request="POST https://a/v1", headers=(("via", "x"),))
    told = json.loads(json.dumps(as_json(found, trace)))
    assert {field.name for field in dataclasses.fields(found)} < set(told)
    assert set(told) - {field.name for field in dataclasses.fields(found)} == {
        *("ok", "censored", "latency_s", "tokens_per_s", "inter_token_s", "phases", "request"),
        *("sent_bytes", "received_bytes", "headers", "hidden_headers"),
    }
    assert (told["verdict"], told["ok"], told["retry_after_s"]) == ("ok", True, None)
    assert told["headers"] == {"via": "x"}
    assert told["rate_limits"] == [
        {"bucket": "requests", "limit": 100, "remaining": 99, "reset_s": None}
    ]
    assert told["phases"][0] == {"name": "head", "start_s": 0.0, "end_s": 0.5, "ended": True}


def shown(**options: object) -> str:
    """Show a drawing on a console of this kind."""
    file = io.StringIO()
    console = Console(file=file, width=80, **options)  # type: ignore[arg-type] # of many types
    found = result(sent_s=0.0, first_byte_s=0.5, detail="[red]not markup[/red] :warning:")
    show(console, waterfall(found, TARGET, Trace(reached=Phase.BODY), 80))
    return file.getvalue()


def test_what_is_shown_without_colours_is_the_drawing() -> None:
    """A pipe gets the text and nothing else; text from outside is never markup or an emoji."""
    found = result(sent_s=0.0, first_byte_s=0.5, detail="[red]not markup[/red] :warning:")
    text = plain(waterfall(found, TARGET, Trace(reached=Phase.BODY), 80))
    assert shown() == text
    assert "[red]not markup[/red] :warning:" in text


def test_a_terminal_gets_colours() -> None:
    """And the same text in them; without colours (NO_COLOR) none of the thirty."""
    coloured = shown(force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[1;32m✓ ok" in coloured
    assert "\x1b[33m" in coloured
    colourless = shown(force_terminal=True, color_system="standard", no_color=True)
    assert "\x1b[1;32m" not in colourless
    assert "\x1b[33m" not in colourless


def test_an_encoding_without_bars_gets_other_signs() -> None:
    """A terminal that knows only ASCII sees dashes, and no traceback."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    found = result(connect_s=2e-5, sent_s=2e-5, first_byte_s=0.5)
    show(Console(file=file, width=80), waterfall(found, TARGET, Trace(reached=Phase.BODY), 80))
    file.flush()
    text = raw.getvalue().decode("ascii")
    assert text.startswith("+ ok  chat")
    assert "=====" in text
    assert "20 us" in text


def test_every_style_has_a_look() -> None:
    """A style somebody adds must not fall out of the terminal's colours."""
    assert set(LOOKS) == set(Style)


def test_help_names_every_command_and_its_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """`sonde --help` lists all commands; `sonde probe --help` has examples and exit codes."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^    {command.name}\b", text, re.MULTILINE) for command in COMMANDS)
    for example in ("sonde probe", "sonde history", "sonde check ", "sonde help COMMAND"):
        assert example in text
    with pytest.raises(SystemExit):
        main(["probe", "--help"])
    text = capsys.readouterr().out
    assert "sonde probe gpt-chat --json" in text
    assert "130" in text
    with pytest.raises(SystemExit):
        main(["history", "--help"])
    assert "30m, 6h, 1d" in capsys.readouterr().out
