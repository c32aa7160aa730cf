"""`data`: what would be read, as words and as JSON; and that `run` reads the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.experiment import config_of
from core.runs import Runs
from tests.conftest import Cli
from tests.makers import check_refused, coloured, write_folder, write_image_parquet


def test_it_tells_classes_counts_levels_and_what_is_left_out(picture_folder: Path, tmp_path: Path, cli: Cli) -> None:
    (picture_folder / "class a" / "x.heic").write_bytes(b"x")
    outcome = cli("data", picture_folder, "--json", tmp_path / "told.json", "--set", "dataset.size=16")
    (picture_folder / "class a" / "x.heic").unlink()
    assert outcome.status == 0, outcome.err
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["kind"] == "folder"
    assert told["class_names"] == ["class a", "class b", "class c"]
    assert (told["train"], told["test"]) == (
        {"images": 120, "per_class": [40, 40, 40]},
        {"images": 30, "per_class": [10, 10, 10]},
    )
    assert (told["image_shape"], told["split"], told["columns"]) == ([16, 16, 3], "made", None)
    assert told["left_out"][0]["count"] == 1
    np.testing.assert_allclose(told["levels"], [60, 125, 190], atol=3)
    for words in (
        "folder: 120 training and 30 test images, held out here",
        "class b",
        "16x16, 3 channels",
        "left out: 1 files *.heic",
    ):
        assert words in outcome.out


def test_the_kind_is_told_from_what_is_there_and_can_be_said(picture_folder: Path, tmp_path: Path, cli: Cli) -> None:
    file = write_image_parquet(tmp_path / "a.parquet", coloured(5))
    assert cli("data", file).out.startswith("parquet: 8 training and 2 test images")
    check_refused(cli("data", file, "--as", "folder"), "is not a folder")
    check_refused(cli("data", file, "--as", "films"), "unknown data set 'films'")


@pytest.mark.parametrize("where", ["x.npy", "x.parquet", "parts"])
def test_features_are_told_as_what_they_are(where: str, tmp_path: Path, cli: Cli) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 60).astype(np.float32)
    path = tmp_path / where
    if where == "x.parquet":
        pq.write_table(pa.table({"file": [f"{i}" for i in range(60)], "logits": list(rows)}), path)
    elif where == "x.npy":
        np.save(path, rows)
    else:
        path.mkdir()
        for part in range(2):
            np.save(path / f"part-{part}.npy", rows[30 * part :][:30])
    outcome = cli("data", path, "--json", tmp_path / "told.json")
    assert outcome.status == 0, outcome.err
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["kind"], told["rows"], told["columns"]) == ("features", 60, 5)
    assert "the rows are probabilities" in outcome.out
    if where == "x.parquet":
        assert "left out: column 'file'" in outcome.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        ([".", "--json", "/nowhere/told.json"], "/nowhere/told.json cannot be written"),
        ([".", "--set", "dataset.colour=red"], "no parameter 'colour'"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, cli: Cli) -> None:
    check_refused(cli("data", *words), message)


def test_many_classes_are_not_all_listed(tmp_path: Path, cli: Cli) -> None:
    images = np.zeros((60, 8, 8), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(60) % 30)
    outcome = cli("data", tmp_path / "a.npz")
    assert "10 more classes before the last; --json has all" in outcome.out
    assert "\n29 " in outcome.out


def test_run_reads_what_data_told_and_a_class_is_meant_by_its_name(tmp_path: Path, cli: Cli) -> None:
    data = coloured(30, classes=3)
    folder = write_folder(tmp_path / "set", data.__class__(data.images, data.labels, ("1", "2", "3")))
    quick = [
        "--epochs",
        1,
        "--poisons",
        4,
        "--set",
        "dataset.size=16",
        "--set",
        "model.width=4",
        "--no-retrain",
        "--device",
        "cpu",
    ]
    for source, index in (("1", 0), ("#1", 1)):
        outcome = cli(
            "run", "--data", folder, "--source", source, "--target", 3, *quick, "--runs-dir", tmp_path / source
        )
        assert outcome.status == 0, outcome.err
        (run,) = Runs(tmp_path / source)
        config = config_of(run)
        assert (config.dataset, config.source, config.target) == ("folder", (index,), 2)
        assert f"--source '#{index}' --target '#2'" in config.command()
        assert f"{index + 1} -> 3, 4 poisons" in outcome.out
