"""Cells as tasks of a Ray cluster."""

import logging
import os
import pickle
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UsageError
from benchmark.running.executors.base import Event, Executor, Failed, Lost, Stopped, Task
from benchmark.running.executors.worker import TaskLink, run_task, use_one_thread

try:
    import ray
    from ray.exceptions import NodeDiedError, RayError, RayTaskError, TaskCancelledError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise UsageError(
        "--executor ray: Ray is not installed; pip install 'mode-collapse-benchmark[ray]'"
    ) from error

if TYPE_CHECKING:
    from benchmark.records.cell import Cell

__all__ = ["RayExecutor"]

PATIENCE = 15.0
"""Seconds that a cluster has to answer."""

PROBE = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False)"
"""Whether a cluster lets us in, tried in a process of its own: Ray itself waits and complains for minutes, and cannot be silenced."""

SHARED = ("BENCHMARK_", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME")
"""How the environment variables begin that a cell must see, wherever it runs."""


@dataclass
class _Attempt:
    """A task in Ray's hands."""

    cell: "Cell"
    node: str | None = None
    """Where it runs; `None` before it has begun."""
    verdict: str | None = None
    """Why we ended it."""


class Mailbox:
    """An actor beside the driver: cells leave events here and learn whether they are to stop."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.begun: dict[str, str] = {}
        self.stop = False

    def begin(self, attempt: str, node: str) -> bool:
        """An attempt runs on that node from now on. Whether it is to stop."""
        self.begun[attempt] = node
        return self.stop

    def put(self, attempt: str, letter: bytes) -> None:
        """Leaves a pickled event."""
        self.letters.append((attempt, letter))

    def take(self) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
        """The nodes of attempts that have begun since, and the events."""
        begun, letters = self.begun, self.letters
        self.begun, self.letters = {}, []
        return begun, letters

    def stopping(self) -> bool:
        return self.stop

    def ask_to_stop(self) -> None:
        self.stop = True


class RayExecutor(Executor):
    """Tasks that need one processor each, and one GPU if they compute on one. Ray queues them and finds them a node.

    The program must be installed on all nodes, and data and caches be reachable there under the same paths; plug-ins are
    sent along. A node that is lost is not its cells' fault: they are run again elsewhere.

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
        self.environment = {key: value for key, value in os.environ.items() if key.startswith(SHARED)}
        self.attempts: dict[Any, _Attempt] = {}

    def describe(self) -> str:
        return f"Ray with {ray.cluster_resources().get('CPU', 0):g} processors"

    def start(self, task: Task) -> None:
        plugins = [(Path(file).name, Path(file).read_text(encoding="utf-8")) for file in task.cell.plugins]
        # Pickled here, for reading it imports torch, which the task must not do before it has set the number of threads.
        ref = self.run.remote(pickle.dumps(task), self.mailbox, plugins, self.environment)
        self.attempts[ref] = _Attempt(task.cell)

    def poll(self, timeout: float) -> list[Event]:
        ready, _ = (
            ray.wait(list(self.attempts), num_returns=1, timeout=timeout) if self.attempts else ([], [])
        )
        begun, letters = _answer(self.mailbox.take.remote())
        by_name = {_name(ref): attempt for ref, attempt in self.attempts.items()}
        for name, node in begun.items():
            if name in by_name:
                by_name[name].node = node
        events: list[Event] = [pickle.loads(letter) for name, letter in letters if name in by_name]  # noqa: S301 (our own tasks')
        return events + [self._ended(ref) for ref in ready]

    def kill(self, cell: "Cell", reason: str) -> None:
        for ref, attempt in self.attempts.items():
            # One that still waits for a node is silent, but does not hang.
            if attempt.cell.key == cell.key and attempt.node is not None:
                attempt.verdict = reason
                ray.cancel(ref, force=True)

    def stop(self) -> None:
        _answer(self.mailbox.ask_to_stop.remote())
        for ref, attempt in self.attempts.items():
            if attempt.node is None:
                ray.cancel(ref)

    def close(self) -> None:
        for ref in self.attempts:
            ray.cancel(ref, force=True)
        self.attempts = {}
        ray.kill(self.mailbox)
        ray.shutdown()

    def _ended(self, ref: Any) -> Event:
        attempt = self.attempts.pop(ref)
        cell = attempt.cell
        try:
            event: Event = pickle.loads(ray.get(ref))  # noqa: S301 (our own task's)
            return event
        except TaskCancelledError:
            return Stopped(cell) if attempt.verdict is None else Lost(cell, attempt.verdict)
        except RayTaskError as error:
            return Failed(cell, str(error))
        except RayError as error:
            if attempt.verdict is not None:
                return Lost(cell, attempt.verdict)
            alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
            gone = isinstance(error, NodeDiedError) or (
                attempt.node is not None and attempt.node not in alive
            )
            reason = "its node was lost" if gone else f"its process was lost ({type(error).__name__})"
            return Lost(cell, reason, blameless=gone)


def _connect(address: str | None, workers: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"
    )  # what Ray warns that it will do some day
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        from benchmark.running.executors.machine import processors

        # Ray's own processes would go before its workers, at 4 % of their speed.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # Without "local", Ray would join whatever cluster runs on this machine, or has left its address there.
        ray.init(address="local", num_cpus=workers or processors(), include_dashboard=False, **options)
        return
    if refusal := _refusal(address):
        raise UsageError(f"--ray-address {address}: {refusal}")
    ray.init(address=address, **options)


def _refusal(address: str) -> str | None:
    """What is wrong with the address of a cluster; `None` if it lets us in."""
    try:
        if address != "auto":
            host, colon, port = address.rpartition(":")
            if not (colon and host and port.isdigit()):
                return "give auto, or HOST:PORT of the cluster's head"
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        subprocess.run(
            [sys.executable, "-c", PROBE, address], check=True, capture_output=True, timeout=PATIENCE
        )  # noqa: S603 (this program)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        if "Unauthenticated" in said:
            # Ray sends no token to an address that was given unless it is told to, and neither do we.
            return "the cluster asks for its token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless it is in ~/.ray/auth_token"
        reason = (
            f"nothing within {PATIENCE:g} s"
            if isinstance(error, subprocess.TimeoutExpired)
            else (said or str(error)).splitlines()[-1]
        )
    except (OSError, OverflowError) as error:
        reason = str(error)
    else:
        return None
    return f"no Ray cluster answers there ({reason}); start one with ray start --head"


def _answer(ref: Any) -> Any:
    """What the mailbox answers. It is on the driver's own node, so that where it is lost, all is."""
    try:
        return ray.get(ref)
    except RayError as error:
        raise ConnectionError(f"--executor ray: the cluster was lost ({type(error).__name__})") from error


def _name(ref: Any) -> str:
    """What a task calls itself, and its driver it."""
    return ref.task_id().hex()


def _run(pickled: bytes, mailbox: Any, plugins: list[tuple[str, str]], environment: dict[str, str]) -> bytes:
    """Runs a task on a worker of the cluster and returns, pickled, how it ended."""
    os.environ.update(environment)
    use_one_thread()
    context = ray.get_runtime_context()
    me = context.get_task_id()
    task: Task = pickle.loads(pickled)  # noqa: S301 (from the driver)
    if ray.get(mailbox.begin.remote(me, context.get_node_id())):
        return pickle.dumps(Stopped(task.cell))
    # Where a task has a GPU of its own, that is the only one it sees.
    device = "cuda" if task.cell.device.startswith("cuda") else task.cell.device
    cell = replace(
        task.cell, plugins=tuple(_unpacked(name, source) for name, source in plugins), device=device
    )

    def tell(event: Event) -> None:
        ray.get(mailbox.put.remote(me, pickle.dumps(event)))

    link = TaskLink(task, tell, lambda: ray.get(mailbox.stopping.remote()))
    return pickle.dumps(run_task(replace(task, cell=cell), link))


_PLUGINS: dict[str, str] = {}
"""The plug-ins that this process has, by the hash of their source."""


def _unpacked(name: str, source: str) -> str:
    """A file with that source, the same one each time."""
    key = sha256(f"{name}/{source}".encode()).hexdigest()
    if key not in _PLUGINS:
        file = Path(tempfile.mkdtemp(prefix="benchmark-plugin-")) / name
        file.write_text(source, encoding="utf-8")
        _PLUGINS[key] = str(file)
    return _PLUGINS[key]
