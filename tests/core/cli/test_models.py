"""`layers`, and `features` of somebody's images through somebody's model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision

from core.models import MODELS, Classifier
from core.models.weights import save
from tests.conftest import Cli
from tests.makers import check_refused, coloured, encode, write_folder, write_image_parquet
from tests.networks import write_onnx, write_weights

MODEL = "torchvision:resnet18"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return write_weights(tmp_path_factory.mktemp("w") / "r.safetensors", torchvision.models.resnet18(num_classes=3))


def test_layers_lists_blocks_and_suggests_one(weights: Path, cli: Cli) -> None:
    outcome = cli("layers", MODEL, "--weights", weights, "--size", 32)
    assert outcome.status == 0, outcome.err
    assert "torchvision:resnet18, images of 32x32 with 3 channels" in outcome.out
    suggested = next(line for line in outcome.out.splitlines() if "<- suggested" in line)
    assert suggested.split("│")[0].strip() == "layer4.0"
    assert "suggested: layer4.0, the block before the last, where the SPECTRE paper looks" in outcome.out
    assert "more inside of these: --all" in outcome.out
    assert "layer1.0.conv1" not in outcome.out
    assert "layer1.0.conv1" in cli("layers", MODEL, "--size", 32, "--all").out


def test_layers_as_json_say_what_the_table_says_and_all_that_it_hides(weights: Path, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("layers", MODEL, "--weights", weights, "--size", 32, "--json", tmp_path / "l.json")
    assert outcome.status == 0, outcome.err
    told = json.loads((tmp_path / "l.json").read_text())
    assert (told["model"], told["size"], told["channels"]) == (MODEL, 32, 3)
    assert told["mean"] == [0.485, 0.456, 0.406]
    assert f"suggested: {told['suggested']}, {told['why']}" in outcome.out
    assert [one["name"] for one in told["layers"] if one["suggested"]] == ["layer4.0"]
    (last,) = (one for one in told["layers"] if one["name"] == "layer4.0")
    assert (last["kind"], last["shape"], last["numbers"], last["flat"]) == ("BasicBlock", [512, 1, 1], 512, 512)
    shown = {line.split("│")[0].strip() for line in outcome.out.splitlines() if "│" in line}
    assert {one["name"] for one in told["layers"] if one["main"]} <= shown
    assert any(one["name"] == "layer1.0.conv1" and not one["main"] for one in told["layers"])


@pytest.mark.parametrize(("file", "message"), [("no/l.json", "there is no such folder"), (".", "is a folder")])
def test_a_file_for_json_that_cannot_be_written_is_refused_first(
    file: str, message: str, tmp_path: Path, cli: Cli
) -> None:
    check_refused(cli("layers", MODEL, "--json", tmp_path / file), message)
    check_refused(cli("data", tmp_path, "--json", tmp_path / file), message)


def test_a_run_s_own_model_looks_at_other_images(tmp_path: Path, cli: Cli) -> None:
    torch.manual_seed(0)
    small = MODELS.make("small", {"width": 4}).build((3, 16, 16), 3)
    save(Classifier(small, [0.5] * 3, [0.25] * 3), tmp_path / "m.safetensors")
    pictures = write_folder(tmp_path / "set", coloured(6, classes=3, size=16))
    words = ["--weights", tmp_path / "m.safetensors", "--size", 16]
    outcome = cli("layers", "small", *words)
    assert "suggested: block3, the layer that runs of this network look at" in outcome.out
    outcome = cli("features", pictures, "--model", "small", *words, "--out", tmp_path / "f", "--device", "cpu")
    assert outcome.status == 0, outcome.err
    assert "less a mean of 0.5, 0.5, 0.5, by a deviation of 0.25, 0.25, 0.25" in outcome.out
    assert np.load(tmp_path / "f" / "features.npy").shape == (18, 16)
    assert pd.read_csv(tmp_path / "f" / "files.csv")["file"][0].startswith("class a/")


def test_features_of_a_folder_go_to_scan_which_names_the_files(weights: Path, tmp_path: Path, cli: Cli) -> None:
    pictures = write_folder(tmp_path / "set", coloured(12, classes=3, size=32))
    first = sorted((pictures / "class b").iterdir())[0]
    shutil.copy(first, first.with_name("again.png"))
    out = tmp_path / "f"
    outcome = cli(
        "features", pictures, "--model", MODEL, "--weights", weights, "--size", 32, "--out", out, "--device", "cpu"
    )
    assert outcome.status == 0, outcome.err
    assert "layer layer4.0, the block before the last" in outcome.out
    assert "images: 32x32, less a mean of 0.485, 0.456, 0.406, by a deviation of 0.229, 0.224, 0.225" in outcome.out
    assert f"37 x 512 features written to {out}" in outcome.out
    outcome = cli(
        "scan", out / "features.npy", out / "files.csv", "--poisons", "auto", "--out", tmp_path / "v", "--device", "cpu"
    )
    assert outcome.status == 0, outcome.err
    findings = pd.read_csv(tmp_path / "v" / "findings.csv")
    copies = findings[findings["kind"] == "copy"]
    assert list(copies["file"]) == ["class b/again.png"]
    assert list(copies["name"]) == ["class b"]


def test_images_of_a_table_keep_their_size_where_they_share_one(tmp_path: Path, cli: Cli) -> None:
    model = write_onnx(tmp_path / "m.onnx")
    file = write_image_parquet(tmp_path / "a.parquet", coloured(6, size=24))
    outcome = cli("features", file, "--model", model, "--layer", "row", "--normalise", "none", "--out", tmp_path / "f")
    assert outcome.status == 0, outcome.err
    assert "\nlayer row\n" in f"\n{outcome.out}"
    assert np.load(tmp_path / "f" / "features.npy").shape == (12, 4)
    about = json.loads((tmp_path / "f" / "features.json").read_text())
    assert (about["model"], about["size"], about["mean"], about["std"]) == ("m.onnx", 16, [0, 0, 0], [1, 1, 1])


def test_images_of_a_table_that_differ_in_size_are_made_alike(tmp_path: Path, cli: Cli) -> None:
    model = write_onnx(tmp_path / "m.onnx")
    cells = [{"bytes": encode(np.full((9 + i, 12, 3), 20 * i, np.uint8))} for i in range(12)]
    pd.DataFrame({"image": cells, "label": [0, 1] * 6}).to_parquet(tmp_path / "a.parquet")
    words = ["features", tmp_path / "a.parquet", "--model", model, "--out", tmp_path / "f"]
    assert "note: Only 10 training images in all" in cli(*words).out
    assert np.load(tmp_path / "f" / "features.npy").shape == (12, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["set", "--model", MODEL], "torchvision:resnet18 without weights is as it was initialised"),
        (["set", "--model", "small"], "small without weights is as it was initialised"),
        (["set", "--model", "m.pth"], "m.pth is a pickle, whose loader can run code"),
        (["set", "--model", "m.onnx", "--truth"], "--truth is for runs"),
        (["./set"], "./set is a path and no run; say with which model"),
        (["run", "--size", 32], "--size goes with --model"),
        (["run", "--normalise", "none"], "--normalise goes with --model"),
        (["run"], "run"),
        (["nowhere", "--model", "m.onnx"], "nowhere does not exist"),
        (["set", "--model", "m.onnx", "--layer", "sum9"], "the model has no layer 'sum9'"),
        (["set", "--model", "m.onnx", "--set", "dataset.colour=red"], "no parameter 'colour'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    words: list[object], message: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "set", coloured(3, size=16))
    write_onnx(tmp_path / "m.onnx")
    check_refused(cli("features", *words, "--out", "f"), message)
    assert not Path("f").exists()
