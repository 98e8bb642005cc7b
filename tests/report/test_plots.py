"""Pictures of image runs, from records made by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from support.made_up import report_of

from benchmark.datasets.images import to_picture
from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.schema import CALIBRATION_ROWS, STANDARD_ROWS, DatasetFacts
from benchmark.records.store import Store
from benchmark.report.pictures.image_sheets import image_figures, sheet
from benchmark.report.styles import styles_of
from benchmark.suites.budget import Budget

BETTER = {
    "modes": "higher",
    "high_quality": "higher",
    "kl": "lower",
    "ivom": "lower",
    "fid": "lower",
    "density": "one",
    "recall": "higher",
}
METRICS_OF_MODES = ("modes", "high_quality", "kl")
RNG = np.random.default_rng(0)
SPENT = {
    "flops": 1.0,
    "generator_steps": 1,
    "discriminator_steps": 1,
    "samples_seen": 1,
    "device_seconds": 1.0,
}


@pytest.fixture(autouse=True)
def _no_images(monkeypatch):
    """A report needs none of the files of a dataset."""

    def load(*arguments):
        raise AssertionError("a report read images")

    monkeypatch.setattr("benchmark.datasets.stacked.load_digits", load)
    monkeypatch.setattr("benchmark.datasets.cifar.load_cifar10", load)


def images(*shape):
    return RNG.integers(256, size=shape, dtype=np.uint8)


def metrics_of(modes):
    """The settings of the metrics of a dataset with or without modes, by name."""
    settings = {name: {} for name in BETTER if modes or name not in METRICS_OF_MODES}
    settings["fid"] = {"features": "raw"}
    return settings


def arrays_of(channels=3, counts=True, reconstructs=False, n=70):
    arrays = {"samples": images(n, channels, 12, 12), "nearest": images(min(n, 12), channels, 12, 12)}
    if counts:
        arrays["mode_counts"] = np.array([300, 0, 150, 0, 50])
    if reconstructs:
        arrays["reconstructions"] = images(2, 12, channels, 12, 12)
    return arrays


def record(store, dataset, method, seed=0, status="ok", arrays=None):
    manifest = store.manifest()
    names = manifest["configuration"]["metrics"][dataset]
    data, network = Configured(dataset, {"width": 4}), Configured(method, {})
    metrics = tuple(Configured(name, settings) for name, settings in names.items())
    cell = Cell("made-up", data, network, metrics, Budget(5, "steps"), (seed,), (seed,))
    scores = dict.fromkeys(names, 0.5 + 0.1 * seed) if arrays else {}
    audit = {"group": [seed], "compiled": False, "peak_memory_bytes": 1}
    trained = bool(scores) and method not in CALIBRATION_ROWS
    curve = []
    if trained:
        curve = [{"point": i, **SPENT, "flops": i, "metrics": scores} for i in range(1, 6)]
    facts_of_dataset = DatasetFacts(manifest["modes"][dataset], manifest["metrics"][dataset])
    store.trials.write(cell, [Trial(seed, status, scores, audit, curve, arrays or {})], facts_of_dataset)


def facts(name):
    """How to read a metric."""
    is_share = BETTER[name] == "higher" and name != "modes"
    return {
        "better": BETTER[name],
        "bounds": [0.0, 1.0 if is_share else None],
        "best": None,
        "scale": "linear",
        "ranked": True,
        "samples": 500,
    }


def made_up(root, dataset, modes):
    store = Store(root)
    names = metrics_of(modes)
    store.write_manifest(
        {
            "suite": "made-up",
            "command": [],
            "configuration": {
                "datasets": {dataset: {}},
                "methods": {dataset: {"gan": {}, "ali": {}, "dcgan": {}}},
                "metrics": {dataset: names},
            },
            "costs": {},
            "metrics": {dataset: {name: facts(name) for name in names}},
            "modes": {dataset: modes},
            "fingerprints": {},
            "files": {},
            "versions": {},
            "hardware": {},
            "commit": None,
            "groups": {},
        }
    )
    return store


def pictures(store, dataset):
    """The names of the files in `plots/`, without dataset and suffix."""
    files = (store.root / "plots").iterdir()
    return {file.name.removeprefix(f"{dataset}-").removesuffix(".png") for file in files}


def figures(root, *rows):
    """The figures of trials (method, status, arrays, further columns), by name."""
    store = made_up(root, "stacked-mnist", 5)
    for method, status, arrays, columns in rows:
        record(store, "stacked-mnist", method, columns.get("seed", 0), status, arrays)
    trials = [{"method": method, "seed": 0, "status": status, **more} for method, status, _, more in rows]
    frame = pd.DataFrame(trials).set_index("method")
    styles = styles_of([method for method in frame.index if method not in CALIBRATION_ROWS])
    arrays = {trial["method"]: store.trials.arrays(trial) for trial in store.trials.survey().records}
    return dict(image_figures(arrays, "stacked-mnist", frame, styles))


def texts(figure):
    return [text.get_text() for text in figure.texts if text is not figure._suptitle]


def test_images_with_modes_have_all_pictures(tmp_path):
    store = made_up(tmp_path, "stacked-mnist", 5)
    for method in ("real-data", "collapsed", "gan"):
        record(store, "stacked-mnist", method, 0, arrays=arrays_of())
        record(store, "stacked-mnist", method, 1, arrays=arrays_of())
    # Of this one there is a single seed, and not the first.
    record(store, "stacked-mnist", "ali", 1, arrays=arrays_of(reconstructs=True))
    record(store, "stacked-mnist", "dcgan", 0, "diverged")
    report_of(store)
    assert pictures(store, "stacked-mnist") == {
        "samples",
        "mode-counts",
        "nearest",
        "reconstructions",
        "metrics",
        "curves",
    }
    assert all(file.stat().st_size > 5000 for file in (tmp_path / "plots").iterdir())
    page = (tmp_path / "report.html").read_text()
    assert page.count('class="pixels"') == 3  # real data, GAN, ALI
    assert "Samples of ali, seed 1: 1 of 5 modes, 60.0% high quality" in page
    assert "no samples were kept" in page


def test_images_without_modes_or_encoders_have_fewer(tmp_path):
    store = made_up(tmp_path, "cifar10", 0)
    for method in ("real-data", "collapsed", "gan"):
        record(store, "cifar10", method, arrays=arrays_of(counts=False))
    report_of(store)
    assert pictures(store, "cifar10") == {"samples", "nearest", "metrics", "curves"}
    assert "Samples of gan, seed 0: IvOM 0.5, FID 0.5 (raw)" in (tmp_path / "report.html").read_text()


def test_a_picture_that_no_longer_applies_goes(tmp_path):
    store = made_up(tmp_path, "cifar10", 0)
    record(store, "cifar10", "gan", arrays=arrays_of(counts=False))
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "cifar10-reconstructions.png").write_bytes(b"old")
    (tmp_path / "plots" / "mine.png").write_bytes(b"the user's own")
    report_of(store)
    assert pictures(store, "cifar10") == {"samples", "nearest", "metrics", "curves", "mine"}


def test_a_run_without_a_finished_method_has_no_pictures(tmp_path):
    store = made_up(tmp_path, "cifar10", 0)
    record(store, "cifar10", "real-data", arrays=arrays_of(counts=False))
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "cifar10-metrics.png").write_bytes(b"old")
    report_of(store)
    assert pictures(store, "cifar10") == set()


def test_trials_that_all_diverged_before_anything_was_kept(tmp_path):
    store = made_up(tmp_path, "stacked-mnist", 5)
    record(store, "stacked-mnist", "gan", status="diverged")
    report_of(store)
    assert pictures(store, "stacked-mnist") == {"metrics", "curves"}


def test_captions_tell_seed_state_and_scores(tmp_path):
    by_name = figures(
        tmp_path,
        ("real-data", "ok", arrays_of(), {"modes": 5.0, "modes_total": 5, "high_quality": 0.975}),
        ("collapsed", "ok", arrays_of(), {"modes": 1.0, "modes_total": 5, "high_quality": 1.0}),
        ("gan", "diverged", None, {}),
        (
            "ali",
            "diverged",
            {"samples": images(70, 3, 12, 12)},
            {"seed": 3, "modes": 2.0, "modes_total": 5, "high_quality": 0.5},
        ),
        (
            "dcgan",
            "ok",
            arrays_of(),
            {"clipped_coverage": 0.421, "ivom": 0.0213, "fid": 131.416, "fid_features": "raw"},
        ),
    )
    assert texts(by_name["samples"]) == [
        "real-data, seed 0\n5 of 5 modes, 97.5% high quality",
        "gan, seed 0 (diverged)\n",
        "no samples were kept",
        "ali, seed 3 (diverged)\n2 of 5 modes, 50.0% high quality",
        "dcgan, seed 0\nclipped coverage 0.42, IvOM 0.02, FID 131.4 (raw)",
    ]
    assert texts(by_name["nearest"]) == ["real-data, seed 0", "dcgan, seed 0"]
    assert len(by_name["samples"].images) == 3
    assert set(by_name) == {"samples", "mode-counts", "nearest"}


def test_mode_counts_are_sorted_and_a_line_ends_where_modes_are_missing(tmp_path):
    real = {**arrays_of(), "mode_counts": np.array([90, 100, 110, 95, 105])}
    rows = [("real-data", "ok", real, {}), ("gan", "ok", arrays_of(), {}), ("ali", "diverged", None, {})]
    (axes,) = figures(tmp_path, *rows)["mode-counts"].axes
    reference, gan, ali = axes.lines
    assert np.array_equal(reference.get_xydata(), [[1, 110], [2, 105], [3, 100], [4, 95], [5, 90]])
    assert np.array_equal(gan.get_xydata(), [[1, 300], [2, 150], [3, 50]])
    assert len(ali.get_xydata()) == 0
    assert (reference.get_linestyle(), gan.get_linestyle()) == ("--", "-")
    labels = [
        "real-data, seed 0: 5 of 5 modes",
        "gan, seed 0: 3 of 5 modes",
        "ali, seed 0 (diverged): not counted",
    ]
    assert [line.get_label() for line in axes.lines] == labels
    assert axes.get_xlim()[0] < 1
    assert axes.get_xlim()[1] > 5


def test_noise_has_a_panel_and_a_line_of_its_own_and_what_has_collapsed_has_none(tmp_path):
    scores = {"overlap": 0.25, "modes": 5.0, "modes_total": 5}
    rows = [(method, "ok", arrays_of(), scores) for method in (*STANDARD_ROWS, "gan")]
    by_name = figures(tmp_path, *rows)
    methods = ["real-data", "noise", "gan"]
    captions = [f"{method}, seed 0\noverlap 0.25, 5 of 5 modes" for method in methods]
    assert texts(by_name["samples"]) == captions
    (axes,) = by_name["mode-counts"].axes
    assert [line.get_label().partition(",")[0] for line in axes.lines] == methods
    assert [line.get_linestyle() for line in axes.lines] == ["--", "--", "-"]


def rendered(figure):
    """The picture of a figure, bytes of shape (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_pixel_is_drawn_as_a_square_of_its_own(tmp_path, channels):
    arrays = arrays_of(channels, reconstructs=True)
    by_name = figures(tmp_path, ("ali", "ok", arrays, {}))
    wide = 12 if channels == 3 else 12 * channels
    across = {1: 8, 2: 4, 3: 8, 4: 2}[channels]
    n = min(12, 700 // wide)
    expected = {
        "samples": [arrays["samples"][first : first + across] for first in range(0, 8 * across, across)],
        "nearest": (arrays["samples"][:n], arrays["nearest"][:n]),
        "reconstructions": arrays["reconstructions"][:, :n],
    }
    for name, rows in expected.items():
        (image,) = by_name[name].images
        whole = sheet(list(rows))
        zoom = image.get_array().shape[0] // len(whole)
        assert zoom > 1
        drawn = rendered(by_name[name])
        top = len(drawn) - image.oy - zoom * len(whole)
        square = drawn[top : top + zoom * len(whole), image.ox : image.ox + zoom * whole.shape[1]]
        assert np.array_equal(square, whole.repeat(zoom, axis=0).repeat(zoom, axis=1))
        assert top > 0
        assert image.ox + zoom * whole.shape[1] < drawn.shape[1]


def box_of(image):
    """The left, lower, right and upper end of an image in a figure."""
    height, width, _ = image.get_array().shape
    return image.ox, image.oy, image.ox + width, image.oy + height


def overlap(one, other):
    """Whether two boxes have a part in common."""
    left, low, right, high = one
    other_left, other_low, other_right, other_high = other
    beside = left >= other_right or right <= other_left
    above_or_below = low >= other_high or high <= other_low
    return not beside and not above_or_below


def test_sheets_do_not_cover_each_other_or_their_captions(tmp_path):
    methods = ("gan", "ali", "dcgan", "wgan-gp", "veegan")
    rows = [(method, "ok", arrays_of(reconstructs=True), {}) for method in methods]
    by_name = figures(tmp_path, *rows)
    assert set(by_name) == {"samples", "mode-counts", "nearest", "reconstructions"}
    for name in ("samples", "nearest", "reconstructions"):
        height, width, _ = rendered(by_name[name]).shape
        boxes = [box_of(image) for image in by_name[name].images]
        boxes += [tuple(text.get_window_extent().extents) for text in by_name[name].texts]
        assert len(boxes) == 11
        for left, low, right, high in boxes:
            assert 0 <= left < right <= width
            assert 0 <= low < high <= height
        assert not any(overlap(one, other) for one, other in combinations(boxes, 2))


def test_a_few_samples_make_a_smaller_sheet(tmp_path):
    by_name = figures(tmp_path, ("gan", "ok", arrays_of(n=5), {}))
    (image,) = by_name["samples"].images
    assert image.get_array().shape[1] / image.get_array().shape[0] == 5
    assert rendered(by_name["samples"]).shape[1] >= 900


def test_a_sheet_has_every_image_in_its_place():
    above, below = images(3, 3, 5, 4), images(2, 3, 5, 4)
    picture = sheet([above, below])
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * 6, 3 * 5, 3)
    for row, part in enumerate((above, below)):
        for i, image in enumerate(part):
            assert np.array_equal(
                picture[6 * row + 1 : 6 * row + 6, 5 * i + 1 : 5 * i + 5], image.transpose(1, 2, 0)
            )
    assert (picture[[0, 6]] == 255).all()
    assert (picture[:, [0, 5, 10]] == 255).all()
    assert (picture[6:, 10:] == 255).all()  # where there is no image


def test_colours_are_the_channels_and_other_images_are_grey():
    x = torch.arange(2 * 4 * 2 * 2, dtype=torch.uint8).view(2, 4, 2, 2)
    assert torch.equal(to_picture(x[:, :3]), x[:, :3].permute(0, 2, 3, 1))
    for channels in (1, 2, 4):
        grey = to_picture(x[:, :channels])
        assert grey.shape == (2, 2, 2 * channels, 3)
        for i in range(channels):
            image = grey[:, :, 2 * i : 2 * i + 2]
            assert torch.equal(image, x[:, i, :, :, None].expand_as(image))
