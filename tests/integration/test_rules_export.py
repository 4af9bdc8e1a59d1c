"""Exported rules, judged by promtool: it takes them, and they fire when the daemon's own do."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.window import Windows
from alerting.alert import Phase
from alerting.defaults import default_rules
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.match import Match
from alerting.metric import AnyFact, Between, BurnRate, Fact, Measure, Value
from alerting.prometheus.promql import quoted
from alerting.prometheus.rule_file import Exposed, rule_file
from alerting.rule import NoData, Rule, Severity, Subject
from monitor.collectors import Evaluated, WindowReading
from monitor.config.durations import format_duration
from monitor.metrics import Metrics
from monitor.series import DURATION_BUCKETS, FIRST_TOKEN_BUCKETS, INTER_TOKEN_BUCKETS
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target
from tests.servers.running import installed
from tests.unit.aggregator.samples import result

HERE: Final = 'fra"1'
"""A location that wants quoting, wherever it stands."""
WINDOWS_S: Final = (300.0, 900.0, 3600.0)
GPT: Final = Target(
    name="gpt",
    provider="openai",
    preset="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    prompt="x",
    labels=(("team", "a"),),
)
HOSTILE: Final = replace(GPT, name='a"b\\c{{d}}.|*\n\u2028', model="gpt-4o", labels=())
GROK: Final = replace(
    GPT, name="grok", provider="xai", preset="xai", model="grok-4", labels=(("team", "b"),)
)
TARGETS: Final = (GPT, HOSTILE, GROK)

ERROR: Final = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER, "total_s": 0.3}
NO_KEY: Final = {"verdict": Verdict.AUTH, "fault": Fault.ACCOUNT, "total_s": 0.1}
UNROUTED: Final = {"verdict": Verdict.CONNECT_ERROR, "fault": Fault.NETWORK, "total_s": 0.1}
WRONG: Final = {"verdict": Verdict.INVALID_REQUEST, "fault": Fault.REQUEST, "total_s": 0.1}
Said = Mapping[str, Any]  # the fields of a result, of all types
Minute = Said | None
"""What a probe of this minute came to; None: there was none."""
Knowledge = Mapping[tuple[AnyFact, str], Value]


def well(latency_s: float = 0.8) -> Said:
    """An answer."""
    return {"total_s": latency_s}


Story = Sequence[tuple[int, Minute, Minute, Minute]]
"""Minutes, and what they bring `gpt`, the hostile one and `grok`."""
STORY: Final[Story] = (
    (8, well(), well(0.5), well(3.0)),
    (2, ERROR, well(), well(3.0)),
    (6, well(), ERROR, NO_KEY),
    (9, ERROR, UNROUTED, well(40.0)),
    (12, None, well(), well(35.0)),
    (14, well(7.0), ERROR, well(31.0)),
    (10, well(12.0), well(2.0), None),
    (5, None, None, ERROR),
    (24, well(), well(), well(2.0)),
    (22, WRONG, None, well(2.0)),
    (20, well(), well(), well(1.0)),
)

OWN: Final = (
    Rule(
        name="Clears",
        when=parse("latency.p95 > 6s"),
        clear=parse("latency.p95 < 1s and error_rate < 5%"),
        over_s=900.0,
        hold_s=120.0,
    ),
    Rule(name="Silent", when=parse("no_data"), over_s=300.0, keep_firing_for_s=180.0),
    Rule(
        name="SilentToo",
        when=parse("error_rate > 50%"),
        over_s=300.0,
        no_data=NoData.ALERT,
        labels=(("team", "{{ x }}"),),
    ),
    Rule(name="FineIfSilent", when=parse("failures >= 2"), over_s=300.0, no_data=NoData.OK),
    Rule(
        name="Beside",
        when=parse("latency.p95 > 3 * latency.p95 of {provider: xai} or not samples >= 2"),
        over_s=300.0,
    ),
    Rule(
        name="Together",
        when=parse("latency.mean > 4s and failures(server_error, auth) >= 2"),
        over_s=300.0,
        subject=Subject.PROVIDER,
    ),
    Rule(
        name="Team",
        match=Match((("team", ("a",)), ("model", ("gpt-*", "!*-4o")))),
        when=parse("rate_limit.headroom < 20% or egress.failing"),
    ),
    Rule(
        name="Burns",
        when=parse("burn_rate(1h, 5m) > 14.4", slo="chat"),
        subject=Subject.LOCATION,
        severity=Severity.CRITICAL,
    ),
)


ALL: Final = (*default_rules(), *OWN)
ANYTHING: Final = (
    *(well(latency_s) for latency_s in (0.3, 0.8, 0.8, 2.0, 7.0, 12.0, 35.0)),
    *(ERROR, ERROR, NO_KEY, UNROUTED, WRONG, None),
)


def known(minute: int) -> Knowledge:
    """What is known of budgets, keys and objectives at a minute."""
    burn = BurnRate("chat", 3600, 300)
    found: dict[tuple[AnyFact, str], Value] = {
        (Fact.BUDGET_USED, "openai"): minute / 60 % 1.1,
        (Fact.BUDGET_USED, ""): minute / 90 % 1.1,
        (Fact.EGRESS_FAILING, ""): float(70 < minute < 80),
        (Fact.CHANNELS_FAILING, ""): float(10 < minute < 70),
        (Fact.PROVIDER_FAILING, "openai"): 0.6 if 40 < minute < 60 else 0.0,
        (Fact.RETIREMENT_DAYS, "grok"): 100 - minute,
        (Fact.DRIFT_EVENTS, "gpt"): float(30 < minute < 50),
        (burn, ""): Between(minute / 5, minute / 3) if minute < 80 else 2.0,
    }
    if minute % 20 < 12:  # at times nobody knows
        found[Fact.HEADROOM, "openai"] = 0.1 if 20 < minute < 45 else 0.9
    return found


def exposed(targets: Sequence[Target] = TARGETS) -> Exposed:
    """What a daemon with these targets exposes."""
    return Exposed(
        targets=targets,
        location=HERE,
        windows={length_s: format_duration(length_s) for length_s in WINDOWS_S},
        bounds={
            Measure.LATENCY: DURATION_BUCKETS,
            Measure.FIRST_TOKEN: FIRST_TOKEN_BUCKETS,
            Measure.INTER_TOKEN: INTER_TOKEN_BUCKETS,
        },
        every_s=60.0,
        duration=format_duration,
    )


class Played:
    """A daemon's engine through a story, a minute at a time."""

    def __init__(self, rules: Sequence[Rule], story: Story) -> None:
        self.windows = Windows(longest_s=3600.0)
        self.engine = Engine(rules, TARGETS, location=HERE)
        self.metrics = Metrics(HERE, "1")
        self.firing: list[list[dict[str, str]]] = []
        """The labels of what fires, minute by minute."""
        self.series: dict[str, list[str]] = {}
        """What /metrics says, minute by minute."""
        minute = 0
        for minutes, *came in story:
            for _ in range(minutes):
                self._minute(minute, came)
                minute += 1

    def _minute(self, minute: int, came: Sequence[Minute]) -> None:
        at = 1_000_000.0 + 60.0 * minute
        for target, said in zip(TARGETS, came, strict=True):
            if said is None:
                self.windows.missed(target.name, at)
            else:
                observed = probed(target, said)
                self.windows.ingest(observed, at)
                self.metrics.observe(target, observed)
        self._evaluate(minute, at)

    def _evaluate(self, minute: int, now: float) -> None:
        summary = self.windows.summary
        views = {view: summary(view.targets, view.over_s, now) for view in self.engine.views}
        self.engine.evaluate(Snapshot(now, views, known(minute)))
        alerts = self.engine.alerts()
        self.firing.append(
            [dict(alert.identity.labels) for alert in alerts if alert.state is Phase.FIRING]
        )
        readings = [
            WindowReading(target, summary((target.name,), over_s, now))
            for target in TARGETS
            for over_s in WINDOWS_S
        ]
        self.metrics.newest.evaluated = Evaluated(tuple(readings), (), (), known(minute), HERE)
        for family in text_string_to_metric_families("".join(self.metrics.written())):
            for sample in family.samples:
                values = self.series.setdefault(series(sample.name, sample.labels), [])
                values += ["stale"] * (minute - len(values)) + [repr(float(sample.value))]
        for values in self.series.values():
            values.extend(["stale"] * (minute + 1 - len(values)))


