from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.attacks import Transport, left_of_trigger
from core.experiment import Staged, new_run, restage, stage
from core.experiment.staging import PREPARED
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from core.runs import Runs
from tests.makers import coloured, tiny_config, write_folder


def staged(folder: Path, attack: str, **changes: Any) -> Staged:
    return stage(tiny_config(folder, **{"attack": attack, "attack_options": {}, "source": None, **changes}))


class Brightness:
    """A classifier that goes by the brightness; there is no autoencoder."""

    device = torch.device("cpu")

    def __init__(self, clean: ImageData) -> None:
        self.clean = clean

    def classifier(self) -> Callable[[Tensor], Tensor]:
        return lambda x: torch.stack([x.float().mean((1, 2, 3)) * sign / 50 for sign in (-1, 0, 1)], 1)

    def autoencoder(self) -> Any:
        raise AssertionError("not needed")


# --- what a defense is told to expect


@pytest.mark.parametrize("attack", ["patch", "blended", "tact", "sig", "wanet"])
def test_all_poisons_carry_the_label_of_the_target(attack: str, picture_folder: Path) -> None:
    experiment = staged(picture_folder, attack)
    assert experiment.poisons_in_target == len(experiment.truth.rows) == 6
    assert (experiment.poisoned.labels[experiment.truth.rows] == 1).all()


@pytest.mark.parametrize(("poisons", "share"), [(6, 2), (12, 4), (0, 0)])
def test_with_all_to_all_it_is_the_share_of_the_class_before_the_target(
    poisons: int, share: int, picture_folder: Path
) -> None:
    experiment = staged(picture_folder, "all-to-all", poisons=poisons)
    assert experiment.poisons_in_target == share
    of_target = experiment.truth.rows[experiment.poisoned.labels[experiment.truth.rows] == 1]
    assert (experiment.truth.true_labels[of_target] == 0).all()


def test_covers_are_not_expected(picture_folder: Path) -> None:
    experiment = staged(picture_folder, "wanet", poisons=10, poisoning={"cover_rate": 1.5})
    assert (experiment.poisons_in_target, len(experiment.truth.covers)) == (10, 15)


