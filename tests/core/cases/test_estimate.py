"""What an audit is said to cost before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cases import estimate as module
from core.cases.config import CaseConfig
from core.cases.estimate import Known, estimate, known_of
from core.cases.folder import Cases
from core.cases.pipeline import WEIGHTS
from core.cases.reading import read
from core.models.brought import open_network
from core.runs import Reporter
from tests.networks import write_onnx


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose speed is known: a step takes half a second, an image a hundredth at each layer."""
    monkeypatch.setattr(module, "seconds_of_a_step", lambda *_: (0.5, 0.5))
    monkeypatch.setattr(module, "seconds_of_an_image", lambda *_: (0.01, 64))
    monkeypatch.setattr(module, "_speed", lambda _: (1e-6, 1e-4))


def known(folder: Path) -> Known:
    brought = read(CaseConfig(str(folder)), folder)
    return known_of(brought, 2.0)


def test_of_images_a_training_is_counted_by_its_steps_and_features_by_layer(picture_folder: Path, speed: None) -> None:
    seen = known(picture_folder)
    assert seen.rows == 150
    short = estimate(CaseConfig("x", epochs=2), seen)
    assert short.stages == {"read": 2.0, "train": 2 * (150 // 64) * 0.5, "features": 1.5, "look": 0.28, "pictures": 0.23, "report": 0.0}  # fmt: skip
    assert estimate(CaseConfig("x", epochs=20), seen).stages["train"] == 10 * short.stages["train"]
    both = estimate(CaseConfig("x", epochs=2, layers=("block2", "block3")), seen)
    assert both.stages["features"] == 2 * short.stages["features"]
    assert both.stages["look"] == pytest.approx(2 * short.stages["look"], abs=0.02)


def test_without_epochs_those_that_the_kind_suggests_are_counted(picture_folder: Path, speed: None) -> None:
    seen = replace(known(picture_folder), kind="parquet", sizes=(1280, 1280))
    assert estimate(CaseConfig("x"), seen).stages["train"] == 14 * (2560 // 128) * 0.5


def test_of_features_nothing_is_trained_and_a_given_number_costs_one_fit_of_a_class(speed: None) -> None:
    seen = Known("features", (400, 400, 5), 100, 1.0)
    found = estimate(CaseConfig("x"), seen)
    assert found.stages["train"] == found.stages["features"] == 0
    rows = 1e-6 * 805 * 100
    assert found.stages["look"] == pytest.approx(
        rows + module.FITS * 2 * 4.0, abs=0.01
    )  # the class of five is not fitted
    assert estimate(CaseConfig("x", poisons="20"), seen).stages["look"] == pytest.approx(rows + 2 * 4.0, abs=0.01)
    assert found.spread > 1.4  # classes are uneven


def test_a_real_measurement_of_a_brought_network(picture_folder: Path, tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "tiny.onnx")
    found = estimate(CaseConfig("x", model=str(file)), known(picture_folder), open_network(str(file)))
    assert found.stages["train"] == 0
    assert 0 < found.stages["features"] < 60
    assert found.stages["look"] > 0
    assert found.measuring > 0


def test_what_is_kept_of_a_large_set_is_small(picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 30)
    seen = known(picture_folder)
    assert seen.sample is not None
    assert len(seen.sample) == 30
    assert np.bincount(seen.sample.labels).min() > 0, "every class is in it"


def test_the_bar_of_an_audit_follows_it(tmp_path: Path, speed: None) -> None:
    made = estimate(CaseConfig("x"), Known("features", (400, 400), 100, 0.0)).as_json()
    assert set(made["stages"]) == set(WEIGHTS)
    case = Cases(tmp_path).create(CaseConfig("x").as_json(), "x", made)
    assert case.estimated_seconds == pytest.approx(made["total"])
    seen: list[float] = []
    Reporter(case, lambda status: seen.append(status.overall), WEIGHTS).enter("pictures", "")
    assert seen[0] == pytest.approx(0.03 + 0.97 * made["stages"]["look"] / made["total"])
