"""Series written down: `ok@1.2s x20, timeout x3, (ok x4, server_error) x5, missing x2`.

A sample is a verdict, or `missing` (the slot was due, and nothing came) or `idle` (nothing was
due). `@1.2s` is its latency, `@1s..5s` one that grows from sample to sample of its `xN`. Behind it
may stand `first_token=200ms`, `tokens=40`, `cost=0.01` and `fault=network`. What stands in brackets
is repeated whole. An error knows the character it is about.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Never, TypeVar

from monitor.config.durations import parse_duration
from probes.result import Fault, Verdict

T = TypeVar("T")

MOST: Final = 100_000
"""Samples of one series: more than two months of minutes."""
_DEEPEST: Final = 8
_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[a-z_]+")
_TIMES: Final = re.compile(r"x([0-9]{1,7})(?![a-z0-9_])")
_KEY: Final = re.compile(r"([a-z_]+)=")
_VALUE: Final = re.compile(r"[^\s,()@=]+")
_KINDS: Final = ", ".join((*Verdict, "missing", "idle"))


class NotationError(ValueError):
    """A series that cannot be read; `position` is the offending character, counted from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Sample:
    """What becomes of one slot. Seconds; None: not said."""

    verdict: Verdict | None = None
    """None: there is no result."""
    missed: bool = False
    """Whether one was due all the same."""
    latency_s: float | None = None
    first_token_s: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    fault: Fault | None = None


def parse_series(text: str) -> tuple[Sample, ...]:
    """Read a series. Raises NotationError."""
    reader = _Reader(text)
    found = reader.group(0)
    if not reader.ended:
        reader.fail("expected ',' or the end")
    return tuple(found)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    @property
    def ended(self) -> bool:
        self._skip()
        return self.at == len(self.text)

    def fail(self, expected: str, at: int | None = None) -> Never:
        raise NotationError(expected, self.at if at is None else at)

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = self.at if space is None else space.end()

    def _accept(self, sign: str) -> bool:
        self._skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._skip()
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def group(self, depth: int) -> list[Sample]:
        found: list[Sample] = []
        while True:
            self._skip()
            began = self.at
            found += self._item(depth)
            if len(found) > MOST:
                self.fail(f"more than {MOST:,} samples", began)
            if not self._accept(","):
                return found

    def _item(self, depth: int) -> Iterator[Sample]:
        self._skip()
        began = self.at
        if not self._accept("("):
            return self._samples()
        if depth == _DEEPEST:
            self.fail(f"nested more than {_DEEPEST} deep", began)
        inner = self.group(depth + 1)
        if not self._accept(")"):
            self.fail("expected ',' or ')'")
        times = self._times()
        if times * len(inner) > MOST:
            self.fail(f"more than {MOST:,} samples", began)
        return iter(inner * times)

    def _samples(self) -> Iterator[Sample]:
        """Read one sample, and return it as often as it says."""
        began = self.at
        word = self._match(_WORD)
        if word is None:
            self.fail(f"expected one of {_KINDS}")
        kind = word[0]
        if kind not in {*Verdict, "missing", "idle"}:
            self.fail(f"expected one of {_KINDS}", began)
        if kind in ("missing", "idle"):
            return iter([Sample(missed=kind == "missing")] * self._times())
        first, last = self._latencies()
        said = self._said()
        times = self._times()
        return (
            Sample(
                verdict=Verdict(kind),
                latency_s=_between(first, last, number, times),
                first_token_s=said.first_token_s,
                tokens=said.tokens,
                cost_usd=said.cost_usd,
                fault=said.fault,
            )
            for number in range(times)
        )

    def _times(self) -> int:
        found = self._match(_TIMES)
        if found is None:
            return 1
        times = int(found[1])
        if not 1 <= times <= MOST:
            self.fail(f"expected x1 to x{MOST}", found.start())
        return times

    def _latencies(self) -> tuple[float | None, float | None]:
        if not self._accept("@"):
            return None, None
        at, text = self._value()
        first, dots, last = text.partition("..")
        began = self._seconds(first, at)
        return began, self._seconds(last, at + len(first) + 2) if dots else began

    def _said(self) -> Sample:
        """Read what stands behind a sample as `key=value`."""
        said: dict[str, str] = {}
        places: dict[str, int] = {}
        while (found := self._match(_KEY)) is not None:
            key = found[1]
            if key not in ("first_token", "tokens", "cost", "fault"):
                self.fail("expected first_token=, tokens=, cost= or fault=", found.start())
            if key in said:
                self.fail(f"{key} is said twice", found.start())
            places[key], said[key] = self._value()
        return Sample(
            first_token_s=self._read(said, places, "first_token", parse_duration),
            tokens=self._read(said, places, "tokens", _whole),
            cost_usd=self._read(said, places, "cost", _amount),
            fault=self._read(said, places, "fault", _fault),
        )

    def _read(
        self, said: dict[str, str], places: dict[str, int], key: str, read: Callable[[str], T]
    ) -> T | None:
        if key not in said:
            return None
        try:
            return read(said[key])
        except ValueError as error:
            self.fail(str(error), places[key])

    def _value(self) -> tuple[int, str]:
        self._skip()
        at = self.at
        found = self._match(_VALUE)
        if found is None:
            self.fail("expected a value")
        return at, found[0]

    def _seconds(self, text: str, at: int) -> float:
        try:
            return parse_duration(text)
        except ValueError as error:
            self.fail(str(error), at)


def _between(first: float | None, last: float | None, number: int, times: int) -> float | None:
    if first is None or last is None or times == 1:
        return first
    return first + (last - first) * number / (times - 1)


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError("expected a whole number")
    return int(text)


def _amount(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", text) is None:
        raise ValueError("expected an amount in dollars, such as 0.002")
    return float(text)


def _fault(text: str) -> Fault:
    if text not in tuple(Fault):
        raise ValueError(f"expected one of {', '.join(Fault)}")
    return Fault(text)
