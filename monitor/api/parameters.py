"""Query parameters that several routes take, each with its bounds."""

from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Query

from monitor.api.models.shape import LAST_MOMENT_S

PAGE_ROWS: Final = 100
"""Rows of a page when nobody says."""
PAGE_MOST: Final = 500
"""Rows of a page at most: some 200 KB of JSON, and tens of milliseconds to make."""

Limit = Annotated[int, Query(ge=1, le=PAGE_MOST, description="Rows at most.")]
"""Rows of a page; the default is PAGE_ROWS."""
Cursor = Annotated[
    str, Query(max_length=200, description="`next_cursor` of the page before; empty: the first.")
]
"""Where a page begins."""
Location = Annotated[
    str, Query(max_length=200, description="As seen from this location; empty: from this one.")
]
_FROM: Final = "From this moment on, seconds since the epoch."
_UNTIL: Final = "Before this moment, seconds since the epoch."

# A moment in seconds since the epoch: a number, and one that a calendar has.
Since = Annotated[float, Query(ge=0.0, le=LAST_MOMENT_S, allow_inf_nan=False, description=_FROM)]
Until = Annotated[float, Query(ge=0.0, le=LAST_MOMENT_S, allow_inf_nan=False, description=_UNTIL)]
MaybeSince = Annotated[
    float | None, Query(ge=0.0, le=LAST_MOMENT_S, allow_inf_nan=False, description=_FROM)
]
MaybeUntil = Annotated[
    float | None, Query(ge=0.0, le=LAST_MOMENT_S, allow_inf_nan=False, description=_UNTIL)
]


async def marked(
    _mark: Annotated[
        Literal["1"],
        Header(alias="X-Sonde-Write", description="What no page of another site can send."),
    ],
) -> None:
    """Document the header that every write carries; the gate has looked at it already."""


MARKED: Final = (Depends(marked),)
"""Of every write."""
