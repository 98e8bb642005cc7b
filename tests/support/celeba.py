"""Made-up photographs in the format of CelebA."""

import numpy as np
from PIL import Image

HEADED_LISTS = {"list_attr_celeba": 40, "list_bbox_celeba": 4, "list_landmarks_align_celeba": 10}
"""Those lists of CelebA that begin with their length and a header, and the numbers in each line."""


def write_celeba(folder, sizes):
    """Every list, and JPEG files, with so many images in each split."""
    (folder / "img_align_celeba").mkdir(parents=True)
    random = np.random.default_rng(0)
    noise = random.normal(0, 20, size=(8, 218, 178, 3))
    lists = {name: [] for name in ("identity_CelebA", "list_eval_partition", *HEADED_LISTS)}
    for i, split in enumerate(np.repeat(np.arange(3), sizes)):
        name = f"{i + 1:06}.jpg"
        pixels = np.clip(random.integers(40, 200, size=3) + noise[i % 8], 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name)
        lists["identity_CelebA"].append(f"{name} {i % 7}")
        lists["list_eval_partition"].append(f"{name} {split}")
        for headed, numbers in HEADED_LISTS.items():
            lists[headed].append(f"{name} {' '.join(['1'] * numbers)}")
    for name, lines in lists.items():
        header = [str(len(lines)), "header"] if name in HEADED_LISTS else []
        (folder / f"{name}.txt").write_text("\n".join([*header, *lines]) + "\n")
