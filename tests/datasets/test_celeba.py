"""CelebA, from made-up files in its format."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from benchmark.datasets import celeba_files
from benchmark.datasets.celeba import CelebA
from benchmark.datasets.places import using
from benchmark.errors import UsageError


@pytest.fixture
def own(celeba_root, tmp_path, monkeypatch):
    """A copy of the made-up files that may be damaged, and a cache without them."""
    root = tmp_path / "data"
    shutil.copytree(celeba_root, root)
    monkeypatch.setenv("BENCHMARK_CACHE", str(tmp_path / "cache"))
    celeba_files._load.cache_clear()
    with using(str(root), None):
        yield root / "celeba"
    celeba_files._load.cache_clear()


def small(**settings):
    return CelebA(**{"original": False, "held_out": 50, "samples": 50, **settings})


def refused(data):
    with pytest.raises(UsageError) as error:
        data.prepare()
    line = str(error.value)
    assert "\n" not in line
    return line


def test_images_are_those_of_torchvision_cut_and_made_smaller(own, monkeypatch):
    data = small()
    assert data.preparation.what == "the photographs are decoded"
    digest = data.prepare()["data"]
    monkeypatch.setattr(datasets.CelebA, "_check_integrity", lambda self: True)
    for split, name in (("train", "train"), ("calibration", "valid"), ("held-out", "test")):
        theirs = datasets.CelebA(str(own.parent), name)
        assert len(data.pool(split)) == len(theirs) == 100
        picture = theirs[7][0].crop((0, 20, 178, 198)).resize((32, 32), Image.Resampling.BILINEAR)
        expected = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        assert (data.pool(split)[7].int() - expected.int()).abs().max() <= 1
    assert data.shape == (3, 32, 32)
    assert data.fingerprint == digest


def test_images_are_decoded_once(own, monkeypatch):
    first = small().prepare()
    celeba_files._load.cache_clear()
    assert small().preparation is None
    monkeypatch.setattr(celeba_files, "_decode", None)
    assert small().prepare() == first
    monkeypatch.undo()


def test_a_damaged_cache_is_made_anew(own, capsys):
    first = small().prepare()
    (file,) = (own.parents[1] / "cache").glob("celeba-*")
    file.write_bytes(file.read_bytes()[:100])
    celeba_files._load.cache_clear()
    assert small().prepare() == first
    assert "is damaged; the images have to be decoded again" in capsys.readouterr().err


def test_another_side(own):
    assert small(side=16).pool("train").shape == (100, 3, 16, 16)
    for side in (7, 179):
        with pytest.raises(ValueError, match="side must be a whole number from 8 to 178"):
            small(side=side)


def test_splits_do_not_meet(own):
    data = small()
    for split in ("held-out", "calibration"):
        x = data.draw(50, data.stream(0, "data"), split)
        assert len(x.unique(dim=0)) == 50
        assert not (x[:, None] == data.pool("train")).flatten(2).all(dim=2).any()


def test_more_than_there_are(own):
    assert "celeba: 101 held-out images were asked for, and there are 100" in refused(small(held_out=101))


def test_lists_that_are_not_the_originals(own):
    assert "list_attr_celeba.txt: is not CelebA's (its MD5 is" in refused(small(original=True))


def test_a_missing_list(own):
    (own / "list_bbox_celeba.txt").unlink()
    assert "list_bbox_celeba.txt: is missing" in refused(small())


def test_a_list_of_something_else(own):
    (own / "list_eval_partition.txt").write_text("something else\n")
    assert "its lists are not CelebA's" in refused(small())


def test_a_missing_image(own):
    (own / "img_align_celeba" / "000150.jpg").unlink()
    assert "000150.jpg: No such file or directory" in refused(small())


def test_an_image_that_is_none(own):
    (own / "img_align_celeba" / "000150.jpg").write_bytes(b"none")
    assert "000150.jpg: is not a whole image" in refused(small())
