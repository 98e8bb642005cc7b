import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmark.records.schema import SCHEMA_VERSION
from benchmark.registry import SUITES
from benchmark.suites.tuned import read_tuned, shipped_tuning

RUN = ("run", "--suite", "synthetic", "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("run",), "--suite is missing"),
        (("run", "--suite", "zzzz"), "unknown suite 'zzzz'; choose from celeba, cifar10"),
        ((*RUN, "--datasets", "rnig"), "unknown dataset 'rnig'; did you mean ring"),
        ((*RUN, "--methods", "wgam"), "unknown method 'wgam'; did you mean"),
        ((*RUN, "--methods", "gan,gan"), "given twice"),
        ((*RUN, "--methods", "gan,"), "--methods"),
        ((*RUN, "--methods", "real-data"), "unknown method 'real-data'"),
        ((*RUN, "--seeds", "0"), "--seeds '0'"),
        ((*RUN, "--seeds", "a"), "--seeds 'a'"),
        ((*RUN, "--seeds", "1,1"), "given twice"),
        ((*RUN, "--budget", "5"), "--budget '5'"),
        ((*RUN, "--budget", "-1flops"), "-1flops"),
        ((*RUN, "--budget", "0s"), "--budget '0s'"),
        ((*RUN, "--budget", "nan"), "--budget 'nan'"),
        ((*RUN, "--budget", "10flops"), "one cycle takes"),
        ((*RUN, "--set", "gan.bogus=1"), "has no such setting; it has lr, beta1"),
        ((*RUN, "--set", "gan.lr=fast"), "give a finite number"),
        ((*RUN, "--set", "gan.lr=0"), "learning rate must be positive"),
        ((*RUN, "--set", "wgan-gp.critic_steps=0"), "give a whole number from 1 to 1000"),
        ((*RUN, "--set", "ring.batch=0"), "give a whole number from 1 to 100000"),
        ((*RUN, "--set", "nobody.x=1"), "'nobody' has no part in this run"),
        ((*RUN, "--set", "gan"), "OWNER.FIELD=VALUE"),
        ((*RUN, "--device", "abacus"), "--device abacus"),
        ((*RUN, "--device", "cuda:99"), "no such device"),
        ((*RUN, "--workers", "0"), "--workers '0'"),
        ((*RUN, "--compile", "maybe"), "--compile 'maybe'"),
        ((*RUN, "--config", "/no/such/file.toml"), "No such file"),
        ((*RUN, "--plugin", "/no/such/file.py"), "no such file"),
        ((*RUN, "--bogus"), "unrecognized arguments: --bogus"),
        (("fly",), "invalid choice: 'fly'"),
        ((), "required: VERB"),
        (("list", "cats"), "choose from methods, datasets, metrics, suites"),
        (("report", "/no/such/run"), "holds no run"),
        (("check",), "check: give a name"),
        (("run", "--suite", "synthetic", "--out", ""), "--out '': give a directory"),
        (("check", "vegan"), "no method, dataset, metric, suite is called 'vegan'; did you mean veegan"),
        (("check", "gan", "--fid-features", "raw"), "unrecognized arguments: --fid-features raw"),
        ((*RUN, "--fid-features", "foo"), "--fid-features 'foo': choose from raw, classifier, inception"),
        ((*RUN, "--metrics", "+kl"), "kl is there without +"),
        ((*RUN, "--executor", "ray", "--ray-address", "here"), "give auto, or HOST:PORT"),
        (("score", "x.npy", "--dataset", "rnig"), "unknown dataset 'rnig'"),
    ],
)
def test_bad_usage_is_one_clear_line(cli, tmp_path, monkeypatch, arguments, problem):
    monkeypatch.chdir(tmp_path)
    status, out, err = cli(*arguments)
    assert status == 2
    assert out == ""
    assert problem in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_unknown_metric_is_named(cli):
    status, _, err = cli(*RUN, "--set", "klo.x=1")
    assert status == 2
    assert "kl_high_quality" in err


