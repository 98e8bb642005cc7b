"""Words for what a report shows."""

import pandas as pd
import pytest
from support.numbers import NAN

from benchmark.report.words import budget_unit, joined, setting_text, trial_scores


def test_captions_begin_with_the_overlap():
    row = {"overlap": 0.358, "modes": 5.0, "modes_total": 8, "high_quality": 0.9, "ivom": 0.1}
    assert trial_scores(pd.Series(row)) == "overlap 0.36, 5 of 8 modes, 90.0% high quality"
    assert (
        trial_scores(pd.Series({**row, "overlap": NAN}), 0.2)
        == "5 of 8 modes, 90.0% high quality, 20% out of sight"
    )
    assert trial_scores(pd.Series({"overlap": 0.5, "fid": 3.0, "fid_features": "raw"})) == "overlap 0.50"


@pytest.mark.parametrize(
    ("budgets", "unit"),
    [
        (["100000steps", "5e3steps", None], "steps"),
        (["5e+11flops"], "flops"),
        (["60s"], "s"),
        (["2e6samples"], "samples"),
        (["60s", "5steps"], None),
        (["5steps", "much"], None),
        ([None], None),
    ],
)
def test_the_unit_that_all_budgets_share(budgets, unit):
    assert budget_unit(pd.DataFrame({"budget": budgets})) == unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9999, "0.9999"),
        (0.00041270686, "0.0004127"),
        (1e-5, "1e-05"),
        (0.0, "0"),
        (5, "5"),
        ("linear", "linear"),
    ],
)
def test_settings_are_shown_with_the_digits_that_tell_them_apart(value, text):
    assert setting_text("setting", value) == f"setting {text}"


def test_lists_read_as_people_write_them():
    assert [joined(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
