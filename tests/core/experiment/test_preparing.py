"""Runs whose attack prepares its images with models of its own: one stage more than the others have."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.experiment import RunConfig, config_of, execute, new_run, restage, stage, workshop
from core.experiment.feature_files import write_features
from core.experiment.staging import PREPARED
from core.foundation.errors import Cancelled, InputError
from core.foundation.images import ImageData
from core.runs import STAGES, RunFolder, Runs, Status
from core.training import autoencoder
from tests.makers import forget, tiny_config


def config(folder: Path, **changes: Any) -> RunConfig:
    options = {"method": "pgd linf", "bound": 40.0, "steps": 3}
    return tiny_config(folder, **{"attack": "label-consistent", "attack_options": options, "source": None, **changes})


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("SPECTRE_LENS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def seen() -> list[Status]:
    return []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path, seen: list[Status]) -> RunFolder:
    """One complete run that the tests of this module share. Not to be changed: `copied` is for that."""
    run = new_run(config(picture_folder), Runs(tmp_path_factory.mktemp("runs")))
    with pytest.MonkeyPatch.context() as patch:  # the status is told of at every step, not twice a second
        patch.setattr("core.runs.reporter.Reporter.step", lambda self, share: self._show(progress=share))
        execute(run, observer=seen.append)
    return run


@pytest.fixture
def copied(finished: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / finished.id)))


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("the attacker's models are not needed")

    monkeypatch.setattr(workshop, "train", fail)
    monkeypatch.setattr(workshop, "cached_arrays", fail)


def test_the_stage_stands_between_loading_and_training(finished: RunFolder, seen: list[Status]) -> None:
    assert list(dict.fromkeys(status.stage for status in seen)) == list(STAGES)
    assert set(finished.result["seconds"]) == {"poison", "train", "features", "defend", "retrain"}
    assert "the attacker trains a model of his own" in finished.file("log.txt").read_text(encoding="utf-8")


def test_the_attackers_progress_is_told_and_the_whole_never_falls(finished: RunFolder, seen: list[Status]) -> None:
    shares = [status.progress for status in seen if status.stage == "poison"]
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    overall = [status.overall for status in seen]
    assert overall == sorted(overall)
    assert overall[-1] == 1.0


def test_the_model_is_trained_on_hard_images_with_the_pattern_and_their_right_label(finished: RunFolder) -> None:
    plain, staged = stage(config_of(finished)), restage(finished)
    prepared, rows = finished.load_array(PREPARED), staged.truth.rows
    assert (prepared.shape, prepared.dtype) == ((6, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(staged.poisoned.images[rows], prepared)
    np.testing.assert_array_equal(staged.poisoned.labels, staged.split.train.labels)
    inner = np.s_[:, 3:-3]  # away from the corners: what the classifier was fooled by
    change = prepared[inner].astype(int) - staged.split.train.images[rows][inner]
    assert 0 < np.abs(change).max() <= 40
    np.testing.assert_array_equal(plain.poisoned.images[rows][inner], staged.split.train.images[rows][inner])


def test_the_files_of_the_run_hold_the_prepared_images(finished: RunFolder, tmp_path: Path) -> None:
    frame = finished.load_scores()
    np.testing.assert_array_equal(finished.load_array("images.npy")[frame["is_poison"]], finished.load_array(PREPARED))
    assert (frame["label"] == frame["true_label"]).all()
    assert len(frame) == 40  # no class grows
    write_features(finished, tmp_path, device="cpu")
    ids = frame["id"].to_numpy()
    np.testing.assert_allclose(
        np.load(tmp_path / "features.npy")[ids], finished.load_array("features.npy"), rtol=1e-4, atol=1e-5
    )


def test_the_test_images_carry_the_pattern_alone(finished: RunFolder) -> None:
    examples = finished.load_arrays("examples.npz")
    attack = config_of(finished).make_attack()
    np.testing.assert_array_equal(examples["triggered"], attack.stamp(examples["clean"], 0))
    assert finished.result["before"]["attack_combined"]["total"] == 20  # every class but the target


@pytest.mark.usefixtures("no_models")
def test_a_run_that_was_stopped_goes_on_with_the_same_images(copied: RunFolder, finished: RunFolder) -> None:
    forget(copied, "train", "features", "defend", "retrain")
    for name in ("model.safetensors", "features.npy", "scores.parquet", "images.npy"):
        copied.file(name).unlink()
    execute(copied, stage(config_of(copied)))
    pd.testing.assert_frame_equal(copied.load_scores(), finished.load_scores())
    np.testing.assert_array_equal(copied.load_array("features.npy"), finished.load_array("features.npy"))


def test_retraining_leaves_out_what_is_removed_of_the_same_images(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[ImageData] = []

    def record(data: ImageData, *_: Any, **__: Any) -> None:
        given.append(data)
        raise Cancelled

    monkeypatch.setattr("core.experiment.pipeline.train", record)
    forget(copied, "retrain")
    with pytest.raises(Cancelled):
        execute(copied)
    frame = copied.load_scores()
    kept = np.ones(120, bool)
    kept[frame["id"][frame["removed_spectre"]]] = False
    np.testing.assert_array_equal(given[0].images, restage(copied).poisoned.images[kept])


def test_images_that_are_gone_are_named_and_not_made_up(copied: RunFolder) -> None:
    """The model has seen the prepared images: features of the others would be of another experiment."""
    copied.file(PREPARED).unlink()
    forget(copied, "features", "defend", "retrain")
    with pytest.raises(InputError, match=r"prepared\.npy cannot be read"):
        execute(copied)
    assert copied.status.state == "failed"


def test_a_cancel_during_the_attackers_training_is_heard_and_the_run_goes_on_later(
    tmp_path: Path, picture_folder: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(config(picture_folder, seed=11, retrain=False), Runs(tmp_path))
    before, real, trained = set(own_cache.rglob("*.npz")), workshop.train, []

    def cancelled_meanwhile(*args: Any, **kwargs: Any) -> Any:
        run.request_cancel()
        time.sleep(0.6)  # the folder is looked at twice a second
        trained.append(real(*args, **kwargs))
        return trained[0]

    with monkeypatch.context() as patch:
        patch.setattr(workshop, "train", cancelled_meanwhile)
        with pytest.raises(Cancelled):
            execute(run)
    assert not trained
    assert (run.status.state, run.status.stage) == ("cancelled", "poison")
    assert not run.file(PREPARED).exists()
    assert not run.file("result.json").exists()
    assert set(own_cache.rglob("*.npz")) == before
    run.clear_cancel()
    execute(run)
    assert run.status.state == "finished"


@pytest.mark.usefixtures("no_models")
@pytest.mark.parametrize("changes", [{"poisons": 0}, {"attack_options": {"method": "none"}}], ids=["clean", "none"])
def test_where_nothing_is_prepared_no_model_is_trained(
    changes: dict[str, Any], tmp_path: Path, picture_folder: Path
) -> None:
    run = new_run(
        config(picture_folder, retrain=False, training={"epochs": 1, "batch_size": 16}, **changes), Runs(tmp_path)
    )
    execute(run)
    assert run.status.state == "finished"


def test_the_step_in_latent_space_runs_too(
    tmp_path: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoder, "STEPS", 2)
    run = new_run(config(
            picture_folder, attack_options={"method": "interpolation"}, retrain=False,
            training={"epochs": 1, "batch_size": 16},
        ), Runs(tmp_path))  # fmt: skip
    execute(run)
    staged = restage(run)
    inner = np.s_[:, 3:-3]
    changed = staged.poisoned.images[staged.truth.rows][inner] != staged.split.train.images[staged.truth.rows][inner]
    assert changed.any((1, 2, 3)).all()
