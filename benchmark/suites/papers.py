"""Suites that reproduce the experiments of papers: the same harness, other settings.

A budget here is the paper's number of generator updates, so methods are not at equal compute.
"""

from benchmark.registry import register_suite
from benchmark.suites.suite import CheckedRun, Protocol, Suite

MIXTURE_METRICS = (
    "modes",
    "high_quality",
    "kl",
    "kl_high_quality",
    "modes_robust",
    "within_mode_std",
    "overlap",
)


PACGAN_METHODS = ("gan", "ali", "pacgan2", "pacgan3", "pacgan4")

RLS_METHODS = ("gan", "pacgan2", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan")


def _for_each(owners: tuple[str, ...], **settings: object) -> dict[str, object]:
    """The same settings for several datasets or methods, by `name.field`."""
    by_key = {}
    for owner in owners:
        for name, value in settings.items():
            by_key[f"{owner}.{name}"] = value
    return by_key


@register_suite("veegan-2017")
def veegan_2017() -> Suite:
    return Suite(
        title=(
            "VEEGAN's experiments: the settings of the public notebook on mixtures, "
            "those of an author's code on Stacked MNIST"
        ),
        datasets=("ring", "grid", "high-dimensional", "stacked-mnist"),
        methods=("gan", "dcgan", "unrolled", "ali", "veegan"),
        metrics=(*MIXTURE_METRICS, "high_quality_legacy"),
        budgets={
            "ring": "100000steps",
            "grid": "100000steps",
            "high-dimensional": "100000steps",
            "stacked-mnist": "500000steps",
        },
        settings={
            **_for_each(
                ("ring", "grid", "high-dimensional"),
                batch=500,
                latent=255,
                width=128,
                architecture="veegan-2017",
            ),
            **_for_each(
                ("stacked-mnist",), batch=10, latent=256, width=64, architecture="veegan-2017-images"
            ),
            "gan.beta1": 0.5,
            "dcgan.lr": 1e-3,
            "ali.lr": 1e-3,
            "ali.beta1": 0.5,
            "veegan.free": 1,
        },
        exceptions={
            "stacked-mnist": {
                "gan.lr": 2e-4,
                "dcgan.lr": 2e-4,
                "ali.lr": 2e-4,
                "unrolled.lr": 1e-4,
                "unrolled.discriminator_lr": 2e-4,
                "unrolled.saturating": False,
                "unrolled.simultaneous": False,
                "ali.simultaneous": False,
                "veegan.lr": 2e-4,
                "veegan.free": 0,
            }
        },
        protocol=Protocol(
            paper=(
                "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning "
                "(Srivastava et al., 2017), arXiv:1705.07761"
            ),
            code=(
                "the authors' notebook, which trains on the grid (akashgit/VEEGAN); for images the code of "
                "one author (LazarValkov/GanModeCollapseEvaluation)"
            ),
            gives=(
                "mixtures: 8 modes on a ring, 25 on a grid, and 10 modes of 700 dimensions in a space of "
                "1200; 2500 samples; five runs; a sample is good within 3 standard deviations of a mode, in "
                "1200 dimensions within 10",
                "grid, from the notebook: means {-4, -2, 0, 2, 4}^2, standard deviation 0.05; generator and "
                "reconstructor of 2 x 128 ReLU, discriminator of 1 x 128 on pairs; 254 latent dimensions and "
                "one more that is not reconstructed; Adam 1e-3 with beta1 0.5; batch 500; 100,000 updates",
                "Stacked MNIST, from the author's code for the baselines: 256 latent dimensions; DCGAN of "
                "5x5 convolutions from 64 to 512 channels; weights N(0, 0.02^2); Adam 2e-4 with beta1 0.5 "
                "(unrolled: discriminator 2e-4, generator 1e-4, not saturating); the discriminator is "
                "updated first, then the generator; batch 10, 500,000 updates",
            ),
            open=(
                "the radius and the standard deviation of the ring; all training settings on the ring and in "
                "1200 dimensions; the training settings of the baselines on all mixtures",
                "the distance in 1200 dimensions: a Euclidean ball of 10 standard deviations contains no "
                "real sample",
                "VEEGAN's own code on Stacked MNIST; the initial weights on mixtures",
                "unrolled on Stacked MNIST: the published run file asks for ALI and unrolling at once, and "
                "does not run",
            ),
            chosen=(
                "the notebook's settings on all mixtures and for all methods, with the same discriminator of "
                "one hidden layer; unrolled keeps the learning rates of its authors' notebook; the ring has "
                "radius 1 and standard deviation 0.01; initial weights are Glorot's uniform ones, the "
                "default of the notebook's library",
                "the means in 1200 dimensions are those of PacGAN's code; the radius of high_quality is the "
                "one within which 99.5 % of real data lie, the radius of high_quality_legacy is the literal "
                "10",
                "Stacked MNIST: stacks are drawn on the fly from training digits, 26,000 samples are scored, "
                "and KL is taken from the digits' frequencies; the author's code trains on 50,000 fixed "
                "stacks, also of test digits, scores 50,000 samples by another classifier, and takes KL from "
                "1/1000",
                "Stacked MNIST: each player has a batch of its own (in the author's code they share one); "
                "ALI's encoder is convolutional (there it has two layers of 500), and the hidden layer of "
                "joint discriminators has 1024 units (there 200); weights of convolutions are not truncated",
                "VEEGAN on Stacked MNIST has the baselines' networks and Adam; gan on Stacked MNIST and "
                "dcgan on mixtures are in no source",
            ),
            checked={"veegan": {"grid": CheckedRun(5, "100000steps")}},
        ),
    )


@register_suite("pacgan-2018")
def pacgan_2018() -> Suite:
    return Suite(
        title="PacGAN's experiments on ring and grid, with the networks and settings of its code",
        datasets=("ring", "grid"),
        methods=PACGAN_METHODS,
        metrics=MIXTURE_METRICS,
        budgets={"ring": "400000steps", "grid": "400000steps"},
        settings={
            **_for_each(
                ("ring", "grid"),
                batch=100,
                latent=2,
                width=400,
                depth=4,
                architecture="pacgan-2018",
                training_set=100_000,
                evaluations=40,
            ),
            **_for_each(PACGAN_METHODS, lr=1e-4),
            **_for_each(PACGAN_METHODS, beta1=0.8),
            **_for_each(("gan", "pacgan2", "pacgan3", "pacgan4"), simultaneous=True),
            "ali.noisy_input": True,
        },
        protocol=Protocol(
            paper=(
                "PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018), "
                "arXiv:1712.04086"
            ),
            code=(
                "the authors' code (fjxmlzn/PacGAN, synthetic_data_experiments), which builds on that of ALI"
            ),
            gives=(
                "100,000 fixed training samples, from which 100,000 fixed packs are drawn with replacement; "
                "ring of radius 1 and standard deviation 0.01; grid {-4, -2, 0, 2, 4}^2 with standard "
                "deviation 0.05; 2 latent dimensions",
                "generator of 4 x 400 ReLU; encoder of 2 x 400 whose input is the data and as many "
                "dimensions of noise; both are batch-normalised and have biases at the output only; "
                "discriminator of 3 x 200 maxout units of 5 pieces; weights N(0, 0.02^2)",
                "Adam 1e-4 with beta1 0.8; all players are updated at once from one batch of 100 packs; 400 "
                "epochs of 1000 updates; the samples of a pack are normalised slot by slot",
                "2500 samples with running statistics kept at rate 0.05; a sample is good within 3 standard "
                "deviations; the paper's reverse KL is kl_high_quality here; ten runs, standard errors",
            ),
            open=("whether the table shows the last epoch or a chosen one",),
            chosen=(
                "the last epoch; 40 evaluations, where the code has one per epoch",
                "one training set for all seeds and methods (the code draws one per run); every batch, and "
                "every slot of a pack, is drawn from it anew, with replacement (the code goes through its "
                "fixed packs, and ALI's code through its samples, in shuffled order)",
                "running statistics take one step for every slot of a pack (in the code one step for the "
                "average of the slots, and 50 more after each epoch); they are those of the unbiased "
                "variance (in the code of the biased standard deviation)",
            ),
            checked={
                method: dict.fromkeys(("ring", "grid"), CheckedRun(3, "50000steps"))
                for method in ("gan", "ali", "pacgan2")
            },
        ),
    )


@register_suite("unrolled-2017")
def unrolled_2017() -> Suite:
    return Suite(
        title="Unrolled GAN's mixture on a ring, with the settings of an author's notebook",
        datasets=("ring",),
        methods=("unrolled",),
        metrics=MIXTURE_METRICS,
        budgets={"ring": "25000steps"},
        settings=_for_each(("ring",), batch=512, latent=256, width=128, architecture="unrolled-2017"),
        protocol=Protocol(
            paper="Unrolled Generative Adversarial Networks (Metz et al., 2017), arXiv:1611.02163",
            code=(
                "an author's notebook (poolio/unrolled_gan), which states that its settings are not those of "
                "the paper"
            ),
            gives=(
                "radius 1, standard deviation 0.01, fresh samples, batch 512, 256 latent dimensions; "
                "generator and discriminator of 2 x 128 tanh, orthogonal weights of gain 1.4; Adam, 1e-4 for "
                "the discriminator and 1e-3 for the generator, beta1 0.5; five steps unrolled, each a real "
                "Adam step on the same batch; 25,000 updates",
            ),
            open=(
                "the order of the two updates of an iteration",
                "any figure: the sources show only pictures of samples",
            ),
            chosen=(
                "both players are updated from the same networks and batch",
                "eight modes at equal angles; the notebook's angles include both ends of the circle, so it "
                "has seven modes, one of them twice as heavy",
            ),
        ),
    )


@register_suite("wgan-gp-2017")
def wgan_gp_2017() -> Suite:
    return Suite(
        title="WGAN-GP's mixtures on ring and grid, with the settings of the authors' code",
        datasets=("ring", "grid"),
        methods=("wgan-gp",),
        metrics=MIXTURE_METRICS,
        budgets={"ring": "100000steps", "grid": "100000steps"},
        settings={
            **_for_each(
                ("ring", "grid"), batch=256, latent=2, width=512, depth=3, architecture="wgan-gp-2017"
            ),
            "ring.circle": 2 / 1.414,
            "ring.std": 0.02 / 1.414,
            "grid.spacing": 2 / 2.828,
            "grid.std": 0.05 / 2.828,
            "grid.training_set": 100_000,
            "wgan-gp.penalty": 0.1,
        },
        protocol=Protocol(
            paper="Improved Training of Wasserstein GANs (Gulrajani et al., 2017), arXiv:1704.00028",
            code="the authors' code (igul222/improved_wgan_training, gan_toy.py)",
            gives=(
                "ring of radius 2 and standard deviation 0.02, divided by 1.414, fresh samples; grid "
                "{-4, -2, 0, 2, 4}^2 with standard deviation 0.05, divided by 2.828, 100,000 fixed samples; "
                "batch 256, 2 latent dimensions",
                "generator and critic of 3 x 512 ReLU, He's uniform initial weights; penalty 0.1, five "
                "critic steps per generator step, Adam 1e-4 with betas 0.5 and 0.9; 100,000 generator "
                "updates",
            ),
            open=("any figure: the sources show only pictures of samples and of critics",),
            chosen=(
                "samples are scored as on the other rings and grids: 2500 of them, good within 3 standard "
                "deviations",
                "He's initial weights at the output, too, where the code has those of Glorot and Bengio",
                "the grid's training set has random counts per mode, and batches are drawn from it with "
                "replacement (the code has 4000 samples per mode, in one fixed order)",
            ),
        ),
    )


@register_suite("rls-gan-2021")
def rls_gan_2021() -> Suite:
    datasets = ("unbalanced-ring", "unbalanced-grid")
    return Suite(
        title="Ring and grid with rare modes, with the settings of the paper on leverage score sampling",
        datasets=datasets,
        methods=RLS_METHODS,
        metrics=(*MIXTURE_METRICS, "minority_recall"),
        budgets=dict.fromkeys(datasets, "30000steps"),
        settings={
            **_for_each(
                datasets, batch=64, latent=25, width=128, architecture="rls-gan-2021", samples=10_000
            ),
            **_for_each(RLS_METHODS, lr=1e-3),
            **_for_each(RLS_METHODS, beta1=0.5),
            "modes.least": 50,
            "unrolled.discriminator_lr": 1e-3,
            "aegan.discriminator_lr": 1e-3,
            "wgan-gp.penalty": 0.1,
        },
        protocol=Protocol(
            paper=(
                "Leverage Score Sampling for Complete Mode Coverage in Generative Adversarial Networks "
                "(Schreurs et al., 2021), arXiv:2104.02373"
            ),
            code="the authors' code (joachimschreurs/RLS_GAN)",
            gives=(
                "ring of radius 2.5 and standard deviation 0.05, of whose 8 modes 4 are rare; grid of "
                "spacing 2 and standard deviation 0.05, of whose 25 modes 10 are rare; rare modes have a "
                "twentieth of the weight",
                "generator and discriminator of 2 x 128 tanh; 25 latent dimensions; Adam 1e-3 with beta1 "
                "0.5; batch 64; 30,000 updates",
                "10,000 samples, of which one within 3 standard deviations of a mode is good; a mode with "
                "50 good samples is covered; ten runs, means and standard deviations",
            ),
            open=(
                "which modes of the grid are rare; the initial weights; whether training data is a fixed set",
            ),
            chosen=(
                "the first ten modes of the grid are rare, which are its two leftmost columns",
                "a twentieth is relative to the weight of each other mode. A perfect sampler then has 32 "
                "samples of each rare mode of the grid and does not cover it by the rule of 50",
                "Glorot's uniform initial weights; fresh training samples without end",
                "all methods but gan and pacgan2 are in no row of the table; they have the same "
                "learning rates and beta1, and else their own settings",
            ),
            checked={method: dict.fromkeys(datasets, CheckedRun(10, "30000steps")) for method in RLS_METHODS},
        ),
    )
