"""Published figures in words, from records made by hand."""

import pandas as pd
from support.numbers import NAN
from support.published import FAR, NEAR, STACKED, published_of

from benchmark.report.tables.published_words import MARKS, published_rows, tally

INTERVALS = "inside our 95 % intervals"
NOTHING_ABOUT = (
    "No published figure of the protocol {} is about the methods, datasets and metrics of this run."
)


def test_figures_whose_settings_are_not_public_are_not_compared(tmp_path):
    """VEEGAN's table of the ring: neither its baselines' settings nor its own are known."""
    table = published_of(tmp_path, {"gan": NEAR}, suite="veegan-2017", dataset="ring")
    veegan = table[table["paper"] == "veegan-2017"]
    assert list(veegan["verdict"]) == ["not comparable"]
    assert list(veegan["why"]) == ["its settings are not public"]
    assert [row.mark for row in published_rows(veegan)] == ["§"]
    assert tally("veegan-2017", table) == NOTHING_ABOUT.format("veegan-2017")


def test_a_tally_counts_what_is_comparable(tmp_path):
    table = published_of(tmp_path, {"gan": NEAR, "ali": NEAR, "pacgan2": FAR})
    assert len(table) == 5
    sentence = tally("pacgan-2018", table)
    assert sentence == f"2 of 3 published figures lie {INTERVALS} (Table 1 of pacgan-2018)."
    sentence = tally("pacgan-2018", table[table["method"] == "gan"])
    assert sentence == f"1 of 1 published figure lies {INTERVALS} (Table 1 of pacgan-2018)."
    notebook = published_of(tmp_path / "grid", {"veegan": [24.0, 25.0]}, suite="veegan-2017", dataset="grid")
    sentence = tally("veegan-2017", notebook)
    assert sentence == f"2 of 2 published figures lie {INTERVALS} (Table 1, notebook output of veegan-2017)."


def test_figures_for_another_budget_are_counted_apart(tmp_path):
    short = published_of(tmp_path / "short", {"gan": NEAR, "ali": FAR}, budget="80000steps")
    assert tally("pacgan-2018", short) == (
        "Not counted (after 80000 of the suite's 400000 steps): "
        f"1 of 2 published figures lie {INTERVALS} (Table 1 of pacgan-2018)."
    )


def test_without_anything_to_count_a_tally_says_why(tmp_path):
    start = "No published figure is compared with this run: "
    one = published_of(tmp_path / "one", {"gan": [6.0], "ali": [NAN, NAN]}, budget="80000steps")
    reason = "one seed: no interval; after 80000 of the suite's 400000 steps."
    assert tally("pacgan-2018", one) == start + reason
    changed = published_of(tmp_path / "changed", {"gan": NEAR, "ali": [6.0]}, changed={"ring.batch": 7})
    assert tally("pacgan-2018", changed) == start + "this run changed ring.batch."
    more = published_of(tmp_path / "more", {"gan": NEAR}, changed={"ring.batch": 7, "gan.lr": 1.0})
    both = pd.concat([changed, more])
    assert tally("pacgan-2018", both) == start + "this run changed ring.batch, gan.lr."
    none = published_of(tmp_path / "none", {"aegan": NEAR})
    assert tally("pacgan-2018", none) == NOTHING_ABOUT.format("pacgan-2018")


def test_rows_in_words_have_what_is_compared_first_and_a_mark_on_the_others(tmp_path):
    rows = published_rows(published_of(tmp_path / "ring", {"gan": NEAR, "ali": [6.6]}))
    assert [(row.method, row.mark, row.kind) for row in rows] == [
        ("gan", "", 0),
        ("gan", "†", 2),
        ("ali", "†", 2),
        ("ali", "‡", 2),
    ]
    assert (rows[0].published, rows[0].where, rows[0].measured, rows[0].seeds) == (
        "6.3 [5.2, 7.4]",
        "pacgan-2018, Table 1",
        "6.4 [5.9, 6.9]",
        "5",
    )
    assert rows[1].published == "1"
    rows = published_rows(published_of(tmp_path / "short", {"gan": NEAR, "ali": [6.6]}, budget="80000steps"))
    assert [(row.method, row.mark, row.kind) for row in rows] == [
        ("gan", "¶", 1),
        ("gan", "†", 2),
        ("ali", "†", 2),
        ("ali", "‡", 2),
    ]
    rows = published_rows(published_of(tmp_path / "stacked", {"dcgan": [99.0, 98.0]}, **STACKED))
    assert [row.mark for row in rows].count("*") == 4
    assert {row.mark for row in rows} - {""} <= set(MARKS)
    assert "pacgan-2018, Table 3, D = 1/2 G" in [row.where for row in rows]
