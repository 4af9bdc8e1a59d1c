"""Charts as SVG, drawn by pygal (https://www.pygal.org), to stand within a page.

Without script, and without styles of their own: the page's variables colour them, so that one
drawing does for light, dark and paper.
"""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, tostring

from monitor.report.figures import Reading
from monitor.report.plotting import Line

UNWANTED: Final = ("defs", "desc", "title")
"""Its style sheet and script, and what its script alone makes use of."""
LABELS_AT_MOST: Final = 6
"""Days named below a chart; more overlap."""
CSS: Final = """
.pygal-chart { display: block; width: 100%; height: auto; }
.pygal-chart text { fill: var(--text); font: 11px system-ui, sans-serif; }
.pygal-chart .background { fill: none; }
.pygal-chart .line, .pygal-chart .guide { fill: none; stroke: var(--rule); }
.pygal-chart .axis.x .guide.line { stroke: none; }
.pygal-chart .axis.x text, .pygal-chart .label { text-anchor: middle; }
.pygal-chart .axis.y text { text-anchor: end; }
.pygal-chart .series .line { stroke-width: 1.6; }
.pygal-chart .tooltip { display: none; }
.pygal-chart .color-0, .pygal-chart .color-0 .line { stroke: var(--first); fill: var(--first); }
.pygal-chart .color-1, .pygal-chart .color-1 .line { stroke: var(--second); fill: var(--second); }
.pygal-chart .color-2, .pygal-chart .color-2 .line { stroke: var(--third); fill: var(--third); }
.pygal-chart .series .line.nofill { fill: none; }
.pygal-chart .series text { stroke: none; }
"""


def line_chart(days: Sequence[str], lines: Sequence[tuple[str, Sequence[Reading | None]]]) -> str:
    """Return a chart of lines over days, in seconds; a gap where nothing is known.

    A lower bound has a ≥ beside it. "" when no line has a point.
    """
    if not any(reading is not None for _, readings in lines for reading in readings):
        return ""
    chart = Line(
        css=(),
        js=(),
        width=470,
        height=190,
        margin=6,
        margin_right=24,  # half of the last day's name, and a ≥ beside its point
        range=(0, max(r.value_s for _, line in lines for r in line if r is not None) * 1.05),
        allow_interruptions=True,
        print_labels=True,
        max_scale=5,
        truncate_label=-1,
        dots_size=2,
        show_minor_x_labels=False,
        value_formatter=lambda value: f"{value:g} s",
    )
    chart.x_labels = days
    chart.x_labels_major = days[:: -(-len(days) // LABELS_AT_MOST)]
    for name, readings in lines:
        chart.add(name, [_point(reading) for reading in readings])
    return tostring(_bare(chart.render_tree()), encoding="unicode")


def _point(reading: Reading | None) -> dict[str, object] | float | None:
    if reading is None:
        return None
    return {"value": reading.value_s, "label": "≥"} if reading.lower_bound else reading.value_s


def _bare(tree: Element) -> Element:
    """Take out script, styles, and names that would come again in the next chart."""
    for parent in list(tree.iter()):
        parent.attrib.pop("id", None)
        for child in list(parent):
            if child.tag in UNWANTED or not isinstance(child.tag, str):
                parent.remove(child)
    return tree
