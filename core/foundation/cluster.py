"""Work on the machines of a Ray cluster. Ray is an extra and is loaded only where a cluster is asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.foundation.errors import InputError

RETRIES = 3  # times that a task is done again whose worker was lost
LOOK = 0.5  # seconds from one look at what is finished to the next
AHEAD = 2  # tasks handed out for each that can be at work
INSTALL = "pip install 'ray>=2.40'"


class Cluster:
    """A connection to a Ray cluster, and what each task may use of it. Use as a context.

    The code of this package travels along, so the machines need the libraries of requirements.txt but no checkout of their own.
    """

    def __init__(self, address: str = "auto", *, cpus: int = 1, gpus: float = 0.0) -> None:
        """address: of a running cluster; `auto` finds one on this machine, `local` starts one for as long as this lasts.

        cpus: threads of each task. gpus: its share of a GPU, 0 for none. Raises InputError where there is no such cluster,
        or no machine of it has that much.
        """
        self.cpus, self.gpus = cpus, gpus
        self._ray = _connected(address)
        for name, wanted in (("CPU", cpus), ("GPU", gpus)):
            most = max((float(node["Resources"].get(name, 0.0)) for node in self._nodes()), default=0.0)
            if wanted > most:
                self.close()
                raise InputError(
                    f"{wanted:g} {name}s for each task, but no machine of the cluster has more than {most:g}"
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; one that was started for this ends."""
        self._ray.shutdown()

    @property
    def machines(self) -> int:
        """How many there are now."""
        return len(self._nodes())

    @property
    def at_once(self) -> int:
        """How many tasks can be at work at the same time, as the cluster is now."""
        found = self._ray.cluster_resources()
        room = found.get("CPU", 0.0) // self.cpus
        if self.gpus:
            room = min(room, found.get("GPU", 0.0) // self.gpus)
        return max(1, int(room))

    def results(
        self, function: Callable[..., Any], items: Iterable[tuple[Any, ...]], on_wait: Callable[[], None] | None = None
    ) -> Generator[Any]:
        """function(*item) of every item, in the order in which they get finished.

        It works in this process's folder where the machine has one of that path. Items are taken a few ahead of the work. What a
        lost worker was at is done again, RETRIES times. on_wait: called twice a second. Raises what the function raises; InputError
        where workers are lost over and over. Tasks end with the generator.
        """
        task = self._ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=RETRIES)(_in_folder)
        left, waiting = iter(items), list[Any]()
        try:
            while True:
                for item in islice(left, max(0, AHEAD * self.at_once - len(waiting))):
                    waiting.append(task.remote(str(Path.cwd()), function, *item))
                if not waiting:
                    return
                done, waiting = self._ray.wait(waiting, timeout=LOOK)
                for reference in done:
                    yield self._get(reference)
                if on_wait:
                    on_wait()
        finally:
            for reference in waiting:
                self._ray.cancel(reference, force=True)

    def _get(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as problem:
            raise problem.cause from None
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError, errors.LocalRayletDiedError):
            raise InputError(
                f"a task lost its worker {RETRIES + 1} times, perhaps for lack of memory; give each more with --threads: "
                "what is finished is kept, and the same command goes on from there"
            ) from None

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]


def _in_folder(folder: str, function: Callable[..., Any], *item: Any) -> Any:
    with suppress(OSError):
        os.chdir(folder)  # so that relative paths mean the same
    return function(*item)


def _connected(address: str) -> Any:
    """Ray itself, connected. Raises InputError in one line."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address not in ("auto", "local") and _has_token():
        os.environ.setdefault(
            "RAY_AUTH_MODE", "token"
        )  # Ray 2.60 does not look for its token where an address is named
    try:
        import ray
    except ImportError:
        raise InputError(f"a cluster needs Ray, which is not installed: {INSTALL}") from None
    package = Path(__file__).resolve().parents[1]
    try:
        ray.init(
            address, runtime_env={"py_modules": [str(package)]}, log_to_driver=False, logging_level=logging.ERROR,
            include_dashboard=False if address == "local" else None,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError) as problem:
        raise InputError(f"no Ray cluster at '{address}' ({_reason(problem)})") from None
    return ray


def _has_token() -> bool:
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or Path("~/.ray/auth_token").expanduser().is_file()


def _reason(problem: BaseException) -> str:
    """Why there was no connection, and what to do about it."""
    chain = [problem]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    if any("auth" in str(one).lower() and "token" in str(one).lower() for one in chain):
        return "it asks for a token: bring ~/.ray/auth_token of its head here, or set RAY_AUTH_TOKEN"
    words = str(problem).strip().splitlines() or [type(problem).__name__]
    return f"{words[0].rstrip('.')}; start one with `ray start --head`, or let --address local do it"
