"""Folders that all processes of a test session share."""

import os

from filelock import FileLock


def shared_folder(tmp_path_factory, name, fill):
    """A folder of that name, which `fill` has filled: called once, by the process that needs it first."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, done = root / f"shared-{name}", root / f"shared-{name}.done"
    with FileLock(root / f"shared-{name}.lock"):
        if not done.exists():
            folder.mkdir()
            fill(folder)
            done.touch()
    return folder
