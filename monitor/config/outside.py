"""The sections about everybody else: our way out, status pages, others' latencies."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from alerting.match import Match, labels_of
from monitor.baselines.figure import Steps, parse_path, quantile_of
from monitor.config.document import KeyPath
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import BaselineSection, ProviderSection, RootSection
from monitor.config.rules import MATCH_FIELDS
from monitor.config.values import Baseline, Check, Egress, ProviderPage
from monitor.egress.endpoint import parse_endpoint
from probes.providers import PRESETS
from probes.target import Target

BASELINE_EVERY_S: Final = 300.0
"""Others' percentiles move slowly, and their servers are not ours to tire."""
_UNITS_S: Final = {"ms": 0.001, "s": 1.0}


def compile_egress(root: RootSection, findings: Findings) -> Egress:
    """Return how our own way out is watched."""
    usual, said = Egress(), root.egress
    endpoints = []
    for index, text in enumerate(said.endpoints or ()):
        try:
            endpoints.append(parse_endpoint(text))
        except ValueError as error:
            findings.bad(("egress", "endpoints", index), str(error))
    if len(endpoints) == 1:
        told = "one endpoint is no evidence: its own trouble would count as ours; name two more"
        findings.warn(("egress", "endpoints"), told)
    return Egress(
        check=usual.check if said.check is None else Check(said.check),
        endpoints=tuple(dict.fromkeys(endpoints)) or usual.endpoints,
        every_s=said.every or usual.every_s,
    )


def compile_status_pages(
    root: RootSection, providers: Mapping[str, ProviderSection]
) -> tuple[ProviderPage, ...]:
    """Return the status pages of the providers that have one.

    A preset's own page speaks of that provider's own address: behind another base URL stands a
    gateway or a test server, whose page has to be named.
    """
    if root.status_pages is False:
        return ()
    found = ((name, _page_url(section)) for name, section in providers.items())
    return tuple(ProviderPage(name, url) for name, url in found if url is not None)


def _page_url(section: ProviderSection) -> str | None:
    if section.status_page is not None:
        return section.status_page or None
    page = PRESETS[section.preset].status_page
    return None if page is None or section.base_url is not None else page.url


def compile_baselines(
    root: RootSection, targets: Sequence[Target], location: str, findings: Findings
) -> tuple[Baseline, ...]:
    """Return the outside figures to compare with."""
    made: list[Baseline] = []
    for index, section in enumerate(root.baselines):
        path: KeyPath = ("baselines", index)
        baseline = _baseline(path, section, findings)
        if baseline is None:
            continue
        if any(baseline.name == other.name for other in made):
            findings.bad((*path, "name"), "a second baseline of this name: give it another")
        _check_match(path, baseline.match, targets, location, findings)
        made.append(baseline)
    return tuple(made)


def _baseline(path: KeyPath, section: BaselineSection, findings: Findings) -> Baseline | None:
    try:
        steps = parse_path(section.path)
    except ValueError as error:
        findings.bad((*path, "path"), str(error))
        return None
    unit = section.unit or _unit_of(steps)
    if unit is None:
        told = "missing: ms or s; the path does not end in _ms or _s, which would say"
        findings.bad((*path, "unit"), told)
        return None
    fields = tuple(sorted((name, tuple(said)) for name, said in (section.match or {}).items()))
    return Baseline(
        name=section.name or (urlsplit(section.url).hostname or section.url),
        url=section.url,
        steps=steps,
        unit_s=_UNITS_S[unit],
        quantile=quantile_of(section.name or "", section.path),
        match=Match(fields),
        every_s=section.every or BASELINE_EVERY_S,
    )


def _unit_of(steps: Steps) -> str | None:
    last = str(steps[-1])
    return next((unit for unit in _UNITS_S if last.endswith(f"_{unit}")), None)


def _check_match(
    path: KeyPath, match: Match, targets: Sequence[Target], location: str, findings: Findings
) -> None:
    known = {*MATCH_FIELDS, *(name for target in targets for name, _ in target.labels)}
    for name, _ in match.fields:
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            findings.bad(
                (*path, "match", name), f"no target has a label of this name{hint}", key=True
            )
            return
    if targets and not any(match.matches(labels_of(each, location)) for each in targets):
        findings.warn((*path, "match"), "matches no target: nothing is compared with it")
