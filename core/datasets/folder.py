"""A folder of images, one subfolder a class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.datasets.base import Dataset, Report, natural_key, stratified_split
from core.datasets.checks import checked, readable
from core.datasets.decode import Decoded, decode_all, settle
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import param

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


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
    skip_broken: bool = param(False, "Leave out images that cannot be read, instead of stopping")

    def load(self, seed: int, report: Report | None = None) -> Split:
        if not self.path:
            raise InputError("give the folder of images: --data PATH")
        root = Path(self.path).expanduser()
        if not root.is_dir():
            raise InputError(f"{root} is not a folder")
        sides = [root / side for side in ("train", "test") if (root / side).is_dir()]
        if sides[:1] != [root / "train"]:
            sides = [root]  # folders of classes, one of which may be called test
        listings = [_Listing(side) for side in sides]
        if listings[-1].classes != listings[0].classes:
            there, expected = (", ".join(listing.classes) for listing in (listings[-1], listings[0]))
            raise InputError(f"{sides[-1]} has the classes {there}, the training folder {expected}")
        decoded = [listing.decode(self.size, report) for listing in listings]
        notes = settle(decoded, self.skip_broken)
        parts = [listing.data(images) for listing, images in zip(listings, decoded, strict=True)]
        if len(parts) == 1:
            return checked(stratified_split(parts[0], self.test_share, seed, flip=self.mirror, notes=notes))
        channels = max(part.images.shape[3] for part in parts)
        train, test = (part.with_channels(channels) for part in parts)
        return checked(Split(train, test, self.mirror, notes))


class _Listing:
    """The classes and image files of one folder. Raises InputError for fewer than two classes, or an empty one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        folders = (p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        self.classes = tuple(sorted(folders, key=natural_key))
        if len(self.classes) < 2:
            raise InputError(
                f"{root} has {len(self.classes)} class folder(s); at least 2 are needed, each with the images of its class"
            )
        self._files: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(self.classes):
            found = sorted(p for p in (root / name).rglob("*") if p.suffix.lower() in SUFFIXES and not p.is_dir())
            if not found:
                raise InputError(f"{root / name} holds no images; add some or remove the folder")
            self._files += found
            labels += [label] * len(found)
        self._labels = np.array(labels, dtype=np.int64)

    def decode(self, size: int, report: Report | None) -> Decoded:
        return decode_all(self._files, len(self._files), size, self._name, report)

    def data(self, decoded: Decoded) -> ImageData:
        return readable(decoded.images, self._labels, decoded.kept, self.classes)

    def _name(self, i: int) -> str:
        return str(
            self._files[i].relative_to(self._root.parent if self._root.name in ("train", "test") else self._root)
        )
