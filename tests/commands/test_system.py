"""The systems that the program runs on, by imitation."""

import subprocess
import sys

import pytest

WINDOWS = """
import argparse, multiprocessing, pathlib, shutil, signal, subprocess, sys
sys.platform = "win32"
for name in ("SIGHUP", "SIGPIPE"):
    delattr(signal, name)
for name in ("fcntl", "resource"):
    sys.modules[name] = None
"""
"""A system without what only Unix has. What of Python has been imported still works."""

LINE = "the program runs on Linux and macOS, not on Windows; there, use it within WSL"


def on_windows(code):
    """The exit status and stderr of a program."""
    result = subprocess.run(
        [sys.executable, "-c", WINDOWS + code], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stderr


@pytest.mark.parametrize("arguments", [[], ["list"], ["run", "--suite", "synthetic"], ["report", "x"]])
def test_on_windows_every_command_is_refused_in_one_line(arguments):
    code = f"from benchmark.commands.cli import main\nsys.exit(main({arguments}))"
    assert on_windows(code) == (2, f"benchmark: {LINE}\n")


def test_on_windows_python_is_told_as_well():
    status, err = on_windows("import benchmark\nbenchmark.run")
    assert status == 1
    assert err.endswith(f"benchmark.errors.UsageError: {LINE}\n")
