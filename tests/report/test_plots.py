"""Pictures of image runs, from records made by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.datasets.images import to_picture
from benchmark.records.cell import Cell, Configured, Trial
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.records.store import Store
from benchmark.report.pictures.image_sheets import image_figures, sheet
from benchmark.report.write import write_report
from benchmark.suites.budget import Budget

METRICS = {
    "modes": "higher",
    "high_quality": "higher",
    "kl": "lower",
    "ivom": "lower",
    "fid": "lower",
    "density": "one",
    "recall": "higher",
}
OF_MODES = ("modes", "high_quality", "kl")
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

    monkeypatch.setattr("benchmark.datasets.stacked_digits.load_digits", load)
    monkeypatch.setattr("benchmark.datasets.cifar.load_cifar10", load)


def images(*shape):
    return RNG.integers(256, size=shape, dtype=np.uint8)


def metrics_of(modes):
    return {
        name: {"features": "raw"} if name == "fid" else {}
        for name in METRICS
        if modes or name not in OF_MODES
    }


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
    cell = Cell(
        "made-up",
        Configured(dataset, {"width": 4}),
        Configured(method, {}),
        names,
        Budget(5, "steps"),
        (seed,),
        (seed,),
    )
    scores = dict.fromkeys(names, 0.5 + 0.1 * seed) if arrays else {}
    audit = {"group": [seed], "compiled": False, "peak_memory_bytes": 1}
    trained = bool(scores) and method not in CALIBRATION_ROWS
    curve = [{"point": i, **SPENT, "flops": i, "metrics": scores} for i in range(1, 6)] if trained else []
    known = {"modes_total": manifest["modes"][dataset], "facts": manifest["metrics"][dataset]}
    store.write(cell, [Trial(seed, status, scores, audit, curve, arrays or {})], known)


def facts(name):
    bounds = [0.0, None if METRICS[name] != "higher" or name == "modes" else 1.0]
    return {
        "better": METRICS[name],
        "bounds": bounds,
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
    return {
        file.name.removeprefix(f"{dataset}-").removesuffix(".png")
        for file in (store.root / "plots").iterdir()
    }


def figures(root, *rows):
    """The figures of trials (method, status, arrays, further columns), by name."""
    store = made_up(root, "stacked-mnist", 5)
    for method, status, arrays, columns in rows:
        record(store, "stacked-mnist", method, columns.get("seed", 0), status, arrays)
    shown = pd.DataFrame(
        [{"method": method, "seed": 0, "status": status, **columns} for method, status, _, columns in rows]
    )
    colours = {method: "tab:blue" for method, *_ in rows if method not in CALIBRATION_ROWS}
    kept = {record["method"]: store.arrays(record) for record in store.survey().records}
    return dict(image_figures(kept, "stacked-mnist", shown.set_index("method"), colours))


def texts(figure):
    return [text.get_text() for text in figure.texts if text is not figure._suptitle]


def test_images_with_modes_have_all_pictures(tmp_path):
    store = made_up(tmp_path, "stacked-mnist", 5)
    for method in ("real-data", "collapsed", "gan"):
        record(store, "stacked-mnist", method, 0, arrays=arrays_of())
        record(store, "stacked-mnist", method, 1, arrays=arrays_of())
    record(
        store, "stacked-mnist", "ali", 1, arrays=arrays_of(reconstructs=True)
    )  # of this one there is a single seed, and not the first
    record(store, "stacked-mnist", "dcgan", 0, "diverged")
    write_report(store)
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
    write_report(store)
    assert pictures(store, "cifar10") == {"samples", "nearest", "metrics", "curves"}
    assert "Samples of gan, seed 0: IvOM 0.5000, FID 0.5 (raw)" in (tmp_path / "report.html").read_text()


def test_a_picture_that_no_longer_applies_goes(tmp_path):
    store = made_up(tmp_path, "cifar10", 0)
    record(store, "cifar10", "gan", arrays=arrays_of(counts=False))
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "cifar10-reconstructions.png").write_bytes(b"old")
    (tmp_path / "plots" / "mine.png").write_bytes(b"the user's own")
    write_report(store)
    assert pictures(store, "cifar10") == {"samples", "nearest", "metrics", "curves", "mine"}


def test_a_run_without_a_finished_method_has_no_pictures(tmp_path):
    store = made_up(tmp_path, "cifar10", 0)
    record(store, "cifar10", "real-data", arrays=arrays_of(counts=False))
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "cifar10-metrics.png").write_bytes(b"old")
    write_report(store)
    assert pictures(store, "cifar10") == set()


def test_trials_that_all_diverged_before_anything_was_kept(tmp_path):
    store = made_up(tmp_path, "stacked-mnist", 5)
    record(store, "stacked-mnist", "gan", status="diverged")
    write_report(store)
    assert pictures(store, "stacked-mnist") == {"metrics", "curves"}


def test_captions_tell_seed_state_and_scores(tmp_path):
    found = figures(
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
            {"modes_total": 5, "ivom": 0.0213, "fid": 31.416, "fid_features": "raw"},
        ),
    )
    assert texts(found["samples"]) == [
        "real-data, seed 0\n5 of 5 modes, 97.5% high quality",
        "gan, seed 0 (diverged)\n",
        "no samples were kept",
        "ali, seed 3 (diverged)\n2 of 5 modes, 50.0% high quality",
        "dcgan, seed 0\nIvOM 0.0213, FID 31.42 (raw)",
    ]
    assert texts(found["nearest"]) == ["real-data, seed 0", "dcgan, seed 0"]
    assert len(found["samples"].images) == 3
    assert set(found) == {"samples", "mode-counts", "nearest"}


def test_mode_counts_are_sorted_and_a_line_ends_where_modes_are_missing(tmp_path):
    real = {**arrays_of(), "mode_counts": np.array([90, 100, 110, 95, 105])}
    axes = figures(
        tmp_path, ("real-data", "ok", real, {}), ("gan", "ok", arrays_of(), {}), ("ali", "diverged", None, {})
    )["mode-counts"].axes[0]
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
    rows = [
        (method, "ok", arrays_of(), {"overlap": 0.25, "modes": 5.0, "modes_total": 5})
        for method in (*CALIBRATION_ROWS, "gan")
    ]
    found = figures(tmp_path, *rows)
    told = "overlap 0.25, 5 of 5 modes"
    assert texts(found["samples"]) == [
        f"{method}, seed 0\n{told}" for method in ("real-data", "noise", "gan")
    ]
    lines = {
        line.get_label().partition(",")[0]: line.get_linestyle()
        for line in found["mode-counts"].axes[0].lines
    }
    assert lines == {"real-data": "--", "noise": "-.", "gan": "-"}


def rendered(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_pixel_is_drawn_as_a_square_of_its_own(tmp_path, channels):
    arrays = arrays_of(channels, reconstructs=True)
    found = figures(tmp_path, ("ali", "ok", arrays, {}))
    wide = 12 if channels == 3 else 12 * channels
    across = {1: 8, 2: 4, 3: 8, 4: 2}[channels]
    n = min(12, 700 // wide)
    samples = [arrays["samples"][first : first + across] for first in range(0, 8 * across, across)]
    expected = {"samples": samples, "nearest": (arrays["samples"][:n], arrays["nearest"][:n])}
    expected["reconstructions"] = arrays["reconstructions"][:, :n]
    for name, rows in expected.items():
        (image,) = found[name].images
        whole = sheet(list(rows))
        zoom = image.get_array().shape[0] // len(whole)
        assert zoom > 1
        drawn = rendered(found[name])
        top = len(drawn) - image.oy - zoom * len(whole)
        square = drawn[top : top + zoom * len(whole), image.ox : image.ox + zoom * whole.shape[1]]
        assert np.array_equal(square, whole.repeat(zoom, axis=0).repeat(zoom, axis=1))
        assert top > 0
        assert image.ox + zoom * whole.shape[1] < drawn.shape[1]


def test_sheets_do_not_cover_each_other_or_their_captions(tmp_path):
    rows = [
        (method, "ok", arrays_of(reconstructs=True), {})
        for method in ("gan", "ali", "dcgan", "wgan-gp", "veegan")
    ]
    for name, figure in figures(tmp_path, *rows).items():
        if name != "mode-counts":
            height, width, _ = rendered(figure).shape
            boxes = [
                (i.ox, i.oy, i.ox + i.get_array().shape[1], i.oy + i.get_array().shape[0])
                for i in figure.images
            ]
            boxes += [tuple(text.get_window_extent().extents) for text in figure.texts]
            assert len(boxes) == 11
            for i, (left, low, right, high) in enumerate(boxes):
                assert 0 <= left < right <= width
                assert 0 <= low < high <= height
                assert all(left >= r or right <= x or low >= h or high <= y for x, y, r, h in boxes[:i])


def test_a_few_samples_make_a_smaller_sheet(tmp_path):
    found = figures(tmp_path, ("gan", "ok", arrays_of(n=5), {}))
    (image,) = found["samples"].images
    assert image.get_array().shape[1] / image.get_array().shape[0] == 5
    assert rendered(found["samples"]).shape[1] >= 900


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
    assert all(torch.equal(to_picture(x[:, :3])[..., i], x[:, i]) for i in range(3))
    for channels in (1, 2, 4):
        grey = to_picture(x[:, :channels])
        assert grey.shape == (2, 2, 2 * channels, 3)
        for i in range(channels):
            assert all(torch.equal(grey[:, :, 2 * i : 2 * i + 2, colour], x[:, i]) for colour in range(3))
