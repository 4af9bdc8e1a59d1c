"""docs/configuration.md: every key that a configuration may have, read from its models.

Keys, kinds and meanings are the JSON Schema's; what applies when nothing is said is read from the
code that applies it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from annotated_types import Le

from alerting.routing.group import Timing
from alerting.routing.route import Route
from monitor.config import defaults
from monitor.config.document import KeyPath
from monitor.config.durations import DURATION_PATTERN, format_duration, format_size
from monitor.config.models import SECTIONS
from monitor.config.notify_sections import CHANNEL_SECTIONS
from monitor.config.outside import BASELINE_EVERY_S
from monitor.config.section import Section
from monitor.config.values import Budget, Cluster, Egress, Http, Store
from probes.secret import SecretSource
from probes.target import Confirm

# Any: a JSON Schema is a JSON object of any shape.
Schema = dict[str, Any]

HEAD: Final = """\
# Configuration

Every key a `sonde.yaml` may have, written from the code by `make docs-reference`. The same as a
JSON Schema, for editors that complete while one types: `sonde check --schema`. An example with all
of it is [deploy/sonde.yaml](../deploy/sonde.yaml); without a file the
[environment](howto/openai.md) is the configuration.

- **Durations** are written with their unit: `500ms`, `30s`, `5m`, `1h30m`, `14d`, `2y`. **Sizes**
  likewise: `500 MB`, `2 GiB`. **Money** is US dollars: `5`, `5 USD`, `$5`. **Ratios**: `5%` or
  `0.05`.
- `${NAME}` is a variable, `${NAME:-text}` one with a default, `$$` a dollar sign. Secrets come from
  variables, or from files by the key with `_file` behind its name, never from the text itself.
