"""A round as JUnit XML, which every CI system shows: a test case for each target. Pure.

A failure is the provider's, or the request's; an error is our own fault, and says nothing of it.
https://github.com/testmoapp/junitxml
"""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from monitor.smoke.probed import Probed, Round
from probes.result import Fault, ProbeResult


def junit(found: Round) -> str:
    """Return the document."""
    suite = Element(
        "testsuite",
        name="sonde",
        tests=str(len(found.probed)),
        failures=str(found.failed - found.ours),
        errors=str(found.ours),
        skipped=str(found.skipped),
        time=f"{found.took_s:.3f}",
        timestamp=datetime.fromtimestamp(found.began_at, UTC).isoformat(timespec="seconds"),
        hostname=found.location,
    )
    for each in found.probed:
        _case(suite, each)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _case(suite: Element, probed: Probed) -> None:
    target, result = probed.target, probed.found
    took_s = result.latency_s if isinstance(result, ProbeResult) else 0.0
    case = SubElement(
        suite,
        "testcase",
        classname=f"sonde.{target.provider}",
        name=target.name,
        time=f"{took_s:.3f}",
    )
    if not isinstance(result, ProbeResult):
        SubElement(case, "skipped", message=result.value)
    elif not result.ok:
        kind = "error" if result.fault is Fault.MONITOR else "failure"
        told = SubElement(case, kind, type=result.verdict.value, message=result.detail)
        told.text = "\n".join(filter(None, (f"fault: {result.fault}", result.hint)))
