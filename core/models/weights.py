"""Weights as safetensors, in and out. Files are hostile: nothing is unpickled, and nothing is read that does not fit.

The header alone (names, kinds, shapes) is compared with the model first, so that what is then read into memory is as
large as the model and no larger.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.foundation.errors import InputError
from core.foundation.files import given_path, replacing

PREFIX = "network."
WRAPPERS = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".tar", ".joblib")
EXPORTED = (".pt2",)  # archives of torch.export
STATISTICS = ("normalise.mean", "normalise.deviation")  # of the set that the weights were trained on
FLOATS = {"F64", "F32", "F16", "BF16"}
COUNTER = "num_batches_tracked"  # of batch norm; nothing here uses it and many files lack it


def save(model: nn.Module, path: Path) -> None:
    """All weights and buffers of the model. The file takes its name once it is complete. Raises OSError where there is no room."""
    try:
        with replacing(path) as aside:
            save_file({name: value.contiguous() for name, value in model.state_dict().items()}, aside)
    except SafetensorError as problem:  # the library has no kind of its own for a disk that is full
        raise OSError(errno.EIO, str(problem), path.name) from None


def load(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a file into a classifier (submodules `network` and `normalise`).

    Names are those of the classifier or, as in files made elsewhere, those of its network alone. Where the file has no
    normalisation statistics the model keeps its own. Raises InputError, with the model as it was, for a file that is
    not safetensors, is damaged, belongs to another network or holds values that are not finite.
    """
    path = checked_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = _match(file, model.state_dict(), path)
            found = {name: file.get_tensor(stored) for name, stored in names.items()}
    except (OSError, SafetensorError) as problem:
        raise _unsound(path, problem) from None
    _check_values(found, path)
    model.load_state_dict({**model.state_dict(), **found})


def checked_file(path: str | Path) -> Path:
    """The path of a file that may be opened. Raises InputError for none, and for one whose loader would run code."""
    path = given_path(path)
    refuse_code(path)
    if not path.is_file():
        raise InputError(f"weights: there is no file {path}; give the path of a .safetensors file")
    return path


def refuse_code(path: Path) -> None:
    """Raise InputError, with the way to convert it, for a file whose loader runs what it holds."""
    suffix = path.suffix.lower()
    if suffix not in (*PICKLED, *EXPORTED):
        return
    if suffix in EXPORTED:
        what, state = "an archive of torch.export", f"torch.export.load('{path.name}').state_dict"
    else:
        what, state = "a pickle", f"torch.load('{path.name}', map_location='cpu', weights_only=True)"
    raise InputError(
        f"{path.name} is {what}, whose loader can run code, so it is not loaded; convert it where you trust it: "
        f"import torch, safetensors.torch; found = {state}; safetensors.torch.save_file({{name: value.clone() for name, "
        f"value in found.get('state_dict', found).items()}}, '{path.stem}.safetensors')"
    )


def shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Names of a file, without what wraps them, with the shape of each; reads the header alone. Raises InputError."""
    path = checked_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as problem:
        raise _unsound(path, problem) from None
    return {plain: stored[name] for plain, name in _unwrapped(list(stored)).items()}


def _unwrapped(names: list[str]) -> dict[str, str]:
    """Plain name -> name in the file: without a wrapper that all of them have, and without `network.`."""
    plain = {name: name for name in names}
    for wrapper in (*WRAPPERS, *WRAPPERS):  # one in the other, in either order
        if all(name.startswith(wrapper) for name in plain):
            plain = {name.removeprefix(wrapper): stored for name, stored in plain.items()}
    return {name.removeprefix(PREFIX): stored for name, stored in plain.items()}


def _unsound(path: Path, problem: Exception) -> InputError:
    reason = (str(problem).splitlines() or [type(problem).__name__])[0]
    return InputError(
        f"weights: {path.name} is not a sound safetensors file ({reason}); save the weights again with safetensors"
    )


def _match(file: safe_open, wanted: Mapping[str, Tensor], path: Path) -> dict[str, str]:
    """Name in the model -> name in the file, after names, shapes and kinds have been compared."""
    plain = _unwrapped(list(file.keys()))
    stored = {name if name in STATISTICS else PREFIX + name: given for name, given in plain.items()}
    optional = {name for name in wanted if name in STATISTICS or name.endswith(COUNTER)}
    missing = [name for name in wanted if name not in stored and name not in optional]
    foreign = [name for name in stored if name not in wanted]
    if missing or foreign:
        lacks = _few({name: tuple(wanted[name].shape) for name in missing})
        besides = _few({name: tuple(file.get_slice(stored[name]).get_shape()) for name in foreign})
        parts = [f"lacks {lacks}"] * bool(missing) + [f"has {besides} besides"] * bool(foreign)
        raise InputError(f"weights: {path.name} {' and '.join(parts)}; choose the model that the file was trained as")
    for full, name in stored.items():
        entry = file.get_slice(name)
        if tuple(entry.get_shape()) != tuple(wanted[full].shape):
            raise InputError(
                f"weights: {name} is {_shape(entry.get_shape())} in {path.name} and {_shape(wanted[full].shape)} here; "
                "choose weights for the same model, image channels and number of classes"
            )
        if wanted[full].is_floating_point() and entry.get_dtype() not in FLOATS:
            raise InputError(f"weights: {name} in {path.name} is {entry.get_dtype()}; save the weights as float32")
    return stored


def _check_values(found: Mapping[str, Tensor], path: Path) -> None:
    for name, value in found.items():
        if not torch.isfinite(value).all():
            raise InputError(f"weights: {name} in {path.name} has values that are not finite; train or save it again")
    deviation = found.get("normalise.deviation")
    if deviation is not None and not (deviation > 0).all():
        raise InputError(f"weights: normalise.deviation in {path.name} must be above 0; leave the statistics out")


def _few(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The first names with their shapes."""
    shown = ", ".join(f"{name.removeprefix(PREFIX)} ({_shape(shapes[name])})" for name in list(shapes)[:3])
    return shown if len(shapes) <= 3 else f"{shown} and {len(shapes) - 3} more"


def _shape(shape: object) -> str:
    return " x ".join(map(str, shape)) or "one number"  # type: ignore[call-overload]
