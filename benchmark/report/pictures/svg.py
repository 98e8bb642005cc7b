"""Figures as SVG that lies in a page: it takes the page's colour and font, and has a text in its place."""

import html
import re
from collections.abc import Callable
from hashlib import sha256
from io import StringIO
from typing import Any

from markupsafe import Markup
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["STYLE", "to_svg"]

INK = "#010203"
"""Stands for the page's own colour of text, and occurs in no figure otherwise."""

WIDTH, HEIGHT, ABOVE = 3.5, 1.7, 0.25
"""Inches of a picture's width and of its axes' height, and above them; the page scales it to its own width."""

STYLE: dict[Any, Any] = {
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
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "lines.color"), INK
    ),
}


def to_svg(draw: Callable[[Axes], None], description: str, title: str, beneath: float = 0.45) -> Markup:
    """What `draw` does to axes, as an element `<svg>`. To be called within `rc_context(STYLE)`.

    Arguments:
        draw: Draws.
        description: What a reader who does not see the picture is told.
        title: Of the axes.
        beneath: Inches beneath the axes, for labels.
    """
    # Two figures in a page must not use one name for two things.
    salt = sha256(f"{title} {description}".encode()).hexdigest()
    height = ABOVE + HEIGHT + beneath
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.15, beneath / height, 0.81, HEIGHT / height))
    draw(axes)
    axes.set_title(title, loc="left", y=1.02).set_parse_math(
        False
    )  # a place of its own spares the search for one
    stream = StringIO()
    rcParams["svg.hashsalt"] = salt
    figure.savefig(
        stream, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
    )
    text = stream.getvalue()
    opening = f'<svg viewBox="0 0 {72 * WIDTH:g} {72 * height:.2f}" role="img" aria-label="{html.escape(description)}">'
    return Markup(opening + _slim(text[text.index(">", text.index("<svg")) + 1 :]))  # noqa: S704 matplotlib escapes all texts


def _slim(text: str) -> str:
    """Without what is the default, is referred to by nothing, or is finer than a hundredth of a point."""
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[a-zA-Z][a-zA-Z0-9.]*_\d+"(?=/?>)', "", text).replace("<g/>", "")
    text = re.sub(
        r"<[^>]*>", lambda tag: re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", tag[0]), text
    )
    text = text.replace(INK, "currentColor").replace("font: 7.5px 'sans-serif'", "font-size: 7.5px")
    return re.sub(r"\s*\n\s*", "\n", text)
