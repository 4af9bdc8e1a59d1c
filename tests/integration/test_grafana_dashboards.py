"""The dashboards that ship, asked by Prometheus and InfluxDB themselves: no panel stays empty."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.dashboards.all import DASHBOARDS
from tests.dashboards.itself import ITSELF
from tests.dashboards.panels import COLUMNS, Dashboard, Panel, Query
from tests.dashboards.queries import Asking, metric, named
from tests.docs.__main__ import DOCS, PAGES
from tests.docs.blocks import ROOT
from tests.docs.metrics import metrics
from tests.servers.prometheus import Prometheus, prometheus_with
from tests.servers.running import installed
from tests.unit.monitor.test_docs_metrics import exposition

__all__ = ["exposition"]

FOLDER: Final = ROOT / "deploy" / "grafana"
ASKED_OF_PROMETHEUS: Final = [each for each in DASHBOARDS if each.source == "prometheus"]
REPLICAS: Final = ("a:8000", "b:8000")
STEPS: Final = 120
STEP_S: Final = 30.0
"""An hour of scrapes."""
VARIABLES: Final = {
    "$__rate_interval": "5m",
    "$window": "5m",
    **dict.fromkeys(("$location", "$provider", "$target", "$instance"), ".*"),
}
FAILED: Final = (
    'sonde_probe_results_total{provider="openai",model="m",target="t",operation="chat",'
    'location="here",verdict="server_error",fault="provider"} 7\n'
)
"""Of all that can happen to a road this has not happened to the one of the page's test."""
_GROWS: Final = re.compile(r"_(?:total|bucket|sum|count)$")


def filled(ask: str) -> str:
    """Put values in the place of Grafana's variables, as it does."""
    for variable, value in VARIABLES.items():
        ask = ask.replace(variable, value)
    assert "$" not in ask, ask
    return ask


def history(text: str, replicas: tuple[str, ...], ends_at: float) -> Iterator[str]:
    """Yield an hour of what replicas show, as samples of OpenMetrics in the order of time."""
    shown = [
        (f"{sample.name}{{{pairs(sample.labels, replica)}}}", sample.value, sample.name)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(("sonde_", "process_"))
        for replica in replicas
    ]
    for step in range(STEPS + 1):
        at = ends_at - (STEPS - step) * STEP_S
        for series, value, name in shown:
            yield f"{series} {value * step / STEPS if _GROWS.search(name) else value} {at}\n"


def pairs(labels: Mapping[str, str], replica: str) -> str:
    """Write labels, those of a scrape among them."""
    every = {**labels, "instance": replica, "job": "sonde"}
    return ",".join(f"{key}={json.dumps(value)}" for key, value in every.items())


def recorded(text: str, folder: Path, replicas: tuple[str, ...]) -> None:
    """Write the hour into blocks that Prometheus reads as its own."""
    ends_at = float(int(time.time()))
    folder.mkdir()
    source = folder / "history.om"
    with source.open("w", encoding="utf-8") as file:
        file.writelines(history(text, replicas, ends_at))
        file.write("# EOF\n")
    made = subprocess.run(
        [
            *(installed("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
            *(str(source), str(folder / "data")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr


def answers(server: Prometheus, query: Query) -> dict[frozenset[tuple[str, str]], float]:
    """Return the series a query answers now."""
    found: dict[frozenset[tuple[str, str]], float] = {}
    for each in server.query(filled(query.ask)):
        labels: Any = each["metric"]  # Any: JSON
        value: Any = each["value"]
        found[frozenset(labels.items())] = float(value[1])
    return found


def panels(dashboard: Dashboard) -> Iterator[tuple[Panel, Query]]:
    """Yield every query of a dashboard with its panel."""
    for panel in dashboard.panels():
        for query in panel.queries:
            yield panel, query


@pytest.fixture
def with_failure(exposition: str) -> str:
    """Return everything a daemon can show."""
    median = next(line for line in exposition.splitlines() if 'quantile="0.5"' in line)
    more = "".join(f"{median}\n".replace('"0.5"', f'"{share}"') for share in (0.95, 0.99))
    return exposition + more + FAILED


def test_no_panel_stays_empty_and_replicas_count_once(tmp_path: Path, with_failure: str) -> None:
    """Each query answers; with a second replica that tells the same, figures stay what they are."""
    recorded(with_failure, tmp_path / "one", REPLICAS[:1])
    recorded(with_failure, tmp_path / "two", REPLICAS)
    with (
        prometheus_with([], tmp_path / "one") as one,
        prometheus_with([], tmp_path / "two") as two,
    ):
        for dashboard in ASKED_OF_PROMETHEUS:
            for panel, query in panels(dashboard):
                alone, both = answers(one, query), answers(two, query)
                where = f"{dashboard.title}: {panel.title}: {query.ask}"
                assert alone, where
                if dashboard is not ITSELF and "instance" not in query.ask:
                    assert both == pytest.approx(alone), where


def test_each_replica_speaks_for_itself(tmp_path: Path, with_failure: str) -> None:
    """What a replica knows of itself alone is shown for each; what is summed says so."""
    recorded(with_failure, tmp_path / "two", REPLICAS)
    with prometheus_with([], tmp_path / "two") as two:
        for panel, query in panels(ITSELF):
            instances = {dict(labels).get("instance") for labels in answers(two, query)}
            summed = "Of all replicas together" in panel.says
            assert instances == ({None} if summed else set(REPLICAS)), (panel.title, query.ask)


def test_every_metric_has_a_panel() -> None:
    """What is worth exposing is worth a look."""
    shown = {
        each.name
        for dashboard in ASKED_OF_PROMETHEUS
        for _, query in panels(dashboard)
        for each in named(query.ask)
    }
    assert {each.name for each in metrics()} - shown == set()


def test_what_no_daemon_exposes_cannot_be_asked() -> None:
    """A metric that was renamed fails here, and not on somebody's wall."""
    with pytest.raises(KeyError):
        metric("sonde_probe_succes")
    with pytest.raises(KeyError):
        Asking({}).shared("sonde_unheard_of")


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_files_are_as_the_generator_writes_them(dashboard: Dashboard) -> None:
    """`make docs-reference` writes them anew."""
    name = f"../deploy/grafana/dashboards/{dashboard.uid}.json"
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_no_other_file_is_provisioned() -> None:
    """One that nobody generates would never be looked at again."""
    files = {path.name for path in (FOLDER / "dashboards").iterdir()}
    assert files == {f"{each.uid}.json" for each in DASHBOARDS}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_panels_stand_side_by_side(dashboard: Dashboard) -> None:
    """None covers another, none leaves the grid; numbers are each panel's own."""
    model: Mapping[str, Any] = json.loads(dashboard.text())  # Any: JSON
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in model["panels"]]
    assert len(numbers) == len(set(numbers))


def test_variables_offer_what_there_is() -> None:
    """Each variable asks for a label of a metric that has it, and each that is used is there."""
    for dashboard in ASKED_OF_PROMETHEUS:
        offered = {each.name for each in dashboard.variables}
        for variable in dashboard.variables:
            asked = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", variable.asks)
            assert asked is not None, variable
            assert asked[2] in (*metric(asked[1]).labels, "instance")
        used = {name for _, query in panels(dashboard) for name in _used(query.ask)}
        assert used == offered


def _used(ask: str) -> set[str]:
    return {name for name in re.findall(r"\$(\w+)", ask) if not name.startswith("__")}
