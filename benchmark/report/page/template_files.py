"""Where templates of pages lie, and how they are filled in."""

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["template_file", "templates"]


def template_file(name: str) -> Markup:
    """One of our own files, which is not escaped."""
    text = files("benchmark.report.page").joinpath("templates", name).read_text("utf-8")
    return Markup(text)  # noqa: S704 ours


def templates() -> Environment:
    """An environment that escapes all that is inserted."""
    return Environment(
        loader=PackageLoader("benchmark.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
