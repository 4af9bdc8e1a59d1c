"""What a file of rule tests says, once read. Times in seconds from the beginning of a test."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerting.match import Match
from alerting.rule import Rule
from alerting.series import Known
from monitor.config.values import Config
from monitor.rules_test.notation import Sample


@dataclass(frozen=True, slots=True)
class Expected:
    """Which alerts there are at a moment; None: nothing is said of those."""

    at_s: float
    line: int
    """Where it stands in the file."""
    firing: tuple[Match, ...] | None = None
    pending: tuple[Match, ...] | None = None
    held: tuple[Match, ...] | None = None
    """Of those that fire, the ones people were not told of."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    name: str
    interval_s: float
    """Between two samples; the first comes at 0."""
    rules: tuple[Rule, ...]
    series: Mapping[str, tuple[Sample, ...]]
    """By target, at our own location."""
    elsewhere: Mapping[tuple[str, str], tuple[Sample, ...]]
    """By target and location, at others. One without a series does not report."""
    facts: Mapping[Known, tuple[float | None, ...]]
    """A value for each interval, the last of which stays; None: nobody knows it."""
    expected: tuple[Expected, ...]
    """In the order of time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One file."""

    source: str
    config: Config
    cases: tuple[Case, ...]
