"""Validate a configuration and print what would run: targets, rules, how soon each rule can tell.

examples:
  sonde check                     ./sonde.yaml, else /etc/sonde/sonde.yaml, else the environment
  sonde check deploy/sonde.yaml   this file; every problem is printed as FILE:LINE:COLUMN KEY: …
  sonde check --json              the same for scripts
  sonde check --schema            the JSON Schema of the file, for editors
  sonde check --connect           then try InfluxDB and Redis: write, and read it back

Nothing is probed and nobody is notified. Bad keys and tokens, which would cost only their own
provider or channel at run time, are problems here. With --connect a configuration that is right
exits 1 when InfluxDB or Redis is not.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from monitor.cli.naming import add_config
from monitor.cli.outline import Row, outline
from monitor.cli.output import put
from monitor.cli.progress import waiting
from monitor.clock import Clock
from monitor.config.durations import format_duration, format_size
from monitor.config.errors import ConfigError, Problem
from monitor.config.load import Loaded, find_config, load
from monitor.config.schema import json_schema
from monitor.config.values import Config
from monitor.connect import report, report_redis

MODEL_WIDTH: Final = 40
"""Characters of a model's name that the table shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser, "default: see above")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--connect", action="store_true", help="try InfluxDB and Redis: write and read back"
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema and stop")


def run(arguments: argparse.Namespace) -> int:
    """Check the configuration; 0: usable; 2: not; 1: usable, but its store does not work."""
    if arguments.schema:
        _say(json.dumps(json_schema(), indent=2))
        return 0
    try:
        path = find_config(arguments.file, Path.cwd())
        now = Clock().wall()
        loaded = load(path, os.environ, cwd=Path.cwd(), strict=True, now=now)
    except ConfigError as error:
        _complain(error, as_json=arguments.json)
        return 2
    plan = check_json(loaded, now)
    text = check_text(loaded, now)
    works = True
    if arguments.connect:
        line, works = _connect(loaded.config)
        plan["connect"] = {"works": works, "message": line}
        text += f"\n\n{line}"
    _say(json.dumps(plan, indent=2) if arguments.json else text)
    return 0 if works else 1


def _connect(config: Config) -> tuple[str, bool]:
    """Try what is configured of them; neither is a mistake of whoever asks for it."""
    tried: list[tuple[str, bool]] = []
    if config.store.influxdb is not None:
        with waiting("writing to InfluxDB and reading back"):
            tried.append(report(config.store.influxdb, config.location))
    if config.cluster is not None:
        with waiting("asking Redis"):
            tried.append(report_redis(config.cluster))
    if not tried:
        return "InfluxDB: none is configured (store.influxdb); nor a Redis (cluster.redis)", False
    return "\n".join(line for line, _ in tried), all(works for _, works in tried)


def check_json(loaded: Loaded, now: float | None = None) -> Row:
    """Return what would run as a JSON object."""
    return {"valid": True, **outline(loaded, now)}


def _say(text: str) -> None:
    put(text + "\n")


