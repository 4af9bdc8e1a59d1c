"""Provider sections -> Provider values."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from monitor.config import defaults
from monitor.config.connection import compile_headers, compile_papers, compile_proxy
from monitor.config.credentials import Credential, credential, missing
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.models import ProviderSection
from monitor.config.sections import Sections
from probes.providers import PRESETS, Preset, Style
from probes.secret import Secret, SecretSource
from probes.target import Provider, Target

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def compile_providers(
    sections: Sections, *, folder: Path, findings: Findings
) -> tuple[Provider, ...]:
    """Return the providers whose section is sound."""
    found = (
        _provider(name, section, folder, findings) for name, section in sections.providers.items()
    )
    return tuple(provider for provider in found if provider is not None)


def give_places(
    providers: tuple[Provider, ...],
    targets: tuple[Target, ...],
    sections: Sections,
    findings: Findings,
) -> tuple[Provider, ...]:
    """Return the providers with places enough that no probe waits, unless they say otherwise.

    While a provider hangs every probe keeps its place until its deadline. With fewer places than
    that takes, probes find none, and the outage is noticed later than it could be.
    """
    placed = []
    for provider in providers:
        own = [target for target in targets if target.provider == provider.name]
        if sections.providers[provider.name].max_concurrency is None:
            places = max(defaults.MAX_CONCURRENCY, len(own))
            placed.append(replace(provider, max_concurrency=places))
            continue
        placed.append(provider)
        needed = ceil(sum(target.deadline_s / target.interval_s for target in own))
        if needed > provider.max_concurrency:
            findings.warn(
                ("providers", provider.name, "max_concurrency"),
                f"while this provider hangs its {len(own)} targets keep {needed} places:"
                f" with {provider.max_concurrency} probes go without, and an outage is noticed"
                " later than said; leave it out or raise it",
            )
    return tuple(placed)


def _provider(
    name: str, section: ProviderSection, folder: Path, findings: Findings
) -> Provider | None:
    path = ("providers", name)
    preset = PRESETS[section.preset]
    base_url = _base_url(path, section, preset, findings)
    key = _key(path, section, preset, folder, findings)
    headers = compile_headers(path, section.headers, findings)
    proxy = compile_proxy(path, section, folder, findings)
    if key is None or base_url is None:
        return None
    papers = compile_papers(path, section, base_url, folder, findings)
    return Provider(
        name=name,
        preset=preset.name,
        base_url=base_url,
        api_key=key,
        organization=section.organization,
        max_concurrency=section.max_concurrency or defaults.MAX_CONCURRENCY,
        api_version=section.api_version,
        proxy=proxy,
        ca_file=papers.ca,
        client_cert_file=papers.certificate,
        client_key_file=papers.key,
        headers=headers,
    )


def _base_url(
    path: KeyPath, section: ProviderSection, preset: Preset, findings: Findings
) -> str | None:
    azure = preset.style is Style.AZURE
    for key, value in (("endpoint", section.endpoint), ("api_version", section.api_version)):
        if value is not None and not azure:
            findings.bad((*path, key), "has an effect only with preset: azure", key=True)
    if azure and section.base_url is not None:
        findings.bad((*path, "base_url"), "the preset azure takes an endpoint instead", key=True)
    said, key, word = (
        (section.endpoint, "endpoint", "endpoint")
        if azure
        else (section.base_url, "base_url", "base URL")
    )
    if said is None and preset.base_url is None:
        findings.bad((*path, key), f"missing: the preset {preset.name} has no {word} of its own")
    elif said is not None:
        _check_scheme((*path, key), said, preset, findings)
    return said or preset.base_url


def _key(
    path: KeyPath, section: ProviderSection, preset: Preset, folder: Path, findings: Findings
) -> SecretSource | None:
    found = credential(
        path,
        "api_key",
        section.api_key,
        section.api_key_file,
        folder=folder,
        findings=findings,
    )
    if found is not None:
        _check_shape(found, section, preset, findings)
        return found.source
    if section.api_key is not None or section.api_key_file is not None:
        return None
    if not preset.hosted:
        return SecretSource(value=Secret(defaults.NO_KEY))
    missing((*path, "api_key"), "give api_key as ${VARIABLE}, or api_key_file", findings)
    return None


def _check_shape(
    found: Credential, section: ProviderSection, preset: Preset, findings: Findings
) -> None:
    # Behind another base URL stands a gateway or a test server, with keys of its own.
    if found.text is None or section.base_url is not None:
        return
    complaint = preset.key_complaint(found.text)
    if complaint is None:
        return
    if preset.key_prefix_is_certain:
        findings.credential(found.path, complaint)
    else:
        findings.warn(found.path, complaint)


def _check_scheme(path: KeyPath, base_url: str, preset: Preset, findings: Findings) -> None:
    parts = urlsplit(base_url)
    if parts.scheme == "http" and preset.hosted and parts.hostname not in LOOPBACK:
        findings.warn(path, "http sends the key in clear text; use https")
