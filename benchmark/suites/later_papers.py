"""Suites that reproduce experiments of papers on remedies of mode collapse since 2018."""

from benchmark.registry import register_suite
from benchmark.suites.papers import MIXTURE_METRICS
from benchmark.suites.suite import CheckedRun, Protocol, Suite


@register_suite("r3gan-2024")
def r3gan_2024() -> Suite:
    return Suite(
        title="R3GAN's Stacked MNIST, and the grid of a textbook's chapter on it",
        datasets=("stacked-mnist", "grid"),
        methods=("gan", "r3gan"),
        metrics=(*MIXTURE_METRICS, "modes_confident", "fid"),
        budgets={"stacked-mnist": "19531steps", "grid": "20000steps"},
        settings={
            "stacked-mnist.batch": 512,
            "stacked-mnist.latent": 64,
            "grid.batch": 256,
            "grid.latent": 64,
            "grid.width": 256,
            "grid.spacing": 2.0,
            "grid.std": 0.05,
            "grid.samples": 10_000,
            "grid.architecture": "r3gan-2024",
            "gan.lr": 2e-4,
        },
        exceptions={
            "stacked-mnist": {
                "r3gan.end_rate": 1.0,
                "r3gan.burn_in": 0.2,
                "r3gan.average_half_life": 0.05,
                "gan.beta1": 0.5,
            },
            # Beta2 is 0.99 and the penalty 1 from the first update on.
            "grid": {
                "r3gan.end_rate": 1.0,
                "r3gan.end_penalty": 1.0,
                "r3gan.burn_in": 0.0,
                "r3gan.average_half_life": 0.0,
                "gan.beta1": 0.0,
                "gan.beta2": 0.99,
            },
        },
        protocol=Protocol(
            paper=(
                "The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), "
                "arXiv:2501.05441"
            ),
            code=(
                "the authors' code (brownvc/R3GAN), which has no settings for Stacked MNIST; the grid is "
                "that of smolix/d2l-neu, chapter on generative adversarial networks"
            ),
            gives=(
                "Stacked MNIST: batch 512, ten million images, 64 latent dimensions; Adam 2e-4 without a "
                "first moment, beta2 from 0.9 to 0.99 and a penalty from 1 to 0.1 in the first two million "
                "images; averages of a half-life up to half a million images",
                "grid: spacing 2, standard deviation 0.05, batch 256, 64 latent dimensions, two layers of "
                "256, ReLU in the generator and LeakyReLU 0.2 in the discriminator, Adam 2e-4 with betas 0 "
                "and 0.99, penalty 1, 20,000 updates; 10,000 samples, good within 3 standard deviations",
            ),
            open=(
                "Stacked MNIST: the number of samples, the classifier and the reference of KL",
                "grid: any table; the text says that GAN drops modes, that both penalties find all 25, with "
                "pairs and without, and that about a tenth of the samples is on them",
            ),
            chosen=(
                "Stacked MNIST: the shared convolutional networks instead of 21 million parameters each; "
                "26,000 samples; averages always reach back as far",
                "gan on Stacked MNIST is in no source: fully connected, Adam 2e-4 with beta1 0.5",
            ),
            checked={method: {"grid": CheckedRun(3, "20000steps")} for method in ("gan", "r3gan")},
        ),
    )


@register_suite("gdpp-2019")
def gdpp_2019() -> Suite:
    return Suite(
        title="GDPP's mixtures and its Stacked MNIST with rare modes, with the settings of the authors' code",
        datasets=("ring", "grid", "gdpp-stacked-mnist"),
        methods=("gdpp", "unrolled", "wgan-gp"),
        metrics=(*MIXTURE_METRICS, "modes_confident", "minority_recall"),
        budgets={"ring": "25000steps", "grid": "25000steps", "gdpp-stacked-mnist": "15000steps"},
        settings={
            **_of_both("batch", 512),
            **_of_both("latent", 256),
            **_of_both("width", 128),
            **_of_both("architecture", "unrolled-2017"),
            "grid.spacing": 2.0,
            "grid.std": 0.05,
            "gdpp-stacked-mnist.batch": 64,
            "gdpp-stacked-mnist.latent": 128,
            "wgan-gp.penalty": 0.1,
        },
        exceptions={
            "gdpp-stacked-mnist": {
                "gdpp.lr": 1e-4,
                "gdpp.discriminator_lr": 1e-4,
                "gdpp.simultaneous": False,
                "unrolled.saturating": False,
                "unrolled.discriminator_lr": 2e-4,
                "wgan-gp.penalty": 10.0,
            }
        },
        protocol=Protocol(
            paper=(
                "GDPP: Learning Diverse Generations using Determinantal Point Processes (Elfeki et al., "
                "2018), arXiv:1812.00068"
            ),
            code="the authors' code (M-Elfeki/GDPP)",
            gives=(
                "ring of radius 1 and standard deviation 0.01, grid of spacing 2 and standard deviation "
                "0.05; batch 512, 256 latent dimensions, two layers of 128 tanh, orthogonal initial weights "
                "of gain 1.4; Adam 1e-3 for the generator and 1e-4 for the discriminator with beta1 0.5, "
                "both from one batch; 25,000 updates; 2500 samples, good within 3 standard deviations",
                "Stacked MNIST: a training set with frequent and rare modes, batch 64, 128 latent "
                "dimensions, an update of the discriminator and then one of the generator, 15,000 times, "
                "Adam 1e-4 with beta1 0.5; 26,000 samples, KL from the training set's histogram",
            ),
            open=(
                "how often experiments were repeated; the code has one seed",
                "the 1200 dimensions of its Table 1, and the settings of WGAN-GP and Unrolled GAN: the code "
                "has neither",
            ),
            chosen=(
                "the other two methods have the optimisers of their own papers' code",
                "eight modes at equal angles; the code's angles include both ends of the circle, so it has "
                "seven modes, one of them twice as heavy",
                "eigenvectors are compared whatever their sign, which is arbitrary; the code multiplies them "
                "as they are",
                "Stacked MNIST: fresh stacks from the training set's law instead of 50,000 fixed ones; the "
                "shared networks; Adam's beta2 0.999 (code: 0.9); labels 1 and 0 (code: 0.9 and 0.1); no "
                "learnt mean and scale of latents (the code has them)",
            ),
            checked={"gdpp": dict.fromkeys(("ring", "grid"), CheckedRun(1, "25000steps"))},
        ),
    )


def _of_both(setting: str, value: object) -> dict[str, object]:
    """A setting of ring and grid."""
    return {f"{dataset}.{setting}": value for dataset in ("ring", "grid")}
