"""Panels and dashboards as values, and the JSON that Grafana 11 and newer reads of them.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.dashboards.queries import named

COLUMNS: Final = 24
"""How many columns Grafana's grid has."""
_UNITS: Final = (
    ("_timestamp_seconds", "dateTimeAsIso"),
    ("_per_second", "short"),
    ("_seconds", "s"),
    ("_ratio", "percentunit"),
    ("_usd", "currencyUSD"),
    ("_usd_total", "currencyUSD"),
)
"""Units as Grafana calls them, by how metrics are named."""
_TIMES: Final = ["10s", "30s", "1m", "5m", "15m"]

Json = dict[str, Any]  # Any: a dashboard's model has values of all kinds


class Kind(StrEnum):
    """What Grafana calls the panels we use."""

    LINES = "timeseries"
    FIGURE = "stat"
    TABLE = "table"
    STATES = "state-timeline"


@dataclass(frozen=True, slots=True)
class Query:
    """One question, and how its answers are called."""

    ask: str
    """PromQL; InfluxQL on a dashboard of that source."""
    called: str = ""
    """A legend, or the title of a table's column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel."""

    title: str
    queries: Sequence[Query]
    kind: Kind = Kind.LINES
    unit: str = ""
    """Empty: as the first metric's name says."""
    width: int = 8
    height: int = 7
    stacked: bool = False
    bad_from: float | None = None
    """From where a figure is red."""
    says: str = ""
    """What the metrics' own meanings leave open."""
    mapped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Values that are shown as a word in a colour."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a reader may choose."""

    name: str
    asks: str
    """A query for its values."""
    several: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page of Grafana's."""

    uid: str
    """Its address, which stays when its title changes."""
    title: str
    says: str
    source: str
    """The kind of data source it asks: `prometheus` or `influxdb`."""
    variables: Sequence[Variable]
    rows: Sequence[Row]

    def panels(self) -> Iterator[Panel]:
        """Yield all of its panels."""
        for row in self.rows:
            yield from row.panels

    def text(self) -> str:
        """Return the file's content."""
        return json.dumps(self._model(), indent=1, ensure_ascii=False) + "\n"

    def _model(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.says,
            "tags": ["sonde"],
            "schemaVersion": 39,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timepicker": {"refresh_intervals": _TIMES},
            "timezone": "browser",
            "annotations": {"list": []},
            "links": [_LINK],
            "templating": {"list": [_source(self.source), *map(self._variable, self.variables)]},
            "panels": list(self._placed()),
        }

    def _variable(self, variable: Variable) -> Json:
        asked: Any = variable.asks  # Any: InfluxQL is a text, PromQL a text with a name of ours
        if self.source == "prometheus":
            asked = {"query": variable.asks, "refId": variable.name}
        every = {"includeAll": True, "multi": True, "allValue": ".*", "current": _ALL}
        return {
            "type": "query",
            "name": variable.name,
            "label": variable.name,
            "datasource": self._datasource,
            "query": asked,
            "refresh": 2,
            "sort": 1,
            **(every if variable.several else {"includeAll": False, "multi": False}),
        }

    @property
    def _datasource(self) -> Json:
        return {"type": self.source, "uid": "${datasource}"}

    def _placed(self) -> Iterator[Json]:
        """Yield rows and panels, left to right and downwards."""
        number, top = 1, 0
        for row in self.rows:
            yield {**_row(row.title), "id": number, "gridPos": _place(COLUMNS, 1, 0, top)}
            number, top, left, height = number + 1, top + 1, 0, 0
            for panel in row.panels:
                if left + panel.width > COLUMNS:
                    left, top, height = 0, top + height, 0
                place = _place(panel.width, panel.height, left, top)
                yield {"id": number, "gridPos": place, **self._panel(panel)}
                number, left, height = number + 1, left + panel.width, max(height, panel.height)
            top += height

    def _panel(self, panel: Panel) -> Json:
        defaults: Json = {"unit": panel.unit or _unit(panel), "mappings": _mapped(panel.mapped)}
        if panel.kind is Kind.LINES:
            defaults |= {"min": 0, "custom": _drawn(panel)}
        if panel.bad_from is not None:
            defaults |= {"color": {"mode": "thresholds"}, "thresholds": _thresholds(panel.bad_from)}
        return {
            "type": panel.kind.value,
            "title": panel.title,
            "description": _description(panel),
            "datasource": self._datasource,
            "interval": "1m",
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": _OPTIONS[panel.kind],
            "targets": [self._target(panel, i, each) for i, each in enumerate(panel.queries)],
            "transformations": list(self._columns(panel)),
        }

    def _target(self, panel: Panel, i: int, query: Query) -> Json:
        common = {"refId": chr(ord("A") + i), "datasource": self._datasource}
        if self.source == "influxdb":
            shape = "table" if panel.kind is Kind.TABLE else "time_series"
            more = {"rawQuery": True, "resultFormat": shape, "alias": query.called}
            return {**common, "query": query.ask, **more}
        at_once = panel.kind in (Kind.TABLE, Kind.FIGURE)
        return {
            **common,
            "editorMode": "code",
            "expr": query.ask,
            "legendFormat": query.called or "__auto",
            "instant": at_once,
            "range": not at_once,
            "format": "table" if panel.kind is Kind.TABLE else "time_series",
        }

    def _columns(self, panel: Panel) -> Iterator[Json]:
        """Make one row of what the queries say of one thing; columns are called as they are."""
        if panel.kind is not Kind.TABLE or self.source == "influxdb":
            return
        several = len(panel.queries) > 1
        if several:
            yield {"id": "merge", "options": {}}
        renamed = {
            f"Value #{chr(ord('A') + i)}" if several else "Value": query.called
            for i, query in enumerate(panel.queries)
        }
        options = {"excludeByName": {"Time": True}, "renameByName": renamed, "indexByName": {}}
        yield {"id": "organize", "options": options}


