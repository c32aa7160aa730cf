"""Fitting many classes at once: one process for each few cores, this process alone where that is faster, or a cluster."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.audit.scanning.classes import ClassResult, Task, fit_class, fit_classes
from core.audit.table import Part, Table, elsewhere, part_of
from core.foundation.cluster import Cluster
from core.foundation.errors import InputError

# Starting processes that import torch takes some seconds: jobs below this many rows in all are sooner done in this one.
FEW_ROWS = 5_000
TOGETHER = 32  # classes that a GPU fits at once; 1,300 rows each take about 2 GB

Pooled = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Plan:
    """How many processes, and CPU threads in each. One process means this one."""

    workers: int
    threads: int
    machines: int = 0  # of a cluster; 0 for this machine alone


def make_plan(tasks: Sequence[Task], asked: int | None, device: torch.device, cluster: Cluster | None = None) -> Plan:
    """Share torch's threads (see `devices.use_threads`) out among processes; a GPU serves one process at a time.

    asked: number of processes, None to choose. A cluster shares itself out.
    """
    if cluster:
        return Plan(cluster.at_once, cluster.cpus, cluster.machines)
    cores = torch.get_num_threads()
    few = asked is None and sum(len(task.rows) for task in tasks) < FEW_ROWS
    wanted = 1 if few or device.type != "cpu" else asked or cores
    workers = max(1, min(wanted, len(tasks)))
    return Plan(workers, max(1, cores // workers))


def fit_all(
    tasks: Sequence[Task],
    features: Table,
    device: torch.device,
    plan: Plan,
    pooled: Pooled,
    cluster: Cluster | None = None,
) -> Generator[ClassResult]:
    """Fit every class, the largest first, and give the results in the order in which they get finished.

    pooled: rows of a task (n,) in deviations of the rows within all classes, (n, r); asked for when their turn has come.
    cluster: where the work is done, None for this machine. Raises InputError as `fit_class` does, BrokenExecutor where a process
    dies. Processes end with the generator.
    """
    largest_first = sorted(tasks, key=lambda task: -len(task.rows))
    if cluster:
        return _in_cluster(largest_first, features, cluster, pooled)
    if device.type == "cuda":
        return _in_batches(largest_first, features, device, pooled)
    if plan.workers == 1:
        return (fit_class(_with(pooled, task), _part(features, task), str(device)) for task in largest_first)
    return _in_processes(largest_first, features, plan, pooled)


def _in_batches(tasks: Sequence[Task], features: Table, device: torch.device, pooled: Pooled) -> Generator[ClassResult]:
    """Some classes at a time, of like sizes, for a GPU."""
    for first in range(0, len(tasks), TOGETHER):
        some = [_with(pooled, task) for task in tasks[first : first + TOGETHER]]
        yield from fit_classes(some, [_part(features, task) for task in some], str(device))


def _with(pooled: Pooled, task: Task) -> Task:
    return replace(task, pooled=pooled(task.rows))


def _in_processes(tasks: Sequence[Task], features: Table, plan: Plan, pooled: Pooled) -> Generator[ClassResult]:
    from joblib.externals.loky import ProcessPoolExecutor  # can kill its workers, and needs no guarded main module

    one_each = {name: str(plan.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    pool = ProcessPoolExecutor(
        plan.workers, initializer=_begin_worker, initargs=(plan.threads, os.getpid()), env=one_each
    )
    ahead: set[Future[ClassResult]] = set()
    left = iter(tasks)
    try:
        while True:
            while len(ahead) < 2 * plan.workers and (task := next(left, None)):
                # few at a time: rows may travel along
                ahead.add(pool.submit(fit_class, _with(pooled, task), _part(features, task)))
            if not ahead:
                return
            done, ahead = wait(ahead, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _in_cluster(tasks: Sequence[Task], features: Table, cluster: Cluster, pooled: Pooled) -> Generator[ClassResult]:
    table = elsewhere(features)
    device = "cuda" if cluster.gpus else "cpu"
    items = ((_with(pooled, task), part_of(table, task.rows), device, cluster.cpus) for task in tasks)
    return cluster.results(_fit_there, items)


def _fit_there(task: Task, part: Part, device: str, threads: int) -> ClassResult:
    """Fit a class on another machine, which opens the table by itself."""
    torch.set_num_threads(threads)
    try:
        rows = part.all()
    except (OSError, ValueError) as problem:
        raise InputError(
            f"{socket.gethostname()} cannot read {part.table} ({type(problem).__name__}); features must lie where all "
            "machines of the cluster have them under the same path"
        ) from None
    return fit_class(task, rows, device)


def _part(features: Table, task: Task) -> Part | np.ndarray:
    """What has to travel to fit a class: the name of a file and the numbers of the rows in it, or the rows themselves."""
    part = part_of(features, task.rows)
    return part.all() if isinstance(part.table, np.ndarray) else part


def _begin_worker(threads: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    torch.set_num_threads(threads)


def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may have been killed without a chance to say so."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
