"""Image files: what is whole is read, anything else is one clear line."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from support.idx import write_idx
from torchvision import datasets

from benchmark.datasets import image_files as sources
from benchmark.datasets.image_files import load_cifar10, load_digits
from benchmark.datasets.places import using
from benchmark.errors import UsageError

RAW = "MNIST/raw"


@pytest.fixture
def own(digits_root, tmp_path):
    """A copy of the made-up digits that may be damaged."""
    root = tmp_path / "data"
    shutil.copytree(digits_root, root)
    with using(str(root), None):
        yield root / RAW


def refused(load=lambda: load_digits("MNIST", original=False)):
    with pytest.raises(UsageError) as error:
        load()
    line = str(error.value)
    assert "\n" not in line
    return line


def test_digits_are_read_through_torchvision(own, digits_root):
    files = load_digits("MNIST", original=False)
    assert files.train.shape == (3000, 1, 28, 28)
    assert files.test.shape == (1000, 1, 28, 28)
    assert files.train.dtype == torch.uint8
    assert torch.equal(files.train[:, 0], datasets.MNIST(str(digits_root)).data)
    assert torch.equal(files.test_labels, datasets.MNIST(str(digits_root), train=False).targets)


def test_files_that_are_not_the_originals_are_refused_unless_allowed(own):
    line = refused(lambda: load_digits("MNIST", original=True))
    assert "train-images-idx3-ubyte: is not MNIST's (its MD5 is" in line
    assert "original=false" in line


def test_a_missing_file(own):
    (own / "t10k-labels-idx1-ubyte").unlink()
    assert "t10k-labels-idx1-ubyte: is missing" in refused()


@pytest.mark.parametrize("name", sources.IDX_FILES)
def test_a_truncated_file(own, name):
    content = (own / name).read_bytes()
    (own / name).write_bytes(content[: len(content) // 2])
    assert name in refused()


def test_an_empty_file(own):
    (own / "train-images-idx3-ubyte").write_bytes(b"")
    assert "train-images-idx3-ubyte" in refused()


def test_a_foreign_file(own):
    (own / "train-labels-idx1-ubyte").write_text("no labels")
    assert "train-labels-idx1-ubyte" in refused()


def test_images_of_another_size(own):
    write_idx(own / "train-images-idx3-ubyte", np.zeros((3000, 32, 32), np.uint8))
    assert "holds images of shape (32, 32), not (28, 28)" in refused()


def test_labels_of_other_images(own):
    write_idx(own / "train-labels-idx1-ubyte", np.zeros(2999, np.uint8))
    assert "2999 labels for 3000 images" in refused()
    write_idx(own / "train-labels-idx1-ubyte", np.full(3000, 11, np.uint8))
    assert "labels other than all of 0 to 9" in refused()


def test_a_data_root_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA_ROOT", str(tmp_path / "nowhere"))
    line = refused()
    assert "--data-root" in line
    assert "nowhere: is no directory" in line
    assert f"{RAW}/train-images-idx3-ubyte" in line


def test_a_data_root_without_permission(own, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    assert "train-images-idx3-ubyte: Permission denied" in refused()


def test_without_a_data_root_a_failing_download_leaves_nothing_and_says_how_to_go_on(tmp_path, monkeypatch):
    def fails(root, download):
        (sources.Path(root) / "MNIST").mkdir()
        raise OSError("no route to host")

    monkeypatch.setenv("BENCHMARK_CACHE", str(tmp_path))
    monkeypatch.setattr(datasets, "MNIST", fails)
    line = refused()
    assert "cannot be downloaded (no route to host); give --data-root DIR" in line
    assert list((tmp_path / "data").iterdir()) == []


def test_a_download_is_kept_and_done_once(tmp_path, digits_root, monkeypatch):
    asked = []
    real = datasets.MNIST

    def fetches(root, train=True, download=False):
        if download:
            asked.append(root)
            shutil.copytree(digits_root, root, dirs_exist_ok=True)
        return real(root, train=train)

    monkeypatch.setenv("BENCHMARK_CACHE", str(tmp_path))
    monkeypatch.setattr(datasets, "MNIST", fetches)
    first, second = load_digits("MNIST", original=False), load_digits("MNIST", original=False)
    assert first is second
    assert len(asked) == 1
    assert (tmp_path / "data" / RAW / "train-images-idx3-ubyte").is_file()


def test_cifar_is_read_as_torchvision_reads_it(cifar_root, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(datasets.CIFAR10, "_load_meta", lambda self: None)
    with using(str(cifar_root), None):
        files = load_cifar10(original=False)
    for train, images, labels in (
        (True, files.train, files.train_labels),
        (False, files.test, files.test_labels),
    ):
        theirs = datasets.CIFAR10(str(cifar_root), train=train)
        assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), theirs.data)
        assert labels.tolist() == theirs.targets


def test_cifar_that_is_not_the_original_is_refused_unless_allowed(cifar_root):
    with using(str(cifar_root), None):
        assert "data_batch_1: is not CIFAR-10's" in refused(lambda: load_cifar10(original=True))


class Harm:
    def __reduce__(self):
        return eval, ("open('harm', 'w')",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"data": Harm()}),
        b"",
        b"no pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": b"x" * 10}),
    ],
)
def test_foreign_batches_of_cifar_are_refused_and_not_run(cifar_root, tmp_path, monkeypatch, content):
    root = tmp_path / "data"
    shutil.copytree(cifar_root, root)
    (root / "cifar-10-batches-py" / "data_batch_3").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with using(str(root), None):
        assert "data_batch_3: is not a whole batch of CIFAR-10" in refused(
            lambda: load_cifar10(original=False)
        )
    assert not (tmp_path / "harm").exists()
