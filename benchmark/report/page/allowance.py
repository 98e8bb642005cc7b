"""How many bytes the parts of a page may take."""

from markupsafe import Markup

from benchmark.report.pictures.charts import Chart
from benchmark.report.pictures.svg import to_svg

__all__ = ["Allowance"]


class Allowance:
    """Bytes that may still be spent, and how much was left out for want of them.

    Arguments:
        left: The bytes.

    Attributes:
        left: Those that are left.
        left_out: The number of parts that did not fit.
    """

    def __init__(self, left: float) -> None:
        self.left = left
        self.left_out = 0

    def take(self, size: float) -> bool:
        """Takes that many bytes if there are so many left."""
        if size > self.left:
            self.left = 0  # what comes later matters less
            self.left_out += 1
            return False
        self.left -= size
        return True

    def draw(self, chart: Chart) -> Markup | None:
        """The chart as SVG, if it fits. Once something did not fit, nothing more is drawn."""
        if not self.left:
            self.take(1)
            return None
        svg = to_svg(chart)
        return svg if self.take(len(svg)) else None
