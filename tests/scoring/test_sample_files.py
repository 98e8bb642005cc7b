"""Files of samples as people have them: tables, archives of arrays, and pictures."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from benchmark.datasets.mixtures import Ring
from benchmark.datasets.stacked import StackedMNIST
from benchmark.errors import UsageError
from benchmark.scoring.given_samples import pack_given
from benchmark.scoring.sample_files import load_samples

RING = Ring()
STACKED = StackedMNIST()
GREY = StackedMNIST(digits=1)
POINTS = [[1.5, -2.0], [0.25, 3.0], [4.0, 5.0]]
PIXELS = np.random.default_rng(0).integers(256, size=(4, 28, 28, 3), dtype=np.uint8)


def read(file, data, array=None):
    return pack_given(load_samples(file, data, array), file, data, None)


HEADER = "line 1 (x,y) taken for a header"
TABLES = {
    "plain": ("{}\n{}\n{}\n", []),
    "blank-first-line": ("\n{}\n{}\n{}\n", []),
    "blank-lines": (" \n\n{}\n\n{}\n{}", []),
    "header": ("x,y\n{}\n{}\n{}\n", [HEADER]),
    "header-under-a-blank-line": ("\nx,y\n{}\n{}\n{}\n", ["line 2 (x,y) taken for a header"]),
    "quoted-header": ('"x","y"\n{}\n{}\n{}\n', [HEADER]),
    "numbered": ("0,1\n{}\n{}\n{}\n", ["line 1 (0,1) taken for a header"]),
    "mark": ("\ufeff{}\r\n{}\r\n{}\r\n", []),
    "trailing-commas": ("{},\n{},\n{},\n", ["empty columns at the right left out: 1"]),
    "header-and-trailing-commas": (
        "x,y\n{},,\n{},,\n{},,\n",
        [HEADER, "empty columns at the right left out: 2"],
    ),
}


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("name", TABLES)
def test_tables_keep_all_samples_and_say_what_was_left_out(tmp_path, name, quote):
    table, notes = TABLES[name]
    rows = [f"{quote}{x}{quote},{quote}{y}{quote}" for x, y in POINTS]
    file = tmp_path / "mine.CSV"
    file.write_text(table.format(*rows), encoding="utf-8", newline="")
    samples = read(file, RING)
    assert samples.packed.tolist() == POINTS
    assert samples.notes == notes


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("1.0,oops\n2,3\n4,5\n", "could not convert string to float: 'oops'"),
        (",\n1,2\n3,4\n", "1 of 3 samples are not finite"),
        ("1,\n2,3\n4,5\n", "1 of 3 samples are not finite"),
        (",x,y\n0,1,2\n1,3,4\n", "has shape (2, 3)"),
        ("1.5;2\n2;3\n", "could not convert"),
    ],
    ids=["word-in-a-sample", "empty-sample", "missing-value", "index", "semicolons"],
)
def test_a_faulty_first_sample_is_no_header(tmp_path, table, problem):
    (tmp_path / "mine.csv").write_text(table)
    with pytest.raises(UsageError) as error:
        read(tmp_path / "mine.csv", RING)
    assert problem in str(error.value)


def test_samples_beside_labels_are_read(tmp_path):
    """The files of guided diffusion: images with channels last, and their classes."""
    np.savez(tmp_path / "adm.NPZ.npz", PIXELS, np.arange(4))
    file = (tmp_path / "adm.NPZ.npz").rename(tmp_path / "adm.NPZ")
    for array in (None, "arr_0"):
        samples = read(file, STACKED, array)
        assert np.array_equal(samples.packed, PIXELS.transpose(0, 3, 1, 2))
        assert samples.notes == ["pixels taken for [0, 255]", "array arr_0 of 2", "channels last"]


def test_of_several_arrays_one_is_named(tmp_path):
    file = tmp_path / "two.npz"
    np.savez(file, a=np.array(POINTS), b=-np.array(POINTS), c=np.array([{}], dtype=object))
    samples = read(file, RING, "b")
    assert (samples.packed.tolist(), samples.notes) == ((-np.array(POINTS)).tolist(), ["array b of 3"])
    with pytest.raises(UsageError, match=r"holds no array 'arr_0'; it holds a, b, c"):
        read(file, RING, "arr_0")
    np.savez(file, a=np.array(POINTS), b=np.array(POINTS))
    with pytest.raises(UsageError, match=r"holds 2 arrays \(a, b\); say with --array NAME"):
        read(file, RING)
    np.save(tmp_path / "one.npy", POINTS)
    with pytest.raises(UsageError, match=r"--array is for \.npz files"):
        read(tmp_path / "one.npy", RING, "a")


def test_images_of_one_channel_need_no_axis_for_it(tmp_path):
    np.save(tmp_path / "grey.npy", PIXELS[..., 0])
    samples = read(tmp_path / "grey.npy", GREY)
    assert samples.packed.shape == (4, 1, 28, 28)
    assert samples.notes == ["pixels taken for [0, 255]", "one channel"]


def png(pixels, mode=None):
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


def animation(*pictures):
    stream = io.BytesIO()
    first, *others = [Image.fromarray(picture) for picture in pictures]
    first.save(stream, "PNG", save_all=True, append_images=others)
    return stream.getvalue()


GOOD = {f"run/{number}.png": png(pixels) for number, pixels in enumerate(PIXELS)}


@pytest.fixture(params=["directory", "zip"])
def keep(request, tmp_path):
    """Writes files to a directory, or to a zip file, and returns it."""

    def write(files):
        place = tmp_path / "mine.zip"
        if request.param == "zip":
            with zipfile.ZipFile(place, "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
            return place
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        return place

    return write


def test_pictures_are_read_in_the_order_of_their_names(keep):
    others = {"run/.DS_Store": b"", "__MACOSX/run/._0.png": b"\0\5", "run/log.txt": b"loss 0.1"}
    samples = read(keep({**others, **GOOD}), STACKED)
    assert np.array_equal(samples.packed, PIXELS.transpose(0, 3, 1, 2))
    assert samples.notes == ["pixels taken for [0, 255]", "1 of 5 files skipped that are no PNG"]


def test_pictures_are_converted_where_nothing_is_lost(keep):
    grey = PIXELS[0, :, :, 0]
    place = keep({"0.PNG": png(PIXELS[0], "RGBA"), "1.png": png(grey), "2.png": png(PIXELS[1])})
    samples = read(place, STACKED)
    expected = np.stack([PIXELS[0], np.dstack([grey] * 3), PIXELS[1]]).transpose(0, 3, 1, 2)
    assert np.array_equal(samples.packed, expected)
    assert samples.notes[1:] == ["pictures of mode L converted", "pictures of mode RGBA converted"]
    with pytest.raises(UsageError, match=r"0\.PNG is RGBA and would lose by conversion; give L"):
        read(place, GREY)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is no PNG picture"),
        (b"GIF89a", "is no PNG picture"),
        (GOOD["run/0.png"][:-30], "cannot be read"),
        (GOOD["run/0.png"][:80] + b"\0\0\0\0" + GOOD["run/0.png"][84:], "cannot be read"),
        (png(np.zeros((32, 28, 3), np.uint8)), "has 28 x 32 pixels; stacked-mnist has 28 x 28"),
        (png(np.zeros((28, 28), np.uint16)), "has pixels of Pillow's mode I;16; give 8-bit ones"),
        (animation(*PIXELS[:2]), "is an animation of 2 pictures; give them one by one"),
        (png(np.zeros((28, 28, 4), np.uint8)), "is RGBA and would lose by conversion; give RGB"),
        (png(np.zeros((9500, 9500), np.uint8)), "cannot be read (Image size"),
    ],
    ids=["empty", "gif", "cut", "changed", "size", "16-bit", "animation", "transparent", "bomb"],
)
def test_a_faulty_picture_is_named(keep, content, problem):
    with pytest.raises(UsageError) as error:
        read(keep({**GOOD, "run/bad.png": content}), STACKED)
    assert f"run/bad.png {problem}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_zip_file_with_damage_outside_of_a_picture_is_refused(tmp_path):
    file = tmp_path / "mine.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("0.png", GOOD["run/0.png"] + b"after the picture")
    file.write_bytes(file.read_bytes().replace(b"after", b"AFTER"))
    with pytest.raises(UsageError, match=r"0\.png cannot be read \(Bad CRC-32"):
        read(file, STACKED)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UsageError, match="File is not a zip file"):
        read(file, STACKED)


def test_pictures_for_other_data_are_refused(keep):
    place = keep(GOOD)
    for data in (RING, StackedMNIST(digits=2)):
        with pytest.raises(UsageError, match=f"pictures have one channel or three; {data.name} has samples"):
            read(place, data)


def test_a_place_without_pictures_is_refused(keep):
    with pytest.raises(UsageError, match=r"is a (directory|zip file) without PNG pictures"):
        read(keep({"more/a.jpg": b""}), STACKED)


def test_a_link_to_a_directory_is_named(tmp_path):
    (tmp_path / "other").mkdir()
    place = tmp_path / "pictures"
    place.mkdir()
    (place / "0.png").write_bytes(GOOD["run/0.png"])
    (place / "more").symlink_to(tmp_path / "other")
    with pytest.raises(UsageError, match="more is a link to a directory; put its pictures there"):
        read(place, STACKED)
