"""A file of rule tests to a plan: every mistake in it at once, each at its place."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from alerting.match import Match
from alerting.rule import Rule
from alerting.series import Known
from monitor.config.document import Document, KeyPath, Plain
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.load import load
from monitor.config.reader import read_file
from monitor.config.values import Config
from monitor.rules_test.facts import parse_fact, parse_values
from monitor.rules_test.notation import NotationError, Sample, parse_series
from monitor.rules_test.plan import Case, Expected, Plan

INTERVAL_S: Final = 60.0
LONGEST_S: Final = 90 * 86_400.0
"""A test of more is a slip of the pen, and would take minutes."""
UNSET: Final = "unset"
UNSET_URL: Final = "https://unset.invalid/"
UNSET_REDIS: Final = "redis://unset.invalid"
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KINDS: Final = ("firing", "pending", "held")


def read_plan(path: Path, cwd: Path) -> Plan:
    """Read a file and the configuration it tests. Raises ConfigError with every problem found."""
    document, problems = read_file(path, os.environ, cwd)
    reader = _Reader(Findings(document, strict=False, problems=list(problems)))
    plan = reader.plan((cwd / path).parent)
    if plan is None or reader.findings.problems:
        raise ConfigError(tuple(reader.findings.problems))
    return plan


def _config(path: Path) -> Config:
    """Load a configuration where its secrets are not: in a check of a repository, say.

    Nothing is sent anywhere: a variable that is not set stands for a word, and one whose name ends
    with URL for an address of nobody, of a Redis where it says so. Raises ConfigError.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    names = _VARIABLE.findall(text)
    unset = {name: _unset(name) for name in names}
    return load(path, unset | dict(os.environ), cwd=path.parent, strict=False).config


def _unset(name: str) -> str:
    if not name.endswith("URL"):
        return UNSET
    return UNSET_REDIS if "REDIS" in name else UNSET_URL


