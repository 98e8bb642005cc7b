"""The rows of fitted densities: what a statistician would sample from, without any training of networks."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.suites.fitted_rows import GAUSSIAN_MIXTURE, GAUSSIAN_MIXTURE_BIC, KERNEL_DENSITY

__all__ = ["BANDWIDTHS", "FITTED", "bandwidth_of", "best_mixture", "fitted_mixture"]

COMPONENTS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 25, 32, 40)
"""The numbers of components that the Bayesian information criterion chooses from."""

STARTS = 5
"""Runs of expectation maximisation where the number of components is known; the most likely one counts."""

MOST_DIMENSIONS = 64
"""With more, covariances are diagonal or spherical: full ones would have more numbers than there are data."""

NUMBERS_TO_COMPARE_ON, LEAST_PER_COMPONENT = 4_000_000, 20
"""Mixtures are compared on data of at most so many numbers, but on so many points per component: in 1200
dimensions, all 20,000 points would take minutes.
"""

LEAST_VARIANCE = 1e-6

BANDWIDTHS = np.geomspace(1e-3, 1, 31)
"""The bandwidths that are tried, in root mean square distances from the mean."""

MOST_VALIDATION = 1000
"""Points whose likelihood chooses the bandwidth: a tenth of all, and no more than this."""

ROWS_AT_ONCE, LEAST_EXPONENT = 20, -80.0
"""So few rows of distances fit a cache; exponentials that underflow are slow and add nothing."""

Draw = Callable[[int], Tensor]


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians.

    Attributes:
        weights: Shape $(K,)$.
        means: Shape $(K, D)$.
        factors: Square roots of the covariances, $(K, D, D)$, or of their diagonals, $(K, D)$.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draws `n` points, shape $(n, D)$."""
        component = self.weights.multinomial(n, replacement=True, generator=rng)
        normal = torch.randn(n, self.means.shape[1], generator=rng, device=rng.device)
        factors = self.factors[component]
        spread = factors * normal if factors.ndim == 2 else (factors @ normal[:, :, None]).squeeze(2)
        return self.means[component] + spread


def gaussian_mixture(data: Dataset, seed: int, device: torch.device, points: int) -> Draw:
    """Draws from a mixture of as many Gaussians as there are modes, fitted to training data."""
    return _mixture_row(data, seed, device, points, [max(data.modes, 1)], STARTS)


def gaussian_mixture_bic(data: Dataset, seed: int, device: torch.device, points: int) -> Draw:
    """Draws from a mixture of as many Gaussians as the Bayesian information criterion prefers."""
    return _mixture_row(data, seed, device, points, COMPONENTS, 1)


def kernel_density(data: Dataset, seed: int, device: torch.device, points: int) -> Draw:
    """Draws training data with Gaussian noise, whose bandwidth makes other training data most likely."""
    x = _training(data, seed, points)
    bandwidth = bandwidth_of(x)
    centres = x.to(device, torch.float32)

    def draw(n: int) -> Tensor:
        rng = data.stream(seed, KERNEL_DENSITY, device)
        index = torch.randint(len(centres), (n,), generator=rng, device=device)
        noise = torch.randn(n, x.shape[1], generator=rng, device=device)
        return data.pack((centres[index] + bandwidth * noise).view(n, *data.shape))

    return draw


FITTED: dict[str, Callable[[Dataset, int, torch.device, int], Draw]] = {
    GAUSSIAN_MIXTURE: gaussian_mixture,
    GAUSSIAN_MIXTURE_BIC: gaussian_mixture_bic,
    KERNEL_DENSITY: kernel_density,
}
"""The rows by name. Each is fitted to so many training data, seed by seed; then it draws packed samples."""


def best_mixture(x: Tensor, components: Sequence[int], starts: int, seed: int) -> Mixture:
    """The mixture that the Bayesian information criterion prefers, by expectation maximisation.

    If there are too many data to try all mixtures on, they are tried on the first ones, and the best one is
    then fitted to all.

    Arguments:
        x: The data, float64, shape $(n, D)$.
        components: The numbers of components to choose from.
        starts: Runs for each number, of which the most likely one counts.
        seed: Where the runs start.
    """
    forms = ("full",) if x.shape[1] <= MOST_DIMENSIONS else ("diag", "spherical")
    array = x.numpy()
    least = LEAST_PER_COMPONENT * max(components)
    first = array[: max(NUMBERS_TO_COMPARE_ON // x.shape[1], least)]
    best, lowest = None, np.inf
    for form in forms:
        for number in components:
            mixture = fitted_mixture(first, number, covariance_type=form, n_init=starts, random_state=seed)
            criterion = mixture.bic(first)
            if criterion < lowest:
                best, lowest = mixture, criterion
    assert best is not None
    if len(first) < len(array):
        best = fitted_mixture(
            array,
            best.n_components,
            covariance_type=best.covariance_type,
            weights_init=best.weights_,
            means_init=best.means_,
            precisions_init=best.precisions_,
        )
    return _as_tensors(best, x.shape[1])


def fitted_mixture(array: "np.ndarray", components: int, **options: Any) -> Any:
    """A mixture of scikit-learn, fitted to data."""
    # Takes a second, and is rarely needed.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(components, reg_covar=LEAST_VARIANCE, **options).fit(array)


def bandwidth_of(x: Tensor) -> float:
    """The bandwidth of a Gaussian kernel density of most points $(n, D)$ under which the others are most
    likely.
    """
    others = min(MOST_VALIDATION, len(x) // 10)
    squared = torch.cdist(x[:others], x[others:]).square()
    nearest = squared.min(dim=1).values
    beyond = (squared - nearest[:, None]).float()
    unit = float((x - x.mean(dim=0)).square().sum(dim=1).mean().sqrt())

    def likelihood(bandwidth: float) -> float:
        scale = -2 * bandwidth**2
        sums = []
        for part in beyond.split(ROWS_AT_ONCE):
            sums.append((part / scale).clamp_(min=LEAST_EXPONENT).exp_().sum(dim=1))
        densities = torch.cat(sums).log() + nearest / scale
        return float(densities.mean()) - x.shape[1] * np.log(bandwidth)

    return max((unit * share for share in BANDWIDTHS), key=likelihood)


def _training(data: Dataset, seed: int, points: int) -> Tensor:
    """Training data, float64, shape $(n, D)$, on the CPU."""
    return data.sample(points, data.stream(seed, "fitted rows")).flatten(1).double()


def _mixture_row(
    data: Dataset, seed: int, device: torch.device, points: int, components: Sequence[int], starts: int
) -> Draw:
    mixture = best_mixture(_training(data, seed, points), components, starts, seed)
    mixture = Mixture(*(part.to(device) for part in (mixture.weights, mixture.means, mixture.factors)))

    def draw(n: int) -> Tensor:
        drawn = mixture.draw(n, data.stream(seed, GAUSSIAN_MIXTURE, device))
        return data.pack(drawn.view(n, *data.shape))

    return draw


def _as_tensors(mixture: Any, dimensions: int) -> Mixture:
    """What scikit-learn has fitted."""
    covariances = torch.from_numpy(mixture.covariances_)
    if mixture.covariance_type == "full":
        factors = torch.linalg.cholesky(covariances)
    elif mixture.covariance_type == "diag":
        factors = covariances.sqrt()
    else:
        factors = covariances.sqrt()[:, None].expand(-1, dimensions)
    weights, means = torch.from_numpy(mixture.weights_), torch.from_numpy(mixture.means_)
    return Mixture(weights.float(), means.float(), factors.float())
