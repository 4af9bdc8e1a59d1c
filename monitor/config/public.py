"""Public page section -> PublicPage value."""

from collections.abc import Sequence
from typing import Final

from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import RootSection
from monitor.config.values import Component, PublicPage
from probes.target import Target

USUAL_TITLE: Final = "Status"


def compile_public_page(
    root: RootSection, targets: Sequence[Target], findings: Findings
) -> PublicPage | None:
    """Return the public page; None: there is none."""
    section = root.public_page
    if section is None:
        return None
    known = [target.name for target in targets]
    for name, chosen in section.components.items():
        for index, each in enumerate(chosen):
            if known and each not in known:
                told = f"there is no target of this name{did_you_mean(each, known)}"
                findings.bad(("public_page", "components", name, index), told)
    return PublicPage(
        section.title or USUAL_TITLE,
        tuple(Component(name, tuple(chosen)) for name, chosen in section.components.items()),
    )
