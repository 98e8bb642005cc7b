"""Charts as SVG in a page: they take the page's colour and font, and have words for who does not see them."""

import html
import re
from hashlib import sha256
from io import StringIO
from typing import Any

from markupsafe import Markup
from matplotlib import rcParams
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmark.report.pictures.charts import Chart

__all__ = ["PAGE_STYLE", "to_svg"]

INK = "#010203"
"""Stands for the page's own colour of text; no figure uses it otherwise."""

WIDTH, AXES_HEIGHT, ABOVE_AXES = 3.5, 1.7, 0.25
"""Inches; the page scales pictures to its own width."""

PAGE_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.color": INK,
}
"""Settings of matplotlib under which the page's pictures are drawn."""


def to_svg(chart: Chart) -> Markup:
    """The element `<svg>` of a chart. To be called within `own_style(PAGE_STYLE)`."""
    height = ABOVE_AXES + AXES_HEIGHT + chart.beneath
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.15, chart.beneath / height, 0.81, AXES_HEIGHT / height))
    chart.draw(axes)
    # A fixed height spares matplotlib the search for a free one.
    axes.set_title(chart.title, loc="left", y=1.02).set_parse_math(False)
    for axis in (axes.xaxis, axes.yaxis):
        if not axis.get_label_text():
            axis.set_label_coords(0, 0)  # the same: to find a place for no text takes much of the time
    # Two figures in a page must not use one name for two things.
    rcParams["svg.hashsalt"] = sha256(f"{chart.title} {chart.description}".encode()).hexdigest()
    stream = StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=no_metadata)
    text = stream.getvalue()
    content = text[text.index(">", text.index("<svg")) + 1 :]
    size = f"0 0 {72 * WIDTH:g} {72 * height:.2f}"
    opening = f'<svg viewBox="{size}" role="img" aria-label="{html.escape(chart.description)}">'
    return Markup(opening + _slim(content))  # noqa: S704 matplotlib escapes all texts


def _slim(text: str) -> str:
    """Removes defaults, names that nothing refers to, and digits beyond a hundredth of a point."""
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[a-zA-Z][a-zA-Z0-9.]*_\d+"(?=/?>)', "", text).replace("<g/>", "")
    text = re.sub(r"<[^>]*>", _with_two_decimals, text)
    text = text.replace(INK, "currentColor").replace("font: 7.5px 'sans-serif'", "font-size: 7.5px")
    return re.sub(r"\s*\n\s*", "\n", text)


def _with_two_decimals(tag: re.Match[str]) -> str:
    return re.sub(r"\d+\.\d{3,}", lambda digits: f"{float(digits[0]):.2f}", tag[0])
