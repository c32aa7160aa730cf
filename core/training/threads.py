"""How many CPU threads a training uses: told by a short measurement, and fewer once the machine gets busy.

More threads than free cores wait for each other in every product, so a training can take ten times as long with two threads as
with one; on an idle machine one thread leaves the other cores unused. Neither can be known beforehand. Nobody is asked where
somebody has said how many (`devices.use_threads`), on a GPU, or where the training is short.

The number decides the last digits of sums, so it is kept in checkpoints and told for each epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from core.foundation import devices

LONG = 60.0  # seconds of a whole training from which on the measurement is worth its time
STEPS = 3  # that are timed with each number, after one that is not
BETTER = 0.9  # of the time: what more threads must come down to, to be worth their cores
HOPELESS = 2.0  # times the best: a number whose first step takes that long is not looked at further
WINDOW = 20  # steps, and
SPAN = 10.0  # seconds, after which the time of a step is looked at
SLOW = 1.5  # times what steps took before: then it is measured anew

Step = Callable[[], None]
Clock = Callable[[], float]


class Threads:
    """The number of threads of one training on a device, and the steps' times by which it is lowered."""

    def __init__(
        self, device: torch.device, on_note: Callable[[str], None] | None = None, clock: Clock = time.perf_counter
    ) -> None:
        self._before = self.count = torch.get_num_threads()
        self.fixed = device.type != "cpu" or devices.threads_given() or devices.available_cores() == 1
        self._note, self._clock = on_note or (lambda _: None), clock
        self._usual: float | None = None  # seconds of a step with this number
        self._since, self._steps = 0.0, 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The rest of the program gets its own number back at the end."""
        try:
            self._use(self.count)
            yield
        finally:
            torch.set_num_threads(self._before)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: the training goes on with the same number."""
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The number of a checkpoint, unless somebody has said another, or there are fewer cores."""
        count = int(state["count"])
        if not self.fixed and 1 <= count <= devices.available_cores():
            self.count = count

    def choose(self, step: Step, steps: int) -> None:
        """Measure, before a training of so many steps that is long enough. step: does one, and leaves no trace."""
        if self.fixed:
            return
        first = self._timed(step)
        if first * steps < LONG:
            return
        numbers = {*_numbers(devices.available_cores()), self.count}
        self._measure(step, sorted(numbers), {self.count: first})

    def after_step(self, step: Step) -> None:
        """Count a step of the training; measure again, with this number and fewer, where steps have become slow."""
        if self.fixed or self.count == 1:
            return
        now = self._clock()
        if self._steps == 0:
            self._since = now
        self._steps += 1
        taken = self._steps - 1
        if taken < WINDOW or now - self._since < SPAN:
            return
        seconds, self._steps = (now - self._since) / taken, 0
        if self._usual is None or seconds < self._usual:
            self._usual = seconds
        elif seconds > SLOW * self._usual:
            self._note(f"a step takes {seconds:.2f} s where it took {self._usual:.2f} s")
            self._usual = seconds
            self._measure(step, _numbers(self.count), {})

    def _measure(self, step: Step, numbers: list[int], known: dict[int, float]) -> None:
        """Use the fastest of the numbers, ascending, where more threads have to be worth it."""
        times = dict(known)
        for number in numbers:
            if number not in times:
                torch.set_num_threads(number)
                times[number] = self._timed(step, HOPELESS * min(times.values(), default=float("inf")))
        best = numbers[0]
        for number in numbers[1:]:
            if times[number] < BETTER * times[best]:
                best = number
        self._note(
            f"{best} thread{'s' if best > 1 else ''} for the training: a step takes "
            + ", ".join(f"{times[number]:.3g} s with {number}" for number in numbers)
        )
        if best != self.count:
            self._usual = None
        self._use(best)
        self._steps = 0

    def _timed(self, step: Step, hopeless: float = float("inf")) -> float:
        """Seconds of a step, the fastest of STEPS; the first one is not counted unless it is hopeless."""
        found = []
        for _ in range(1 + STEPS):
            began = self._clock()
            step()
            found.append(self._clock() - began)
            if found[0] > hopeless:
                return found[0]
        return min(found[1:])

    def _use(self, count: int) -> None:
        self.count = count
        if not self.fixed:
            torch.set_num_threads(count)


def threads_in_words(epochs: Iterable[Mapping[str, Any]]) -> str:
    """How many threads the epochs of a training had: "2", or "2, from epoch 5 on 1"; empty where that is not known."""
    words, before = list[str](), None
    for epoch in epochs:
        count = epoch.get("threads")
        if isinstance(count, int) and count != before:
            words.append(f"from epoch {epoch['epoch']} on {count}" if words else str(count))
            before = count
    return ", ".join(words)


def _numbers(most: int) -> list[int]:
    """1, 2, 4, ... and the most itself."""
    return sorted({most, *(2**i for i in range(most.bit_length()) if 2**i <= most)})
