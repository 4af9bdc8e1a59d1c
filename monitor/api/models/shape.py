"""What every shape of the API is: immutable, with nothing unnamed in it."""

from typing import Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

LAST_MOMENT_S: Final = 253_402_300_799.0
"""The end of the year 9999, the last that Python's dates can write: no moment is later."""


class Shape(BaseModel):
    """Base of what is answered, and of what is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Shape, Generic[Item]):
    """One page of a long list."""

    items: list[Item]
    next_cursor: str | None = Field(
        default=None, description="Ask with `cursor=` this for what follows; null: that was all."
    )


class Problem(Shape):
    """Why a request was not answered (RFC 9457, as application/problem+json)."""

    title: str = Field(description="What kind of problem, the same words each time.")
    status: int
    detail: str = Field(description="What is wrong with this request, and how to mend it.")
