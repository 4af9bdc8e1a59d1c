"""The JSON Schema of the configuration, for editors that complete and check while one types."""

from typing import Any

from monitor.config.models import RootSection


# Any: a JSON Schema is a JSON object of any shape.
def json_schema() -> dict[str, Any]:
    """Return the schema of a configuration file (https://json-schema.org/draft/2020-12)."""
    schema = RootSection.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Sonde configuration",
    }
