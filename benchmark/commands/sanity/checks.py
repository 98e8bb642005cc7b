"""All checks.

They are rebuilt from the description of "Position: All Current Generative Fidelity and Diversity Metrics are
Flawed" (Räisä et al., 2025), arXiv:2505.22450, with fewer points along each course. The last one
is this project's own.
"""

from benchmark.commands.sanity import gaussian_checks as on_gaussians
from benchmark.commands.sanity import other_checks as on_others
from benchmark.commands.sanity.courses import Check

__all__ = ["CHECKS"]

CHECKS = (
    Check("mean", "the mean of the samples", tuple(on_gaussians.shift())),
    Check("outlier", "the mean, beside one outlier", tuple(on_gaussians.shift_beside_an_outlier())),
    Check("spread", "the standard deviation of the samples", tuple(on_gaussians.spread())),
    Check(
        "dropping at once", "the share that nine of ten modes lose", tuple(on_gaussians.dropping_at_once())
    ),
    Check(
        "dropping in turn",
        "the number of modes that are missing, of ten",
        tuple(on_gaussians.dropping_in_turn()),
    ),
    Check(
        "invention",
        "the number of modes, of which real data has five",
        tuple(on_gaussians.dropping_and_invention()),
    ),
    Check(
        "one mode for two",
        "the distance of two modes, one wide one in their place",
        tuple(on_gaussians.one_for_two()),
    ),
    Check("sphere", "the radius of a sphere, in real data 1", tuple(on_others.sphere())),
    Check("cubes", "the number of samples and of real data", tuple(on_others.cubes(of_real=True))),
    Check("more samples", "the number of samples alone", tuple(on_others.cubes(of_real=False))),
    Check(
        "sphere and torus",
        "the number of samples from a body that real data is not in",
        tuple(on_others.sphere_and_torus()),
    ),
    Check("unit", "the unit of one of two coordinates", tuple(on_others.another_unit())),
    Check("heavy tail", "the mean, beside a coordinate with a heavy tail", tuple(on_gaussians.heavy_tail())),
    Check(
        "one of many",
        "the number of dimensions beside the one that differs",
        tuple(on_gaussians.one_dimension_of_many()),
    ),
    Check("rounding", "the scale of whole numbers beside others", tuple(on_others.rounded())),
    Check("copies", "the share of samples that are copies of training data", tuple(on_others.copies())),
)