_ALL: Final = {"text": ["All"], "value": ["$__all"]}
_LINK: Final = {
    "type": "dashboards",
    "title": "Sonde",
    "tags": ["sonde"],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
}
_LEGEND: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_TOOLTIP: Final = {"mode": "multi", "sort": "desc"}
_OPTIONS: Final[Mapping[Kind, Json]] = {
    Kind.LINES: {"legend": _LEGEND, "tooltip": _TOOLTIP},
    Kind.FIGURE: {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
    },
    Kind.TABLE: {"showHeader": True, "cellHeight": "sm"},
    Kind.STATES: {"mergeValues": True, "showValue": "never", "legend": _LEGEND, "rowHeight": 0.9},
}


def _row(title: str) -> Json:
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def _place(width: int, height: int, left: int, top: int) -> Json:
    return {"w": width, "h": height, "x": left, "y": top}


def _source(kind: str) -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "source",
        "query": kind,
        "refresh": 1,
    }


def _unit(panel: Panel) -> str:
    first = named(panel.queries[0].ask)[0].name
    return next((unit for ending, unit in _UNITS if first.endswith(ending)), "short")


def _drawn(panel: Panel) -> Json:
    """Return how lines are drawn: what is unknown stays a gap."""
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 40 if panel.stacked else 0,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }


def _thresholds(bad_from: float) -> Json:
    steps = [{"color": "green", "value": None}, {"color": "red", "value": bad_from}]
    return {"mode": "absolute", "steps": steps}


def _mapped(words: Mapping[str, tuple[str, str]]) -> list[Json]:
    if not words:
        return []
    options = {
        value: {"text": text, "color": color, "index": i}
        for i, (value, (text, color)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def _description(panel: Panel) -> str:
    """Say what is asked for in the words of the page of metrics."""
    found = {each.name: each for query in panel.queries for each in named(query.ask)}
    told = [f"`{name}`: {each.plain}." for name, each in found.items()]
    return "\n\n".join([panel.says, *told] if panel.says else told)
