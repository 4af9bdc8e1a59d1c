"""Write the pages of reference that come from code: `python -m tests.docs`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.dashboards.all import DASHBOARDS
from tests.docs import api, commands, configuration, prometheusrule

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "api.md": api.page,
    "cli.md": commands.page,
    "configuration.md": configuration.page,
    "../deploy/kubernetes/overlays/monitoring/prometheusrule.yaml": prometheusrule.manifest,
    **{f"../deploy/grafana/dashboards/{each.uid}.json": each.text for each in DASHBOARDS},
}
"""Pages by their names from docs/. Verdicts and faults are written by `python -m tests.faults`."""
DOCS: Final = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Write them all."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
