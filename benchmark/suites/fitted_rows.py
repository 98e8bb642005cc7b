"""The rows of fitted densities, which a suite may ask for."""

__all__ = ["FITTED_ROWS", "GAUSSIAN_MIXTURE", "GAUSSIAN_MIXTURE_BIC", "KERNEL_DENSITY", "MOST_FITTED"]

GAUSSIAN_MIXTURE = "gaussian-mixture"
"""A Gaussian mixture with as many components as there are modes."""

GAUSSIAN_MIXTURE_BIC = "gaussian-mixture-bic"
"""One with as many components as the Bayesian information criterion prefers."""

KERNEL_DENSITY = "kernel-density"
"""A kernel density."""

MOST_FITTED = 20_000
"""Training data that a density is fitted to at most: expectation maximisation takes seconds then."""

FITTED_ROWS = (GAUSSIAN_MIXTURE, GAUSSIAN_MIXTURE_BIC, KERNEL_DENSITY)
