"""Runs that are hit by damage, foreign hands and full disks."""

import errno
import json
import os
import random
import re
import shutil

import pytest
from support.faults import SMALL, finished, same, tables

from benchmark.records import sealed_files
from benchmark.records.sealed_files import write_sealed

DAMAGED_FILES = int(os.environ.get("BENCHMARK_DAMAGED_FILES", "20"))


def kinds_of_damage(rng, data):
    """Ways to damage a file."""
    place = rng.randrange(max(len(data), 1))
    flipped = bytearray(data or b"\0")
    flipped[place] ^= 1 << rng.randrange(8)
    digits = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
    edited = bytearray(data)
    if digits:
        at = rng.choice(digits)
        edited[at] = ord("0") + (edited[at] - ord("0") + 1) % 10
    return {
        "empty": b"",
        "truncated": data[:place],
        "flipped": bytes(flipped),
        "edited": bytes(edited),
        "longer": data + bytes(rng.randrange(256) for _ in range(9)),
        "noise": bytes(rng.randrange(256) for _ in range(min(len(data), 1000))),
        "gone": None,
    }


FILES = (
    *(
        "trials/*/*/seed-*/result.json",
        "trials/*/*/seed-*/samples.npz",
        "trials/*/*/seed-*/generator.safetensors",
    ),
    *("trials/*/*/training-*/checkpoint.json", "trials/*/*/training-*/*.safetensors"),
    *("manifest.json", "trials.csv", "summary.csv", "curves.csv", "tables.json"),
)


def meaning(file, data):
    """What a file says: the last digit of a number in JSON may be another one and the number the same."""
    try:
        return json.loads(data) if file.suffix == ".json" else data
    except (TypeError, ValueError):
        return data


def damage(cli, rng, half, out, whole, pattern=None, kind=None):
    """Damages one file of a run, reports, continues; returns what was done and whether it was told."""
    shutil.copytree(half, out)
    file = rng.choice(sorted(out.glob(pattern or rng.choice(FILES))))
    data = file.read_bytes()
    kinds = kinds_of_damage(rng, data)
    kind = kind or rng.choice(list(kinds))
    bad = kinds[kind]
    file.unlink() if bad is None else file.write_bytes(bad)
    where = f"{file.relative_to(out)} {kind}"
    errors = []
    for command in (("report", out), (*SMALL, "--out", out)):
        status, _, err = cli(*command)
        errors.append(err)
        assert "Traceback" not in err, where
        assert status in (0, 1), (where, err)
    assert status == 0, (where, err)
    same(tables(out), tables(whole))
    told = any(str(file.relative_to(out).parts[-1]) in err for err in errors)
    changed = meaning(file, bad) != meaning(file, data)
    if changed and bad is not None and file.name != "tables.json":
        assert told, (where, errors)
        assert list((out / "damaged").rglob("*")), where
    if not changed:
        assert not (out / "damaged").exists(), where
    return where, told


@pytest.mark.parametrize("pattern", FILES)
def test_damage_is_named_and_trained_again_to_the_same_numbers(cli, whole, half, tmp_path, inline, pattern):
    rng = random.Random(pattern)
    damage(
        cli,
        rng,
        half,
        tmp_path / "run",
        whole,
        pattern,
        rng.choice(["truncated", "flipped", "edited", "empty"]),
    )


def continued_without(name, cli, whole, half, out):
    """What a run says that goes on without a file of its checkpoint, and comes to the same end."""
    shutil.copytree(half, out)
    (file,) = out.glob(f"trials/*/*/training-*/{name}")
    file.unlink()
    status, _, err = cli(*SMALL, "--out", out)
    assert status == 0
    same(tables(out), tables(whole))
    return err


def test_a_checkpoint_without_its_tensors_is_named(cli, whole, half, tmp_path, inline):
    err = continued_without("*.safetensors", cli, whole, half, tmp_path / "run")
    assert "checkpoint.json: names tensors that are missing; it is now" in err


def test_a_training_without_a_checkpoint_starts_without_a_word(cli, whole, half, tmp_path, inline):
    """As after a run that was killed before it had written the first one."""
    err = continued_without("checkpoint.json", cli, whole, half, tmp_path / "run")
    assert "the saved training" not in err


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_many_damaged_files(cli, whole, half, tmp_path, inline, part):
    for seed in range(part, DAMAGED_FILES, 4):
        damage(cli, random.Random(seed), half, tmp_path / str(seed), whole)
        shutil.rmtree(tmp_path / str(seed))


def test_a_report_on_a_damaged_run_has_all_that_is_whole(cli, whole, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    record = out / "trials" / "ring" / "gan" / "seed-0" / "result.json"
    record.write_text("{")
    (out / "manifest.json").write_text("{}")
    status, _, err = cli("report", out)
    assert status == 1
    assert f"{record}: is damaged" in err
    assert f"{out / 'manifest.json'}: is damaged" in err
    before, after = tables(whole)["trials"], tables(out)["trials"]
    assert len(after) == len(before) - 1
    assert set(after["method"]) == set(before["method"])


def test_hostile_records_make_no_traceback_and_no_formula(cli, whole, tmp_path):
    """Sealed by someone who can compute a checksum."""
    from benchmark.records.cell import config_hash

    out = tmp_path / "run"
    shutil.copytree(whole, out)
    evil = "=cmd|' calc'!A0"
    shutil.copytree(out / "trials" / "ring" / "gan", out / "trials" / "ring" / evil)
    for file in (out / "trials" / "ring" / evil).glob("*/result.json"):
        content = json.loads(file.read_text())
        del content["checksum"]
        content |= {"method": evil, "budget": "@SUM(1)"}
        content["configuration"]["dataset"] |= {"latent": [[]], "no-such-setting": {}}
        content["config_hash"] = config_hash(content["configuration"])
        write_sealed(file, content)
    status, _, err = cli("report", out)
    assert status in (0, 1)
    assert "Traceback" not in err
    text = (out / "trials.csv").read_text()
    assert evil in text
    assert not re.search(r"(^|,)\"?[=+@]", text, re.MULTILINE)


def test_a_full_disk_stops_with_one_line_and_damages_nothing(cli, whole, tmp_path, monkeypatch, inline):
    """Wherever it strikes: every write of the run in turn is the first one that fails."""
    out = tmp_path / "run"
    writes, room = 0, 0
    original = os.fsync

    def fsync(descriptor):
        nonlocal writes
        writes += 1
        if writes > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(descriptor)

    monkeypatch.setattr(sealed_files.os, "fsync", fsync)
    stops, before = 0, {}
    for _ in range(60):
        writes, room = 0, room + 7
        status, _, err = cli(*SMALL, "--out", out, "--checkpoint-every", "0s")
        assert "Traceback" not in err
        assert before.items() <= finished(out).items()
        before = finished(out)
        assert not list(out.rglob(".*"))
        if status == 0:
            break
        stops += 1
        assert status == 1
        last = err.strip().splitlines()[-1]
        assert re.fullmatch(rf"benchmark: {re.escape(str(out))}(/\S+)?: No space left on device; .*", last), (
            err
        )
    assert status == 0
    assert stops >= 5
    same(tables(out), tables(whole))
