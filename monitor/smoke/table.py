"""A round as lines for people: one a target, and one that sums up. Pure."""

from collections.abc import Iterator

from monitor.particulars import seconds, usd
from monitor.smoke.probed import Probed, Round
from monitor.waterfall import Line, Style
from probes.result import ProbeResult


def table(found: Round) -> Iterator[Line]:
    """Yield the lines, names in columns."""
    widths = (
        max((len(_word(each)) for each in found.probed), default=0),
        max((len(each.target.name) for each in found.probed), default=0),
    )
    for each in found.probed:
        yield _line(each, widths)
    yield ()
    yield ((_sum(found), Style.BOLD),)


def _line(probed: Probed, widths: tuple[int, int]) -> Line:
    sign, style = ("✓", Style.GOOD) if probed.ok else ("✗", Style.BAD)
    word, name = _word(probed).ljust(widths[0]), probed.target.name.ljust(widths[1])
    return ((f"{sign} {word}", style), (f"  {name}  ", Style.PLAIN), (_told(probed), Style.DIM))


def _word(probed: Probed) -> str:
    found = probed.found
    return found.verdict.value if isinstance(found, ProbeResult) else "skipped"


def _told(probed: Probed) -> str:
    result = probed.found
    if not isinstance(result, ProbeResult):
        return f"no probe: {result.value}"
    parts = [seconds(result.latency_s)]
    if result.ok and result.first_token_s is not None:
        parts.append(f"first token {seconds(result.first_token_s)}")
    if not result.ok:
        parts += [f"fault {result.fault}", result.detail]
    return ", ".join(filter(None, parts))


def _sum(found: Round) -> str:
    good = len(found.results) - found.failed
    parts = [f"{good} of {len(found.probed)} ok"]
    if found.failed:
        parts.append(f"{found.failed} failed")
    if found.skipped:
        parts.append(f"{found.skipped} skipped")
    parts.append(f"{found.took_s:.1f} s")
    if found.cost_usd is not None:
        parts.append(usd(found.cost_usd))
    return ", ".join(parts)