def probed(target: Target, said: Said) -> ProbeResult:
    """Return a result of a target."""
    return result(target=target.name, provider=target.provider, model=target.model, **said)


def series(name: str, labels: Mapping[str, str]) -> str:
    """Write a series as promtool reads it."""
    return f"{name}{{{', '.join(f'{key}={quoted(text)}' for key, text in labels.items())}}}"


def promtool(*arguments: str) -> tuple[int, str]:
    """Return promtool's exit code and words."""
    done = subprocess.run(
        [installed("promtool"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def judged(folder: Path, rules: Sequence[Rule], played: Played) -> tuple[int, str]:
    """Have promtool compare what fires in Prometheus, minute by minute, with what fired here."""
    (folder / "rules.yml").write_text(rule_file(rules, exposed()), encoding="utf-8")
    names = {rule.name for rule in rules}
    expected = [
        {
            "expr": f'ALERTS{{alertstate="firing", alertname=~"{"|".join(sorted(names))}"}}',
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": series("ALERTS", {**labels, "alertstate": "firing"}), "value": 1}
                for labels in firing
                if labels["alertname"] in names
            ],
        }
        for minute, firing in enumerate(played.firing)
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": " ".join(values)}
                    for name, values in played.series.items()
                ],
                "promql_expr_test": expected,
            }
        ],
    }
    path = folder / "test.json"  # JSON is YAML
    path.write_text(json.dumps(test), encoding="utf-8")
    return promtool("test", "rules", str(path))


