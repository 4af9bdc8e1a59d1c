"""Plain data -> validated sections, piece by piece, so that one bad target hides no other problem.

pydantic's errors are translated here: where, what was expected, what stands there instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.document import Document, KeyPath, Plain
from monitor.config.fields import Choice, Name, did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import (
    SECRET_KEYS,
    SECTIONS,
    ProviderSection,
    RootSection,
    RuleSection,
    TargetSection,
)
from monitor.config.notify_sections import CHANNEL_SECTIONS, ChannelSection
from monitor.config.section import Section

_S = TypeVar("_S", bound=Section)

_CHANNELS: Final = ("notify", "channels")
_NAME: Final[TypeAdapter[str]] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """The parts that are sound, by their place in the file; the rest is in the findings."""

    root: RootSection
    """Everything else: what is listed below is empty in it, and unsound keys are not said."""
    unsound: frozenset[str]
    """Keys of the root that were refused."""
    providers: Mapping[str, ProviderSection]
    targets: Mapping[int, TargetSection]
    rules: Mapping[int, RuleSection]
    channels: Mapping[str, ChannelSection]


def validate(document: Document, findings: Findings) -> Sections:
    """Validate every piece of the document by itself."""
    data = dict(document.data)
    providers = _pieces(data, ("providers",))
    targets = _pieces(data, ("targets",))
    rules = _pieces(data, ("rules",))
    notify = data.get("notify")
    if isinstance(notify, dict):
        data["notify"] = notify = dict(notify)
        channels = _pieces(notify, _CHANNELS)
    else:
        channels = {}
    root, unsound = _root(data, findings)
    return Sections(
        root=root,
        unsound=unsound,
        providers=_named(_valid(ProviderSection, providers, findings), ("providers",), findings),
        targets={int(i): t for i, t in _valid(TargetSection, targets, findings).items()},
        rules={int(i): r for i, r in _valid(RuleSection, rules, findings).items()},
        channels=_named(_valid_channels(channels, findings), _CHANNELS, findings),
    )


_Pieces = dict[KeyPath, Plain]


def _pieces(parent: dict[str, Plain], path: KeyPath) -> _Pieces:
    """Take the pieces at `path` out of their parent, each with its path."""
    key = str(path[-1])
    whole = parent.get(key)
    if isinstance(whole, dict) and path not in (("targets",), ("rules",)):
        del parent[key]
        return {(*path, name): piece for name, piece in whole.items()}
    if isinstance(whole, list) and path in (("targets",), ("rules",)):
        del parent[key]
        return {(*path, index): piece for index, piece in enumerate(whole)}
    return {}


def _root(data: dict[str, Plain], findings: Findings) -> tuple[RootSection, frozenset[str]]:
    sound: dict[str, Plain] = {}
    unsound: set[str] = set()
    for key, value in data.items():
        if _one(RootSection, {key: value}, (), findings) is None:
            unsound.add(key)
        else:
            sound[key] = value
    return RootSection.model_validate(sound), frozenset(unsound)


def _valid(section: type[_S], pieces: _Pieces, findings: Findings) -> dict[str | int, _S]:
    found = {path[-1]: _one(section, piece, path, findings) for path, piece in pieces.items()}
    return {name: piece for name, piece in found.items() if piece is not None}


def _valid_channels(pieces: _Pieces, findings: Findings) -> dict[str | int, ChannelSection]:
    found: dict[str | int, ChannelSection] = {}
    choice = Choice(tuple(CHANNEL_SECTIONS))
    for path, piece in pieces.items():
        kind = piece.get("type") if isinstance(piece, dict) else None
        try:
            section = CHANNEL_SECTIONS[choice(kind) if isinstance(piece, dict) else "slack"]
        except ValueError as error:
            what = "missing" if kind is None else findings.document.shown((*path, "type"))
            findings.bad((*path, "type"), f"{what}: {error}")
            continue
        channel = _one(section, piece, path, findings)
        if channel is not None:
            found[path[-1]] = channel
    return found


def _named(pieces: dict[str | int, _S], path: KeyPath, findings: Findings) -> dict[str, _S]:
    named: dict[str, _S] = {}
    for name, piece in pieces.items():
        try:
            named[_NAME.validate_python(name)] = piece
        except ValidationError as error:
            findings.bad((*path, name), _expected(error.errors()[0]), key=True)
    return named


def _one(section: type[_S], piece: Plain, path: KeyPath, findings: Findings) -> _S | None:
    try:
        return section.model_validate(piece)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(detail, path, findings)
        return None


def _report(detail: ErrorDetails, prefix: KeyPath, findings: Findings) -> None:
    path = (*prefix, *(step for step in detail["loc"] if step != "[key]"))
    match detail["type"]:
        case "extra_forbidden":
            allowed = allowed_keys(path[:-1], findings.document)
            hint = did_you_mean(str(path[-1]), allowed)
            findings.bad(path, f"unknown key{hint}; allowed: {', '.join(allowed)}", key=True)
        case "missing":
            findings.bad(path, f"missing: {_description(path, findings.document)}")
        case _:
            findings.bad(path, _expected(detail) + _instead(detail, path, findings.document))


def _section_at(path: KeyPath, document: Document) -> type[Section]:
    """Return the kind of section at `path`."""
    if len(path) == 3 and path[:2] == _CHANNELS:
        return CHANNEL_SECTIONS[str(document.at((*path, "type")))]
    return next(section for pattern, section in SECTIONS.items() if _fits(pattern, path))


def _fits(pattern: KeyPath, path: KeyPath) -> bool:
    """Say whether `path` is one that `pattern` stands for: `*` is any name or position."""
    return len(pattern) == len(path) and all(
        part in ("*", step) for part, step in zip(pattern, path, strict=True)
    )


def allowed_keys(path: KeyPath, document: Document) -> tuple[str, ...]:
    """Return the keys that the mapping at `path` may have."""
    section = _section_at(path, document)
    return tuple(field.alias or name for name, field in section.model_fields.items())


def _description(path: KeyPath, document: Document) -> str:
    section = _section_at(path[:-1], document)
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    return str(fields[str(path[-1])].description)


_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "expected text",
    "string_too_short": "expected text that is not empty",
    "string_too_long": "expected at most {max_length} characters",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "model_type": "expected a mapping",
    "dict_type": "expected a mapping",
    "list_type": "expected a list",
    "too_short": "expected at least one entry",
    "too_long": "expected at most {max_length} entries",
    "greater_than_equal": "expected at least {ge:g}",
    "less_than_equal": "expected at most {le:g}",
}


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    # pydantic's own words for the kinds of errors that these models cannot have today.
    text = _EXPECTED.get(detail["type"], detail["msg"])
    return text.format_map(context) if detail["type"] in _EXPECTED else text


def _instead(detail: ErrorDetails, path: KeyPath, document: Document) -> str:
    """Say what stands there, unless that may be a secret."""
    if SECRET_KEYS.intersection(step for step in path if isinstance(step, str)):
        return ""
    if detail["type"] in ("value_error", "too_short", "too_long") and isinstance(
        document.at(path), dict | list
    ):
        return ""
    shown = f", not {document.shown(path)}"
    if detail["type"] == "string_type" and isinstance(document.at(path), bool | int | float):
        return f"{shown}: put it in quotes"
    return shown
