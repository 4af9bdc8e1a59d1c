"""docs/api.md: every route and every field of the API, from the committed OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.docs.configuration import Schema, kind

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "monitor" / "api" / "openapi.json"
METHODS: Final = ("get", "post", "put", "patch", "delete")
HEAD: Final = """\
# API

What a running daemon answers under `/api/v1`, written by `make docs-reference` from the OpenAPI
document that it serves at `/api/v1/openapi.json`. The dashboard and `sonde top` read nothing else.

- Answers are JSON. Times are seconds since the epoch, durations are seconds (`_s`), `null` is *not
  known*, never 0.
- **Who may read.** Listening on loopback only, the API answers to local names. Listening wider it
  wants the token of `http.token_file`, as `Authorization: Bearer …` or as the password of Basic.
- **Writes** want `Content-Type: application/json` and the header `X-Sonde-Write: 1`, which no
  foreign page can send, and are kept in the audit log (`/audit`).
- **Pages** of long lists: `limit` and the `next_cursor` of the page before as `cursor`; no row is
  lost or told twice while rows are added.
- A reader that sends an answer's `ETag` back as `If-None-Match` gets 304 while nothing changed.
- What is wrong is told as `application/problem+json`
  ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)); `detail` is a sentence for people.
- Texts of providers are hostile input. They are cleaned and cut, and never HTML: show them as text.
"""


def page() -> str:
    """Return the page."""
    # Any: an OpenAPI document is a JSON object of any shape.
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    routes = [
        _route(method, path, operation, schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    ]
    shapes = [_shape(name, schema, schemas) for name, schema in schemas.items()]
    return "\n".join([HEAD, "## Routes\n", *routes, "## Shapes\n", *shapes])


def _route(method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> str:
    lines = [f"### {method.upper()} {path}\n"]
    if operation.get("description"):
        lines.append(f"{operation['description'].strip()}\n")
    if "requestBody" in operation:
        lines.append(f"Takes {', '.join(_contents(operation['requestBody'], schemas))}.\n")
    for status, answer in operation["responses"].items():
        if status < "400":
            told = ", ".join(_contents(answer, schemas)) or "nothing more"
            lines.append(f"**{status}**: {told}.\n")
    refusals = [status for status in operation["responses"] if status >= "400"]
    if refusals:
        lines.append(f"Refused with {', '.join(refusals)}.\n")
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| parameter | in | kind | default | meaning |", "|---|---|---|---|---|"]
        lines += [f"{_parameter(each, schemas)}" for each in parameters]
        lines.append("")
    return "\n".join(lines)


def _contents(answer: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    for media, content in answer.get("content", {}).items():
        shape = _named(content.get("schema", {}), schemas)
        yield shape if media == "application/json" else f"`{media}`: {shape}"


def _parameter(parameter: Schema, schemas: Mapping[str, Schema]) -> str:
    schema = parameter["schema"]
    usual = schema.get("default")
    default = "**needed**" if parameter.get("required") else f"`{usual}`" if usual else "–"
    meaning = _cell(parameter.get("description", ""))
    shown = _named(schema, schemas)
    return f"| `{parameter['name']}` | {parameter['in']} | {shown} | {default} | {meaning} |"


def _shape(name: str, schema: Schema, schemas: Mapping[str, Schema]) -> str:
    if "properties" not in schema:
        return f"### {name}\n\n{_cell(schema.get('description', ''))} {kind(schema, schemas)}\n"
    needed = schema.get("required", ())
    rows = [
        f"| `{key}` | {_named(field, schemas)}{'' if key in needed else ', optional'}"
        f" | {_cell(field.get('description', ''))} |"
        for key, field in schema["properties"].items()
    ]
    head = [f"### {name}\n", f"{_cell(schema.get('description', ''))}\n"]
    return "\n".join([*head, "| field | kind | meaning |", "|---|---|---|", *rows, ""])


def _named(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """Return a schema in a few words; one with a name by a link to its table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if schema.get("type") == "array":
        return f"list of {_named(schema.get('items', {}), schemas)}"
    if "anyOf" in schema:
        parts = [_named(each, schemas) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(parts + ["null"] * (len(parts) < len(schema["anyOf"])))
    return kind(schema, schemas)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
