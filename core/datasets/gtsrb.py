"""The German Traffic Sign Recognition Benchmark: photographs of 43 signs, of every size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.datasets.base import Report
from core.datasets.decode import decode_all
from core.datasets.fetch import Archive
from core.datasets.vision import PublishedSet
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from core.foundation.params import param

_URL = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"

# As torchvision lists them; it keeps no table that could be read. Name, MD5, what it unpacks to.
FILES = (
    ("GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478", "gtsrb/GTSRB/Training"),
    ("GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185", "gtsrb/GTSRB/Final_Test/Images"),
    ("GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5", "gtsrb/GT-final_test.csv"),
)

CLASS_NAMES = (
    "speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70", "speed limit 80",
    "end of speed limit 80", "speed limit 100", "speed limit 120", "no overtaking", "no overtaking for lorries",
    "right of way at the next crossing", "priority road", "yield", "stop", "no vehicles", "no lorries", "no entry",
    "danger", "dangerous bend left", "dangerous bend right", "double bend", "bumpy road", "slippery road",
    "road narrows on the right", "road works", "traffic lights", "pedestrians", "children", "bicycles", "ice or snow",
    "wild animals", "end of all limits", "turn right ahead", "turn left ahead", "ahead only", "ahead or right",
    "ahead or left", "keep right", "keep left", "roundabout", "end of no overtaking",
    "end of no overtaking for lorries",
)  # fmt: skip


@dataclass(frozen=True)
class Gtsrb(PublishedSet):
    """Stallkamp, Schlipsing, Salmen, Igel, "Man vs. computer: benchmarking machine learning algorithms for traffic sign
    recognition", 2012. The training part is the one that torchvision takes: 26,640 of the 39,209 images."""

    key: ClassVar[str] = "gtsrb"
    title: ClassVar[str] = "GTSRB"
    summary: ClassVar[str] = "39,270 photographs of 43 German traffic signs, resized to one size. 277 MB to download."
    training: ClassVar = {"epochs": 12, "batch_size": 128, "crop": 2}
    source: ClassVar[int] = 14  # stop
    target: ClassVar[int] = 5  # speed limit 80
    poisons: ClassVar[int] = 50
    home: ClassVar[str] = "the German Traffic Sign Recognition Benchmark (Ruhr-Universität Bochum)"
    counts: ClassVar = (26_640, 12_630)
    sizes: ClassVar = (187_490_228, 88_978_620, 99_620)
    unpacked: ClassVar[str] = "gtsrb/GTSRB"

    size: int = param(32, "Images are cropped to a square and resized to this side", unit="pixels", low=8, high=256)

    def _archives(self) -> tuple[Archive, ...]:
        return tuple(
            Archive(f"gtsrb/{name}", (_URL + name,), md5, size, makes)
            for (name, md5, makes), size in zip(FILES, self.sizes, strict=True)
        )

    def _read(self, root: Path, train: bool, report: Report | None) -> ImageData:
        from torchvision.datasets import GTSRB

        samples = GTSRB(root, split="train" if train else "test")._samples  # its public way decodes one at a time
        files = [Path(file) for file, _ in samples]
        decoded = decode_all(files, len(files), self.size, lambda i: str(files[i].relative_to(root)), report)
        for name, reason in decoded.broken:
            raise InputError(f"{name}: {reason}")
        return ImageData(decoded.images, np.array([label for _, label in samples], dtype=np.int64), CLASS_NAMES)
