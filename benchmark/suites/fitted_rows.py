"""The names of the rows of fitted densities, which a suite may ask for."""

__all__ = ["FITTED_ROWS", "GAUSSIAN_MIXTURE", "GAUSSIAN_MIXTURE_BIC", "KERNEL_DENSITY"]

GAUSSIAN_MIXTURE = "gaussian-mixture"
"""A Gaussian mixture with as many components as there are modes."""

GAUSSIAN_MIXTURE_BIC = "gaussian-mixture-bic"
"""One with as many components as the Bayesian information criterion prefers."""

KERNEL_DENSITY = "kernel-density"
"""A kernel density."""

FITTED_ROWS = (GAUSSIAN_MIXTURE, GAUSSIAN_MIXTURE_BIC, KERNEL_DENSITY)
