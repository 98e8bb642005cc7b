"""The suite of remedies and references: what collapses, what should not, and what needs no training."""

from benchmark.registry import register_suite
from benchmark.suites.equal_compute import MIXTURE_METRICS
from benchmark.suites.fitted_rows import FITTED_ROWS
from benchmark.suites.suite import Suite

REMEDIES = ("lsgan", "r3gan", "d2gan", "msgan", "gdpp", "bourgan", "presgan", "mgan", "dist-gan", "mmd")

REFERENCES = ("flow-matching", "ddpm", "ddgan", "drifting", "spline-flow", "vae")

NOTES = {
    "spline-flow": (
        "In 1200 dimensions, spline-flow needs so many parameters that its budget pays for fewer than two "
        "hundred updates."
    ),
    "bourgan": (
        "With a small value of its setting spread, bourgan has latents that tell its 1024 training data "
        "apart, so that it nearly draws from them; scores of coverage do not see that."
    ),
}


@register_suite("references")
def references() -> Suite:
    return Suite(
        title="Remedies of mode collapse, and methods that should not collapse, beside fitted densities",
        datasets=("ring", "grid", "high-dimensional", "unbalanced-grid"),
        methods=("gan", *REMEDIES, *REFERENCES),
        metrics=(*MIXTURE_METRICS, "minority_recall"),
        budgets={
            "ring": "5e10flops",
            "grid": "2e11flops",
            "high-dimensional": "4e11flops",
            "unbalanced-grid": "2e11flops",
        },
        # At 20 points, the samples of ddpm in 1200 dimensions take five times the FLOPs of its training.
        settings={"high-dimensional.evaluations": 10},
        fitted_rows=FITTED_ROWS,
        notes=NOTES,
    )
