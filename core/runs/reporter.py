"""Where a run stands, told while it works."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from core.foundation.errors import Cancelled
from core.foundation.shortage import cause
from core.runs.job_folder import JobFolder, Status

# The stages of a run and their shares of the time where no estimate was made, from runs on digits and signs; only the bar
# depends on them.
WEIGHTS = {"load": 0.03, "poison": 0.0, "train": 0.43, "features": 0.02, "defend": 0.09, "retrain": 0.43}
STAGES = tuple(WEIGHTS)
Observer = Callable[[Status], None]


class Reporter:
    """Writes the status at most twice a second, tells an observer, and notices a cancel.

    weights: the stages in their order, and the share of the time that each takes where nobody has made an estimate.
    """

    def __init__(self, run: JobFolder, observer: Observer | None, weights: Mapping[str, float] = WEIGHTS) -> None:
        self.run, self.observer, self.names = run, observer, tuple(weights)
        now = time.time()
        before = run.status
        ticket = before.ticket if before.state == "queued" else 0.0  # of a run from the queue, which others wait for
        self.last_write = 0.0
        stages = run.estimate.get("stages", {})
        total = sum(stages.values())
        first = self.names[0]
        told = {name: 0.97 * stages.get(name, 0) / total for name in self.names} | {first: 0.03} if total else weights
        self.weights = dict(told)
        self.status = Status("running", started=now, heartbeat=now, pid=os.getpid(), begun=self._begun(), ticket=ticket)

    def leave_out(self, *names: str) -> None:
        """These stages turn out not to be needed, so that the others are more of the whole."""
        if any(self.weights.get(name) for name in names):
            kept = sum(share for name, share in self.weights.items() if name not in names)
            self.weights = {name: 0.0 if name in names else share / kept for name, share in self.weights.items()}
            self.status = replace(self.status, begun=self._begun())

    def _begun(self) -> float:
        return sum(self.weights.get(name, 0.0) for name in self.run.finished_stages)

    def enter(self, name: str, message: str, progress: float = 0.0) -> None:
        """progress: of the stage, where it is told in several messages."""
        self.run.log(message)
        self._show(stage=name, progress=progress, message=message, force=True)
        self._check()

    def step(self, fraction: float) -> None:
        """Called after every training step; raises Cancelled soon after a cancel was asked for."""
        if time.time() - self.last_write >= 0.5:
            self._show(progress=fraction)
            self._check()

    def tell(self, message: str, share: float | None) -> None:
        """What takes long within a stage, in words; called now and then."""
        if time.time() - self.last_write >= 0.5:
            self._show(message=message, progress=share or 0.0)
            self._check()

    def close(self, state: str, message: str) -> None:
        self.run.log(message)
        done = {"progress": 1.0, "overall": 1.0} if state == "finished" else {}
        self._show(state=state, message=message, force=True, **done)

    @contextmanager
    def concluding(self) -> Iterator[None]:
        """Around the work: however it ends, the status says so. A press of Ctrl-C becomes Cancelled."""
        try:
            yield
            self.close("finished", "finished")
        except Cancelled:
            self.close("cancelled", "cancelled; finished stages are kept")
            raise
        except KeyboardInterrupt:
            self.close("cancelled", "interrupted; finished stages are kept")
            raise Cancelled from None
        except BaseException as problem:
            self.close("failed", cause(problem))
            raise

    def _check(self) -> None:
        if self.run.cancel_requested:
            raise Cancelled

    def _show(self, force: bool = False, **changes: Any) -> None:
        now = time.time()
        self.status = Status(**{**vars(self.status), **changes, "heartbeat": now})
        if "overall" not in changes and self.status.stage:
            before = sum(self.weights[name] for name in self.names[: self.names.index(self.status.stage)])
            share = before + self.weights[self.status.stage] * self.status.progress
            self.status = Status(**{**vars(self.status), "overall": min(share, 0.999)})
        self.run.write_status(self.status)
        self.last_write = now
        if self.observer:
            self.observer(self.status)
