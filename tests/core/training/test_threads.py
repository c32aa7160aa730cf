"""How many threads a training uses: by a measurement on a machine whose speed the test decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from core.foundation import devices
from core.foundation.errors import Cancelled
from core.models import SmallResNet
from core.training import Epoch, Recipe, checkpoints, loop, threads, threads_in_words, train
from core.training.threads import Threads
from tests.makers import coloured

CPU = torch.device("cpu")


class Machine:
    """Steps take what it says for the number of threads at work; its clock is the one that is read."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.steps = seconds, 0.0, 0

    def clock(self) -> float:
        return self.now

    def step(self) -> None:
        self.steps += 1
        self.now += self.seconds[torch.get_num_threads()]


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(devices, "available_cores", lambda: 8)
    monkeypatch.setattr(devices, "threads_given", lambda: False)
    before = torch.get_num_threads()
    torch.set_num_threads(7)
    yield
    torch.set_num_threads(before)


def chosen(seconds: dict[int, float], steps: int = 10_000) -> tuple[Threads, Machine, list[str]]:
    notes: list[str] = []
    machine = Machine(seconds)
    found = Threads(CPU, notes.append, machine.clock)
    found.choose(machine.step, steps)
    return found, machine, notes


def test_the_fastest_number_is_used_and_told() -> None:
    found, _, notes = chosen({1: 0.8, 2: 0.45, 4: 0.25, 7: 0.3, 8: 0.5})
    assert found.count == torch.get_num_threads() == 4
    assert notes == [
        "4 threads for the training: a step takes 0.8 s with 1, 0.45 s with 2, 0.25 s with 4, 0.3 s with 7, 0.5 s with 8"
    ]


def test_more_threads_have_to_be_worth_their_cores() -> None:
    assert chosen({1: 0.8, 2: 0.79, 4: 0.78, 7: 0.77, 8: 0.76})[0].count == 1


def test_a_number_that_makes_it_far_slower_costs_one_step() -> None:
    found, machine, _ = chosen({1: 0.1, 2: 1.0, 4: 5.0, 7: 0.095, 8: 9.0})
    assert found.count == 1
    assert machine.steps == 4 + 4 + 3  # with 7, which was there, with 1, and once with each of the others


def test_a_short_training_is_not_measured() -> None:
    found, machine, notes = chosen({7: 0.1}, steps=500)
    assert (found.count, machine.steps, notes) == (7, 4, [])


@pytest.mark.parametrize("why", ["given", "cuda", "one core"])
def test_nothing_is_measured_where_there_is_nothing_to_decide(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why == "given":
        monkeypatch.setattr(devices, "threads_given", lambda: True)
    if why == "one core":
        monkeypatch.setattr(devices, "available_cores", lambda: 1)
    machine = Machine({})
    found = Threads(torch.device("cuda") if why == "cuda" else CPU, None, machine.clock)
    found.choose(machine.step, 10_000)
    found.after_step(machine.step)
    with found.in_use():
        assert torch.get_num_threads() == 7
    assert (found.count, machine.steps) == (7, 0)


def train_for(found: Threads, machine: Machine, steps: int) -> None:
    for _ in range(steps):
        machine.step()
        found.after_step(machine.step)


def test_a_machine_that_gets_busy_is_left_more_room() -> None:
    found, machine, notes = chosen({1: 0.8, 2: 0.45, 4: 0.25, 7: 0.3, 8: 0.24})
    assert found.count == 4
    train_for(found, machine, 200)
    assert len(notes) == 1
    machine.seconds = {1: 0.9, 2: 0.8, 4: 2.5, 8: 9.0}
    train_for(found, machine, 60)
    assert found.count == torch.get_num_threads() == 2
    assert notes[1:] == [
        "a step takes 2.50 s where it took 0.25 s",
        "2 threads for the training: a step takes 0.9 s with 1, 0.8 s with 2, 2.5 s with 4",
    ]
    machine.seconds = {1: 0.9, 2: 9.0}
    train_for(found, machine, 90)
    assert found.count == 1
    machine.seconds = {1: 20.0}
    train_for(found, machine, 90)
    assert len(notes) == 5, "with one thread there is nothing left to lower"


def test_a_machine_that_is_slower_all_over_keeps_its_number_and_is_measured_once() -> None:
    found, machine, notes = chosen({1: 0.8, 2: 0.45, 4: 0.25, 7: 0.3, 8: 0.24})
    train_for(found, machine, 200)
    machine.seconds = {1: 1.6, 2: 0.9, 4: 0.5}
    train_for(found, machine, 400)
    assert found.count == 4
    assert len(notes) == 3


def test_a_single_slow_step_changes_nothing() -> None:
    found, machine, notes = chosen({1: 0.8, 2: 0.45, 4: 0.25, 7: 0.3, 8: 0.24})
    train_for(found, machine, 200)
    machine.now += 3.0
    train_for(found, machine, 200)
    assert (found.count, len(notes)) == (4, 1)


def test_the_program_gets_its_own_number_back() -> None:
    found, _, _ = chosen({1: 0.1, 2: 0.2, 4: 0.2, 7: 0.2, 8: 0.2})

    def work() -> None:
        with found.in_use():
            assert torch.get_num_threads() == 1
            raise Cancelled

    with pytest.raises(Cancelled):
        work()
    assert torch.get_num_threads() == 7


@pytest.mark.parametrize(
    ("counts", "words"),
    [([], ""), ([2, 2], "2"), ([4, 4, 2, 1], "4, from epoch 3 on 2, from epoch 4 on 1"), ([None, 2], "2")],
)
def test_in_words(counts: list[int | None], words: str) -> None:
    assert threads_in_words({"epoch": i, "threads": count} for i, count in enumerate(counts, 1)) == words


# --- in a training


def fit(seen: list[Epoch] | None = None, **options: Any) -> Any:
    recipe = Recipe(epochs=4, batch_size=16)
    on_epoch = (lambda epoch, _: seen.append(epoch)) if seen is not None else None
    return train(
        coloured(40), SmallResNet(width=4), recipe, flip=True, seed=0, device=CPU, on_epoch=on_epoch, **options
    )


def test_the_measurement_leaves_no_trace_in_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured before and in the middle, with one number to choose from; against a training that is not measured."""
    torch.set_num_threads(1)
    plain = fit().state_dict()
    trials: list[int] = []
    trial = loop._Steps.trial
    monkeypatch.setattr(loop._Steps, "trial", lambda steps: trials.append(1) or trial(steps))
    monkeypatch.setattr(threads, "LONG", 0.0)
    monkeypatch.setattr(threads, "_numbers", lambda most: [1])  # and the one it has, which is 1
    monkeypatch.setattr(Threads, "after_step", lambda self, step: step())
    measured = fit().state_dict()
    assert len(trials) > 4
    assert all(torch.equal(plain[name], measured[name]) for name in plain)


def test_a_training_tells_its_number_and_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    monkeypatch.setattr(Threads, "choose", lambda self, step, steps: self._use(2))
    seen: list[Epoch] = []

    def stop(share: float) -> None:
        if len(seen) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(seen, checkpoint=tmp_path / "kept", on_step=stop)
    monkeypatch.setattr(Threads, "choose", lambda self, step, steps: pytest.fail("measured anew"))
    fit(seen, checkpoint=tmp_path / "kept")
    assert [epoch.threads for epoch in seen] == [2, 2, 2, 2]
    assert torch.get_num_threads() == 7
