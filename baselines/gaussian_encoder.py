"""What methods share whose encoder gives a Gaussian of codes."""

from torch import Tensor

from benchmark.method import Batch, Method, Networks

__all__ = ["GaussianEncoder", "divergence"]


class GaussianEncoder(Method):
    """A method whose `encoder` gives means and log-variances of codes, one behind the other: $(B, 2L)$."""

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The mean of $q(z|x)$."""
        mean, _ = nets.encoder(x).chunk(2, dim=-1)
        return mean

    def encoded(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """Samples $(B, L)$ of $q(z|x)$ by the noise `code`, and its divergence from $N(0, I)$, $(B,)$."""
        mean, log_variance = nets.encoder(batch.x).chunk(2, dim=-1)
        code = mean + (log_variance / 2).exp() * batch.noise["code"]
        return code, divergence(mean, log_variance)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The KL divergence of Gaussians $(B, L)$ with independent coordinates from $N(0, I)$, shape $(B,)$."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
