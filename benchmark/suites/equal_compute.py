"""The suites of this benchmark: equal compute for every method."""

from dataclasses import replace

from benchmark.registry import register_suite
from benchmark.suites.suite import Suite

METHODS = ("gan", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan")

NEIGHBOURHOODS = ("precision", "recall", "density", "coverage")

COMMON_METRICS = ("modes", "high_quality", "kl", "ivom", "fid", "modes_robust")

MIXTURE_METRICS = (
    *COMMON_METRICS,
    "kl_high_quality",
    "within_mode_std",
    "high_quality_legacy",
    "overlap",
    "kl_joint",
    "mode_entropy",
    "out_of_range",
    "energy_distance",
    "clipped_density",
    "clipped_coverage",
)

DIGIT_METRICS = (
    *COMMON_METRICS,
    *NEIGHBOURHOODS,
    "overlap",
    "kl_joint",
    "mode_entropy",
    "modes_confident",
    "modes_confident_robust",
    "clipped_density",
    "clipped_coverage",
)

IMAGE_NOTES = {
    "gan": (
        "gan is fully connected on images, with about eleven times the parameters of dcgan "
        "at the default width."
    )
}

# On images, the learning rates of the image experiments in the papers or their code, times five: with the
# papers' own, the default budgets end within the transient. Unrolled GAN keeps its generator's rate for
# mixtures, ten times that of the public code for images, beside that code's for the discriminator; its loss
# is the non-saturating one of that code.
IMAGE_SETTINGS = {
    "gan.lr": 1e-3,
    "gan.beta1": 0.5,
    "dcgan.lr": 1e-3,
    "wgan-gp.lr": 5e-4,
    "unrolled.discriminator_lr": 2e-4,
    "unrolled.saturating": False,
    "ali.lr": 1e-3,
    "ali.beta1": 0.5,
    "aegan.lr": 1e-3,
    "aegan.discriminator_lr": 2.5e-3,
    # On images, PacGAN is the paper's PacDCGAN: DCGAN's settings.
    "pacgan2.lr": 1e-3,
    "pacgan2.beta1": 0.5,
    "pacgan3.lr": 1e-3,
    "pacgan3.beta1": 0.5,
    "pacgan4.lr": 1e-3,
    "pacgan4.beta1": 0.5,
}


@register_suite("synthetic")
def synthetic() -> Suite:
    return Suite(
        title="Gaussian mixtures in 2 and 1200 dimensions, whose modes and densities are exact",
        datasets=("ring", "grid", "high-dimensional"),
        methods=METHODS,
        metrics=MIXTURE_METRICS,
        budgets={"ring": "2e11flops", "grid": "8e11flops", "high-dimensional": "8e11flops"},
        # The weight of the gradient penalty in the WGAN-GP authors' code for mixtures; 10 is theirs for
        # images.
        settings={"wgan-gp.penalty": 0.1},
    )


@register_suite("stacked-mnist")
def stacked_mnist() -> Suite:
    return _stacked("stacked-mnist", "MNIST digits")


@register_suite("stacked-fashion-mnist")
def stacked_fashion_mnist() -> Suite:
    return _stacked("stacked-fashion-mnist", "FashionMNIST articles")


@register_suite("unbalanced-stacked-mnist")
def unbalanced_stacked_mnist() -> Suite:
    suite = _stacked("unbalanced-stacked-mnist", "MNIST digits, half of them rare")
    return replace(suite, metrics=(*suite.metrics, "minority_recall"))


@register_suite("shapes")
def shapes() -> Suite:
    return Suite(
        title="Rendered figures: images whose modes, factors and manifold are exact",
        datasets=("shapes",),
        methods=METHODS,
        metrics=(
            *COMMON_METRICS,
            "overlap",
            "kl_joint",
            "mode_entropy",
            "off_manifold",
            "overlap_x",
            "overlap_y",
            "overlap_size",
            "overlap_rotation",
        ),
        budgets={"shapes": "6e12flops"},
        settings=IMAGE_SETTINGS,
        notes=IMAGE_NOTES,
    )


@register_suite("curves")
def curves() -> Suite:
    datasets = ("two-moons", "spirals", "ring-of-rings")
    return Suite(
        title="Curved and nested supports without modes, judged by distances between samples",
        datasets=datasets,
        methods=METHODS,
        metrics=(
            "energy_distance",
            "sliced_wasserstein",
            "ivom",
            "fid",
            "clipped_density",
            "clipped_coverage",
            "out_of_range",
        ),
        budgets=dict.fromkeys(datasets, "2e11flops"),
        settings={"wgan-gp.penalty": 0.1},
    )


@register_suite("cifar10")
def cifar10() -> Suite:
    return _photographs("cifar10", "Photographs")


@register_suite("celeba")
def celeba() -> Suite:
    return _photographs("celeba", "Photographs of faces")


def _photographs(dataset: str, content: str) -> Suite:
    return Suite(
        title=f"{content} whose modes are not known, judged by IvOM and Fréchet distance",
        datasets=(dataset,),
        methods=METHODS,
        metrics=("ivom", "fid", *NEIGHBOURHOODS, "clipped_density", "clipped_coverage"),
        budgets={dataset: "6e12flops"},
        settings={**IMAGE_SETTINGS, "ivom.points": 1000},
        notes=IMAGE_NOTES,
    )


def _stacked(dataset: str, content: str) -> Suite:
    return Suite(
        title=f"Images of three stacked {content}: 1000 modes that a classifier tells apart",
        datasets=(dataset,),
        methods=METHODS,
        metrics=DIGIT_METRICS,
        budgets={dataset: "6e12flops"},
        settings=IMAGE_SETTINGS,
        notes=IMAGE_NOTES,
    )
