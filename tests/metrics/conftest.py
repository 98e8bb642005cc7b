"""Fixtures that several tests of metrics share."""

import pytest
from dummy_samples import make_dataset, score_dummies
from metric_cases import make_case

from benchmark.datasets.places import using


@pytest.fixture(scope="session")
def scores_on(digits_root):
    """The scores of all dummies on a dataset, measured once."""
    measured = {}

    def scores(dataset):
        if dataset not in measured:
            with using(str(digits_root), None):
                measured[dataset] = score_dummies(make_dataset(dataset))
        return measured[dataset]

    return scores


@pytest.fixture
def case(request, digits_root):
    """The case of that name."""
    with using(str(digits_root), None):
        yield make_case(request.param)
