"""Sonde: results. Every single probe, asked of InfluxDB in InfluxQL."""

from typing import Final

from tests.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Variable

_CHOSEN: Final = '"target" =~ /^$target$/ AND "location" =~ /^$location$/ AND $timeFilter'
_BELIEVED: Final = '"verdict" = \'ok\' AND "latency_tainted" != true'
"""A refusal is quick; and what our own lateness spoiled is no figure of the provider's."""
_CALLED: Final = "$tag_target $tag_location"


def _drawn(title: str, unit: str, chosen: str, condition: str, called: str = "") -> Panel:
    """Draw a figure of each target over time."""
    ask = (
        f'SELECT {chosen} FROM "api_probe" WHERE {condition} AND {_CHOSEN}'
        ' GROUP BY time($__interval), "target", "location" fill(none)'
    )
    query = Query(ask, f"{_CALLED} {called}".strip())
    return Panel(title=title, unit=unit, width=12, queries=(query,))


RESULTS: Final = Dashboard(
    uid="sonde-results",
    title="Sonde: results (InfluxDB)",
    says="Every single probe, as InfluxDB keeps it.",
    source="influxdb",
    variables=(
        Variable(name="target", asks='SHOW TAG VALUES FROM "api_probe" WITH KEY = "target"'),
        Variable(name="location", asks='SHOW TAG VALUES FROM "api_probe" WITH KEY = "location"'),
    ),
    rows=(
        Row(
            "Answers",
            (
                _drawn("Latency, p95", "ms", 'percentile("latency_ms", 95)', _BELIEVED),
                _drawn("First token, median", "ms", 'median("first_token_ms")', _BELIEVED),
                _drawn("Tokens a second", "short", 'median("output_tokens_per_s")', _BELIEVED),
                _drawn("Dollars", "currencyUSD", 'sum("cost_usd")', "\"attempt\" = '1'"),
            ),
        ),
        Row(
            "Failures",
            (
                _drawn(
                    "Of the provider",
                    "short",
                    'count("latency_ms")',
                    "\"fault\" = 'provider' AND \"attempt\" = '1'",
                ),
                _drawn(
                    "Of anybody else",
                    "short",
                    'count("latency_ms")',
                    '"fault" !~ /^(none|provider)$/ AND "attempt" = \'1\'',
                ),
                Panel(
                    title="The newest failures",
                    kind=Kind.TABLE,
                    unit="ms",
                    width=24,
                    height=10,
                    queries=(
                        Query(
                            'SELECT "target", "location", "verdict", "fault", "status_code",'
                            ' "latency_ms", "error" FROM "api_probe"'
                            f" WHERE \"verdict\" != 'ok' AND {_CHOSEN}"
                            " ORDER BY time DESC LIMIT 100"
                        ),
                    ),
                ),
            ),
        ),
    ),
)
