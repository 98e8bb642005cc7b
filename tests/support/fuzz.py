"""What the tests with random input share: some cases of each kind; hundreds behind the marker `long`."""

import os
import subprocess
import sys

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("BENCHMARK_FUZZ_CASES", "50"))

LONG_CASES = 300

fuzz = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "-1",
            "0",
            "1e999",
            "nan",
            "inf",
            "9" * 5000,
            "5",
            "../..",
            "/",
            "~",
            "\x1b[2J",
            "a\nb",
            "=1+1",
            "ring",
            "all",
            "auto",
            "\0",
        ]
    ),
)


def run_many_cases(file):
    """Runs the tests of a file with `LONG_CASES` cases each."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not long", file]
    environment = {**os.environ, "BENCHMARK_FUZZ_CASES": str(LONG_CASES)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:]
