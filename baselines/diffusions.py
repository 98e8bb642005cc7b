"""The noise that diffusions add: the variance-preserving process.

References:
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2020),
    arXiv:2011.13456, equation 32.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Noising", "kept_share"]

FIRST_RATE, LAST_RATE = 0.1, 20.0


def kept_share(t: Tensor) -> Tensor:
    """The share $\\bar\\alpha$ of the variance that is still data's at times in [0, 1]; 4e-5 at the end.

    A thousand steps of Ho et al.'s linear schedule give the same.
    """
    return torch.exp(-0.5 * t.square() * (LAST_RATE - FIRST_RATE) - t * FIRST_RATE)


class Noising(NamedTuple):
    """One step of the process: of the variance, the shares of data before and after it.

    Attributes:
        before: $\\bar\\alpha$ at its beginning, shape $(*)$.
        after: $\\bar\\alpha$ at its end, shape $(*)$.
    """

    before: Tensor
    after: Tensor

    def undone(self, x: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
        """The law of what was before the step, given what is after it and the data behind both.

        References:
            Denoising Diffusion Probabilistic Models (Ho et al., 2020), arXiv:2006.11239, equations 6 and 7.

        Arguments:
            x: After the step, shape $(*, D)$.
            data: Without noise, shape $(*, D)$.

        Returns:
            The mean, shape $(*, D)$, and the standard deviation, shape $(*, 1)$.
        """
        before, after = self.before[..., None], self.after[..., None]
        kept = after / before
        of_data = before.sqrt() * (1 - kept) / (1 - after)
        of_x = kept.sqrt() * (1 - before) / (1 - after)
        variance = (1 - kept) * (1 - before) / (1 - after)
        return of_data * data + of_x * x, variance.sqrt()