- `–`: nothing applies unless it is said. A key without a value counts as not said.
- Paths are relative to the configuration file. A key that is not known is refused.
"""

_TITLES: Final[Mapping[KeyPath, str]] = {
    (): "At the top",
    ("providers", "*"): "`providers.NAME`: one API with one key",
    ("targets", "*"): "`targets[]`: what is probed",
    ("rules", "*"): "`rules[]`: what is worth an alert",
}
_ABOUT: Final[Mapping[KeyPath, str]] = {
    ("budget",): "[How budgets are kept](cost.md).",
    ("providers", "*"): "[Presets and connections](providers.md).",
    ("targets", "*"): "[Operations and checks](checks.md).",
    ("rules", "*"): "[The language](rules.md).",
    ("slos", "*"): "[Objectives](slo.md).",
    ("maintenance", "*"): "[Keeping quiet](silences.md).",
    ("notify",): "[Routing](routing.md), [channels](notifications.md).",
    ("store",): "[History](history.md).",
    ("store", "influxdb"): "[InfluxDB](influxdb.md).",
    ("cluster",): "[Replicas](replicas.md).",
    ("egress",): "[Whose fault it is](whose-fault.md).",
    ("baselines", "*"): "[Others' latencies](whose-fault.md#outside-baselines).",
}


def _usual() -> Mapping[str, str]:
    """Return what applies when nothing is said, by place and key; taken from where it applies."""
    store, http, egress, confirm, timing = Store(), Http(), Egress(), Confirm(), Timing()
    cluster = Cluster(redis=SecretSource(), replica="")
    probing = {
        "interval": defaults.INTERVAL_S,
        "deadline": defaults.DEADLINE_S,
        "first_token_deadline": defaults.FIRST_TOKEN_DEADLINE_S,
        "idle_deadline": defaults.IDLE_DEADLINE_S,
    }
    return {
        "evaluate_every": format_duration(defaults.EVALUATE_EVERY_S),
        "windows": ", ".join(format_duration(each) for each in defaults.WINDOWS_S),
        **{f"defaults.{key}": format_duration(value) for key, value in probing.items()},
        "defaults.max_output_tokens": str(defaults.MAX_OUTPUT_TOKENS),
        "defaults.confirm.attempts": str(confirm.attempts),
        "defaults.confirm.backoff": ", ".join(format_duration(each) for each in confirm.backoff_s),
        "defaults.confirm.throttled": format_duration(confirm.throttled_s),
        **{f"targets[].{key}": f"`defaults.{key}`" for key in (*probing, "max_output_tokens")},
        **{
            f"targets[].confirm.{key}": f"`defaults.confirm.{key}`"
            for key in ("attempts", "backoff", "throttled")
        },
        "targets[].prompt": f"`{defaults.CHAT_PROMPT}`; embeddings: `{defaults.EMBEDDINGS_PROMPT}`",
        "budget.timezone": Budget(subject="", daily_usd=0).timezone,
        "notify.group_by": ", ".join(Route(()).group_by),
        "notify.group_wait": ", ".join(
            f"{severity}: {format_duration(wait_s)}" for severity, wait_s in timing.wait_s.items()
        ),
        "notify.group_interval": format_duration(timing.interval_s),
        "notify.repeat": format_duration(timing.repeat_s),
        "notify.heartbeat.every": format_duration(defaults.HEARTBEAT_EVERY_S),
        "cluster.name": cluster.name,
        "cluster.replica": "the host's name",
        "store.path": f"`{store.path}`, or a place of the user's where that is not writable",
        "store.max_size": format_size(store.max_size_bytes),
        "store.retention.results": format_duration(store.retention_results_s),
        "store.retention.minutes": format_duration(store.retention_minutes_s),
        "store.retention.hours": format_duration(store.retention_hours_s),
        "http.listen": f"`{http.host}:{http.port}`, or `$SONDE_LISTEN`",
        "egress.check": str(egress.check),
        "egress.endpoints": ", ".join(each.text for each in egress.endpoints),
        "egress.every": format_duration(egress.every_s),
        "baselines[].every": format_duration(BASELINE_EVERY_S),
        "maintenance[].timezone": "UTC",
    }


def page() -> str:
    """Return the page."""
    usual = _usual()
    parts = [HEAD]
    for path, section in SECTIONS.items():
        parts.append(_part(path, section, usual))
        if path == ("notify",):
            channel = ("notify", "channels", "*")
            parts += [
                _part(channel, each, usual, title=f"`notify.channels.NAME` with `type: {kind}`")
                for kind, each in CHANNEL_SECTIONS.items()
            ]
    return "\n".join(parts)


def _part(
    path: KeyPath, section: type[Section], usual: Mapping[str, str], title: str | None = None
) -> str:
    place = _place(path)
    schema = section.model_json_schema(by_alias=True)
    rows = "\n".join(_rows(_bounds(schema, section), place, usual))
    words = [str(section.__doc__).strip().splitlines()[0], _ABOUT.get(path, "")]
    return (
        f"## {title or _TITLES.get(path, f'`{place}`')}\n\n{' '.join(words).strip()}\n\n"
        f"| key | kind | default | meaning |\n|---|---|---|---|\n{rows}\n"
    )


def _place(path: KeyPath) -> str:
    """Return how people write a place: providers.NAME.budget, targets[].expect."""
    text = ""
    for before, step in zip(("", *path), path, strict=False):
        if step != "*":
            text += f".{step}" if text else str(step)
        elif before in ("providers", "prices", "channels"):
            text += ".MODEL" if before == "prices" else ".NAME"
        else:
            text += "[]"
    return text


def _bounds(schema: Schema, section: type[Section]) -> Schema:
    """Put in the bounds that a key has beyond those of its kind: a schema leaves them out."""
    for name, field in section.model_fields.items():
        shown = schema["properties"][field.alias or name]
        for each in field.metadata:
            shown |= {"maximum": each.le} if isinstance(each, Le) else {}
    return schema


def _rows(schema: Schema, place: str, usual: Mapping[str, str]) -> Iterator[str]:
    needed = schema.get("required", ())
    for key, field in schema["properties"].items():
        full = f"{place}.{key}" if place else key
        meaning, _, told = field.get("description", "").partition("; default: ")
        default = "**needed**" if key in needed else usual.get(full, told or _said(field))
        yield f"| `{key}` | {kind(field, schema.get('$defs', {}))} | {default} | {meaning} |"


def _said(field: Schema) -> str:
    """Return the default that the schema itself gives."""
    value = field.get("default")
    if value is None or isinstance(value, dict | list):
        return "–"
    return f"`{value}`" if isinstance(value, str) else str(value).lower()


def kind(field: Schema, defs: Mapping[str, Schema]) -> str:
    """Return what values a key takes, in a few words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return kind(defs[name], defs)
    if "enum" in field:
        return ", ".join(f"`{str(each).lower()}`" for each in field["enum"])
    if "const" in field:
        return f"`{str(field['const']).lower()}`"
    if "anyOf" in field or "oneOf" in field:
        high = {"maximum": field["maximum"]} if "maximum" in field else {}
        return _either([each | high for each in field.get("anyOf") or field["oneOf"]], defs)
    pattern = field.get("pattern", "")
    if pattern.startswith(DURATION_PATTERN):
        return "duration"
    match field.get("type"):
        case "string":
            return "size" if "GiB" in str(field.get("examples")) else "text"
        case "integer" | "number" as number:
            return _bounded("whole number" if number == "integer" else "number", field)
        case "boolean":
            return "true, false"
        case "array":
            inner = kind(field.get("items", {}), defs)
            return "list" if inner in ("mapping", "section") else f"list: {inner}"
        case "object":
            return "section" if "properties" in field else "mapping"
    return "any"


def _either(options: list[Schema], defs: Mapping[str, Schema]) -> str:
    """Join the alternatives; a null is no value, and a pattern for `${` only lets variables in."""
    kinds = [
        kind(each, defs)
        for each in options
        if each.get("type") != "null" and each.get("pattern") != r"\$\{"
    ]
    return " or ".join(dict.fromkeys(kinds))


def _bounded(word: str, field: Schema) -> str:
    low, high = (_plain(field.get(bound)) for bound in ("minimum", "maximum"))
    if low and high:
        return f"{word}, {low} to {high}"
    if low:
        return f"{word}, {low} at least"
    return f"{word}, {high} at most" if high else word


def _plain(bound: float | None) -> str:
    """Write a number as people do; "": there is no such bound."""
    if bound is None:
        return ""
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:,}"


def unknown_defaults() -> set[str]:
    """Return places of `_usual` at which no section has such a key."""
    known = {
        f"{_place(path)}.{key}" if path else key
        for path, section in SECTIONS.items()
        for key in (field.alias or name for name, field in section.model_fields.items())
    }
    return set(_usual()) - known
