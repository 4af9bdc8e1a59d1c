"""The example configuration that ships."""

from pathlib import Path
from typing import Any

from monitor.config.load import load
from monitor.config.models import SECTIONS
from monitor.config.notify_sections import CHANNEL_SECTIONS
from monitor.config.reader import read_file
from monitor.config.schema import json_schema
from tests.unit.monitor.config.configtexts import ENVIRON

EXAMPLE = Path(__file__).parents[4] / "deploy" / "sonde.yaml"

VARIABLES = {
    "OPENAI_API_KEY": ENVIRON["KEY"],
    "XAI_API_KEY": ENVIRON["XAI_KEY"],
    "SLACK_WEBHOOK_URL": ENVIRON["HOOK"],
    "SLACK_BOT_TOKEN": ENVIRON["BOT"],
    "WEBHOOK_URL": ENVIRON["URL"],
    "WEBHOOK_SECRET": ENVIRON["SIGNING"],
}


def test_the_example_loads_without_a_warning(tmp_path: Path) -> None:
    """What we tell people to copy is right in every line."""
    loaded = load(EXAMPLE, VARIABLES, cwd=tmp_path, strict=True)
    assert loaded.warnings == ()
    assert [provider.name for provider in loaded.config.providers] == ["openai", "grok", "house"]
    assert len(loaded.config.targets) == 5
    assert len(loaded.config.channels) == 3


def test_the_example_shows_every_key() -> None:
    """A key that is supported stands in the example, in a comment at least."""
    text = EXAMPLE.read_text(encoding="utf-8")
    sections = (*SECTIONS.values(), *CHANNEL_SECTIONS.values())
    keys = {field.alias or name for each in sections for name, field in each.model_fields.items()}
    said_otherwise = {"bot_token_file", "webhook_url_file", "url_file", "secret_file", "api_url"}
    said_otherwise.add("routing_key_file")
    missing = {key for key in keys - said_otherwise if f"{key}:" not in text}
    assert missing == set()


def test_the_schema_describes_the_example() -> None:
    """Walking the example along the JSON Schema meets no unknown key."""
    schema = json_schema()
    document, problems = read_file(EXAMPLE, VARIABLES, Path())
    assert problems == ()
    assert list(_unknown(document.data, schema, schema)) == []


def test_the_schema_is_closed() -> None:
    """Every section refuses other keys, in the editor too; in a route others are labels."""
    schema = json_schema()
    sections = [each for each in (schema, *schema["$defs"].values()) if "properties" in each]
    assert len(sections) == len(set(SECTIONS.values())) + len(CHANNEL_SECTIONS)
    loose = [each["title"] for each in sections if each["additionalProperties"] is not False]
    assert loose == ["RouteSection"]
    assert "for" in schema["$defs"]["RuleSection"]["properties"]


# Any: a JSON Schema is a JSON object of any shape.
def _unknown(data: object, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """Return the keys of the data that no branch of the schema knows."""
    options = _branches(schema, root)
    if isinstance(data, list):
        items = [option["items"] for option in options if "items" in option]
        return [key for item in data for key in _least(item, items, root)]
    if not isinstance(data, dict):
        return []
    found = [_unknown_keys(data, option, root) for option in options if _mapping(option)]
    return min(found, key=len, default=list(data))


def _least(data: object, options: list[dict[str, Any]], root: dict[str, Any]) -> list[str]:
    return min((_unknown(data, option, root) for option in options), key=len, default=[])


def _mapping(option: dict[str, Any]) -> bool:
    return "properties" in option or "additionalProperties" in option


def _unknown_keys(
    data: dict[str, object], option: dict[str, Any], root: dict[str, Any]
) -> list[str]:
    unknown: list[str] = []
    for key, value in data.items():
        below = option.get("properties", {}).get(key) or option["additionalProperties"]
        unknown += [key] if below is False else _unknown(value, below, root)
    return unknown


def _branches(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return _branches(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options is None:
        return [schema]
    return [branch for option in options for branch in _branches(option, root)]
