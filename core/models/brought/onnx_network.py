"""A network as an ONNX file, run by onnxruntime on the CPU; every value that its graph names can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.foundation.errors import InputError
from core.models.brought.base import IMAGENET, Layer, Network, Taps
from core.models.brought.blocks import suggest
from core.models.brought.onnx_file import read_onnx

if TYPE_CHECKING:
    import onnx

SIZE = 224
LARGEST = 2**28  # numbers of a batch
FLOATS = {1: np.float32, 10: np.float16}  # onnx.TensorProto.FLOAT, FLOAT16
COLOURS = (1, 3, 4)
POOLS = ("MaxPool", "AveragePool")
ENDS = ("GlobalAveragePool", "ReduceMean", "Flatten", "Gemm")


class Onnx(Network):
    """Images go in as its one input says: (n, c, h, w) or (n, h, w, c), float32 or float16, any number at a time or one."""

    on_cpu = True

    def __init__(self, path: Path, size: int | None) -> None:
        self.title, self._model = path.name, read_onnx(path)
        constants = {tensor.name for tensor in self._model.graph.initializer}
        inputs = [value for value in self._model.graph.input if value.name not in constants]
        if len(inputs) != 1:
            raise InputError(
                f"{path.name} takes {len(inputs)} inputs ({', '.join(v.name for v in inputs)}); one is needed"
            )
        kind = inputs[0].type.tensor_type
        sides = [side.dim_value if side.HasField("dim_value") else 0 for side in kind.shape.dim]
        if kind.elem_type not in FLOATS or len(sides) != 4:
            raise InputError(
                f"{path.name} does not take images: its input must be (n, channels, height, width) of floats"
            )
        self.input, self.dtype = inputs[0].name, FLOATS[kind.elem_type]
        self.last = sides[3] in COLOURS and sides[1] not in COLOURS  # channels last, as TensorFlow has them
        n, self.channels, height, width = [sides[i] for i in (0, 3, 1, 2)] if self.last else sides
        self.channels, self.batch = self.channels or 3, n or None
        fixed = height or width
        if (height and width and height != width) or (size and fixed and size != fixed):
            raise InputError(
                f"{path.name} takes images of {width}x{height} alone; leave --size out, or export it for another"
            )
        self.size = fixed or size or SIZE
        if min(n, self.channels, self.size) < 0 or max(n, 1) * self.channels * self.size**2 > LARGEST:
            raise InputError(
                f"{path.name} takes {n} x {self.channels} x {self.size} x {self.size} numbers at a time: too many"
            )
        self.statistics = IMAGENET if self.channels == 3 else ([0.5] * self.channels, [0.5] * self.channels)

    def taps(self) -> Taps:
        n = self.batch or 2
        nodes = {name: node for node in self._model.graph.node for name in node.output if name}
        module = _Session(self, list(nodes))
        try:
            values = module.run(torch.zeros(n, self.channels, self.size, self.size))
        finally:
            del module
        blocks = self._sums(nodes)
        found = {
            name: value.shape[1:]
            for name, value in zip(nodes, values, strict=True)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 1 and len(value) == n
        }
        if not found:
            raise InputError(f"{self.title} has no value with a row for each image")
        ends = {value.name for value in self._model.graph.output}
        main = {name for name in found if name in blocks or name in ends or nodes[name].op_type in (*ENDS, *POOLS)}
        layers = [Layer(name, nodes[name].op_type, found[name], name in main) for name in found]
        blocks = [name for name in found if name in blocks]
        if blocks and len(found[blocks[-1]]) == 2:
            blocks = blocks[1::2]  # a transformer block has two sums, of which the second is its output
        pools = [name for name in found if nodes[name].op_type in POOLS]
        return Taps(tuple(layers), *suggest(list(found), blocks, pools))

    def tapped(self, layer: str) -> tuple[nn.Module, str]:
        return _Session(self, [layer]), ""

    def session(self, outputs: Sequence[str]) -> Any:
        """Of onnxruntime, for these values. Raises InputError where it cannot run the model."""
        import onnx
        import onnxruntime

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 4
        try:
            return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # noqa: BLE001 - its exceptions have no other base
            raise self.refused(problem) from None

    def refused(self, problem: Exception) -> InputError:
        """The one line for a model that does not run."""
        said = (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")
        return InputError(f"{self.title} does not run in onnxruntime ({said}); export it again, or for another --size")

    def _sums(self, nodes: dict[str, onnx.NodeProto]) -> list[str]:
        """Where a shortcut is added: sums of two values that were computed, neither of them a constant's."""
        sums = (name for name, node in nodes.items() if node.op_type == "Add" and all(i in nodes for i in node.input))
        return [name for name in sums if all(nodes[i].op_type != "Constant" for i in nodes[name].input)]


class _Session(nn.Module):
    """Images (n, c, h, w) float32 to the first of some values (n, ...) float32."""

    def __init__(self, network: Onnx, outputs: Sequence[str]) -> None:
        super().__init__()
        self._network, self._session = network, network.session(outputs)

    def forward(self, images: Tensor) -> Tensor:
        some = images
        if self._network.batch and len(images) < self._network.batch:  # it takes so many and no fewer
            some = torch.cat([images, images.new_zeros(self._network.batch - len(images), *images.shape[1:])])
        return torch.from_numpy(self.run(some)[0].astype(np.float32))[: len(images)]

    def run(self, images: Tensor) -> list[Any]:
        """All of the values."""
        x = images.permute(0, 2, 3, 1) if self._network.last else images
        fed = {self._network.input: np.ascontiguousarray(x.numpy()).astype(self._network.dtype)}
        try:
            found: list[Any] = self._session.run(None, fed)
        except Exception as problem:  # noqa: BLE001 - its exceptions have no other base
            raise self._network.refused(problem) from None
        return found
