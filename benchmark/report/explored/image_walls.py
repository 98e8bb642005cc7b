"""Sheets of images: paths, reconstructions, walks."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from benchmark.report.explored.findings import Compared, Findings, Paths, Walks
from benchmark.report.numbers import number
from benchmark.report.pictures.image_sheets import sheet, wall
from benchmark.report.words import joined

__all__ = ["image_walls"]

MOST_COLUMNS = 1
"""Sheets beside each other: they are wide."""


def image_walls(findings: Findings) -> Iterator[tuple[str, str, Figure]]:
    """Yields the name, the words and the figure of each sheet of a model."""
    model = findings.model
    sheets: dict[str, np.ndarray | None] = {}
    for paths in findings.paths:
        rows = [_path_row(paths, i) for i in range(len(paths.frames))]
        sheets[paths.caption.replace(": ", "\n", 1)] = sheet(rows)
    title = f"{model}: paths between latents"
    note = "outermost: held-out images; next to the paths: the training images nearest to their ends"
    captions = "; ".join(paths.caption for paths in findings.paths)
    yield "paths", f"{title}: {captions}", wall(sheets, f"{title} ({note})", MOST_COLUMNS)
    yield from _compared("reconstructions", f"{model}: held-out images", findings.reconstructions)
    if findings.given is not None:
        yield from _compared("given", f"{model}: the images given", findings.given)
    if findings.walks is not None:
        reach = findings.walks.reach
        caption = f"{model}: walks along single latent coordinates, from -{reach} to {reach}"
        words = _walk_words(findings.walks)
        picture = wall({words: sheet(list(findings.walks.frames))}, caption, MOST_COLUMNS)
        yield "walks", f"{caption}; {words}", picture


def _path_row(paths: Paths, i: int) -> np.ndarray:
    """A path from left to right between what belongs to its ends."""
    frames = paths.pictured[i]
    blank = np.full_like(frames[:1], 255)
    left, right = [blank, blank], [blank, blank]
    if paths.nearest is not None:
        left[1], right[1] = paths.nearest[i, :1], paths.nearest[i, 1:]
    if paths.targets is not None:
        left[0], right[0] = paths.targets[i, :1], paths.targets[i, 1:]
    return np.concatenate([*left, blank, frames, blank, *reversed(right)])


def _compared(name: str, what: str, compared: Compared) -> Iterator[tuple[str, str, Figure]]:
    """A row of targets, and one for each way to make them again, as far as there are any."""
    if not compared.made:
        return
    rows, words = [compared.targets], []
    for how, images in compared.made.items():
        rows.append(images)
        words.append(f"by {how} (mean squared error {number(float(compared.errors[how].mean()), 2)})")
    caption = f"from the top: {what.rpartition(': ')[2]}, again {joined(words)}"
    yield name, f"{what}; {caption}", wall({caption: sheet(rows)}, what, MOST_COLUMNS)


def _walk_words(walks: Walks) -> str:
    parts = [f"{i} ({share:.0%})" for i, share in zip(walks.coordinates, walks.shares, strict=True)]
    return f"from the top, the coordinates and their shares of the effects: {', '.join(parts)}"
