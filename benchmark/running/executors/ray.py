"""Cells as tasks of a Ray cluster."""

import logging
import os
import pickle
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import NodeDiedError, RayError, RayTaskError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from benchmark.errors import UsageError, in_one_line
from benchmark.running.executors.base import Begun, Event, Executor, Failed, Lost, Stopped, Task
from benchmark.running.executors.machine import cpu_cores
from benchmark.running.executors.worker import TaskLink, run_task, use_one_thread

if TYPE_CHECKING:
    from benchmark.records.cell import Cell

__all__ = ["RayExecutor"]

PATIENCE = 15.0
"""Seconds that a cluster has to answer."""

CONNECTION_TEST = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False)"
"""A program that fails if a cluster refuses us. It runs in a process of its own, since Ray's own attempt
takes minutes and prints complaints that cannot be silenced."""

SHARED_VARIABLES = ("BENCHMARK_", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME")
"""Prefixes of the environment variables that a cell must see, wherever it runs."""


@dataclass
class Attempt:
    """A task that Ray runs or will run.

    Attributes:
        cell: Its cell.
        node: Where it runs; `None` before it has begun.
        kill_reason: Why we killed it, if we did.
    """

    cell: "Cell"
    node: str | None = None
    kill_reason: str | None = None


class Mailbox:
    """An actor on the driver's node: cells leave events here, and ask whether they are to stop."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.begun: dict[str, str] = {}
        self.stop = False

    def begin(self, attempt: str, node: str) -> bool:
        """Notes that an attempt now runs on that node; returns whether it is to stop."""
        self.begun[attempt] = node
        return self.stop

    def put(self, attempt: str, letter: bytes) -> None:
        """Leaves a pickled event."""
        self.letters.append((attempt, letter))

    def take(self) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
        """The nodes of attempts that have begun since the last call, and the events since then."""
        begun, letters = self.begun, self.letters
        self.begun, self.letters = {}, []
        return begun, letters

    def stopping(self) -> bool:
        return self.stop

    def ask_to_stop(self) -> None:
        self.stop = True


class RayExecutor(Executor):
    """Ray tasks, each with one CPU core, and one GPU if it computes on one. Ray queues them and finds a node.

    The program must be installed on all nodes, and data and caches must be reachable there under the same
    paths; plug-ins are sent along. A node that is lost is not its cells' fault: they are run again elsewhere.

    Arguments:
        device: The device that cells compute on.
        address: `auto` or `HOST:PORT` of a cluster; `None` for one of its own on this machine.
        workers: How many cells run at a time; by default as many as there is room for.

    Raises:
        UsageError: If the cluster does not answer.
    """

    def __init__(self, device: str, address: str | None, workers: int | None) -> None:
        _connect(address, workers)
        self.capacity = workers
        self.gpus = 1 if device.startswith("cuda") else 0
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(Mailbox)
        self.mailbox = actor.options(num_cpus=0, scheduling_strategy=here).remote()
        ray.get(self.mailbox.stopping.remote())  # it is there before it is needed
        self.run: Any = ray.remote(_run).options(num_cpus=1, num_gpus=self.gpus, max_retries=0)
        self.environment = {
            name: value for name, value in os.environ.items() if name.startswith(SHARED_VARIABLES)
        }
        self.attempts: dict[Any, Attempt] = {}

    def describe(self) -> str:
        return f"Ray with {ray.cluster_resources().get('CPU', 0):g} CPU cores"

    def start(self, task: Task) -> None:
        plugins = [(Path(file).name, Path(file).read_text(encoding="utf-8")) for file in task.cell.plugins]
        # Pickled here: unpickling imports torch, which the task must not do before it has set the number of
        # threads.
        ref = self.run.remote(pickle.dumps(task), self.mailbox, plugins, self.environment)
        self.attempts[ref] = Attempt(task.cell)

    def poll(self, timeout: float) -> list[Event]:
        ready: list[Any] = []
        if self.attempts:
            ready, _ = ray.wait(list(self.attempts), num_returns=1, timeout=timeout)
        begun, letters = _answer(self.mailbox.take.remote())
        attempts = {_name(ref): attempt for ref, attempt in self.attempts.items()}
        events: list[Event] = []
        for name, node in begun.items():
            if name in attempts:
                attempts[name].node = node
                events.append(Begun(attempts[name].cell))
        events += [_unpickled(letter) for name, letter in letters if name in attempts]
        return events + [self._ended(ref) for ref in ready]

    def kill(self, cell: "Cell", reason: str) -> None:
        for ref, attempt in self.attempts.items():
            # One that still waits for a node is silent, but does not hang.
            if attempt.cell.key == cell.key and attempt.node is not None:
                attempt.kill_reason = reason
                ray.cancel(ref, force=True)

    def stop(self) -> None:
        _answer(self.mailbox.ask_to_stop.remote())
        for ref, attempt in self.attempts.items():
            if attempt.node is None:
                ray.cancel(ref)

    def close(self) -> None:
        if not ray.is_initialized():
            return
        for ref in self.attempts:
            ray.cancel(ref, force=True)
        self.attempts = {}
        ray.kill(self.mailbox)
        ray.shutdown()

    def _ended(self, ref: Any) -> Event:
        """How a task has ended."""
        attempt = self.attempts.pop(ref)
        cell = attempt.cell
        try:
            return _unpickled(ray.get(ref))
        except TaskCancelledError:
            return Stopped(cell) if attempt.kill_reason is None else Lost(cell, attempt.kill_reason)
        except RayTaskError as error:
            return Failed(cell, in_one_line(error.cause), str(error))
        except RayError as error:
            if attempt.kill_reason is not None:
                return Lost(cell, attempt.kill_reason)
            if isinstance(error, NodeDiedError) or _is_gone(attempt.node):
                return Lost(cell, "its node was lost", blameless=True)
            return Lost(cell, f"its process was lost ({type(error).__name__})")


def _is_gone(node: str | None) -> bool:
    """Whether a node has left the cluster; false for a task that has not begun."""
    alive = {entry["NodeID"] for entry in ray.nodes() if entry["Alive"]}
    return node is not None and node not in alive


def _unpickled(event: bytes) -> Event:
    """An event that one of our own tasks has pickled."""
    unpickled: Event = pickle.loads(event)  # noqa: S301 (our own task's)
    return unpickled


def _connect(address: str | None, workers: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray warns that this will be its default some day.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        # Ray's own processes would go before its workers, at 4 % of their speed.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # Without "local", Ray would join any cluster that runs here, or has left its address here.
        ray.init(address="local", num_cpus=workers or cpu_cores(), include_dashboard=False, **options)
        return
    refusal = _refusal(address)
    if refusal is not None:
        raise UsageError(f"--ray-address {address}: {refusal}")
    ray.init(address=address, **options)


def _refusal(address: str) -> str | None:
    """Why a cluster cannot be used, with a remedy; `None` if it can."""
    try:
        if address != "auto":
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        command = [sys.executable, "-P", "-c", CONNECTION_TEST, address]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)  # noqa: S603 (ours)
        return None
    except subprocess.TimeoutExpired as error:
        reason = f"nothing within {PATIENCE:g} s"
        output = _text(error.stderr)
    except subprocess.CalledProcessError as error:
        output = _text(error.stderr)
        reason = (output or str(error)).splitlines()[-1]
    except (OSError, OverflowError) as error:
        output = ""
        reason = str(error)
    if "Unauthenticated" in output:
        # Ray sends no token to an address that was given unless it is told to, and neither do we.
        return (
            "the cluster asks for its token; set RAY_AUTH_MODE=token, "
            "and RAY_AUTH_TOKEN unless it is in ~/.ray/auth_token"
        )
    return f"no Ray cluster answers there ({reason}); start one with ray start --head"


def _text(output: bytes | None) -> str:
    """The output of a process, of which there may be none."""
    return (output or b"").decode(errors="replace").strip()


def _answer(ref: Any) -> Any:
    """The mailbox's answer. It is on the driver's own node: if the mailbox is lost, everything is.

    Raises:
        ConnectionError: If the cluster was lost.
    """
    try:
        return ray.get(ref)
    except RayError as error:
        raise ConnectionError(f"--executor ray: the cluster was lost ({type(error).__name__})") from error


def _name(ref: Any) -> str:
    """The name by which both a task and its driver know it."""
    return ref.task_id().hex()


def _run(pickled: bytes, mailbox: Any, plugins: list[tuple[str, str]], environment: dict[str, str]) -> bytes:
    """Runs a task on a worker of the cluster and returns, pickled, how it ended."""
    os.environ.update(environment)
    use_one_thread()
    context = ray.get_runtime_context()
    name = context.get_task_id()
    task: Task = pickle.loads(pickled)  # noqa: S301 (from the driver)
    if ray.get(mailbox.begin.remote(name, context.get_node_id())):
        return pickle.dumps(Stopped(task.cell))
    # Where a task has a GPU of its own, that is the only one it sees.
    device = "cuda" if task.cell.device.startswith("cuda") else task.cell.device
    files = tuple(_plugin_file(*plugin) for plugin in plugins)
    cell = replace(task.cell, plugins=files, device=device)

    def send(event: Event) -> None:
        ray.get(mailbox.put.remote(name, pickle.dumps(event)))

    link = TaskLink(task, send, lambda: ray.get(mailbox.stopping.remote()))
    return pickle.dumps(run_task(replace(task, cell=cell), link))


@cache
def _plugin_file(name: str, source: str) -> str:
    """A file of that name with that source, the same one each time."""
    file = Path(tempfile.mkdtemp(prefix="benchmark-plugin-")) / name
    file.write_text(source, encoding="utf-8")
    return str(file)
