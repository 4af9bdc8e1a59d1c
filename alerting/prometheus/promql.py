"""PromQL as text: strings, selectors, joined vectors, and a rule's `match` as label matchers.

https://prometheus.io/docs/prometheus/latest/querying/basics/ . Whatever a configuration holds is
quoted here and nowhere else: a target's name is text, whatever is in it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import Final

from alerting.match import Match, labels_of
from probes.target import Target

_ON_METRICS: Final = ("target", "provider", "model", "operation")
"""What a Match may name and each series carries. All else is said by the targets' names."""
_META: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
"""What RE2 reads as more than itself: https://github.com/google/re2/wiki/Syntax"""
_WIDE: Final = 0xFFFF


def quoted(text: str) -> str:
    """Return text in double quotes, as PromQL and YAML both read it."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > _WIDE else f"\\u{code:04x}"


def number(value: float) -> str:
    """Return a number without a digit more than it takes."""
    return repr(value).removesuffix(".0")


def selector(name: str, matchers: Iterable[str]) -> str:
    """Return the series of one metric."""
    return f"{name}{{{', '.join(matchers)}}}"


def matcher(label: str, words: Sequence[str], *, without: bool = False) -> str:
    """Return a matcher for any (or, `without`, none) of these words of ours."""
    if len(words) == 1:
        return f"{label}{'!=' if without else '='}{quoted(words[0])}"
    return f"{label}{'!~' if without else '=~'}{quoted('|'.join(words))}"


def _literal(text: str) -> str:
    """Return the regular expression of this text alone."""
    return _META.sub(r"\\\1", text)


def joined(operator: str, parts: Sequence[str]) -> str:
    """Join vectors by a set operator, in brackets of their own; one alone stays as it is."""
    if len(parts) == 1:
        return parts[0]
    rows = [parts[0], *(f"{operator} {part}" for part in parts[1:])]
    return "(\n" + indent("\n".join(rows), "  ") + "\n)"


def matchers_of(match: Match, targets: Sequence[Target], location: str) -> tuple[str, ...]:
    """Return matchers that hit what the match hits, of this location's series.

    A preset and a target's own labels are on no metric, and a set of characters (`[ab]`) means
    more in a glob than in a regular expression: of those the names of the targets are said.
    """
    own = [field for field in match.fields if field[0] != "location"]
    if all(name in _ON_METRICS and not _sets(patterns) for name, patterns in own):
        said = tuple(each for name, patterns in own for each in _field(name, patterns))
    else:
        hit = [each.name for each in targets if match.matches(labels_of(each, location))]
        said = (f"target=~{quoted('|'.join(map(_literal, hit)))}",)
    return (*said, f"location={quoted(location)}")


def _sets(patterns: Iterable[str]) -> bool:
    return any("[" in pattern for pattern in patterns)


def _field(name: str, patterns: Sequence[str]) -> Iterator[str]:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    if wanted:
        yield _globbed(name, wanted, without=False)
    if unwanted:
        yield _globbed(name, unwanted, without=True)


def _globbed(name: str, globs: Sequence[str], *, without: bool) -> str:
    if len(globs) == 1 and not set("*?") & set(globs[0]):
        return f"{name}{'!=' if without else '='}{quoted(globs[0])}"
    return f"{name}{'!~' if without else '=~'}{quoted('|'.join(map(_regular, globs)))}"


def _regular(glob: str) -> str:
    """Return a glob of `*` and `?` as a regular expression; Prometheus anchors it at both ends."""
    parts = re.split(r"([*?])", glob)
    return "".join({"*": ".*", "?": "."}.get(part, _literal(part)) for part in parts)