# --- the budget


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Two classes of 40 and 8 training images."""
    data = coloured(50)
    rows = np.concatenate([np.flatnonzero(data.labels == 0), np.flatnonzero(data.labels == 1)[:10]])
    return write_folder(tmp_path / "uneven", data.take(rows))


@pytest.mark.parametrize(
    ("attack", "most", "rows"),
    [("patch", 8, 17), ("sig", 4, 8)],  # with clean labels the class does not grow
)
def test_the_most_that_a_filter_can_bear_is_half_of_the_target(attack: str, most: int, rows: int, uneven: Path) -> None:
    source = 0 if attack == "patch" else None
    assert len(staged(uneven, attack, poisons=most, source=source).truth.rows) == most
    message = (
        f"{most + 1} poisons would be more than half of the {rows} images then labelled 'class b'; lower the poisons"
    )
    with pytest.raises(InputError, match=message):
        staged(uneven, attack, poisons=most + 1, source=source)


def test_with_all_to_all_only_the_share_in_the_target_counts(picture_folder: Path) -> None:
    """40 training images in each of 3 classes: 60 poisons are 20 a class, which gives away 20 and gets 20."""
    assert staged(picture_folder, "all-to-all", poisons=60).poisons_in_target == 20
    with pytest.raises(InputError, match="21 poisons would be more than half of the 40 images then labelled 'class b'"):
        staged(picture_folder, "all-to-all", poisons=63)


@pytest.mark.parametrize(("k", "fits"), [(45, True), (46, False)])
def test_directions_must_be_fewer_than_the_images_of_the_target(k: int, fits: bool, picture_folder: Path) -> None:
    options = {"defense_options": {"n_components": k}}
    if fits:
        staged(picture_folder, "blended", **options)
        return
    with pytest.raises(InputError, match="n_components = 46 must be below the 46 images of the target class; lower it"):
        staged(picture_folder, "blended", **options)


# --- the way to the model

JPEG = {"format": "jpeg", "quality": 40}


@pytest.mark.parametrize("attack", ["patch", "wanet"])
def test_all_training_images_travel_after_the_poisoning_and_the_split_does_not(
    attack: str, picture_folder: Path
) -> None:
    plain, sent = staged(picture_folder, attack), staged(picture_folder, attack, transport=JPEG)
    np.testing.assert_array_equal(sent.poisoned.images, Transport(**JPEG).apply(plain.poisoned.images))
    assert (sent.poisoned.images != plain.poisoned.images).any((1, 2, 3)).all()
    for name in ("train", "test"):
        np.testing.assert_array_equal(getattr(sent.split, name).images, getattr(plain.split, name).images)
    np.testing.assert_array_equal(sent.truth.rows, plain.truth.rows)


def test_what_is_left_of_the_trigger_is_that_of_the_poisons_and_is_noted(picture_folder: Path) -> None:
    plain, sent = staged(picture_folder, "patch"), staged(picture_folder, "patch", transport=JPEG)
    rows, travel = plain.truth.rows, Transport(**JPEG).apply
    clean, poisoned = plain.split.train.images[rows], plain.poisoned.images[rows]
    assert sent.trigger_left == left_of_trigger(clean, poisoned, travel(clean), travel(poisoned))
    assert sent.trigger_left is not None
    share = round(100 * sent.trigger_left)
    said = f"All images travel as JPEG of quality 40; {share} % of the trigger is left in the 6 poisoned ones."
    assert sent.notes == (*sent.split.notes, said)
    assert (plain.trigger_left, plain.notes) == (None, plain.split.notes)


def test_without_poisons_there_is_no_trigger_of_which_anything_could_be_left(picture_folder: Path) -> None:
    sent = staged(picture_folder, "patch", transport=JPEG, poisons=0)
    assert sent.trigger_left is None
    assert sent.notes[-1] == "All images travel as JPEG of quality 40."


def test_prepared_images_travel_too(picture_folder: Path) -> None:
    plain, sent = (staged(picture_folder, "label-consistent", transport=way) for way in ({}, JPEG))
    ready, arrived = (one.prepared(Brightness(one.split.train)) for one in (plain, sent))
    np.testing.assert_array_equal(arrived.poisoned.images, Transport(**JPEG).apply(ready.poisoned.images))
    assert arrived.trigger_left != sent.trigger_left


def test_it_tells_that_images_travel(picture_folder: Path) -> None:
    told: list[tuple[str, float | None]] = []
    stage(tiny_config(picture_folder, transport=JPEG), report=lambda message, share=None: told.append((message, share)))
    assert told[-1] == ("All images travel", 1.0)


# --- images that the attack prepares


def test_prepared_images_take_the_place_of_the_unprepared_and_nothing_else_changes(picture_folder: Path) -> None:
    plain = staged(picture_folder, "label-consistent")
    ready = plain.prepared(Brightness(plain.split.train))
    np.testing.assert_array_equal(ready.truth.rows, plain.truth.rows)
    np.testing.assert_array_equal(ready.poisoned.labels, plain.poisoned.labels)
    differs = (ready.poisoned.images != plain.poisoned.images).any((1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(differs), plain.truth.rows)
    assert ready.config == plain.config


def test_they_are_the_same_however_often_they_are_prepared(picture_folder: Path) -> None:
    plain = staged(picture_folder, "label-consistent")
    once, again = (plain.prepared(Brightness(plain.split.train)) for _ in range(2))
    np.testing.assert_array_equal(once.poisoned.images, again.poisoned.images)


def test_saved_images_are_put_in_the_rows_of_the_poison(picture_folder: Path) -> None:
    plain = staged(picture_folder, "label-consistent")
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] + np.zeros((6, 16, 16, 3), np.uint8)
    before = plain.poisoned.images.copy()
    changed = plain.with_poison_images(images)
    np.testing.assert_array_equal(changed.poisoned.images[plain.truth.rows], images)
    rest = ~plain.truth.mask()
    np.testing.assert_array_equal(changed.poisoned.images[rest], before[rest])
    np.testing.assert_array_equal(plain.poisoned.images, before)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((5, 16, 16, 3), np.uint8),
        np.zeros((6, 16, 15, 3), np.uint8),
        np.zeros((6, 16, 16, 1), np.uint8),
        np.zeros((6, 16, 16, 3), np.float32),
        np.zeros(6, np.uint8),
    ],
    ids=lambda a: f"{a.shape} {a.dtype}",
)
def test_saved_images_that_do_not_fit_are_refused(images: np.ndarray, picture_folder: Path) -> None:
    plain = staged(picture_folder, "label-consistent")
    with pytest.raises(InputError, match=r"prepared\.npy does not fit the data of the run; start the run anew"):
        plain.with_poison_images(images)


def test_a_run_is_staged_with_its_saved_images_once_their_stage_is_finished(
    tmp_path: Path, picture_folder: Path
) -> None:
    plain = staged(picture_folder, "label-consistent")
    run = new_run(plain.config, Runs(tmp_path))
    images = np.full((6, 16, 16, 3), 7, np.uint8)
    np.save(run.file(PREPARED), images)
    np.testing.assert_array_equal(restage(run).poisoned.images, plain.poisoned.images)  # a half-done stage begins anew
    run.write_json("result.json", {"seconds": {"poison": 1.0}})
    np.testing.assert_array_equal(restage(run).poisoned.images[plain.truth.rows], images)
    run.file(PREPARED).unlink()
    with pytest.raises(InputError, match=r"prepared\.npy cannot be read"):
        restage(run)


def test_a_budget_is_expected_in_place_of_the_truth(picture_folder: Path) -> None:
    assert staged(picture_folder, "patch", poisons=0, budget=5).expected == 5
    assert staged(picture_folder, "patch", poisons=4).expected == 4
    with pytest.raises(InputError, match="a budget of 30 poisons is more than half of the 40 images labelled"):
        staged(picture_folder, "patch", poisons=0, budget=30)
