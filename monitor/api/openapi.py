"""The OpenAPI document: the contract the dashboard's types are made from."""

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from monitor.api.models.shape import Problem

PREFIX: Final = "/api/v1"
ABOUT: Final = (
    "What Sonde's dashboard shows. Times are seconds since the epoch, durations seconds; null is "
    "what is not known. On loopback nobody is asked for a token."
)
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "With the token as password, whatever the name.",
    },
}


def document(app: FastAPI) -> dict[str, Any]:  # Any: a JSON object
    """Return the document of an application's routes."""
    made = get_openapi(
        title="Sonde",
        version="1",
        description=ABOUT,
        routes=app.routes,
        servers=[{"url": PREFIX}],
    )
    schemas = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own; ours is Problem
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    made["components"]["securitySchemes"] = _SECURITY
    made["security"] = [{}, *({name: []} for name in _SECURITY)]
    for path in made["paths"].values():
        for operation in path.values():
            _mend(operation)
    return made


def _mend(operation: dict[str, Any]) -> None:  # Any: a JSON object
    """Leave out what FastAPI adds to a stream's schema, and say how reads save a body."""
    responses = operation["responses"]
    stream = responses.get("200", {}).get("content", {}).get("text/event-stream")
    if stream is not None:
        stream["schema"].pop("type", None)
    elif "200" in responses:
        responses["304"] = {"description": "As If-None-Match says it is known."}


def as_json(made: dict[str, Any]) -> str:  # Any: a JSON object
    """Write the document as it is served and committed."""
    return json.dumps(made, indent=1, sort_keys=True) + "\n"
