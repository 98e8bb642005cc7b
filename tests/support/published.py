"""Tables of published figures beside those of made-up runs."""

from support.made_up import paper_run

from benchmark.records.results import read_run
from benchmark.report.tables.tables import make_tables

NEAR = [6.0, 6.5, 7.0, 6.0, 6.5]
"""Modes whose interval holds the 6.3 of GAN on the ring in PacGAN's table, and not the 1 in VEEGAN's."""

FAR = [3.0, 3.5, 4.0, 3.0, 3.5]
"""Modes of seeds whose interval holds neither."""

STACKED = {"suite": "veegan-2017", "dataset": "stacked-mnist"}
"""VEEGAN's experiment on stacked MNIST, as parts of a `paper_run`."""


def published_of(root, scores, **parts):
    """The published figures beside those of a run of a paper's suite, by paper, table and setting.

    Arguments are those of `paper_run`.
    """
    table = make_tables(read_run(paper_run(root, scores, **parts).root)).published
    place = table["paper"].str.cat([table["table"], table["setting"]], sep=", ").str.removesuffix(", ")
    return table.set_index(place.rename("place"))
