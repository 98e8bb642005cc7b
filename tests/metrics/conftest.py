"""Fixtures that several tests of metrics share."""

import json
from functools import cache

import pytest
from dummy_samples import make_dataset, score_dummies
from metric_cases import make_case
from support.shared import shared_folder

from benchmark.datasets.places import using


@pytest.fixture(scope="session")
def scores_on(digits_root, tmp_path_factory):
    """The scores of all dummies on a dataset, measured once."""

    @cache
    def scores(dataset):
        def fill(folder):
            with using(str(digits_root), None):
                measured = score_dummies(make_dataset(dataset))
            (folder / "scores.json").write_text(json.dumps(measured))

        folder = shared_folder(tmp_path_factory, f"scores-{dataset}", fill)
        return json.loads((folder / "scores.json").read_text())

    return scores


@pytest.fixture
def case(request, digits_root):
    """The case of that name."""
    with using(str(digits_root), None):
        yield make_case(request.param)
