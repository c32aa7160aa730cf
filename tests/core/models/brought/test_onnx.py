"""Networks as ONNX files: their values, images in either order, and files that are up to something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from core.foundation.errors import InputError
from core.models.brought import Fitted, open_network
from tests.networks import onnx_graph, write_onnx


def values(path: Path, layer: str, images: torch.Tensor, size: int | None = None) -> torch.Tensor:
    """A value of the graph for uint8 images."""
    network = open_network(str(path), None, size)
    network.normalise("none")
    with torch.inference_mode():
        return Fitted(network.tapped(layer)[0], network.statistics, network.size)(images)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_onnx(tmp_path / "m.onnx")


IMAGES = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_its_values_are_listed_and_the_sum_of_the_block_before_the_last_is_suggested(file: Path) -> None:
    network = open_network(str(file))
    taps = network.taps()
    assert (network.size, network.channels, network.batch) == (16, 3, None)
    assert [layer.name for layer in taps.layers if layer.main] == ["sum0", "sum1", "sum2", "pooled", "row", "logits"]
    assert {"stem", "conv1", "relu1"} < {layer.name for layer in taps.layers}
    assert taps.suggested == "sum1"
    assert "block before the last" in taps.why
    assert (taps.chosen("").shape, taps.chosen("").pooled) == ((4, 16, 16), 4)


def test_a_value_is_what_onnx_s_own_evaluation_gives(file: Path) -> None:
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(file)
    model.graph.output.append(helper.make_tensor_value_info("sum1", TensorProto.FLOAT, None))
    expected = ReferenceEvaluator(model).run(["sum1"], {"image": (IMAGES / 255).numpy()})[0]
    np.testing.assert_allclose(values(file, "sum1", IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", [{"batch": 1}, {"batch": 4}, {"size": "any"}, {"last": True}, {"half": True}], ids=str)
def test_other_forms_of_the_input_give_the_same(form: dict[str, Any], file: Path, tmp_path: Path) -> None:
    other = write_onnx(tmp_path / "other.onnx", onnx_graph(**form))
    network = open_network(str(other), None, 16)
    assert network.taps().suggested == "sum1"
    assert network.batch == form.get("batch")
    images = IMAGES[: network.batch]
    found = values(other, "sum1", images, 16)
    torch.testing.assert_close(found, values(file, "sum1", images), rtol=1e-2, atol=1e-2)
    assert found.dtype == torch.float32


def test_the_sums_of_a_transformer_are_two_a_block(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["to"], value=helper.make_tensor("t", TensorProto.INT64, [3], [0, 3, -1])),
        helper.make_node("Reshape", ["image", "to"], ["t0"]),
    ]
    for i in range(6):  # three blocks of attention and perceptron
        nodes += [
            helper.make_node("Relu", [f"t{i}"], [f"r{i}"]),
            helper.make_node("Add", [f"t{i}", f"r{i}"], [f"t{i + 1}"]),
        ]
    model = onnx_graph()
    del model.graph.node[:], model.graph.output[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.output.append(helper.make_tensor_value_info("t6", TensorProto.FLOAT, None))
    taps = open_network(str(write_onnx(tmp_path / "t.onnx", model))).taps()
    assert taps.suggested == "t4", "the output of the second block of three"


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def external_inside(model: Any) -> None:
    """In a branch of an If, where a careless look does not see it."""
    tensor = TensorProto(name="t", dims=[1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    branch = helper.make_graph([helper.make_node("Constant", [], ["o"], value=tensor)], "b", [], [])
    model.graph.node.append(helper.make_node("If", ["c"], ["o"], then_branch=branch, else_branch=branch))


def foreign(model: Any) -> None:
    model.graph.node.append(helper.make_node("Run", ["logits"], ["z"], domain="some.library"))


def two_inputs(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def no_images(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64


def unequal(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 8


def endless(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1 << 40


def wrong_weights(model: Any) -> None:
    model.graph.initializer[0].dims[1] = 2
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[: 4 * 2 * 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, r"keeps weights in other files \(w\), which are not read; write one file: onnx.save_model"),
        (external_inside, r"keeps weights in other files \(t\)"),
        (foreign, "needs the operator Run of 'some.library', which comes from a library; none is loaded"),
        (two_inputs, r"takes 2 inputs \(image, more\); one is needed"),
        (no_images, "does not take images: its input must be"),
        (unequal, "takes images of 8x16 alone"),
        (endless, "numbers at a time: too many"),
        (wrong_weights, "does not run in onnxruntime .*; export it again"),
        (lambda model: model.graph.ClearField("node"), "is not a sound ONNX file .it computes nothing"),
    ],
)
def test_what_is_up_to_something_is_one_line(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    model = onnx_graph()
    change(model)
    with pytest.raises(InputError, match=message) as caught:
        open_network(str(write_onnx(tmp_path / "m.onnx", model))).taps()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"not a protocol buffer", b"\x08" + b"\xff" * 30])
def test_bytes_of_another_kind_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"m.onnx (is not a sound ONNX file|has 0 bytes)"):
        open_network(str(tmp_path / "m.onnx"))


def test_what_does_not_go_with_it_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes images of 16x16 alone; leave --size out"):
        open_network(str(file), None, 32)
    with pytest.raises(InputError, match="holds its weights itself; leave --weights out"):
        open_network(str(file), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"there is no file .*nowhere.onnx"):
        open_network(str(tmp_path / "nowhere.onnx"))