def _complain(error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        problems = [_problem_row(problem) for problem in error.problems]
        _say(json.dumps({"valid": False, "problems": problems}, indent=2))
    for problem in error.problems:
        sys.stderr.write(f"{problem}\n")


def _problem_row(problem: Problem) -> Row:
    return {
        "source": problem.source,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
    }


def check_text(loaded: Loaded, now: float | None = None) -> str:
    """Return what would run as text, with aligned columns and no colours."""
    plan = outline(loaded, now)
    return "\n".join(
        (
            f"{plan['source']}: valid",
            "",
            *_settings(plan),
            "",
            *_providers(plan["providers"]),
            "",
            *_targets(plan["targets"]),
            "",
            *_rules(plan["rules"]),
            "",
            *_maintenance(plan["maintenance"]),
            *_channels(plan["channels"]),
            *_routes(plan["routes"]),
            *(("", "Warnings") if plan["warnings"] else ()),
            *(f"  {warning}" for warning in plan["warnings"]),
        )
    )


def _settings(plan: Row) -> Iterator[str]:
    store, http = plan["store"], plan["http"]
    size = format_size(store["max_size_bytes"])
    kept = ", ".join(
        f"{what} {format_duration(store[f'retention_{what}_s'])}"
        for what in ("results", "minutes", "hours")
    )
    host = f"[{http['host']}]" if ":" in http["host"] else http["host"]
    windows = ", ".join(format_duration(window_s) for window_s in plan["windows_s"])
    yield from _table(
        (
            ("location", plan["location"]),
            ("windows", windows),
            ("evaluated", f"every {format_duration(plan['evaluate_every_s'])}"),
            ("store", f"{store['path']}, at most {size}, kept: {kept}"),
            *_influxdb(store["influxdb"]),
            *_cluster(plan["cluster"]),
            *_otlp(plan["otlp"]),
            *_budgets(plan["budgets"]),
            ("http", f"http://{host}:{http['port']}/"),
        )
    )


def _influxdb(store: Row | None) -> Iterator[tuple[str, str]]:
    if store is not None:
        organisation = f" of {store['org']}" if store["org"] else ""
        token = store["token"] or "none"
        yield "influxdb", f"{store['url']}, bucket {store['bucket']}{organisation}, token {token}"


def _cluster(cluster: Row | None) -> Iterator[tuple[str, str]]:
    if cluster is not None:
        named = ", ".join(cluster["locations"])
        whole = f"locations {named}" if named else "all at one location"
        where = f"Redis as in {cluster['redis'] or 'the file'}"
        yield "cluster", f"{cluster['name']}: {where}, this is {cluster['replica']}, {whole}"


def _otlp(otlp: Row | None) -> Iterator[tuple[str, str]]:
    if otlp is not None:
        what = " and ".join(each for each in ("metrics", "traces") if otlp[each])
        every = format_duration(otlp["every_s"])
        yield "otlp", f"{otlp['endpoint']}, {what} every {every}, {otlp['temporality']}"


def _budgets(budgets: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for budget in budgets:
        whose = budget["provider"] or "all providers together"
        day = f"${budget['daily_usd']:,.2f} a day for {whose}, to midnight {budget['timezone']}"
        yield "budget", f"{day}; if every probe cost the most it can: ${budget['most_usd']:,.2f}"


def _providers(providers: Sequence[Row]) -> Iterator[str]:
    yield f"Providers: {len(providers)}"
    rows = [
        (
            p["name"],
            p["preset"],
            p["base_url"],
            p["key"] or "none",
            str(p["max_concurrency"]),
            ", ".join(p["connection"]),
        )
        for p in providers
    ]
    yield from _table((("NAME", "PRESET", "BASE URL", "KEY FROM", "AT ONCE", "WITH"), *rows))


def _targets(targets: Sequence[Row]) -> Iterator[str]:
    yield f"Targets: {len(targets)}"
    rows = [
        (
            t["name"],
            t["provider"],
            t["model"][:MODEL_WIDTH],
            t["operation"] + (", streamed" if t["stream"] else ""),
            format_duration(t["interval_s"]),
            format_duration(t["deadline_s"]),
            _price(t["price"]),
        )
        for t in targets
    ]
    titles = ("NAME", "PROVIDER", "MODEL", "OPERATION", "INTERVAL", "DEADLINE", "PRICE")
    yield from _table((titles, *rows))


def _price(price: Row | None) -> str:
    if price is None:
        return "unknown: no cost is shown"
    when = "configured" if price["as_of"] is None else f"as of {price['as_of']}"
    when += "" if price["confirmed"] else ", not confirmed"
    return f"${price['input_usd']:g} in, ${price['output_usd']:g} out per 1M tokens, {when}"


def _rules(rules: Sequence[Row]) -> Iterator[str]:
    yield f"Rules: {len(rules)}"
    rows = [
        (
            rule["name"],
            rule["severity"],
            str(rule["series"]),
            _condition(rule),
            format_duration(rule["for_s"]),
            _detects(rule),
        )
        for rule in rules
    ]
    titles = ("NAME", "SEVERITY", "SERIES", "CONDITION", "FOR", "HARD OUTAGE TO MESSAGE")
    yield from _table((titles, *rows))


def _condition(rule: Row) -> str:
    over_s: float | None = rule["over_s"]
    window = "" if over_s is None else f" over {format_duration(over_s)}"
    return f"{rule['when']}{window}"


def _detects(rule: Row) -> str:
    never = rule["never_fires"]
    if rule["series"] == 0:
        return "never: no target matches"
    if rule["detects_within_s"] is None and rule["not_bounded"]:
        return f"not bounded: {rule['not_bounded'][0]['reason']}"
    if rule["detects_within_s"] is None:
        return f"never fires: {never[0]['reason']}"
    text = f"within {format_duration(rule['quickest_s'])}"
    if rule["over_s"] is None:
        text += " of its being known"
    elif rule["detects_within_s"] > rule["quickest_s"]:
        text += f", {format_duration(rule['detects_within_s'])} for {rule['slowest_target']}"
    if never:
        text += f"; never fires on {len(never)} of its targets: {never[0]['reason']}"
    return text


def _maintenance(windows: Sequence[Row]) -> Iterator[str]:
    if windows:
        yield f"Maintenance: {len(windows)}"
        rows = [(each["times"], each["match"], each["next"] or "over") for each in windows]
        yield from _table((("TIMES", "KEEPS QUIET", "NEXT"), *rows))
        yield ""


def _channels(channels: Sequence[Row]) -> Iterator[str]:
    yield f"Channels: {len(channels)}"
    rows = []
    for channel in channels:
        places = (channel.get(key) for key in ("webhook_url", "bot_token", "url", "smtp"))
        place = next(filter(None, places), ", ".join(channel.get("urls", ())))
        about = channel.get("channel") or ("signed" if channel.get("signed") else "")
        about = about or ", ".join(channel.get("to", ()))
        rows.append((channel["name"], channel["type"], place, about))
    yield from _table(rows)


def _routes(routes: Sequence[Row]) -> Iterator[str]:
    if routes:
        yield ""
        yield f"Routes: {len(routes)}"
        rows = [
            (
                each["match"],
                ", ".join(each["channels"]),
                ", ".join(each["group_by"]) if set(each["channels"]) - set(each["alone"]) else "–",
                ", ".join(_waits(each["wait_s"])),
                format_duration(each["interval_s"]),
                format_duration(each["repeat_s"]),
                "goes on" if each["continue"] else "",
            )
            for each in routes
        ]
        head = ("ALERTS", "TO", "TOGETHER BY", "FIRST AFTER", "THEN EVERY", "REPEATED", "")
        yield from _table((head, *rows))


def _waits(wait_s: Mapping[str, float]) -> Iterator[str]:
    """Yield one wait for all severities, or each of them."""
    if len(set(wait_s.values())) == 1:
        yield format_duration(next(iter(wait_s.values())))
        return
    for severity, seconds in wait_s.items():
        yield f"{severity} {format_duration(seconds)}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows with columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()
