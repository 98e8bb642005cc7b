"""Whatever is in a file of samples, there is an array or one line."""

import contextlib
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.fuzz import fuzz, run_many_cases

from benchmark.errors import UsageError
from benchmark.registry import DATASETS


class Payload:
    """Leaves a file where it is unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(arrays, compressed=True):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, data in arrays.items():
            archive.writestr(name, data)
    return stream.getvalue()


def png():
    """A black picture."""
    stream = io.BytesIO()
    Image.new("RGB", (28, 28)).save(stream, "PNG")
    return stream.getvalue()


def header(description):
    """A .npy file that promises what it does not hold."""
    text = repr(description).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


GOOD = npy(np.zeros((5, 2), np.float32))

FILES = {
    "good": GOOD,
    "pickle": pickle.dumps(Payload()),
    "objects": npy(np.array([Payload()], dtype=object), allow_pickle=True),
    "objects-in-npz": npz({"a.npy": npy(np.array([Payload()], dtype=object), allow_pickle=True)}),
    "promise": header({"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)}),
    "endless": header({"descr": "<f8", "fortran_order": False, "shape": (10**400,)}),
    "negative": header({"descr": "<f8", "fortran_order": False, "shape": (-5, 2)}),
    "structured": npy(np.zeros(3, dtype=[("a", "f4"), ("b", "i2")])),
    "complex": npy(np.zeros((4, 2), np.complex64)),
    "text": npy(np.array([["a", "b"]] * 3)),
    "times": npy(np.zeros((4, 2), "datetime64[s]")),
    "empty": npy(np.zeros((0, 2))),
    "scalar": npy(np.float32(3)),
    "boolean": npy(np.ones((4, 2), bool)),
    "huge": npy(np.full((3, 2), 1e300)),
    "half": npy(np.zeros((4, 2), np.float16)),
    "npz": npz({"a.npy": GOOD}),
    "two": npz({"a.npy": GOOD, "b.npy": GOOD}),
    "not-npy": npz({"a.txt": b"hello"}),
    "pictures": npz({"0.png": png(), "1.png": png()}, compressed=False),
    "csv": b"x,y\n1,2\n3,4\n",
    "csv-ragged": b"1,2\n3\n",
    "csv-quote": b'"1,2\n3,4',
    "csv-wide": b",".join([b"1"] * 5000) + b"\n",
    "csv-digits": b"1," + b"9" * 6000 + b"\n1,2\n",
}


@st.composite
def broken(draw):
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    if data and len(data) < 10**6:
        for _ in range(draw(st.integers(0, 3))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        if draw(st.booleans()):
            data = data[: draw(st.integers(0, len(data)))]
    return bytes(data)


@fuzz
@given(
    content=st.one_of(broken(), st.binary(max_size=40)),
    suffix=st.sampled_from([".npy", ".npz", ".csv", ".zip", ".pkl", ""]),
)
def test_sample_files(tmp_path, monkeypatch, content, suffix):
    from benchmark.scoring.given_samples import pack_given
    from benchmark.scoring.sample_files import load_samples

    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"samples{suffix}"
    file.write_bytes(content)
    with contextlib.suppress(UsageError):
        data = DATASETS.get("stacked-mnist" if suffix == ".zip" else "ring")()
        pack_given(load_samples(file, data), file, data, None)
    assert not (tmp_path / "unpickled").exists()


def test_an_archive_that_unpacks_to_more_than_fits_is_not_unpacked(tmp_path, monkeypatch):
    from benchmark.scoring.sample_files import load_samples

    file = tmp_path / "samples.npz"
    file.write_bytes(npz({"a.npy": npy(np.zeros((10**6, 2)))}))
    assert file.stat().st_size < 10**5
    monkeypatch.setattr("benchmark.scoring.sample_files.LARGEST_ARCHIVE_BYTES", 10**6)
    with pytest.raises(UsageError, match="unpacks to 16000128 bytes"):
        load_samples(file, DATASETS.get("ring")())


@pytest.mark.long
def test_hundreds_of_cases():
    run_many_cases(__file__)
