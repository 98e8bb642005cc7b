"""What a machine has, by imitated trees of Linux's control groups."""

import os
from types import SimpleNamespace

import psutil
import pytest

from benchmark.running.executors.machine import cpu_cores, memory_of_machine

GIBIBYTE = 2**30
MACHINE_CORES = 8
MACHINE_MEMORY = 64 * GIBIBYTE
NO_LIMIT = "9223372036854771712"
"""What version 1 says."""

NOTHING = {}
V2_CONTAINER = {
    "proc/self/cgroup": "0::/",
    "sys/fs/cgroup/memory.max": f"{2 * GIBIBYTE}",
    "sys/fs/cgroup/cpu.max": "50000 100000",
}
V2_UNLIMITED = {
    "proc/self/cgroup": "0::/a.slice",
    "sys/fs/cgroup/a.slice/memory.max": "max",
    "sys/fs/cgroup/a.slice/cpu.max": "max 100000",
}
V2_NESTED = {
    "proc/self/cgroup": "0::/system.slice/job.scope/step",
    "sys/fs/cgroup/system.slice/memory.max": "max",
    "sys/fs/cgroup/system.slice/cpu.max": "max 100000",
    "sys/fs/cgroup/system.slice/job.scope/memory.max": f"{2 * GIBIBYTE}",
    "sys/fs/cgroup/system.slice/job.scope/cpu.max": "250000 100000",
    "sys/fs/cgroup/system.slice/job.scope/step/memory.max": f"{3 * GIBIBYTE}",
    "sys/fs/cgroup/system.slice/job.scope/step/cpu.max": "max 100000",
}
V1_HOST = {
    "proc/self/cgroup": "9:name=systemd:/\n4:memory:/slurm/job_7\n2:cpu,cpuacct:/slurm/job_7\n0::/",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT,
    "sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes": f"{2 * GIBIBYTE}",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
    "sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_quota_us": "400000",
    "sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_period_us": "100000",
}
V1_CONTAINER = {
    "proc/self/cgroup": "4:memory:/docker/abc\n2:cpuacct,cpu:/docker/abc",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIBIBYTE}",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
}
OTHER_CONTROLLERS = {
    "proc/self/cgroup": "3:cpuset:/a\n5:pids:/a",
    "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{2 * GIBIBYTE}",
}


@pytest.mark.parametrize(
    ("tree", "cores", "memory"),
    [
        (NOTHING, MACHINE_CORES, MACHINE_MEMORY),
        (V2_CONTAINER, 1, 2 * GIBIBYTE),
        (V2_UNLIMITED, MACHINE_CORES, MACHINE_MEMORY),
        (V2_NESTED, 3, 2 * GIBIBYTE),
        (V1_HOST, 4, 2 * GIBIBYTE),
        (V1_CONTAINER, 1, 2 * GIBIBYTE),
        (OTHER_CONTROLLERS, MACHINE_CORES, MACHINE_MEMORY),
    ],
)
def test_limits_of_all_groups_hold(tmp_path, monkeypatch, tree, cores, memory):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(MACHINE_CORES)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=MACHINE_MEMORY))
    for name, content in tree.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    assert cpu_cores(tmp_path) == cores
    assert memory_of_machine(tmp_path) == memory
