"""Shared fixtures."""

import pickle
import signal

import numpy as np
import pytest
import torch
from support.celeba import write_celeba
from support.idx import write_idx
from support.plugins import forget_plugins
from support.shared import shared_folder

from benchmark.commands.cli import main
from benchmark.registry.packages import use_own_packages

# Fixtures of a session are made before `_one_thread`; sums of several threads end in other digits.
torch.set_num_threads(1)

# The folders of the tests are called like the packages that they test.
use_own_packages()


@pytest.fixture(autouse=True)
def _one_thread():
    """Timings do not matter here, and small products are fastest on one thread."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _signals_are_heard():
    """What tests start hears signals, even if the tests themselves are started with `nohup`."""
    stops = (signal.SIGINT, signal.SIGHUP)
    ignored = [number for number in stops if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def cli(capsys):
    """Runs a command line in this process; returns (status, stdout, stderr)."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(autouse=True)
def _forget_plugins():
    yield
    forget_plugins()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The directory of a tiny finished run: all methods of the suite on two datasets, two seeds."""
    options = [
        "--datasets",
        "ring,high-dimensional",
        "--seeds",
        "2",
        "--budget",
        "2e9flops",
        "--set",
        "ivom.iterations=5",
        "--set",
        "high-dimensional.samples=600",
        "--set",
        "high-dimensional.held_out=1300",
    ]

    def fill(folder):
        assert main(["run", "--suite", "synthetic", *options, "--out", str(folder / "run")]) == 0

    return shared_folder(tmp_path_factory, "tiny", fill) / "run"


@pytest.fixture(scope="session")
def digits_root(tmp_path_factory):
    """A data root with made-up digits in the format of MNIST: one to five bars across or down, shifted and
    noisy. Smaller than MNIST.
    """
    root = tmp_path_factory.mktemp("data")
    write_digits(root / "MNIST" / "raw")
    return root


@pytest.fixture(scope="session")
def cifar_root(tmp_path_factory):
    """A data root with made-up pictures in the format of CIFAR-10."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    random = np.random.default_rng(0)
    sizes = {f"data_batch_{i}": 400 for i in range(1, 6)} | {"test_batch": 2000}
    for name, size in sizes.items():
        labels = random.integers(10, size=size)
        pictures = (20 * labels[:, None] + random.integers(40, size=(size, 3072))).astype(np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": pictures, "labels": labels.tolist()}, protocol=2))
    return root


@pytest.fixture(scope="session")
def celeba_root(tmp_path_factory):
    """A data root with made-up photographs in the format of CelebA."""
    root = tmp_path_factory.mktemp("data")
    write_celeba(root / "celeba", (100, 100, 100))
    return root


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Nothing that tests train ends in the user's cache, and no test reads the user's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        patch.delenv("BENCHMARK_DATA_ROOT", raising=False)
        patch.delenv("BENCHMARK_FID_WEIGHTS", raising=False)
        yield


def write_digits(folder, train=3000, test=1000):
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for prefix, n in (("train", train), ("t10k", test)):
        labels = random.permutation(np.arange(n) % 10).astype(np.uint8)
        images = random.integers(30, size=(n, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            top, left = random.integers(3, size=2)
            view = image if label < 5 else image.T
            for bar in range(label % 5 + 1):
                view[top + 5 * bar : top + 5 * bar + 2, left : left + 22] = 230
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)
