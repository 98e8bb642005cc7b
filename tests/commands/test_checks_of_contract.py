"""`check` of methods that use a part of the contract wrongly: one line says what is wrong."""

import pytest
from support import odd_methods

from benchmark.commands.checks.methods import check_method
from benchmark.registry import METHODS

PROBLEMS = {
    "NegativeSchedule": "the schedule of player 'generator' gives -0.00999",
    "ScheduleOfShape": "the schedule of player 'generator' gives [1.0, 1.0, 1.0] at progress 0.00",
    "ProjectsToNothing": "the projection of generator gives None; it must be a dictionary of tensors",
    "AssignsNumber": "assign() gives the variable k the value 0.5; it must be a tensor",
    "NumberAsVariable": "variables() gives 0.0 for k; it must be a tensor",
    "NumberAsLatents": "latents() gives 8; it must be a Latents",
    "UnknownNoise": "the law of noise must be normal or uniform, not gamma",
    "TextAsNetworks": "networks is the text 'generator'; give a tuple: ('generator',)",
    "FitsNothing": "fit() gives None; it must be a dictionary of tensors",
    "AssignsInSampler": "a sampler assigns a variable; only losses and fit() may",
    "OtherKinds": "kinds is ('dots',); give a tuple of points and images, or of one of them",
    "TextAsKinds": "kinds is 'points'; give a tuple",
    "FitsAtRandom": "fit() gives other values when it is called again",
    "ProjectsToOtherShapes": "the projection of generator gives the parameter 0.weight the shape (1, 8); "
    "it must keep (8, 8)",
    "ProjectsAway": "the projection of generator adds or removes the parameter",
    "Undeclared": "assign() gives the variable k; variables() declares none",
    "ReadsUndeclared": "reads the variable k; variables() declares none",
    "VariableOfOtherShape": "assign() gives the variable k the shape (2,); it must keep ()",
    "WrongSampler": "samples have shape (16, 1) for 16 latents; they must have (16, 2)",
    "SamplesHalf": "samples have shape (8, 2) for 16 latents; they must have (16, 2)",
    "UnknownLaw": "the law of latents must be normal or uniform, not cauchy",
    "OtherLatents": "cannot be multiplied",
    "FitsUndeclared": "fit() gives the variable mean; variables() declares none",
    "KeepsOnItself": "cannot assign to field 'k'",
    "PythonsRandomness": "some randomness does not come from the batch",
    "NumPysRandomness": "some randomness does not come from the batch",
    "TorchsRandomness": "declare them as noise of the player",
    "RandomVariable": "variables() gives other values when it is called again",
    "RandomSampler": "or of latents() for a sampler",
}


@pytest.fixture
def problems():
    """The problems that a check of a method reports."""

    def check(cls):
        METHODS.register("odd")(cls)
        try:
            return [outcome.problem for outcome in check_method("odd") if outcome.problem is not None]
        finally:
            METHODS.forget(cls.__module__)

    return check


@pytest.mark.parametrize("name", PROBLEMS)
def test_one_line_says_what_is_wrong(name, problems):
    found = problems(getattr(odd_methods, name))
    assert any(PROBLEMS[name] in problem for problem in found), found
    assert not any("\n" in problem for problem in found)


def test_of_losses_that_are_not_finite_nothing_else_is_said(problems):
    (problem,) = set(problems(odd_methods.NotFinite))
    assert problem == "a loss is not finite within 3 cycles"


def test_a_schedule_may_give_a_number(problems):
    assert problems(odd_methods.ConstantSchedule) == []
