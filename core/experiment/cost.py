"""What a run will cost, from a short measurement on this machine before it starts."""

from __future__ import annotations

import contextlib
import time
from functools import cache

import numpy as np
import torch

from core.defenses import DEFENSES, shared_components
from core.experiment.config import RunConfig
from core.experiment.staging import Staged
from core.experiment.workshop import Workshop
from core.foundation import devices
from core.foundation.images import ImageData
from core.runs import STAGES
from core.training import autoencoder, timing, train_autoencoder
from core.training.timing import SPREAD, Estimate, fastest, is_busy

__all__ = ["SPREAD", "Estimate", "estimate", "is_busy"]

SAMPLE = (300, 1024)  # rows and columns of the features on which the defenses are timed


def estimate(staged: Staged) -> Estimate:
    """Time a few steps of each stage as the run will do it, and count how many there are. Takes some seconds.

    The fastest step counts, not the mean: where others use the machine, single steps take many times as long as they need.

    The defenses are timed on a small table of random numbers and scaled: their rounds grow with the root of the rows, and
    the Gram matrix that they share with rows x columns x the smaller of both.
    """
    started, busy = time.perf_counter(), is_busy()
    config, data = staged.config, staged.poisoned
    device = devices.resolve(config.device)
    recipe = config.make_recipe()
    a_step, usual = _seconds_of_a_step(config, data, device)
    forward, columns = _seconds_of_an_image(config, data, device)
    per_epoch = max(1, len(data) // min(recipe.batch_size, len(data)))
    training = recipe.epochs * per_epoch * a_step
    judging = _judged(staged) * forward
    rows = int((data.labels == staged.goal.target).sum())
    stages = dict.fromkeys(STAGES, 0.0)
    stages["train"] = training + judging
    stages["features"] = rows * forward
    stages["defend"] = _seconds_of_defenses(rows, columns)
    stages["retrain"] = training + judging if config.retrain else 0.0
    stages["poison"] = _seconds_of_workshop(staged, device, training)
    spread = max(SPREAD, usual / a_step if a_step else 1.0)
    rounded = {name: round(seconds, 2) for name, seconds in stages.items()}
    return Estimate(rounded, time.perf_counter() - started, round(spread, 2), busy)


def _seconds_of_a_step(config: RunConfig, data: ImageData, device: torch.device) -> tuple[float, float]:
    """Of the fastest step, and of a usual one."""
    return timing.seconds_of_a_step(data, config.make_model(), config.make_recipe(), device)


def _seconds_of_workshop(staged: Staged, device: torch.device, training: float) -> float:
    """What the attacker's own model costs: nothing where it is on disk, else a training like the victim's or its own."""
    needs = staged.attack.needs
    if not needs or Workshop(staged.config, staged.split, device).is_ready(needs):
        return 0.0
    if needs == "classifier":
        return training
    watch = timing.Stopwatch(device)
    with contextlib.suppress(timing.EnoughError):
        train_autoencoder(staged.split.train, seed=0, device=device, on_step=watch.step)
    return autoencoder.STEPS * watch.seconds


def _seconds_of_an_image(config: RunConfig, data: ImageData, device: torch.device) -> tuple[float, int]:
    """Seconds of one image forward, and how many features it has at the run's layer."""
    return timing.seconds_of_an_image(data, config.make_model(), config.layer, device)


def _seconds_of_defenses(rows: int, columns: int) -> float:
    rounds, product = _speed_of_defenses(torch.get_num_threads())
    # the root: from 156 rows (digits) over 1,050 (signs) to 5,500 (CIFAR-10) the rounds cost about that much more
    return rounds * (rows / SAMPLE[0]) ** 0.5 + product * rows * columns * min(rows, columns)


@cache  # it depends on the machine alone
def _speed_of_defenses(threads: int) -> tuple[float, float]:
    """Seconds of all defenses on a table of SAMPLE, and of one multiplication in a matrix product."""
    table = np.random.default_rng(0).standard_normal(SAMPLE, np.float32)
    table *= np.geomspace(8, 0.5, SAMPLE[1], dtype=np.float32)  # features fall off too; equal columns take far longer
    _fit_all(table[:20], 2)  # once for what is imported on the way
    rounds = fastest(lambda: _fit_all(table, 10), 1)
    square = torch.from_numpy(table[:, : SAMPLE[0]])
    return rounds, fastest(lambda: square @ square, 3) / SAMPLE[0] ** 3


def _fit_all(table: np.ndarray, poisons: int) -> None:
    defenses = [defense(n_poisons=poisons) for defense in DEFENSES.values()]
    components = shared_components(table, defenses)
    for defense in defenses:
        defense.fit(table, components=components)


def _judged(staged: Staged) -> int:
    """Forward passes of one evaluation: all test images, and the triggered ones three times over."""
    test = staged.split.test
    return len(test) + 2 * int(staged.goal.is_victim(test.labels).sum()) + len(test) // 2
