"""The README lists every method under its family."""

import re
from pathlib import Path

from benchmark.registry import METHODS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_every_method():
    section = README.read_text(encoding="utf-8").partition("## The methods\n")[2].partition("\n## ")[0]
    listed = {}
    for family, methods in re.findall(r"^\| ([a-z -]+) \| (`.*`) \|$", section, re.MULTILINE):
        for name in re.findall("`([^`]+)`", methods):
            listed[name] = family
    assert listed == {name: METHODS.get_class(name).family for name in METHODS.names()}
