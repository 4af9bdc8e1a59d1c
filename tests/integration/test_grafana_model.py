"""Dashboards by Grafana's own model of them: nothing in a file is a word it does not know."""

import json
from collections.abc import Iterator
from copy import deepcopy
from importlib.metadata import version
from typing import Any, Final

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from tests.dashboards.all import DASHBOARDS
from tests.dashboards.panels import Dashboard
from tests.docs.blocks import ROOT

register_default_plugins()

Json = Any  # what a file holds
COMPOSE: Final = ROOT / "deploy" / "compose" / "compose.yaml"


def unknown(ours: Json, read: Json, where: str = "") -> Iterator[str]:
    """Yield what stands in our file and is lost or changed when the model has read it."""
    if isinstance(ours, dict) and isinstance(read, dict):
        for key, value in ours.items():
            if key in read:
                yield from unknown(value, read[key], f"{where}/{key}")
            else:
                yield f"{where}/{key}"
    elif isinstance(ours, list) and isinstance(read, list) and len(ours) == len(read):
        for i, pair in enumerate(zip(ours, read, strict=True)):
            yield from unknown(*pair, f"{where}/{i}")
    elif ours != read:
        yield f"{where}: {ours!r} is read as {read!r}"


def read_by_grafana(model: Json) -> Json:
    """Read a dashboard as Grafana's own types have it, and write it again."""
    return json.loads(JSONEncoder(sort_keys=True).encode(Model.from_json(deepcopy(model))))


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_grafana_knows_every_word(dashboard: Dashboard) -> None:
    """Panels' options and queries too, by the types of their plugins."""
    model = json.loads(dashboard.text())
    assert list(unknown(model, read_by_grafana(model))) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("graphTooltipp",), "/graphTooltipp"),
        (("panels", 1, "optionss"), "/panels/1/optionss"),
        (("panels", 1, "options", "colorMod"), "/panels/1/options/colorMod"),
        (("panels", 1, "targets", 0, "exprr"), "/panels/1/targets/0/exprr"),
    ],
)
def test_a_misspelt_word_is_found(path: tuple[str | int, ...], told: str) -> None:
    """The judge above finds a word that no type has, however deep."""
    model = json.loads(DASHBOARDS[0].text())
    inner = model
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = 1
    assert told in list(unknown(model, read_by_grafana(model)))


def test_the_model_is_that_of_the_version_that_runs() -> None:
    """Compose starts the Grafana whose types these are."""
    image = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["grafana"]["image"]
    assert image == f"grafana/grafana:{version('grafana-foundation-sdk').partition('!')[2]}"