class _Reader:
    """Takes a document apart; what is wrong is in the findings."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._document: Document = findings.document

    def plan(self, folder: Path) -> Plan | None:
        root = self._mapping((), "config", "interval", "rules", "tests")
        named = self._text(("config",))
        if named is None:
            self._bad((), "expected config: the configuration whose rules are tested")
            return None
        loaded = _config(folder / named)
        interval_s = self._seconds(("interval",), INTERVAL_S)
        tests = root.get("tests")
        if not isinstance(tests, list) or not tests:
            self._bad(("tests",), "expected a list of tests")
            return None
        cases = [self._case(("tests", n), loaded, interval_s) for n in range(len(tests))]
        return Plan(self._document.source, loaded, tuple(cases))

    def _case(self, path: KeyPath, config: Config, interval_s: float) -> Case:
        said = self._mapping(path, "name", "interval", "rules", "series", "facts", "expect")
        name = self._text((*path, "name")) or f"test {int(path[-1]) + 1}"
        if "series" not in said and "facts" not in said:
            self._bad(path, "expected series: of probes, by target")
        series = self._series((*path, "series"), config)
        return Case(
            name=name,
            interval_s=self._seconds((*path, "interval"), interval_s),
            rules=self._rules((*path, "rules"), config),
            series={name: each for (name, at), each in series.items() if at == config.location},
            elsewhere={pair: each for pair, each in series.items() if pair[1] != config.location},
            facts=self._facts((*path, "facts"), config),
            expected=self._expect((*path, "expect")),
        )

    def _rules(self, path: KeyPath, config: Config) -> tuple[Rule, ...]:
        """Return the rules under test: those named, else all."""
        named = self._document.at(path)
        if named is None:
            return config.rules
        names = [rule.name for rule in config.rules]
        for number, name in enumerate(self._list(path)):
            if name not in names:
                self._bad((*path, number), f"no such rule{did_you_mean(str(name), names)}")
        return tuple(rule for rule in config.rules if rule.name in self._list(path))

    def _series(
        self, path: KeyPath, config: Config
    ) -> Mapping[tuple[str, str], tuple[Sample, ...]]:
        """Return the series by target and location: `chat`, or `chat at iad1` of another one."""
        found: dict[tuple[str, str], tuple[Sample, ...]] = {}
        names = [target.name for target in config.targets]
        for key in self._mapping(path):
            place = (*path, key)
            name, at, location = key.rpartition(" at ")
            if not at or key in names:
                name, location = key, config.location
            if name not in names:
                self._bad(place, f"no such target{did_you_mean(name, names)}", key=True)
            if location not in (config.location, *config.locations):
                known = ", ".join(config.locations) or "none"
                self._bad(place, f"no such location; cluster.locations: {known}", key=True)
            text = self._text(place)
            try:
                found[name, location] = parse_series(text or "")
            except NotationError as error:
                self._bad(place, error.message, offset=error.position)
        return found

    def _facts(self, path: KeyPath, config: Config) -> Mapping[Known, tuple[float | None, ...]]:
        found: dict[Known, tuple[float | None, ...]] = {}
        for name in self._mapping(path):
            place = (*path, name)
            try:
                known = parse_fact(name, config)
            except NotationError as error:
                self._bad(place, error.message, key=True)
                continue
            try:
                values = parse_values(str(self._scalar(place)), known[0][0])
            except NotationError as error:
                self._bad(place, error.message, offset=error.position)
            else:
                found |= dict.fromkeys(known, values)
        return found

    def _expect(self, path: KeyPath) -> tuple[Expected, ...]:
        every = self._list(path)
        if not every:
            self._bad(path, "expected a list of moments: - {at: 12m, firing: [...]}")
        found = [self._moment((*path, number)) for number in range(len(every))]
        return tuple(sorted(found, key=lambda each: each.at_s))

    def _moment(self, path: KeyPath) -> Expected:
        said = self._mapping(path, "at", "none", *_KINDS)
        if "at" not in said:
            self._bad(path, "expected at: when, from the beginning of the test")
        at_s = self._seconds((*path, "at"), 0.0)
        if at_s > LONGEST_S:
            self._bad((*path, "at"), f"later than {LONGEST_S / 86_400:g} days")
        line = self._document.problem(path, "").line or 0
        made = Expected(min(at_s, LONGEST_S), line)
        if said.get("none") is True:
            made = replace(made, firing=(), pending=())
        elif "none" in said:
            self._bad((*path, "none"), "expected true, or firing: and pending:")
        elif not any(kind in said for kind in _KINDS):
            self._bad(path, "expected none: true, firing:, pending: or held:")
        if "firing" in said:
            made = replace(made, firing=self._selections((*path, "firing")))
        if "pending" in said:
            made = replace(made, pending=self._selections((*path, "pending")))
        if "held" in said:
            made = replace(made, held=self._selections((*path, "held")))
        return made

    def _selections(self, path: KeyPath) -> tuple[Match, ...]:
        """Read alerts, by their labels."""
        found: list[Match] = []
        for number in range(len(self._list(path))):
            labels = self._mapping((*path, number))
            fields = [
                (name, (str(self._scalar((*path, number, name))),)) for name in sorted(labels)
            ]
            if not fields:
                self._bad((*path, number), "expected labels, such as {alertname: Down}")
            found.append(Match(tuple(fields)))
        return tuple(found)

    def _bad(
        self, path: KeyPath, message: str, *, key: bool = False, offset: int | None = None
    ) -> None:
        self.findings.bad(path, message, key=key, offset=offset)

    def _mapping(self, path: KeyPath, *known: str) -> dict[str, Plain]:
        """Return the mapping at a path; keys that are not `known` are complained of, if any is."""
        value = self._document.at(path) if path else self._document.data
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._bad(path, f"expected a mapping, not {self._document.shown(path)}")
            return {}
        for key in value:
            if known and key not in known:
                expected = f"expected one of {', '.join(known)}"
                self._bad((*path, key), f"unknown key; {expected}", key=True)
        return value

    def _list(self, path: KeyPath) -> list[Plain]:
        value = self._document.at(path)
        if value is None or isinstance(value, list):
            return value or []
        self._bad(path, f"expected a list, not {self._document.shown(path)}")
        return []

    def _text(self, path: KeyPath) -> str | None:
        value = self._document.at(path)
        if value is None or isinstance(value, str):
            return value
        self._bad(path, f"expected text, not {self._document.shown(path)}")
        return None

    def _scalar(self, path: KeyPath) -> Plain:
        value = self._document.at(path)
        if isinstance(value, dict | list) or value is None:
            self._bad(path, f"expected one value, not {self._document.shown(path)}")
            return ""
        return "yes" if value is True else "no" if value is False else value

    def _seconds(self, path: KeyPath, usual_s: float) -> float:
        text = self._document.at(path)
        if text is None:
            return usual_s
        if text == 0 and path[-1] == "at":
            return 0.0
        try:
            seconds = parse_duration(str(text))
        except ValueError as error:
            self._bad(path, str(error))
            return usual_s
        if seconds == 0.0 and path[-1] != "at":
            self._bad(path, "expected a duration above 0")
            return usual_s
        return seconds
