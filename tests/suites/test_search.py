"""How much a search tries, and with which seeds."""

import pytest

from benchmark.commands.option_values import seeds
from benchmark.errors import UsageError
from benchmark.suites.search import FIRST_TUNING_SEED, Rung, Search, most_rungs


def test_the_seeds_of_a_search_are_those_of_no_run():
    search = Search(points=4096, seeds=100)
    of_search = []
    for point in range(search.points):
        of_search += search.seeds_of(point)
    assert len(set(of_search)) == len(of_search)
    assert min(of_search) == FIRST_TUNING_SEED
    assert max(seeds(f"{FIRST_TUNING_SEED - 1},")) < min(of_search)
    for text in (f"{FIRST_TUNING_SEED},", f"0,{FIRST_TUNING_SEED + 7}"):
        with pytest.raises(UsageError, match="are those of searches"):
            seeds(text)


def test_a_search_can_grow_by_points_and_by_seeds():
    small, large = Search(4, 2), Search(8, 3)
    for point in range(4):
        assert set(small.seeds_of(point)) < set(large.seeds_of(point))
        assert {large.point_of(seed) for seed in large.seeds_of(point)} == {point}


@pytest.mark.parametrize(
    ("points", "halving", "tried"),
    [
        (32, 1, [(1, 0)]),
        (32, 4, [(1 / 16, 8), (1 / 4, 2), (1, 1)]),
        (8, 2, [(1 / 8, 4), (1 / 4, 2), (1 / 2, 1), (1, 1)]),
    ],
)
def test_halving_promotes_one_in_so_many_to_so_many_times_the_budget(points, halving, tried):
    search = Search(points, 2, halving, most_rungs(points, halving) if halving > 1 else 1)
    assert search.rungs == len(tried)
    for number, (share, promoted) in enumerate(tried, start=1):
        rung = Rung(search, number)
        assert rung.share == share
        assert rung.is_last == (number == len(tried))
        if not rung.is_last:
            assert rung.places == promoted
