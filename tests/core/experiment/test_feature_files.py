from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.audit.readers import read_features
from core.experiment import config_of, execute, new_run, stage
from core.experiment.feature_files import write_features
from core.foundation.errors import InputError
from core.runs import RunFolder, Runs
from tests.makers import Outcome, check_refused, tiny_config

Cli = Callable[..., Outcome]
ROOT = Path(__file__).resolve().parents[3]
TRAIN = 3 * 40  # four fifths of 50 images a class


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> RunFolder:
    run = new_run(tiny_config(picture_folder, retrain=False), Runs(tmp_path_factory.mktemp("runs")))
    execute(run)
    return run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def read(out: Path, name: str) -> np.ndarray:
    array: np.ndarray = np.load(out / name, allow_pickle=False)
    return array


def test_every_training_example_is_there_with_the_label_it_was_trained_on(
    finished: RunFolder, out: Path, cli: Cli
) -> None:
    outcome = cli("features", finished.id, "--out", out, "--device", "cpu", "--runs-dir", finished.path.parent)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"120 x 256 features written to {out}" in outcome.out
    assert sorted(p.name for p in out.iterdir()) == [
        "features.npy", "files.csv", "ids.npy", "labels.npy",
    ], "no truth unasked"  # fmt: skip
    features, labels = read(out, "features.npy"), read(out, "labels.npy")
    assert (features.shape, features.dtype) == ((TRAIN, 256), np.float32)
    assert labels.dtype == np.int64
    assert (labels == 1).sum() == 40 + 6
    np.testing.assert_array_equal(read(out, "ids.npy"), np.arange(TRAIN))


def test_rows_of_the_target_class_are_those_of_the_run(finished: RunFolder, out: Path) -> None:
    write_features(finished, out, device="cpu")
    ids = finished.load_scores()["id"].to_numpy()
    np.testing.assert_array_equal(np.flatnonzero(read(out, "labels.npy") == 1), ids)
    # batches of another make-up round differently
    np.testing.assert_allclose(
        read(out, "features.npy")[ids], finished.load_array("features.npy"), rtol=1e-4, atol=1e-5
    )


def test_each_row_has_its_file_and_the_name_of_its_label(finished: RunFolder, out: Path) -> None:
    write_features(finished, out, device="cpu")
    staged = stage(config_of(finished))
    files, labels = pd.read_csv(out / "files.csv"), read(out, "labels.npy")
    names = staged.split.train.class_names
    assert files["class"].tolist() == [names[label] for label in labels]
    assert files["file"].tolist() == staged.split.train.sources.tolist()
    scores = finished.load_scores()
    assert files["file"][scores["id"]].tolist() == scores["source"].tolist()
    with read_features(out / "features.npy") as table:
        assert table.place(3) == files["file"][3]


def test_another_layer_and_the_truth_on_demand(finished: RunFolder, out: Path) -> None:
    assert write_features(finished, out, layer="pooled", truth=True, device="cpu") == (TRAIN, 16)
    np.testing.assert_array_equal(read(out, "truth.npy"), stage(config_of(finished)).truth.mask())
    write_features(finished, out, device="cpu")
    assert not (out / "truth.npy").exists(), "an old truth must not lie beside new features"


def test_a_bundled_run_has_no_model_and_says_what_to_do(out: Path, cli: Cli) -> None:
    (bundled,) = (ROOT / "assets" / "runs").glob("digits-*")
    outcome = cli("features", bundled.name, "--out", out, "--runs-dir", bundled.parent)
    check_refused(outcome, "has no model", "make the run again: python -m core run --dataset digits")
    assert not out.exists()


def test_an_unknown_layer_is_refused(finished: RunFolder, out: Path) -> None:
    with pytest.raises(InputError, match="no layer 'block9'; choose from: block1"):
        write_features(finished, out, layer="block9")
    assert not out.exists()


def test_data_that_changed_since_is_refused(finished: RunFolder, tmp_path: Path, out: Path) -> None:
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / finished.id)))
    run.write_json("result.json", {**run.result, "train_images": 119})
    with pytest.raises(InputError, match="trained on 119 images, but its data set now has 120"):
        write_features(run, out)
    assert not out.exists()


def test_other_images_in_the_same_numbers_are_refused(finished: RunFolder, tmp_path: Path, out: Path) -> None:
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / finished.id)))
    told = run.read_json("data.json")
    run.write_json("data.json", told | {"levels": [level + 1 for level in told["levels"]]})
    with pytest.raises(InputError, match="has changed since the run began"):
        write_features(run, out, device="cpu")


def test_a_cancel_leaves_no_half_file(finished: RunFolder, out: Path) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_features(finished, out, device="cpu", on_step=stop)
    assert list(out.iterdir()) == []
