"""What somebody chose to see, and what a key changes about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.api.models.targets import TargetRow


class Sort(StrEnum):
    """What the targets are put in order by."""

    WORST = "worst"
    NAME = "name"
    P95 = "p95"
    ERRORS = "errors"


_ORDER = tuple(Sort)
_QUIT = frozenset({"q", "\x03", "\x04"})
_RUBOUT = frozenset({"\x7f", "\x08"})
_DONE = frozenset({"\r", "\n", "\x1b"})


@dataclass(frozen=True, slots=True)
class View:
    """How the targets are shown."""

    sort: Sort = Sort.WORST
    troubled: bool = False
    """Whether only those are shown that are not well."""
    wanted: str = ""
    """Only those with this in their target's, provider's or model's name."""
    typing: bool = False
    """Whether keys are letters of it."""


def pressed(view: View, key: str) -> View | None:
    """Return the view after a key; None: whoever pressed it has seen enough."""
    if view.typing:
        return _typed(view, key)
    if key in _QUIT:
        return None
    if key == "s":
        return replace(view, sort=_ORDER[(_ORDER.index(view.sort) + 1) % len(_ORDER)])
    if key == "t":
        return replace(view, troubled=not view.troubled)
    if key == "/":
        return replace(view, typing=True, wanted="")
    return replace(view, wanted="") if key == "\x1b" else view


def _typed(view: View, key: str) -> View | None:
    if key == "\x03":
        return None
    if key in _DONE:
        return replace(view, typing=False)
    if key in _RUBOUT:
        return replace(view, wanted=view.wanted[:-1])
    return replace(view, wanted=view.wanted + key) if key.isprintable() else view


def chosen(rows: Iterable[TargetRow], view: View) -> Sequence[TargetRow]:
    """Return the targets that are to be seen, in the order that is wanted."""
    word = view.wanted.casefold()
    seen = (
        row
        for row in rows
        if (not view.troubled or row.now.level != "ok")
        and word in f"{row.now.name}\n{row.now.provider}\n{row.now.model}".casefold()
    )
    return sorted(seen, key=lambda row: (*_place(row, view.sort), row.now.rank, row.now.name))


def _place(row: TargetRow, sort: Sort) -> tuple[float | str, ...]:
    figures = row.now.figures
    match sort:
        case Sort.WORST:
            return ()
        case Sort.NAME:
            return (row.now.name,)
        case Sort.P95:
            return (0.0 if figures.p95_s is None else -figures.p95_s.value,)
        case _:
            return (-(figures.error_rate or 0.0),)
