"""One target with everything that is set and known of it now."""

from collections.abc import Iterator
from typing import Final

from alerting.metric import Measured
from monitor.api.figures import figures_of
from monitor.api.locations import locations_of, standing
from monitor.api.models.targets import TargetDetail
from monitor.api.problems import RefusedError
from monitor.api.sources import Sources
from monitor.comparisons import usual_text
from monitor.status_pages.page import PageState, Reading
from monitor.status_pages.statements import Saying
from monitor.status_pages.words import report
from probes.result import Operation
from probes.target import Expectation, Target

SCHEMA_CHARS: Final = 200
"""Of a JSON Schema: who wants all of it has the configuration."""


async def detail_of(sources: Sources, target: Target) -> TargetDetail:
    """Return what is known of a target."""
    now = sources.clock.steady()
    rows = await sources.present.rows()
    row = next(row for row in rows if row.name == target.name)
    locations = locations_of(sources, target, row)
    return TargetDetail(
        now=row,
        windows=[
            figures_of(sources.windows.summary((target.name,), over_s, now))
            for over_s in sorted(sources.config.windows_s)
        ],
        deadline_s=target.deadline_s,
        prompt=None if target.operation is Operation.MODELS else target.prompt,
        expects=list(expected(target.expect)),
        status_page=_status_page(sources, target),
        usual="; ".join(_usual(sources, target)),
        locations=locations,
        standing=standing(locations),
    )


def target_of(sources: Sources, name: str) -> Target:
    """Return the target of this name. Raises RefusedError."""
    for target in sources.config.targets:
        if target.name == name:
            return target
    raise RefusedError(404, "No target of this name: see /api/v1/targets.")


def expected(expect: Expectation) -> Iterator[str]:
    """Yield what an answer must be, a line each."""
    if expect.contains is not None:
        yield f'contains "{expect.contains}"'
    if expect.equals is not None:
        yield f'equals "{expect.equals}"'
    if expect.regex is not None:
        yield f"matches {expect.regex.source}"
    if expect.json_schema is not None:
        source = " ".join(expect.json_schema.source.split())
        cut = source if len(source) <= SCHEMA_CHARS else f"{source[:SCHEMA_CHARS]}…"
        yield f"is JSON of the schema {cut}"
    if expect.dimensions is not None:
        yield f"has {expect.dimensions} dimensions"
    if expect.normalised:
        yield "has the length 1"
    if expect.cosine_at_least is not None:
        yield f"has a cosine of at least {expect.cosine_at_least} with its reference"


def _status_page(sources: Sources, target: Target) -> str:
    wall = sources.clock.wall()
    found = (each for each in sources.sayings() if each.provider == target.provider)
    return next((said_by(saying, wall) for saying in found), "")


def said_by(saying: Saying, wall: float) -> str:
    """Return what a provider's page says, in the words that alerts have for it."""
    state = next((each.state for each in saying.words if not each.title), PageState.UNKNOWN)
    titles = sorted(each.title for each in saying.words if each.title)
    return report(Reading(state, "; ".join(titles)), max(0.0, wall - saying.at))


def _usual(sources: Sources, target: Target) -> Iterator[str]:
    for (fact, name), found in sources.anomalies.findings.items():
        if name == target.name and isinstance(fact.of, Measured):
            yield usual_text(fact.of, found)
