"""The status page: one plain HTML document, drawn on the server, refreshed by the browser.

Everything is escaped: a provider's error text is hostile input. No script, no inline style.
"""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from monitor.view import NOTHING, AlertRow, StatusView, TargetRow

_COLUMNS = (
    ("Target", ""),
    ("Model", ""),
    ("Now", "the newest probe's verdict"),
    ("Fault", "whose fault the newest failure is"),
    ("p50", "median latency"),
    ("p95", "95th percentile of latency"),
    ("p99", "99th percentile of latency"),
    ("First token", "median time to the first token"),
    ("Errors", "part of the results that were not ok"),
    ("Coverage", "results per slot that should have one"),
    ("Samples", ""),
    ("Cost", "known cost of the probes in the window"),
)


def stylesheet() -> str:
    """Return the page's style sheet."""
    return files("monitor.web").joinpath("style.css").read_text(encoding="utf-8")


def render_page(view: StatusView) -> str:
    """Return the page."""
    state = "ready" if view.readiness.ready else "not ready"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Sonde · {escape(view.location)}{_title_alerts(view.alerts)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<h1>Sonde</h1>
<p>at {escape(view.location)} · version {escape(view.version)} ·
<a href="/readyz">{state}</a> · <a href="/metrics">metrics</a></p>
</header>
<main>
<h2>Alerts</h2>
{_alerts(view.alerts)}
<h2>Targets <small>over the last {escape(view.window)}</small></h2>
{_targets(view.targets)}
{_checks(view)}
</main>
</body>
</html>
"""


def _title_alerts(alerts: tuple[AlertRow, ...]) -> str:
    firing = sum(alert.state == "firing" for alert in alerts)
    return f" · {firing} firing" if firing else ""


def _alerts(alerts: tuple[AlertRow, ...]) -> str:
    if not alerts:
        return '<p class="quiet">No alert is pending or firing.</p>'
    rows = "".join(_alert(alert) for alert in alerts)
    head = _head((name, "") for name in ("Alert", "State", "Subject", "Value", "Since"))
    return f"<div class=scroll><table>{head}<tbody>{rows}</tbody></table></div>"


def _alert(alert: AlertRow) -> str:
    return (
        f'<tr class="{escape(alert.state)} {escape(alert.severity)}">'
        f"<th scope=row>{escape(alert.name)} <small>{escape(alert.severity)}</small></th>"
        f"<td>{escape(alert.state)}</td><td>{escape(alert.subject)}</td>"
        f"<td>{escape(alert.value)}</td><td>{escape(alert.since)}</td></tr>"
    )


def _targets(targets: tuple[TargetRow, ...]) -> str:
    rows = "".join(_target(target) for target in targets)
    return f"<div class=scroll><table>{_head(_COLUMNS)}<tbody>{rows}</tbody></table></div>"


def _target(row: TargetRow) -> str:
    verdict = "good" if row.verdict == "ok" else "none" if row.verdict == NOTHING else "bad"
    lines = (f"<br><small>{escape(line)}</small>" for line in (row.detail, row.hint) if line)
    detail = "".join(lines)
    cells = (row.p50, row.p95, row.p99, row.first_token, row.error_rate, row.coverage)
    numbers = "".join(f"<td class=number>{escape(cell)}</td>" for cell in cells)
    return (
        f"<tr><th scope=row>{escape(row.name)}<br><small>{escape(row.provider)} · "
        f"{escape(row.operation)}</small></th><td>{escape(row.model)}</td>"
        f'<td><span class="verdict {verdict}">{escape(row.verdict)}</span> '
        f"<small>{escape(row.age)} ago</small>{detail}</td><td>{escape(row.fault)}</td>{numbers}"
        f"<td class=number>{row.samples}</td><td class=number>{escape(row.cost)}</td></tr>"
    )


def _head(columns: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<th scope=col title="{escape(title)}">{escape(name)}</th>' for name, title in columns
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _checks(view: StatusView) -> str:
    items = "".join(
        f"<li>{escape(check.name)}: {escape(check.detail)}</li>"
        for check in view.readiness.checks
        if not check.ok
    )
    return f"<h2>Not ready</h2><ul>{items}</ul>" if items else ""
