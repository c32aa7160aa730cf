from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.attacks import ATTACKS, Patch, Transport, left_of_trigger
from core.experiment import RunConfig, stage
from core.experiment.preview import MEASURED, preview
from core.foundation.pictures import difference
from tests.conftest import Cli
from tests.makers import check_refused, coloured, encode, noise_images, tiny_config, write_parquet

DATA = coloured(12, classes=3, size=32)


def config(**changes: object) -> RunConfig:
    return RunConfig(**{"source": 0, "target": 1, "poisons": 6, **changes}).resolved()  # type: ignore[arg-type]


@pytest.mark.parametrize("key", list(ATTACKS))
def test_every_attack_can_be_looked_at(key: str) -> None:
    shown = preview(config(attack=key, source=None if ATTACKS[key].any_source else 0), DATA, 4)
    assert shown.clean.shape == shown.poisoned.shape == shown.difference.shape == (4, 32, 32, 3)
    assert (shown.clean != shown.poisoned).any((1, 2, 3)).all()


@pytest.mark.parametrize("way", [{}, {"format": "jpeg"}, {"resize": 64}], ids=str)
def test_the_preview_is_what_the_run_is_trained_on(way: dict[str, Any], picture_folder: Path) -> None:
    staged = stage(tiny_config(picture_folder, transport=way))
    shown = preview(staged.config, staged.split.train, 40)
    clean = Transport(**way).apply(staged.split.train.images)
    for row in staged.truth.rows:
        place = np.flatnonzero((shown.clean == clean[row]).all((1, 2, 3)))
        np.testing.assert_array_equal(shown.poisoned[place[0]], staged.poisoned.images[row])


def test_the_strength_in_training_is_what_is_seen() -> None:
    def change(strength: float) -> int:
        shown = preview(config(poisoning={"train_strength": strength}), DATA, 4)
        return int(np.abs(shown.poisoned.astype(int) - shown.clean).sum())

    assert 0 < change(0.5) < change(1.0)


def test_what_is_left_of_the_trigger_is_measured_on_more_images_than_are_shown() -> None:
    many = coloured(80, classes=3, size=32)
    sent = preview(config(transport={"resize": 128}), many, 4)
    rows = np.flatnonzero(many.labels == 0)[:MEASURED]
    clean, poisoned, travel = many.images[rows], Patch().apply_all(many.images[rows]), Transport(resize=128).apply
    assert sent.left == left_of_trigger(clean, poisoned, travel(clean), travel(poisoned))
    assert len(sent.clean) == 4
    np.testing.assert_array_equal(sent.difference, difference(sent.clean, sent.poisoned, 10))


def test_nothing_is_said_of_it_where_nothing_happens_or_the_trigger_changes_nothing() -> None:
    assert preview(config(), DATA, 4).left is None
    white = replace(DATA, images=np.full_like(DATA.images, 255))
    assert preview(config(transport={"format": "jpeg"}), white, 4).left is None


def test_every_way_is_seen() -> None:
    shown = preview(config(attack="pixel", attack_options={"ways": 3}), DATA, 3)
    places = {tuple(np.argwhere((a != b).any(2))[0]) for a, b in zip(shown.clean, shown.poisoned, strict=True)}
    assert len(places) == 3


def test_the_command_writes_a_picture(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "attacks.png"
    outcome = cli("preview", "--dataset", "digits", "--attack", "patch", "--out", str(out))
    assert outcome.status == 0, outcome
    with Image.open(out) as picture:
        assert picture.width > 3 * 4 * 64


def test_the_command_says_what_is_left_of_each_trigger(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "attacks.png"
    way = ("--set", "transport.format=jpeg", "--set", "transport.resize=64")
    outcome = cli("preview", "--dataset", "digits", "--attack", "patch", *way, "--out", str(out))
    assert outcome.status == 0, outcome
    assert re.search(r"^Patch \(BadNets\): \d\d % of the trigger is left$", outcome.out, re.MULTILINE)
    assert "all images travel by way of 64 pixels a side, then as JPEG of quality 75" in outcome.out
    assert out.exists()


@pytest.mark.parametrize("name", ["attacks.jpg", "nowhere/attacks.png"])
def test_a_picture_that_cannot_be_written_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    check_refused(cli("preview", "--out", str(tmp_path / name)), "cannot be written; give the name of a .png")


def test_a_set_of_fewer_classes_than_usual_is_shown_too(tmp_path: Path, cli: Cli) -> None:
    """Sets of three classes have no tenth one to turn."""
    parquet = write_parquet(
        tmp_path / "x.parquet", [encode(image) for image in noise_images(30, 8)], [i % 3 for i in range(30)]
    )
    given = ("preview", "--data", str(parquet), "--attack", "patch", "--out", str(tmp_path / "out.png"))
    assert cli(*given).status == 0
    assert cli(*given, "--source", "2", "--target", "0").status == 0
    check_refused(cli(*given, "--source", "0", "--target", "#9"), "target class 9 does not exist")
