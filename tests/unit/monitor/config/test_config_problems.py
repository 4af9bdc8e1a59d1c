"""What people are told about a configuration that is wrong."""

from pathlib import Path

import pytest

from monitor.config.models import SECTIONS, RootSection
from monitor.config.notify_sections import CHANNEL_SECTIONS
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusal, refusals

EVERYTHING_WRONG = """\
location: fra1
evaluate_every: 5
otlp: []
defaults: {intervall: 60s, interval: 60 sec}
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  grok: {preset: xai, api_key: sk-1234567890abcdef}
  eu: {preset: azure, endpoint: x}
  house: {preset: compatible}
targets:
  - {name: a, provider: opena, model: gpt-4o}
  - {name: b, provider: openai, model: 4, operation: responses}
  - {name: c}
rules:
  - {name: HighLatency, when: latency.p95 > 5 parsecs}
  - {name: Nope}
notify:
  repeat: soon
  channels:
    team: {type: slack, bot_token: "${HOOK}", channel: "#x"}
    p: {type: pigeon, routing_key_file: /x}
    w: {type: webhook, url: "http://x.example"}
http: {listen: "8000"}
"""


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """One run finds everything, in the order of the file, each with its place and its remedy."""
    told = [str(problem) for problem in refusals(tmp_path, EVERYTHING_WRONG)]
    assert told == [
        "sonde.yaml:2:17 evaluate_every: expected a duration with its unit, such as 5s, not 5",
        "sonde.yaml:3:7 otlp: expected a mapping, not a list",
        (
            "sonde.yaml:4:12 defaults.intervall: unknown key (did you mean interval?); allowed:"
            " interval, deadline, first_token_deadline, idle_deadline, max_output_tokens, labels,"
            " confirm"
        ),
        (
            "sonde.yaml:4:38 defaults.interval: expected a duration with its unit, such as"
            " 500ms, 30s,"
            ' 5m or 1h30m, not "60 sec"'
        ),
        (
            "sonde.yaml:7:32 providers.grok.api_key: a secret is not written into the file:"
            " put it in"
            " a file of its own and name that, or in a variable as ${NAME}"
        ),
        (
            "sonde.yaml:8:33 providers.eu.endpoint: expected a URL such as https://example.com/path,"
            ' not "x"'
        ),
        (
            "sonde.yaml:9:3 providers.house.base_url: missing: the preset compatible has no base"
            " URL of its own"
        ),
        (
            'sonde.yaml:11:25 targets[0].provider: unknown provider "opena" (did you mean openai?);'
            " there is openai, grok, eu, house"
        ),
        "sonde.yaml:12:40 targets[1].model: expected text, not 4: put it in quotes",
        "sonde.yaml:13:5 targets[2].provider: missing: one of the names under providers:",
        "sonde.yaml:15:47 rules[0].when: latency.p95 is a time, and needs a unit: 5s, 500ms or 2m",
        (
            "sonde.yaml:16:5 rules[1].when: missing: a new rule needs a condition; the default"
            " rules"
            " are Down, ErrorRate, HighLatency, CriticalLatency, SlowMean, LowThroughput, Account,"
            " Request, BudgetNear, Budget, MonitorEgress, ProviderDown, Undelivered, Retirement,"
            " Drift"
        ),
        "sonde.yaml:18:11 notify.repeat: expected a duration with its unit, such as 500ms, 30s, 5m"
        ' or 1h30m, not "soon"',
        (
            "sonde.yaml:20:36 notify.channels.team.bot_token: this is a webhook's URL: give it as"
            " webhook_url"
        ),
        (
            'sonde.yaml:21:15 notify.channels.p.type: "pigeon": expected slack, webhook, pagerduty,'
            " email, alertmanager or apprise"
        ),
        (
            "sonde.yaml:22:29 notify.channels.w.url: a secret is not written into the file:"
            " put it in"
            " a file of its own and name that, or in a variable as ${NAME}"
        ),
        (
            "sonde.yaml:23:16 http.listen: expected HOST:PORT, such as 127.0.0.1:8000, 0.0.0.0:8000"
            ' or [::1]:8000, not "8000"'
        ),
    ]


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("location: [a]", "location: expected text, not a list"),
        ("location: {a: b}", "location: expected text, not a mapping"),
        ('location: ""', 'location: expected one line of text, at most 200 characters, not ""'),
        ("location: true", "location: expected text, not true: put it in quotes"),
        ("defaults: 5", "defaults: expected a mapping, not 5"),
        (
            "defaults: {max_output_tokens: 0}",
            "defaults.max_output_tokens: expected at least 1, not 0",
        ),
        (
            "defaults: {max_output_tokens: 1.5}",
            "defaults.max_output_tokens: expected a whole number, not 1.5",
        ),
        (
            "defaults: {max_output_tokens: 9000000}",
            "defaults.max_output_tokens: expected at most 1e+06, not 9000000",
        ),
        (
            "defaults: {interval: 10ms}",
            'defaults.interval: expected a duration from 100ms to 1d, not "10ms"',
        ),
        (
            "defaults: {interval: true}",
            "defaults.interval: expected a duration such as 500ms, 30s, 5m or 1h30m, not true",
        ),
        (
            "defaults: {labels: {1a: b}}",
            "defaults.labels: expected label names of letters, digits and underscores; see 1a",
        ),
        (
            "defaults: {labels: {model: b}}",
            "defaults.labels: the label model is set by Sonde itself; choose another name",
        ),
        ("defaults: {labels: {a: 1}}", "defaults.labels.a: expected text, not 1: put it in quotes"),
        ("windows: []", "windows: expected at least one entry"),
        ("windows: [5m, 5m]", "windows: the same window twice"),
        ("windows: 5m", 'windows: expected a list, not "5m"'),
        ("rules: {a: b}", "rules: expected a list, not a mapping"),
        ("rules: [{name: Down, enabled: x}]", 'rules[0].enabled: expected true or false, not "x"'),
        (
            "store: {max_size: 5}",
            "store.max_size: expected a size with its unit, such as 500 MB or 2 GiB, not 5",
        ),
        (
            "store: {max_size: 5 B}",
            'store.max_size: expected a size of at least 1 MiB, not "5 B"',
        ),
        (
            "store: {path: ~/x}",
            'store.path: expected a path without ~, such as /var/lib/sonde/sonde.db, not "~/x"',
        ),
        ('store: {path: " "}', 'store.path: expected a path, not " "'),
        (
            "public_url: example.com",
            'public_url: expected a URL such as https://example.com/path, not "example.com"',
        ),
        (
            "public_url: https://[::1",
            'public_url: expected a URL such as https://example.com/path, not "https://[::1"',
        ),
        (
            "public_url: https://x.example/?q",
            (
                "public_url: expected a base URL without ? and #, such as"
                " https://example.com/v1, not"
                ' "https://x.example/?q"'
            ),
        ),
        (
            "notify: {channels: {a: 5}}",
            "notify.channels.a: expected a mapping, not 5",
        ),
        (
            "notify: {channels: {a: {webhook_url: x}}}",
            "notify.channels.a.type: missing: "
            "expected slack, webhook, pagerduty, email, alertmanager or apprise",
        ),
        (
            "notify: {channels: {a: {type: slak}}}",
            'notify.channels.a.type: "slak": '
            "expected slack, webhook, pagerduty, email, alertmanager or apprise"
            " (did you mean slack?)",
        ),
        (
            'notify: {channels: {"a b": {type: webhook, url: "${URL}"}}}',
            (
                "notify.channels.a b: expected a name of up to 64 letters, digits, dots, dashes or"
                " underscores"
            ),
        ),
        ("notify: [a]", "notify: expected a mapping, not a list"),
        (
            "notify: {channels: {a: {type: webhook, url: '${URL}', alow_http: true}}}",
            (
                "notify.channels.a.alow_http: unknown key (did you mean allow_http?); allowed:"
                " most_per_hour, type,"
                " url, url_file, secret, secret_file, secrets, allow_http, allow_private"
            ),
        ),
        ("surprise: 1", None),
    ],
)
def test_single_problems(tmp_path: Path, addition: str, problem: str | None) -> None:
    """Each kind of wrong value is told in the same words: what was expected, what stands there."""
    told = refusal(tmp_path, SMALL + addition)
    expected = problem or (
        "surprise: unknown key; allowed: location, public_url, evaluate_every, budget, defaults,"
        " providers, targets, windows, slos, rules, maintenance, notify, store, otlp,"
        " cluster, http, egress, status_pages, baselines, public_page"
    )
    assert told.split(" ", 1)[1] == expected


