"""`sonde check`: what it prints, and its exit codes."""

import argparse
import json
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.cli.check import add_arguments, check_json, check_text, run
from monitor.cli.outline import outline
from monitor.config.load import Loaded, load

TEXT = """\
location: fra1
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  house: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}
  idle: {preset: xai, api_key_file: key}
targets:
  - {name: chat, provider: openai, model: gpt-4o-mini}
  - {name: told, provider: openai, model: gpt-4o, stream: true}
  - {name: twin, provider: openai, model: gpt-4o-mini}
  - {name: slow, provider: house, model: m, interval: 5m, operation: embeddings}
rules:
  - {name: Never, when: latency.p95 > 40s}
  - {name: Tokens, when: first_token.p95 > 1s}
  - {name: Nobody, match: {provider: nobody}, when: samples < 1}
  - {name: Both, match: {target: chat}, subject: provider, when: failures >= 2}
notify:
  channels:
    hook: {type: slack, webhook_url: "${HOOK}"}
    bot: {type: slack, bot_token: "${BOT}", channel: "#a"}
    out: {type: webhook, url: "${OUT}", secret: "${SIGNING}"}
    post: {type: email, smtp: "smtp://mail.example", to: [a@example.com, b@example.com]}
    am: {type: alertmanager, urls: ["https://am-0.example", "https://am-1.example"]}
store:
  path: /x/s.db
  max_size: 1 GiB
  retention: {results: 1d}
  influxdb: {url: "https://influx.example", token: "${INFLUX}", org: o, bucket: b}
http: {listen: "[::1]:8000"}
"""
ENVIRON = {
    "KEY": "sk-0123456789",
    "HOOK": "https://hooks.slack.com/services/T/B/xyz",
    "BOT": "xoxb-123-456",
    "OUT": "https://receiver.example.com/in",
    "INFLUX": "a-token-of-influxdb",
    "SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Load a configuration with something of everything."""
    (tmp_path / "key").write_text("xai-0123456789")
    (tmp_path / "sonde.yaml").write_text(TEXT)
    return load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=True)


def line(text: str, start: str) -> str:
    """Return the one line that begins with `start`, its columns one space apart."""
    (found,) = [each for each in text.splitlines() if each.split()[:1] == [start]]
    return " ".join(found.split())


def test_the_text_names_what_runs(loaded: Loaded) -> None:
    """Providers, targets and settings with the numbers that apply."""
    text = check_text(loaded)
    assert text.startswith("sonde.yaml: valid\n")
    assert line(text, "windows") == "windows 5m, 15m, 1h"
    assert line(text, "store") == (
        "store /x/s.db, at most 1 GiB, kept: results 1d, minutes 90d, hours 730d"
    )
    told = "influxdb https://influx.example, bucket b of o, token ${INFLUX}"
    assert line(text, "influxdb") == told
    assert line(text, "http") == "http http://[::1]:8000/"
    assert line(text, "openai") == "openai openai https://api.openai.com/v1 ${KEY} 8"
    assert line(text, "house") == "house compatible http://127.0.0.1:1/v1 none 8"
    assert line(text, "chat").startswith("chat openai gpt-4o-mini chat 1m 30s $0.15 in, $0.6 out")
    assert line(text, "slow") == "slow house m embeddings 5m 30s unknown: no cost is shown"


def test_the_text_says_when_each_rule_fires(loaded: Loaded) -> None:
    """The detection time is computed from the configuration's own numbers."""
    text = check_text(loaded)
    assert line(text, "Down").endswith("0s within 3m45s, 15m45s for slow")
    assert "never fires: when every probe hangs" in line(text, "Never")
    assert line(text, "Tokens").endswith(
        "never fires on 3 of its targets: without a streamed chat there is no first_token.p95"
    )
    assert line(text, "Nobody").endswith("never: no target matches")


def test_series_are_counted_by_subject(loaded: Loaded) -> None:
    """One alert for each target, for each provider, or for this instance."""
    series = {rule["name"]: rule["series"] for rule in check_json(loaded)["rules"]}
    assert (series["Down"], series["Both"], series["Account"], series["Nobody"]) == (4, 1, 2, 0)
    assert (series["Drift"], series["MonitorEgress"]) == (4, 1)


def test_a_rule_over_a_fact_has_no_window(loaded: Loaded) -> None:
    """Its time begins when the fact is known, and the line says so."""
    said = line(check_text(loaded), "MonitorEgress")
    assert said == "MonitorEgress critical 1 egress.failing 30s within 45s of its being known"
    rows = {rule["name"]: rule for rule in check_json(loaded)["rules"]}
    assert (rows["MonitorEgress"]["over_s"], rows["Down"]["over_s"]) == (None, 3600.0)


def test_a_rule_that_fires_on_some_targets_only(loaded: Loaded) -> None:
    """Targets that a rule cannot speak of are counted, with the reason."""
    rows = {rule["name"]: rule for rule in check_json(loaded)["rules"]}
    assert [each["target"] for each in rows["Tokens"]["never_fires"]] == ["chat", "twin", "slow"]
    assert rows["Down"]["slowest_target"] == "slow"
    assert rows["Down"]["formula"].endswith("= 945 s")


