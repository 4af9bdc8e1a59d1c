"""Routes as they are written, and what is wrong with them."""

from pathlib import Path

import pytest

from alerting.match import Match
from alerting.routing.group import Timing
from alerting.routing.route import Route
from alerting.rule import Severity
from monitor.config.errors import ConfigError
from monitor.config.load import load
from monitor.config.routes import by_location

ROOT = """\
providers: {openai: {preset: openai, api_key: "${KEY}"}}
targets: [{name: a, provider: openai, model: gpt-4o-mini, operation: chat, labels: {team: ml}}]
"""
CHANNELS = (
    '  channels: {team: {type: webhook, url: "${HOOK}"}, ops: {type: webhook, url: "${HOOK}"},'
    ' am: {type: alertmanager, url: "https://am.example"}}\n'
)


def read(tmp_path: Path, notify: str) -> tuple[tuple[Route, ...], list[str]]:
    """Return the routes and what they are warned of."""
    path = tmp_path / "sonde.yaml"
    path.write_text(f"{ROOT}notify:\n{notify}{CHANNELS}", encoding="utf-8")
    environ = {"KEY": "sk-" + "a" * 40, "HOOK": "https://hook.example"}
    loaded = load(path, environ, cwd=tmp_path, strict=True)
    return loaded.config.routes, [each.message for each in loaded.warnings]


def refusal(tmp_path: Path, notify: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, notify)
    return str(caught.value)


def test_without_routes_every_channel_gets_everything(tmp_path: Path) -> None:
    """Each at the usual pace; a channel that groups by itself gets each alert alone."""
    assert read(tmp_path, "") == (
        (
            Route(("team",), goes_on=True),
            Route(("ops",), goes_on=True),
            Route(("am",), goes_on=True, grouping=frozenset({"am"})),
        ),
        [],
    )


def test_a_route_is_labels_and_channels(tmp_path: Path) -> None:
    """Every key that is not the route's own is a label with a pattern or several."""
    routes, warnings = read(
        tmp_path,
        "  routes:\n    - {severity: [critical], team: ml, to: [ops, ops, am], continue: true}\n"
        "    - {to: [team]}\n",
    )
    match = Match((("severity", ("critical",)), ("team", ("ml",))))
    first = Route(("ops", "am"), match, goes_on=True, grouping=frozenset({"am"}))
    assert routes == (first, Route(("team",)))
    assert warnings == []


def test_the_pace_is_said_for_all_and_for_one(tmp_path: Path) -> None:
    """What a route does not say is as below `notify`, and else as usual."""
    routes, _ = read(
        tmp_path,
        "  group_by: [provider]\n  group_wait: 10s\n  group_interval: 1m\n  routes:\n"
        "    - {severity: critical, to: [ops], group_wait: {warning: 5s}, group_by: [],"
        " repeat: 1h}\n"
        "    - {to: [team]}\n",
    )
    ops, team = routes
    waits = {Severity.INFO: 30.0, Severity.WARNING: 5.0, Severity.CRITICAL: 0.0}
    assert (ops.group_by, ops.timing) == ((), Timing(waits, 60.0, 3600.0))
    assert team.group_by == ("provider",)
    assert team.timing == Timing(dict.fromkeys(Severity, 10.0), 60.0, 14_400.0)


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ("  group_by: [fualt]\n", "notify.group_by[0]: no alert has a label of this name (did"),
        ("  routes: [{to: [teem]}]\n", "routes[0].to[0]: there is no channel teem (did you mean"),
        ("  routes: [{severty: x, to: [team]}]\n", "routes[0].severty: no alert has a label of"),
        ("  routes: [{group_by: [x], to: [team]}]\n", "routes[0].group_by[0]: no alert has"),
        ("  routes: [{severity: critical}]\n", "routes[0].to"),
        ("  routes: [{severity: {a: b}, to: [team]}]\n", "routes[0].severity"),
        ("  group_wait: {loud: 1s}\n", "notify.group_wait"),
        ("  repeat: soon\n", "notify.repeat"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, notify: str, said: str) -> None:
    """One clear line each, with the key."""
    assert said in refusal(tmp_path, notify)


def test_alerts_that_may_go_nowhere_are_warned_of(tmp_path: Path) -> None:
    """Legal, for somebody may want it; never silent."""
    _, warnings = read(tmp_path, "  routes: [{severity: critical, to: [team]}]\n")
    assert warnings == ["no route takes everything: alerts that none matches are told to nobody"]


def test_a_route_that_is_never_asked_is_warned_of(tmp_path: Path) -> None:
    """The route above it takes everything and does not go on."""
    _, warnings = read(tmp_path, "  routes: [{to: [team]}, {severity: critical, to: [ops]}]\n")
    assert warnings == ["is never asked: the route above takes everything"]


def test_several_locations_are_told_of_apart() -> None:
    """Replicas of one location tell of it; what has no location is a group of its own."""
    routes = (Route(("team",)), Route(("ops",), group_by=("location", "target")))
    assert by_location(routes, ("fra1",)) == routes
    told = by_location(routes, ("fra1", "ams1"))
    assert [each.group_by for each in told] == [
        ("provider", "fault", "location"),
        ("location", "target"),
    ]


def test_locations_of_the_cluster_are_those(tmp_path: Path) -> None:
    """As they are configured."""
    path = tmp_path / "sonde.yaml"
    cluster = "cluster: {redis: '${REDIS}', name: g, replica: a, locations: [fra1, ams1]}\n"
    text = f"{ROOT}location: fra1\n{cluster}notify:\n{CHANNELS}"
    path.write_text(text, encoding="utf-8")
    environ = {
        "KEY": "sk-" + "a" * 40,
        "HOOK": "https://hook.example",
        "REDIS": "redis://redis.example:6379/0",
    }
    routes = load(path, environ, cwd=tmp_path, strict=False).config.routes
    assert {each.group_by for each in routes} == {("provider", "fault", "location")}
