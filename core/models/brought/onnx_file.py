"""An ONNX file read with suspicion: how large it is, and that it leads to no other file, before anything runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foundation.errors import InputError

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2 * 2**30  # a protocol buffer holds no more
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # operators that onnxruntime has itself
INSIDE = "onnx.save_model(onnx.load('{0}'), 'whole.onnx')"


def read_onnx(path: Path) -> onnx.ModelProto:
    """The model. Raises InputError for what is no sound ONNX file, keeps weights in other files, or needs foreign operators."""
    import onnx

    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of an .onnx file")
    if not 0 < path.stat().st_size <= MAX_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; an ONNX file has 1 to {MAX_BYTES:,}")
    try:
        model = onnx.load_model_from_string(path.read_bytes())  # of bytes: no other file is looked for
    except Exception as problem:  # noqa: BLE001 - what a parser says of hostile bytes is its own affair
        raise InputError(f"{path.name} is not a sound ONNX file ({type(problem).__name__}); export it again") from None
    if not model.graph.node:
        raise InputError(f"{path.name} is not a sound ONNX file (it computes nothing); export it again")
    local = {function.domain for function in model.functions}
    for nodes, tensors in _parts(model):
        for node in nodes:
            if node.domain not in (*DOMAINS, *local):
                raise InputError(
                    f"{path.name} needs the operator {node.op_type} of '{node.domain}', which comes from a library; none is "
                    "loaded, so export the model with the operators of ONNX alone"
                )
        for tensor in tensors:
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise InputError(
                    f"{path.name} keeps weights in other files ({tensor.name}), which are not read; write one file: "
                    f"{INSIDE.format(path.name)}"
                )
    return model


def _parts(model: onnx.ModelProto) -> Iterator[tuple[Iterable[Any], Iterable[Any]]]:
    """Nodes and tensors of every graph and function, those inside of nodes included."""
    waiting: list[Any] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        tensors = [*getattr(graph, "initializer", ())]
        for sparse in getattr(graph, "sparse_initializer", ()):
            tensors += [sparse.values, sparse.indices]
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
                tensors += [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]
                for sparse in [
                    *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
                    *attribute.sparse_tensors,
                ]:
                    tensors += [sparse.values, sparse.indices]
        yield graph.node, tensors