def test_the_text_names_channels_and_warnings(loaded: Loaded) -> None:
    """Channels by name, kind and where their secret is; warnings last."""
    text = check_text(loaded)
    assert line(text, "hook") == "hook slack ${HOOK}"
    assert line(text, "bot") == "bot slack ${BOT} #a"
    assert line(text, "out") == "out webhook ${OUT} signed"
    assert line(text, "post") == "post email smtp://mail.example a@example.com, b@example.com"
    assert line(text, "am") == "am alertmanager https://am-0.example, https://am-1.example"
    assert text.index("Warnings") > text.index("Channels: 5")
    assert "providers.idle: no target uses this provider" in text
    assert "rules[2].match: matches no target" in text


@pytest.mark.parametrize("form", [check_text, lambda loaded: json.dumps(check_json(loaded))])
def test_no_secret_is_printed(loaded: Loaded, form: object) -> None:
    """Neither form holds a secret, only the names of variables and files."""
    assert callable(form)
    text = form(loaded)
    assert not [value for value in ENVIRON.values() if value in text]
    assert "xai-0123456789" not in text


def test_columns_are_aligned_and_plain(loaded: Loaded) -> None:
    """Cells of a column begin under its title, and there are no colour codes."""
    lines = check_text(loaded).splitlines()
    title = next(each for each in lines if "MODEL" in each)
    row = lines[lines.index(title) + 1]
    assert row[title.index("MODEL") :].startswith("gpt-4o-mini")
    assert "\x1b" not in "".join(lines)


def arguments(*given: str) -> argparse.Namespace:
    """Parse a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


def write(folder: Path, text: str) -> str:
    """Write a configuration and return its path."""
    path = folder / "c.yaml"
    path.write_text(text)
    return str(path)


VALID = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: a, provider: p, model: m}]
"""


def test_a_valid_configuration_exits_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0, with everything on standard output."""
    assert run(arguments(write(tmp_path, VALID))) == 0
    printed = capsys.readouterr()
    assert "c.yaml: valid" in printed.out
    assert printed.err == ""


def test_json_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json standard output is one object, in both outcomes."""
    assert run(arguments(write(tmp_path, VALID), "--json")) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True
    assert run(arguments(write(tmp_path, VALID + "otlp: []\n"), "--json")) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert [(p["line"], p["column"], p["path"]) for p in answer["problems"]] == [(3, 7, "otlp")]


def test_an_endpoint_of_opentelemetry_is_shown(tmp_path: Path) -> None:
    """What goes there, how often; of its headers only where they come from."""
    otlp = 'otlp: {endpoint: "http://127.0.0.1:4318", metrics: false, headers: {api-key: "${KEY}"}}'
    (tmp_path / "sonde.yaml").write_text(VALID + otlp + "\n")
    found = load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=True)
    told = "otlp http://127.0.0.1:4318, traces every 10s, cumulative"
    assert line(check_text(found), "otlp") == told
    assert outline(found)["otlp"]["headers"] == {"api-key": "${KEY}"}


def test_problems_go_to_standard_error_one_per_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2, nothing on standard output, every problem on a line of its own with its place."""
    path = write(tmp_path, VALID + "otlp: []\nlocaton: x\n")
    assert run(arguments(path)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [each.split(" ")[0] for each in printed.err.splitlines()] == [
        f"{path}:3:7",
        f"{path}:4:1",
    ]


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """--schema prints a JSON Schema and reads no file."""
    assert run(arguments("missing.yaml", "--schema")) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "Sonde configuration"
    assert "targets" in schema["properties"]


def test_a_terminal_of_few_signs_gets_question_marks(tmp_path: Path) -> None:
    """What the output's encoding cannot spell ends no command with a traceback."""
    path = tmp_path / "sonde.yaml"
    path.write_text(
        'location: Zürich\nproviders: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}\n'
        "targets: [{name: chat, provider: p, model: m}]\n",
        encoding="utf-8",
    )
    raw = BytesIO()
    terminal = TextIOWrapper(raw, encoding="ascii")
    with redirect_stdout(terminal):
        assert main(["check", str(path)]) == 0
    terminal.flush()
    assert "Z?rich" in raw.getvalue().decode("ascii")


def test_routes_are_shown_with_their_pace(tmp_path: Path) -> None:
    """Which alerts go where, together by what, and when; by nothing where a channel groups."""
    routes = (
        "notify:\n  group_wait: 10s\n  routes:\n"
        "    - {severity: critical, to: [hook, am], continue: true, repeat: 1h}\n"
        "    - {to: [am]}\n"
    )
    (tmp_path / "key").write_text("xai-0123456789")
    (tmp_path / "sonde.yaml").write_text(TEXT.replace("notify:\n", routes))
    text = check_text(load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=True))
    assert line(text, "severity=critical") == (
        "severity=critical hook, am provider, fault 10s 5m 1h goes on"
    )
    assert line(text, "everything") == "everything am – 10s 5m 4h"
