"""What targets expect of their answers: sections -> Expectation values, everything compiled."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from monitor.config.credentials import anchored
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.models import TargetSection
from probes.answer_schema import SCHEMA_LIMIT_BYTES, AnswerSchema, TextPattern, UncheckableError
from probes.result import Operation
from probes.target import Expectation

_T = TypeVar("_T")

_OF_TEXT: Final = ("contains", "equals", "regex", "json_schema")
_OF_VECTORS: Final = ("dimensions", "normalised", "cosine_to_reference")


def compile_expectation(
    path: KeyPath, section: TargetSection, folder: Path, findings: Findings
) -> Expectation:
    """Return what a target expects; what cannot be checked is added to the findings."""
    place = (*path, "expect")
    said = section.expect
    _check_shape(place, section, findings)
    return Expectation(
        contains=said.contains,
        equals=said.equals,
        regex=_compiled((*place, "regex"), TextPattern, said.regex, findings),
        json_schema=_schema((*place, "json_schema"), said.json_schema, folder, findings),
        dimensions=said.dimensions,
        normalised=bool(said.normalised),
        cosine_at_least=said.cosine_to_reference,
    )


def _check_shape(place: KeyPath, section: TargetSection, findings: Findings) -> None:
    """Refuse what would be without effect, or could never be met."""
    embeds = section.operation is Operation.EMBEDDINGS
    says_text = section.operation in (Operation.CHAT, Operation.RESPONSES)
    for fits, keys, whom in (
        (says_text, _OF_TEXT, "operation: chat or responses"),
        (embeds, _OF_VECTORS, "operation: embeddings"),
    ):
        for key in keys:
            if getattr(section.expect, key) is not None and not fits:
                findings.bad((*place, key), f"has an effect only with {whom}", key=True)
    wanted, asked = section.expect.dimensions, section.dimensions
    if embeds and wanted is not None and asked is not None and wanted != asked:
        findings.bad((*place, "dimensions"), f"is not the {asked} that is asked for")


def _schema(
    path: KeyPath,
    said: str | dict[str, Any] | None,  # Any: a JSON Schema holds whatever JSON can
    folder: Path,
    findings: Findings,
) -> AnswerSchema | None:
    if isinstance(said, dict):
        text: str | None = json.dumps(said, sort_keys=True)
    else:
        text = None if said is None else _read(path, anchored(said, folder), findings)
    return _compiled(path, AnswerSchema, text, findings)


def _read(path: KeyPath, file: Path, findings: Findings) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(SCHEMA_LIMIT_BYTES + 1).decode("utf-8")
    except OSError as error:
        findings.bad(path, f"cannot read {file}: {error.strerror}")
    except UnicodeDecodeError:
        findings.bad(path, f"{file} is not UTF-8")
    return None


def _compiled(
    path: KeyPath, kind: Callable[[str], _T], text: str | None, findings: Findings
) -> _T | None:
    if text is None:
        return None
    try:
        return kind(text)
    except UncheckableError as error:
        findings.bad(path, str(error))
        return None