def test_values_of_variables_are_never_shown(tmp_path: Path) -> None:
    """A message names the variable: its value may be a key pasted into the wrong place."""
    text = SMALL + "defaults: {interval: '${WRONG}'}"
    told = refusal(tmp_path, text, environ={"WRONG": "hunter2"})
    assert "hunter2" not in told
    assert told.endswith(", not the value of ${WRONG}")


def test_written_out_secrets_are_never_shown(tmp_path: Path) -> None:
    """A secret that should not be in the file is not repeated in the complaint about it."""
    text = """\
    providers:
      openai: {preset: openai, api_key: hunter2}
      xai: {preset: xai, api_key: {hunter2: 1}}
      other: {preset: xai, api_key: 12345678}
    targets: [{name: a, provider: openai, model: hunter3}]
    """
    told = "\n".join(map(str, refusals(tmp_path, text)))
    assert told.count("api_key") == 3
    assert "hunter2" not in told
    assert "12345678" not in told


def test_keys_pasted_where_names_belong_are_masked(tmp_path: Path) -> None:
    """What has the shape of a key is masked even where nobody would look for one."""
    told = refusal(tmp_path, SMALL + "sk-abcdefghijklmnop: 1\n")
    assert "unknown key" in told
    assert "abcdefghijklmnop" not in told


