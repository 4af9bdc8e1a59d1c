"""The public page drawn: one HTML document without script, and the same as JSON.

Everything is escaped. Colours stand beside words and shapes, never alone.
"""

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import Any, Final

from monitor.public.view import Component, Day, Incident, PublicView, State
from monitor.view import age_text, ratio_text

STYLE: Final = "status.css"
GOOD_RATIO: Final = 0.995
FAIR_RATIO: Final = 0.95
_WORDS: Final = {
    State.OPERATIONAL: "Operational",
    State.DEGRADED: "Degraded",
    State.PARTIAL_OUTAGE: "Partial outage",
    State.OUTAGE: "Outage",
    State.UNKNOWN: "Not known",
}
_HEADLINES: Final = {
    State.OPERATIONAL: "Everything works",
    State.DEGRADED: "Something is slower or fails more often than usual",
    State.PARTIAL_OUTAGE: "Something does not work",
    State.OUTAGE: "Nothing works",
    State.UNKNOWN: "How things are is not known",
}
DAY_S: Final = 86_400
_BAR: Final = 10
_GAP: Final = 3
_HEIGHT: Final = 34


def stylesheet() -> str:
    """Return the page's style sheet."""
    return files("monitor.public").joinpath(STYLE).read_text(encoding="utf-8")


def render(view: PublicView, style: str = STYLE) -> str:
    """Return the page; `style` is where it finds its style sheet."""
    title = escape(view.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: {_WORDS[view.state].lower()}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{escape(style)}">
</head>
<body>
<header><h1>{title}</h1></header>
<main>
<p class="headline {view.state}">{_HEADLINES[view.state]}</p>
<h2>Now</h2>
<ul class="components">
{"".join(map(_component, view.components))}</ul>
<h2>Incidents of the last {_span(view.back_s)}</h2>
{_incidents(view)}
</main>
<footer><p>As of {_time(view.at)}. Measured from outside, with requests of our own.</p></footer>
</body>
</html>
"""


def as_json(view: PublicView) -> dict[str, Any]:  # Any: JSON
    """Return the page as a JSON document. Times are seconds since the epoch, ratios 0..1."""
    return {
        "title": view.title,
        "at": view.at,
        "state": view.state.value,
        "components": [
            {
                "name": each.name,
                "state": each.state.value,
                "availability_24h": each.day_ratio,
                "availability_30d": each.month_ratio,
                "days": [{"at": day.at, "availability": day.ratio} for day in each.days],
            }
            for each in view.components
        ],
        "incidents_since": view.at - view.back_s,
        "incidents": [
            {"component": each.component, "since": each.since, "until": each.until}
            for each in view.incidents
        ],
    }


def _component(component: Component) -> str:
    name = escape(component.name)
    day, month = ratio_text(component.day_ratio), ratio_text(component.month_ratio)
    return f"""<li>
<h3>{name} <span class="state {component.state}">{_WORDS[component.state]}</span></h3>
{_days(component)}
<p>Available: {day} in 24 hours, {month} in 30 days</p>
</li>
"""


def _days(component: Component) -> str:
    width = len(component.days) * (_BAR + _GAP) - _GAP
    bars = "".join(_bar(place, day) for place, day in enumerate(component.days))
    bad = sum(day.ratio is not None and day.ratio < GOOD_RATIO for day in component.days)
    told = f"{escape(component.name)}, the last 30 days: {bad} of them with failures"
    return (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{told}"'
        f' preserveAspectRatio="none">{bars}</svg>'
    )


def _bar(place: int, day: Day) -> str:
    height, kind = _look(day)
    words = ratio_text(day.ratio) if day.ratio is not None else "nothing measured"
    return (
        f'<rect class="{kind}" x="{place * (_BAR + _GAP)}" y="{_HEIGHT - height}"'
        f' width="{_BAR}" height="{height}"><title>{_date(day.at)}: {words}</title></rect>'
    )


def _look(day: Day) -> tuple[int, str]:
    """Return a bar's height and kind: the worse, the shorter."""
    if day.ratio is None:
        return 4, "nothing"
    if day.ratio >= GOOD_RATIO:
        return _HEIGHT, "good"
    return (24, "fair") if day.ratio >= FAIR_RATIO else (14, "bad")


def _span(seconds: int) -> str:
    return f"{seconds // DAY_S} days" if seconds >= 2 * DAY_S else f"{seconds // 3600} hours"


def _incidents(view: PublicView) -> str:
    if not view.incidents:
        return '<p class="quiet">None.</p>'
    return (
        f"<ul class=incidents>{''.join(_incident(each, view.at) for each in view.incidents)}</ul>"
    )


def _incident(incident: Incident, now: float) -> str:
    name = escape(incident.component)
    if incident.until is None:
        how = f"since {_time(incident.since)}, for {age_text(now - incident.since)} so far"
    else:
        lasted = age_text(incident.until - incident.since)
        how = f"{_time(incident.since)} to {_time(incident.until)}, {lasted}"
    return f"<li><strong>{name}</strong> failed {how}</li>"


def _time(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time>'


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
