"""The page of an exploration, and its section in the page of a run."""

import base64
from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmark.records.schema import Sheet
from benchmark.report.explored.files import Explored
from benchmark.report.explored.findings import PATHS
from benchmark.report.explored.table import LATENT_MEASURES, PATH_MEASURES, text_table
from benchmark.report.page.allowance import Allowance
from benchmark.report.page.template_files import template_file, templates

__all__ = ["explored_page", "explored_part"]


def explored_page(explored: Explored) -> str:
    """The page of an exploration, with all of its sheets."""
    template = templates().get_template("explored.html")
    part = explored_part(explored, Allowance(float("inf")))
    facts = explored.facts
    return template.render(suite=facts["suite"], part=part, css=template_file("page.css"))


def explored_part(explored: Explored, allowance: Allowance) -> dict[str, Any]:
    """What a template shows of an exploration.

    Arguments:
        explored: What it has left.
        allowance: The bytes that sheets may take.
    """
    sheets: dict[str, list[dict[str, Any]]] = {}
    for sheet in explored.facts["sheets"]:
        address = _data_address(explored.sheets[sheet["file"]])
        if allowance.take(len(address)):
            sheets.setdefault(sheet["model"], []).append(_shown(sheet, address))
    return {
        "name": explored.facts["dataset"],
        "options": explored.facts["options"],
        "left_out": explored.facts.get("left_out", []),
        "tables": [
            _table("Along paths", explored.summary, PATH_MEASURES),
            _table("Latents and codes", explored.summary, LATENT_MEASURES),
        ],
        "sheets": sheets,
    }


def _shown(sheet: Sheet, address: str) -> dict[str, str]:
    return {"address": address, "name": sheet["name"], "description": sheet["description"]}


def _table(title: str, summary: pd.DataFrame, measures: dict[str, str]) -> dict[str, Any]:
    table = text_table(summary, list(measures))
    return {"title": title, "columns": measures, "headings": list(table.columns), "rows": list(_rows(table))}


def _rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for (method, path), cells in zip(table.index, table.to_numpy(), strict=True):
        yield {"method": method, "path": PATHS.get(path, ""), "cells": list(cells)}


def _data_address(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
