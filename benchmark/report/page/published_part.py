"""What the page shows of a paper whose experiment a run reproduces."""

from typing import Any

from benchmark.records.results import Results
from benchmark.report.tables.published_words import MARKS, tally
from benchmark.report.tables.tables import Tables
from benchmark.suites import find_suite

__all__ = ["reproduced"]


def reproduced(results: Results, tables: Tables) -> dict[str, Any]:
    """How the paper's figures compare, and its protocol; empty unless the suite reproduces a paper."""
    suite = find_suite(results.suite)
    if suite is None or suite.protocol is None or tables.published.columns.empty:
        return {}
    protocol = suite.protocol
    return {
        "tally": tally(suite.name, tables.published),
        "paper": protocol.paper,
        "code": protocol.code,
        "parts": {
            "Given by the sources": protocol.gives,
            "Left open by them": protocol.open,
            "Chosen here": protocol.chosen,
        },
        "marks": MARKS,
    }
