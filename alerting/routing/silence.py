"""Silences: alerts that somebody wants to hear nothing of for a while, and says why. Pure.

An acknowledgement is a silence of one alert, which ends with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from alerting.match import Match
from alerting.rule import Rule
from probes.sanitise import sanitise
from probes.target import Target

LONGEST_S: Final = 90 * 86_400.0
"""A quarter: what is to be quiet for longer is a rule to be changed, not a silence."""
ID_BYTES: Final = 4
"""Eight digits: enough to tell a thousand silences apart, few enough to type."""
FINGERPRINT: Final = "fingerprint"
"""The label that names one alert alone."""
_BUILT_IN: Final = (
    "alertname",
    "fault",
    FINGERPRINT,
    "location",
    "model",
    "operation",
    "preset",
    "provider",
    "severity",
    "target",
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_PATTERN_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence. Times in seconds since the epoch, on people's clocks."""

    id: str
    match: Match
    """Never everything: it names at least one label."""
    starts_at: float
    ends_at: float
    author: str
    comment: str
    until_resolved: bool = False
    """An acknowledgement: it ends with the alert it speaks of, at `ends_at` at the latest."""

    def active(self, now: float) -> bool:
        """Say whether it is in force at `now`: from its start until before its end."""
        return self.starts_at <= now < self.ends_at

    def holds(self, labels: Mapping[str, str], now: float) -> bool:
        """Say whether it keeps an alert with these labels quiet at `now`."""
        return self.active(now) and self.match.matches(labels)


def known_labels(targets: Iterable[Target], rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the names of the labels that alerts can have, sorted."""
    own = {name for target in targets for name, _ in target.labels}
    return tuple(sorted({*_BUILT_IN, *own, *(name for rule in rules for name, _ in rule.labels)}))


def parse_matchers(texts: Sequence[str]) -> Match:
    """Read `provider=openai`, `alertname=High*|Slow*`, `model=!gpt-4o`.

    Names must be given once each. Raises ValueError, with a line for people.
    """
    fields: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, said = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"{text!r}: expected LABEL=PATTERN, such as provider=openai")
        if name in fields:
            raise ValueError(f"{name} is named twice: several patterns go as {name}=ONE|OTHER")
        if len(said) > _PATTERN_CHARS or not said.isprintable():
            raise ValueError(f"{name}: expected a pattern of up to {_PATTERN_CHARS} characters")
        fields[name] = tuple(said.split("|"))
    return Match(tuple(sorted(fields.items())))


def check(silence: Silence, known: Sequence[str], now: float) -> None:
    """Refuse what would be no silence, or one nobody can mean. Raises ValueError with a line.

    `known`: the labels that alerts have, by `known_labels`.
    """
    for name, _ in silence.match.fields:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f"no alert has a label {name}{hint}; there is {', '.join(known)}")
    if of_everything(silence.match):
        raise ValueError("a silence of everything: name a label, such as provider=openai")
    if silence.ends_at <= now:
        raise ValueError("its end is in the past")
    if silence.ends_at <= silence.starts_at:
        raise ValueError("it ends before it begins")
    if silence.ends_at - silence.starts_at > LONGEST_S:
        raise ValueError(f"longer than {LONGEST_S / 86_400:g} days: change the rule instead")
    if not silence.comment.strip():
        raise ValueError("a comment is needed: say why, for whoever finds it at night")
    if not silence.author.strip():
        raise ValueError("an author is needed: say --author NAME")


def of_everything(match: Match) -> bool:
    """Say whether a match leaves no alert out."""
    return all(_anything(patterns) for _, patterns in match.fields)


def _anything(patterns: Sequence[str]) -> bool:
    """Say whether these patterns match whatever a label holds."""
    excluding = any(each.startswith("!") for each in patterns)
    return not excluding and any(each and not each.strip("*") for each in patterns)


def cleaned(text: str, secrets: Iterable[str] = ()) -> str:
    """Return what somebody wrote as one line without secrets, fit for pages and messages."""
    return sanitise(text, secrets)


def matchers_texts(match: Match) -> list[str]:
    """Write matchers as `parse_matchers` reads them."""
    return [f"{name}={'|'.join(patterns)}" for name, patterns in match.fields]


def matchers_text(match: Match) -> str:
    """Write matchers in one line."""
    return " ".join(matchers_texts(match))
