"""A folder of images, one subfolder a class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.datasets.base import Dataset, stratified_split
from core.datasets.decode import decode_all
from core.errors import InputError
from core.images import ImageData, Split
from core.params import param

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which class 2 comes before class 10, so that folders named by number keep their number."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """`path/class/*.png`, or `path/train/class/*.png` with `path/test/class/*.png`."""

    key: ClassVar[str] = "folder"
    title: ClassVar[str] = "Image folder"
    summary: ClassVar[str] = "Your own images: one subfolder a class, optionally under train/ and test/."

    path: str = param("", "The folder; one subfolder a class, or train/ and test/ with such subfolders")
    size: int = param(32, "Images are cropped to a square and resized to this side", unit="pixels", low=8, high=256)
    mirror: bool = param(False, "A mirrored image keeps its meaning (photographs: yes; digits, signs: no)")
    test_share: float = param(0.2, "Share held out where there is no test/ folder", low=0.05, high=0.5, step=0.05)

    def load(self, seed: int) -> Split:
        if not self.path:
            raise InputError("give the folder of images: --data PATH")
        root = Path(self.path).expanduser()
        if not root.is_dir():
            raise InputError(f"{root} is not a folder")
        if not (root / "train").is_dir():
            return stratified_split(self._read(root), self.test_share, seed, flip=self.mirror)
        train = self._read(root / "train")
        if not (root / "test").is_dir():
            return stratified_split(train, self.test_share, seed, flip=self.mirror)
        test = self._read(root / "test", train.class_names)
        channels = max(train.images.shape[3], test.images.shape[3])
        return Split(train.with_channels(channels), test.with_channels(channels), flip=self.mirror)

    def _read(self, root: Path, expected: tuple[str, ...] | None = None) -> ImageData:
        names = (p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        classes = sorted(names, key=_natural)
        if expected is not None and tuple(classes) != expected:
            raise InputError(f"{root} has the classes {', '.join(classes)}, the training folder {', '.join(expected)}")
        if len(classes) < 2:
            raise InputError(f"{root} has {len(classes)} class folder(s); at least 2 are needed")
        files, labels = [], []
        for label, name in enumerate(classes):
            found = sorted(p for p in (root / name).rglob("*") if p.suffix.lower() in SUFFIXES)
            if not found:
                raise InputError(f"{root / name} holds no images; add some or remove the folder")
            files += found
            labels += [label] * len(found)
        images = decode_all(files, self.size, lambda i: str(files[i].relative_to(root)))
        return ImageData(images, np.array(labels, dtype=np.int64), tuple(classes))
