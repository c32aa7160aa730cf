from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.experiment import RunConfig, Staged, Workshop, cost, new_run, stage
from core.runs import Reporter, Runs
from core.training import timing
from tests.makers import tiny_config


@pytest.fixture(scope="module")
def staged(picture_folder: Path) -> Staged:
    return stage(tiny_config(picture_folder))


def estimate_of(staged: Staged, **changes: object) -> cost.Estimate:
    return cost.estimate(replace(staged, config=replace(staged.config, **changes)))  # type: ignore[arg-type]


def test_every_stage_has_a_cost_and_the_total_is_their_sum(staged: Staged) -> None:
    found = cost.estimate(staged)
    assert all(found.stages[name] > 0 for name in ("train", "defend", "retrain"))
    assert found.stages["poison"] == 0
    assert found.total == pytest.approx(sum(found.stages.values()))
    assert found.as_json()["total"] == found.total


def test_ten_times_the_epochs_cost_about_ten_times_as_much(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_seconds_of_a_step", lambda *_: (0.5, 0.5))
    monkeypatch.setattr(cost, "_seconds_of_an_image", lambda *_: (0.0, 256))
    short = estimate_of(staged, training={"epochs": 2, "batch_size": 16})
    long = estimate_of(staged, training={"epochs": 20, "batch_size": 16})
    assert short.stages["train"] == 2 * (120 // 16) * 0.5
    assert long.stages["train"] == 10 * short.stages["train"]


def test_no_retraining_and_a_preparing_attack_are_counted(staged: Staged) -> None:
    assert estimate_of(staged, retrain=False).stages["retrain"] == 0
    config = RunConfig(**{**vars(staged.config), "attack": "label-consistent", "attack_options": {}})
    prepared = cost.estimate(replace(staged, config=config, attack=config.make_attack()))
    assert prepared.stages["poison"] > 0


def test_the_attackers_model_costs_nothing_once_it_is_there(
    staged: Staged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path))
    for method, model in (("pgd l2", "classifier"), ("interpolation", "autoencoder")):
        monkeypatch.setattr("core.training.autoencoder.STEPS", 3)
        options = {"method": method}
        config = RunConfig(**{**vars(staged.config), "attack": "label-consistent", "attack_options": options})
        preparing = replace(staged, config=config, attack=config.make_attack())
        assert cost.estimate(preparing).stages["poison"] > 0
        getattr(Workshop(config, staged.split, torch.device("cpu")), model)()
        assert cost.estimate(preparing).stages["poison"] == 0


def test_the_bar_follows_the_estimate(staged: Staged, tmp_path: Path) -> None:
    stages = {"load": 0.0, "poison": 0.0, "train": 60.0, "features": 0.0, "defend": 30.0, "retrain": 10.0}
    run = new_run(staged.config, Runs(tmp_path), {"stages": stages, "total": 100.0, "measuring": 1.0})
    seen: list[float] = []
    reporter = Reporter(run, lambda status: seen.append(status.overall))
    reporter.enter("defend", "")
    reporter.enter("retrain", "")
    assert seen == pytest.approx([0.03 + 0.97 * 0.6, 0.03 + 0.97 * 0.9])


def test_single_slow_steps_widen_the_range_and_leave_the_estimate(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "_seconds_of_an_image", lambda *_: (0.0, 256))
    monkeypatch.setattr(cost, "_seconds_of_a_step", lambda *_: (0.5, 0.51))
    calm = cost.estimate(staged)
    monkeypatch.setattr(cost, "_seconds_of_a_step", lambda *_: (0.5, 10.0))
    held_up = cost.estimate(staged)
    assert calm.stages["train"] == held_up.stages["train"]
    assert calm.at_most == pytest.approx(cost.SPREAD * calm.total)
    assert held_up.at_most == pytest.approx(20 * held_up.total)


def test_the_fastest_step_counts() -> None:
    watch = timing.Stopwatch(torch.device("cpu"))
    watch.moments = [0.0, 9.0, 9.5, 12.5, 15.5, 18.5]
    assert watch.seconds == 0.5
    assert watch.usual == 3.0


@pytest.mark.parametrize(("load", "busy"), [(3.9, False), (4.1, True)])
def test_busy_is_more_load_than_cores(load: float, busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert timing.is_busy() is busy
