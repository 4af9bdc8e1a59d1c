"""Models that have ended or end soon, told before they do."""

from datetime import UTC, datetime

from monitor.config.findings import Findings
from monitor.config.sections import Sections
from monitor.retirement import announced
from probes.retirement import WARN_DAYS, days_until


def warn_of_retirements(sections: Sections, now: float, findings: Findings) -> None:
    """Warn of every target whose model has retired at `now` (wall time), or does within 30 days."""
    for index, section in sections.targets.items():
        provider = sections.providers.get(section.provider)
        if provider is None:
            continue
        key = "model" if section.models is None else "models"
        for model in section.models or (section.model,):
            found = announced(provider.preset, provider.base_url, model or "")
            if found is None or days_until(found.at, now) > WARN_DAYS:
                continue
            over = found.on <= datetime.fromtimestamp(now, UTC).date()
            when = f"{'has retired on' if over else 'retires on'} {found.on.isoformat()}"
            findings.warn(("targets", index, key), f"{model} {when}, says {found.source}")