@pytest.fixture(scope="module")
def played() -> Played:
    """The story, played once."""
    return Played(ALL, STORY)


def test_the_story_has_every_rule_fire(played: Played) -> None:
    """What never fires proves nothing; and each that fired is over before the end, or at it."""
    fired = {alert["alertname"] for minute in played.firing for alert in minute}
    assert {rule.name for rule in ALL} - fired == set()


def test_promtool_takes_what_is_exported(tmp_path: Path) -> None:
    """Every default rule and every word of the language, of targets with hostile names."""
    path = tmp_path / "rules.yml"
    path.write_text(rule_file(ALL, exposed()), encoding="utf-8")
    code, words = promtool("check", "rules", str(path))
    assert code == 0, words


@pytest.mark.parametrize("name", sorted({rule.name for rule in ALL}))
def test_it_fires_and_resolves_with_the_daemon(tmp_path: Path, name: str, played: Played) -> None:
    """The same alerts with the same labels, from the same minute to the same minute."""
    rules = [rule for rule in ALL if rule.name == name]
    code, words = judged(tmp_path, rules, played)
    assert (code, "SUCCESS" in words) == (0, True), words


def test_the_comparison_sees_a_difference(tmp_path: Path, played: Played) -> None:
    """Another hold or another threshold is told apart: agreement is no accident."""
    rule = next(rule for rule in OWN if rule.name == "Clears")
    for other in (replace(rule, hold_s=180.0), replace(rule, when=parse("latency.p95 > 8s"))):
        code, words = judged(tmp_path, [other], played)
        assert (code, "FAILED" in words) == (1, True), words


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_whatever_happens(tmp_path: Path, seed: int) -> None:
    """Four hours of anything: all rules but those of which the file says that they differ."""
    chance = Random(seed)

    def came() -> Minute:
        return chance.choice(ANYTHING)

    story = [(chance.choice((1, 1, 2, 3, 5, 8, 13)), came(), came(), came()) for _ in range(45)]
    rules = [rule for rule in ALL if "# nearly: " not in rule_file([rule], exposed())]
    differing = {rule.name for rule in ALL if rule not in rules}
    assert differing == {"Account", "Together", "Beside", "Clears"}
    code, words = judged(tmp_path, rules, Played(rules, story))
    assert (code, "SUCCESS" in words) == (0, True), words