def test_numbers_may_come_from_variables(tmp_path: Path) -> None:
    """A variable fills a number, a truth value or a duration as well as a text."""
    text = """\
    location: ${PLACE}
    defaults: {max_output_tokens: "${TOKENS}", interval: "${EVERY:-90s}"}
    providers: {openai: {preset: openai, api_key: "${KEY}"}}
    targets: [{name: a, provider: openai, model: "${MODEL}", stream: "${STREAM}"}]
    """
    environ = {"PLACE": "007", "TOKENS": "32", "MODEL": "4", "STREAM": "true"}
    config = load_text(tmp_path, text, environ=environ).config
    target = config.targets[0]
    assert config.location == "007"
    assert (target.max_output_tokens, target.interval_s) == (32, 90.0)
    assert (target.model, target.stream) == ("4", True)


def test_a_key_without_a_value_is_not_said(tmp_path: Path) -> None:
    """An empty key, or an empty variable, leaves the default; commented-out lists are no error."""
    text = SMALL + "rules:\nlocation: ${NOWHERE:-}\ndefaults: {interval: }\n"
    config = load_text(tmp_path, text).config
    assert config.location
    assert config.targets[0].interval_s == 60.0


def test_an_unknown_key_without_a_value_is_still_refused(tmp_path: Path) -> None:
    """Only known keys may be left empty."""
    assert "unknown key" in refusal(tmp_path, SMALL + "clusters:\n")


def test_an_unset_variable_is_told_once(tmp_path: Path) -> None:
    """The value that could not be read is not also complained about as missing."""
    text = SMALL.replace("${KEY}", "${UNSET_KEY}")
    assert refusal(tmp_path, text).startswith(
        "sonde.yaml:2:37 providers.openai.api_key: the environment variable UNSET_KEY is not set"
    )


def test_an_expression_is_pointed_at_inside_quotes(tmp_path: Path) -> None:
    """The column is that of the offending character, wherever the text shows it."""
    text = SMALL + "rules:\n  - name: X\n    when: 'latency.p95 ? 5s'\n"
    assert refusal(tmp_path, text).startswith("sonde.yaml:7:24 rules[0].when: ")


def test_an_expression_from_a_variable_is_pointed_at_as_a_whole(tmp_path: Path) -> None:
    """Where file and text differ, the start of the value is the honest place."""
    text = SMALL + "rules:\n  - name: X\n    when: latency.p95 > ${LIMIT}\n"
    told = refusal(tmp_path, text, environ={"LIMIT": "5"})
    assert told.startswith("sonde.yaml:7:11 rules[0].when: ")


def test_no_targets(tmp_path: Path) -> None:
    """A configuration that probes nothing is refused."""
    assert refusal(tmp_path, "location: x\n") == (
        "sonde.yaml:1:1 targets: nothing to probe: name at least one target"
    )


def test_every_section_is_listed_where_it_stands() -> None:
    """The table behind "allowed:" knows every section that the models nest."""
    listed = {section.__name__ for section in (*SECTIONS.values(), *CHANNEL_SECTIONS.values())}
    assert set(RootSection.model_json_schema()["$defs"]) - {
        "Connection",
        "HistoryStore",
        "NoData",
        "Operation",
        "ReasoningEffort",
        "Severity",
        "Subject",
        "Temporality",
    } == listed - {"RootSection"}
