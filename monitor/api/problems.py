"""Why a request is not answered: every refusal of /api/v1 as application/problem+json (RFC 9457).

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from aggregator.ledger import LedgerError
from monitor.api.models.shape import Problem

MEDIA_TYPE: Final = "application/problem+json"
SAID_CHARS: Final = 500
"""Of what is wrong, at most: enough for some fields of a form."""

TITLES: Final[Mapping[int, str]] = {
    400: "Not understood",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    408: "Too slow",
    409: "In the way of what is there",
    413: "Too large",
    415: "Not JSON",
    422: "Not understood",
    429: "Too many wrong tokens",
    500: "A fault of Sonde's own",
    503: "Not now",
}

log = structlog.get_logger("sonde.api")


class RefusedError(Exception):
    """A request that is not answered, and why, for whoever sent it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    body = Problem(title=title, status=status, detail=detail[:SAID_CHARS])
    return Response(
        body.model_dump_json(),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


# Any: a piece of an OpenAPI document, as FastAPI takes it.
def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return these problems as FastAPI's `responses`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


READ: Final = documented(401, 403, 422, 429, 503)
"""How a read can fail."""
READ_ONE: Final = documented(401, 403, 404, 422, 429, 503)
"""How a read of something named in the path can fail."""
WRITE: Final = documented(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503)
"""How a write can fail."""


def add_problems(app: FastAPI, allowed: Callable[[str], str]) -> None:
    """Have every way an application refuses say so as a problem.

    `allowed` names the methods a path has, as the header Allow does: a route knows its own alone.
    """

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)  # noqa: S101 - registered for nothing else
        return problem(error.status, error.detail, error.headers)

    async def not_understood(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        return problem(422, said(error.errors()))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allowed(request.url.path)
        general = error.detail == HTTPStatus(error.status_code).phrase
        return problem(error.status_code, _GENERAL if general else error.detail, headers)

    async def ledger(request: Request, error: Exception) -> Response:
        log.warning("api.ledger_failed", path=request.url.path, error=str(error))
        return problem(503, "The ledger did not answer in time: /readyz says more.", _SOON)

    async def crashed(_request: Request, _error: Exception) -> Response:
        return problem(500, "A bug: the log says more, as api.crashed.")

    app.add_exception_handler(Exception, crashed)
    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(RequestValidationError, not_understood)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(LedgerError, ledger)


_GENERAL: Final = "See /api/v1/openapi.json for what there is."
_SOON: Final = {"Retry-After": "5"}


def said(errors: Sequence[Any]) -> str:
    """Put what FastAPI found wrong into a line: where, and what is expected."""
    return "; ".join(f"{_place(each)}: {each['msg']}" for each in errors)


def _place(error: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary of one error
    place = ".".join(str(part) for part in error["loc"] if part != "body")
    return place.removeprefix("query.").removeprefix("path.") or "body"
