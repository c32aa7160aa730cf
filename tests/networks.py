"""Networks of the catalogue as several tests need them: built from a seed, and looked into at a layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.models import Architecture

Shape = tuple[int, int, int]
RGB32 = (3, 32, 32)


def built(architecture: Architecture, shape: Shape = RGB32, classes: int = 10) -> nn.Module:
    """The network for images of that shape, in evaluation mode; the same one at every call."""
    torch.manual_seed(0)
    return architecture.build(shape, classes).eval()


def some_images(shape: Shape = RGB32, n: int = 2) -> Tensor:
    """Random images (n, *shape), float, always the same."""
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0))


def outputs(network: nn.Module, layers: list[str], images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """At each layer: its output as it was computed, and the same tensor after the whole forward pass."""
    modules, seen = dict(network.named_modules()), {}
    hooks = [
        modules[layer].register_forward_hook(lambda _m, _i, out, layer=layer: seen.update({layer: (out.clone(), out)}))
        for layer in layers
    ]
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    return seen


def tapped(architecture: Architecture, layer: str, shape: Shape = RGB32) -> Tensor:
    """One image's output at a layer."""
    return outputs(built(architecture, shape), [layer], some_images(shape))[layer][0][0]


def onnx_graph(batch: int | str = "n", size: int | str = 16, *, last: bool = False, half: bool = False) -> Any:
    """A small residual network as an onnx.ModelProto: three blocks of one 1x1 convolution and a shortcut, 4 maps; 3 classes.

    Its values are `stem`, `sum0`, `sum1`, `sum2`, `pooled`, `row` and `logits`. batch, size: a number, or a name for any.
    last: channels last in the input, as TensorFlow has them. half: in half precision.
    """
    from onnx import TensorProto, helper, numpy_helper

    rng, dtype = np.random.default_rng(0), np.float16 if half else np.float32
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    nodes = [helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2])] if last else []
    weights = {"w": rng.normal(size=(4, 3, 1, 1)), "v": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    nodes.append(helper.make_node("Conv", ["x" if last else "image", "w"], ["stem"]))
    before = "stem"
    for i in range(3):
        weights[f"w{i}"] = rng.normal(size=(4, 4, 1, 1)) / 2
        nodes += [
            helper.make_node("Conv", [before, f"w{i}"], [f"conv{i}"]),
            helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]),
            helper.make_node("Add", [before, f"relu{i}"], [f"sum{i}"]),
        ]
        before = f"sum{i}"
    nodes += [
        helper.make_node("GlobalAveragePool", [before], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["row"]),
        helper.make_node("Gemm", ["row", "v", "b"], ["logits"]),
    ]
    shape = [batch, size, size, 3] if last else [batch, 3, size, size]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("logits", kind, [batch, 3])],
        [numpy_helper.from_array(value.astype(dtype), name) for name, value in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_onnx(path: Path, model: Any = None) -> Path:
    """A model as a file; the one above unless another is given."""
    path.write_bytes((onnx_graph() if model is None else model).SerializeToString())
    return path


def write_weights(path: Path, network: nn.Module, prefix: str = "") -> Path:
    """The weights of a network as a file, each name behind the prefix."""
    save_file({prefix + name: value.clone() for name, value in network.state_dict().items()}, path)
    return path
