"""The sets that backdoor-toolbox writes (Qi et al. 2023): a tensor of images, or numbered pictures, and a tensor of labels."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets.base import MAX_BYTES, Report, tell
from core.datasets.brought import BroughtSet, EncodedPart, decoded_parts
from core.datasets.decode import decode_all
from core.datasets.labels import Classes, classes_of
from core.datasets.pixels import as_nhwc, as_uint8
from core.foundation.errors import InputError
from core.foundation.images import ImageData, LeftOut, Reading, Split
from core.foundation.params import param
from core.foundation.tensors import as_array

IMAGES, LABELS, PICTURES = "imgs", "labels", "data"  # a tensor, a tensor, a folder
TRUTH = ("poison_indices", "cover_indices")
LARGEST = 4 * MAX_BYTES  # bytes of a file: float32, of which bytes are made


def is_toolbox(folder: Path) -> bool:
    """Whether a folder is such a set."""
    return zipfile.is_zipfile(folder / LABELS) and ((folder / IMAGES).is_file() or (folder / PICTURES).is_dir())


@dataclass(frozen=True)
class ToolboxSet(BroughtSet):
    """`imgs` (n, c, h, w) in 0..1 or `data/0.png`, `data/1.png`, ..., with `labels` (n,). What is poisoned is not read."""

    key: ClassVar[str] = "toolbox"
    title: ClassVar[str] = "backdoor-toolbox"
    summary: ClassVar[str] = (
        "A set that backdoor-toolbox wrote, poisoned or clean; which images are poisoned is not read."
    )

    path: str = param("", "The folder with imgs or data, and labels")
    skip_broken: bool = param(False, "Leave out pictures that cannot be read, instead of stopping")

    def load(self, seed: int, report: Report | None = None) -> Split:
        root = self.root("the folder that backdoor-toolbox wrote")
        if not is_toolbox(root):
            raise InputError(f"{root} is no set of backdoor-toolbox: it needs {LABELS}, and {IMAGES} or {PICTURES}/")
        labels = load_tensors(root / LABELS)
        classes = classes_of({f"'{LABELS}'": np.asarray(labels)})
        tell(report, "Reading images")
        made = _of_tensor if (root / IMAGES).is_file() else self._of_pictures
        images, notes = made(root, classes, self.levels, report)
        truth = [
            LeftOut(name, 1, "it says what is poisoned, which no defense may see")
            for name in TRUTH
            if (root / name).exists()
        ]
        return self.cut([images], seed, [*classes.notes, *notes], Reading(left_out=tuple(truth)))

    def _of_pictures(
        self, root: Path, classes: Classes, levels: str, report: Report | None
    ) -> tuple[ImageData, tuple[str, ...]]:
        names = [f"{PICTURES}/{i}.png" for i in range(len(classes.numbers[0]))]
        decoded = decode_all([root / name for name in names], len(names), None, names.__getitem__, report)
        part = EncodedPart(PICTURES, decoded, classes.numbers[0], np.array(names))
        (images,), notes = decoded_parts([part], classes.names, self.skip_broken, levels)
        return images, notes


def _of_tensor(root: Path, classes: Classes, levels: str, _report: Report | None) -> tuple[ImageData, tuple[str, ...]]:
    pixels, numbers = np.asarray(load_tensors(root / IMAGES)), classes.numbers[0]
    if pixels.ndim != 4 or len(pixels) != len(numbers):
        raise InputError(
            f"'{IMAGES}' is {pixels.shape} and there are {len(numbers):,} labels; it must be (n, channels, h, w)"
        )
    stacks, note = as_nhwc({IMAGES: pixels}, "NCHW")
    (images,), notes = as_uint8(stacks, levels)
    sources = np.array([f"{IMAGES}[{row}]" for row in range(len(numbers))])
    return ImageData(images, numbers, classes.names, sources), (note, *notes)


def load_tensors(path: Path) -> Any:
    """What torch.save wrote, mapped, if it is one tensor or a list of numbers. Raises InputError; runs nothing of it."""
    import torch

    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        raise InputError(
            f"{path.name} is not a readable file of torch.save (since PyTorch 1.6); save it again"
        ) from None
    if size > LARGEST:
        raise InputError(f"{path.name} has {size / 2**30:,.0f} GiB, more than the {LARGEST / 2**30:g} GiB allowed")
    if (
        any(member.compress_type != zipfile.ZIP_STORED for member in members)
        or sum(m.file_size for m in members) > size
    ):
        raise InputError(f"{path.name} is packed, which torch.save never does; save it again")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # noqa: BLE001 - its unpickler raises whatever it likes
        raise InputError(
            f"{path.name} is damaged or holds more than tensors, which could run code; save the tensor alone with torch.save"
        ) from None
    if isinstance(found, torch.Tensor) and found.layout == torch.strided:
        if found.numel() * found.element_size() > size:
            raise InputError(f"{path.name} promises more numbers than it holds; save it again")
        return as_array(found)
    if isinstance(found, list) and all(type(one) is int for one in found):
        return found
    raise InputError(f"{path.name} holds no tensor ({type(found).__name__}); save one tensor with torch.save")
