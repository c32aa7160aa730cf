"""Features of somebody's images through somebody's network, as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision

from core.audit.readers import read_features
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Reading, Split
from core.models.brought import Network, open_network, pooled
from core.training import audited, write_brought, write_rows
from tests.makers import coloured
from tests.networks import onnx_graph, outputs, write_onnx, write_weights


def named(data: ImageData) -> ImageData:
    return replace(data, sources=np.array([f"{i}.png" for i in range(len(data))]))


DATA = named(coloured(6, classes=3, size=32))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    torch.manual_seed(0)
    made = torchvision.models.resnet18(num_classes=3)
    return open_network("torchvision:resnet18", write_weights(tmp_path_factory.mktemp("w") / "w.safetensors", made), 32)


def test_rows_are_the_means_over_positions_in_the_order_of_the_images(network: Network, tmp_path: Path) -> None:
    written = write_brought(network, DATA, tmp_path, layer="layer1.0", device="cpu")
    assert (written.shape, written.why) == ((18, 64), "")
    x = torch.from_numpy(DATA.images.transpose(0, 3, 1, 2)) / 255
    x = (x - torch.tensor(network.statistics[0])[:, None, None]) / torch.tensor(network.statistics[1])[:, None, None]
    then, _ = outputs(network.tapped("")[0], ["layer1.0"], x)["layer1.0"]
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), pooled(then), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), DATA.labels)
    files = pd.read_csv(tmp_path / "files.csv")
    assert list(files["file"]) == DATA.sources.tolist()
    assert list(files["class"]) == [DATA.class_names[label] for label in DATA.labels]
    about = json.loads((tmp_path / "features.json").read_text())
    assert (about["layer"], about["class_names"]) == ("layer1.0", list(DATA.class_names))


def test_names_that_would_be_formulas_come_back_through_the_readers(tmp_path: Path) -> None:
    sources = np.array(["=1.png", "'=1.png", "-1.png", "a/2.png"])
    write_rows(tmp_path, np.array([0, 1, 0, 1]), ["@a", "b"], sources)
    np.save(tmp_path / "features.npy", np.zeros((4, 2)))
    text = (tmp_path / "files.csv").read_text()
    assert text == "file,class\n'=1.png,'@a\n''=1.png,b\n'-1.png,'@a\na/2.png,b\n"
    with read_features(tmp_path / "features.npy") as read:
        assert read.names is not None
        assert read.names.tolist() == sources.tolist()


def test_where_no_names_are_known_the_numbers_of_the_rows_are_not_taken_for_some(tmp_path: Path) -> None:
    write_rows(tmp_path, np.array([0, 1, 0]), ["a", "b"], None)
    np.save(tmp_path / "features.npy", np.zeros((3, 2)))
    assert (tmp_path / "files.csv").read_text() == "file,class\n0,a\n1,b\n2,a\n"
    with read_features(tmp_path / "features.npy") as read:
        assert (read.names, read.notes) == (None, ())


def test_all_numbers_on_demand_and_the_suggested_layer_otherwise(network: Network, tmp_path: Path) -> None:
    assert write_brought(network, DATA, tmp_path, layer="layer1.0", flat=True, device="cpu").shape == (18, 64 * 8 * 8)
    written = write_brought(network, DATA, tmp_path, device="cpu")
    assert (written.layer.name, written.shape) == ("layer4.0", (18, 512))
    assert "block before the last" in written.why


def test_grey_and_small_images_are_fitted_and_others_refused(network: Network, tmp_path: Path) -> None:
    assert write_brought(network, coloured(3, size=9, channels=1), tmp_path / "a", device="cpu").shape == (6, 512)
    with pytest.raises(InputError, match="the images have 2 channels and the network takes 3"):
        write_brought(network, coloured(3, size=9, channels=2), tmp_path / "b", device="cpu")
    with pytest.raises(InputError, match="no layer 'nothing'"):
        write_brought(network, DATA, tmp_path / "b", layer="nothing", device="cpu")
    assert not (tmp_path / "b").exists()


def test_onnx_with_a_fixed_batch_gives_the_rows_of_any_number(tmp_path: Path) -> None:
    rows = []
    for batch in ("n", 4):
        file = write_onnx(tmp_path / f"{batch}.onnx", onnx_graph(batch))
        written = write_brought(open_network(str(file)), DATA, tmp_path / str(batch), device="cpu")
        assert (written.layer.name, written.shape) == ("sum1", (18, 4))
        rows.append(np.load(tmp_path / str(batch) / "features.npy"))
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-4, atol=1e-5)


def test_a_share_that_was_held_out_is_looked_at_too_and_a_given_test_part_is_not() -> None:
    train, test = DATA.take(np.array([0, 3, 11])), DATA.take(np.array([2, 10]))
    made = audited(Split(train, test, False, reading=Reading(split="made")))
    assert made.sources.tolist() == ["0.png", "2.png", "3.png", "10.png", "11.png"]
    np.testing.assert_array_equal(made.labels, DATA.labels[[0, 2, 3, 10, 11]])
    assert audited(Split(train, test, False)) is train