def test_output_directories_that_cannot_be_used(cli, tmp_path, tiny):
    file = tmp_path / "file"
    file.write_text("x")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("x")
    for out, problem in ((file, "is a file"), (file / "below", "is a file"), (foreign, "holds no run")):
        status, _, err = cli("run", "--suite", "synthetic", "--out", out)
        assert status == 2
        assert problem in err
    before = sorted(tiny.rglob("*"))
    status, _, err = cli(
        "run",
        "--suite",
        "synthetic",
        "--datasets",
        "ring",
        "--seeds",
        "1",
        "--budget",
        "3e9flops",
        "--out",
        tiny,
    )
    assert status == 2
    assert "budget is 2e+09flops, asked for 3e+09flops" in err
    assert "metrics.ivom.iterations is 5, asked for 100" in err
    assert sorted(tiny.rglob("*")) == before
    assert list(foreign.iterdir()) == [foreign / "thesis.tex"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission(cli, tmp_path):
    tmp_path.chmod(0o500)
    status, _, err = cli("run", "--suite", "synthetic", "--out", tmp_path / "run")
    assert status == 2
    assert "not writable" in err


def test_an_unwritable_directory_is_noticed_by_access(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    status, _, err = cli("run", "--suite", "synthetic", "--out", tmp_path / "run")
    assert status == 2
    assert "not writable" in err


def test_help_and_names_come_without_torch(cli):
    for arguments in (["--help"], ["list"], ["run", "--help"]):
        code = (
            f"import sys; from benchmark.commands.cli import main\ntry: main({arguments!r})\n"
            "except SystemExit: pass\nassert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_list(cli):
    status, out, _ = cli("list", "methods")
    assert status == 0
    assert out.split() == sorted(out.split())
    assert "wgan-gp" in out.split()
    _, long, _ = cli("list", "--long")
    assert "arXiv:1704.00028" in long
    assert "Deviations:" in long
    assert "critic_steps = 5" in long
    adversarial = long[long.index("METHODS, ADVERSARIAL") : long.index("METHODS, WITH AN ENCODER")]
    assert "\nwgan-gp\n" in adversarial
    assert "\nali\n" not in adversarial
    assert "3 standard deviations" in long


def test_scores_of_samples_made_elsewhere(cli, tmp_path):
    from benchmark.datasets.mixtures import Ring

    data = Ring()
    samples = data.sample(1000, data.stream(9, "data")).numpy()
    np.save(tmp_path / "mine.npy", samples)
    np.savez(tmp_path / "mine.npz", samples=samples.astype(np.float64))
    np.savetxt(tmp_path / "mine.csv", samples, delimiter=",", header="x,y", comments="")
    tables = []
    for suffix in ("npy", "npz", "csv"):
        status, out, _ = cli("score", tmp_path / f"mine.{suffix}", "--dataset", "ring")
        assert status == 0
        tables.append(out.replace(", line 1 (x,y) taken for a header", ""))
    assert tables[0] == tables[1] == tables[2]
    assert "ivom" not in tables[0]
    _, table, verdict = tables[0].split("\n\n")
    row = dict(line.split(maxsplit=1) for line in table.splitlines()[1:])
    assert re.fullmatch(
        r"By overlap, mine scores 0\.\d+: better than the better dummy \(collapsed, 0\.12\d\); "
        r"real data scores 0\.\d+\.\n",
        verdict,
    )
    assert float(row["modes"].split()[0]) == 8
    assert 0.97 < float(row["high_quality"].split()[0]) < 1
    assert float(row["modes"].split()[2]) == 1
    _, csv, _ = cli("score", tmp_path / "mine.npy", "--dataset", "ring", "--csv")
    assert csv.splitlines()[0].startswith(
        "suite,dataset,method,seed,status,modes,modes_total,high_quality,kl,fid"
    )
    assert [line.split(",")[2] for line in csv.splitlines()[1:]] == [
        "mine",
        "real-data",
        "collapsed",
        "noise",
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("absent.npy", None, "no such file"),
        ("shape.npy", np.zeros((5, 3)), "has shape (5, 3)"),
        ("flat.npy", np.zeros(5), "has shape (5,)"),
        ("scalar.npy", np.zeros(()), "has shape ()"),
        ("empty.npy", np.zeros((0, 2)), "has shape (0, 2)"),
        ("nan.npy", np.array([[0, np.nan], [0, 0], [1, 1]]), "1 of 3 samples are not finite"),
        ("huge.npy", np.array([[0, 1e300], [0, 0]]), "1 of 2 samples are not finite"),
        ("text.npy", np.array([["a", "b"]]), "values of type"),
        ("complex.npy", np.zeros((5, 2), complex), "values of type complex128"),
        ("pickle.npy", np.array([[{}, 1]], dtype=object), "pickles are refused"),
        ("broken.npy", b"\x93NUMPY\x01\x00", "cannot be read"),
        ("broken.npz", b"PK\x03\x04", "cannot be read"),
        ("words.csv", b"x,y\na,b\n", "cannot be read"),
        ("ragged.csv", b"1,2\n1,2,3\n", "cannot be read"),
        ("binary.csv", b"\xff\xfe\x00", "cannot be read"),
        ("empty.csv", b"", "cannot be read"),
        ("a.pt", b"x", "unknown kind of file"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_bad_samples_are_refused_in_one_line(cli, tmp_path, name, content, problem):
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        np.save(file, content, allow_pickle=True)
    status, out, err = cli("score", file, "--dataset", "ring")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_header_of_column_numbers_is_no_sample(cli, tmp_path):
    import pandas as pd

    from benchmark.datasets.mixtures import Ring

    samples = Ring().means[:1].repeat(9, 1).numpy()
    pd.DataFrame(samples).to_csv(tmp_path / "numbered.csv", index=False)
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbf" + b"1.0,0.0\n" * 9)
    for name in ("numbered", "marked"):
        _, out, _ = cli("score", tmp_path / f"{name}.csv", "--dataset", "ring")
        assert out.startswith("9 samples")
        assert " 1" in next(line for line in out.splitlines() if line.startswith("modes "))


def test_the_names_of_calibration_rows_are_refused(cli, tmp_path):
    np.save(tmp_path / "real-data.npy", np.zeros((5, 2)))
    status, _, err = cli("score", tmp_path / "real-data.npy", "--dataset", "ring")
    assert status == 2
    assert "name of a calibration row" in err


def test_an_archive_of_several_arrays_is_refused(cli, tmp_path):
    np.savez(tmp_path / "two.npz", a=np.zeros((2, 2)), b=np.zeros((2, 2)))
    assert "holds 2 arrays" in cli("score", tmp_path / "two.npz", "--dataset", "ring")[2]


def test_check_says_what_holds(cli):
    status, out, _ = cli("check", "gan")
    assert status == 0
    assert out.count(": ok") == 18  # nine checks on points and on images each


def test_a_failed_check_has_status_one(cli, tmp_path):
    file = tmp_path / "idle.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom baselines.gan import GAN\nfrom benchmark.registry import "
        "register_method\n@register_method('idle')\n@dataclass(frozen=True)\nclass Idle(GAN):\n    def "
        "generator_loss(self, nets, batch):\n        return 0 * batch.z.sum()\n"
    )
    status, out, _ = cli("check", "--plugin", file)
    assert status == 1
    assert (
        "idle: gradients reach the networks of each player (ring): FAILED: the loss of 'generator' "
        "does not depend on" in out
    )


def test_the_program_runs_as_a_module():
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "benchmark", "list", "suites"], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == SUITES.names()
    assert time.monotonic() - began < 20  # no hang; the half second is measured, not tested


def test_the_manifest_says_what_was_run(tiny):
    manifest = json.loads((tiny / "manifest.json").read_text())
    assert manifest["schema_version"] == SCHEMA_VERSION
    assert manifest["suite"] == "synthetic"
    assert manifest["command"][:2] == ["benchmark", "run"]
    shipped = read_tuned(shipped_tuning("synthetic"), "synthetic").content
    tuned = shipped.settings_on("high-dimensional")["wgan-gp"]
    assert tuned.items() <= manifest["configuration"]["methods"]["high-dimensional"]["wgan-gp"].items()
    assert manifest["configuration"]["metrics"]["ring"]["ivom"] == {
        "points": 200,
        "restarts": 3,
        "iterations": 5,
    }
    assert manifest["metrics"]["ring"]["kl"]["best"] == pytest.approx(7 / 5000)
    assert {"torch", "numpy", "python"} <= set(manifest["versions"])
    assert len(manifest["fingerprints"]["ring"]) == 64
