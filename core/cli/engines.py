"""Where a command's work is done: `--engine`, `--address` and `--gpus` of `scan` and `sweep`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from core.cli.terminal import out
from core.foundation.errors import InputError

if TYPE_CHECKING:
    from core.foundation.cluster import Cluster

ENGINES = ("local", "ray")
ADDRESS = "auto"  # where none is given


def opened(engine: str, address: str, threads: int | None, gpus: float) -> AbstractContextManager[Cluster | None]:
    """The cluster that the options name, None for this machine. threads: of each task, 1 where none are given. Raises InputError."""
    if engine not in ENGINES:
        raise InputError(f"engine '{engine}' is not one of: {', '.join(ENGINES)}")
    if engine == "local":
        if address != ADDRESS or gpus:
            raise InputError("--address and --gpus are of a cluster; add --engine ray, or leave them out")
        return nullcontext()
    from core.foundation.cluster import Cluster

    with out.status(f"looking for a Ray cluster at {address}"):
        return Cluster(address, cpus=threads or 1, gpus=gpus)
