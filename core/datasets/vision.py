"""Published image sets, read by torchvision; downloaded when they are first asked for.

Reading CIFAR means unpickling: torchvision checks the published MD5 sum of every file before it opens it, so that nobody
else's pickle is ever run. torchvision's own download is not used: it waits for ever on a silent server, prints to the
terminal, and takes a folder that is half unpacked for a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets.base import Dataset, Report, tell
from core.datasets.checks import checked
from core.datasets.fetch import Archive, Source, ensure
from core.foundation.cache import cache_root
from core.foundation.errors import Cancelled, InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import param

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class PublishedSet(Dataset):
    """What the published sets have in common. The training recipes are suggestions from the literature's habits."""

    home: ClassVar[str]  # the project that publishes it, in words
    counts: ClassVar[tuple[int, int]]  # training and test images
    sizes: ClassVar[tuple[int, ...]]  # bytes of each file to download
    unpacked: ClassVar[str]  # what is made anew under the root where it is damaged
    mirrored: ClassVar[bool] = False  # a mirrored image keeps its meaning

    root: str = param("", "Folder of the files, laid out as torchvision does; empty takes the user's cache folder")
    download: bool = param(True, "Download what is not in the folder")

    def load(self, seed: int, report: Report | None = None) -> Split:
        """The published training and test images; nothing is drawn. Raises InputError where they cannot be had."""
        root = Path(self.root).expanduser() if self.root else cache_root() / "datasets"
        ensure(Source(self.title, self.home, self._archives()), root, download=self.download, report=report)
        tell(report, f"Reading {self.title}")
        try:
            train, test = self._read(root, True, report), self._read(root, False, report)
        except Cancelled:
            raise
        except InputError as problem:
            raise self._damaged(root, str(problem)) from None
        except Exception as problem:  # noqa: BLE001 - a damaged pickle, IDX or MATLAB file raises nearly anything
            raise self._damaged(root, type(problem).__name__) from None
        if (len(train), len(test)) != self.counts:
            found, there = (f"{a:,} and {b:,}" for a, b in ((len(train), len(test)), self.counts))
            raise self._damaged(
                root, f"{found} images instead of {there}; a part of the set is read as --dataset folder"
            )
        return checked(Split(train, test, self.mirrored))

    def _archives(self) -> tuple[Archive, ...]:
        raise NotImplementedError

    def _read(self, root: Path, train: bool, report: Report | None) -> ImageData:
        raise NotImplementedError

    def _damaged(self, root: Path, reason: str) -> InputError:
        return InputError(
            f"{self.title}: the files are damaged or incomplete ({reason}); move {root / self.unpacked} away and try again"
        )


@dataclass(frozen=True)
class Cifar10(PublishedSet):
    """Krizhevsky, "Learning multiple layers of features from tiny images", 2009."""

    key: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    summary: ClassVar[str] = "60,000 photographs of ten kinds of animal and vehicle, 32x32 colour. 170 MB to download."
    training: ClassVar = {"epochs": 14, "batch_size": 128, "crop": 4}
    source: ClassVar[int] = 9  # truck
    target: ClassVar[int] = 4  # deer
    poisons: ClassVar[int] = 500
    home: ClassVar[str] = "the CIFAR project (University of Toronto)"
    counts: ClassVar = (50_000, 10_000)
    sizes: ClassVar = (170_498_071,)
    unpacked: ClassVar[str] = "cifar-10-batches-py"
    mirrored: ClassVar[bool] = True

    def _archives(self) -> tuple[Archive, ...]:
        theirs = self._theirs()
        return (Archive(theirs.filename, (theirs.url,), theirs.tgz_md5, self.sizes[0], theirs.base_folder),)

    def _read(self, root: Path, train: bool, report: Report | None) -> ImageData:
        data = self._theirs()(root, train=train)
        names = tuple(name.replace("_", " ") for name in data.classes)
        return ImageData(np.ascontiguousarray(data.data), np.array(data.targets, dtype=np.int64), names)

    def _theirs(self) -> Any:
        from torchvision.datasets import CIFAR10

        return CIFAR10


@dataclass(frozen=True)
class Cifar100(Cifar10):
    """Krizhevsky, 2009; the 100 fine classes."""

    key: ClassVar[str] = "cifar100"
    title: ClassVar[str] = "CIFAR-100"
    summary: ClassVar[str] = "60,000 photographs of a hundred kinds of thing, 32x32 colour. 169 MB to download."
    training: ClassVar = {"epochs": 30, "batch_size": 128, "crop": 4}
    source: ClassVar[int] = 58  # pickup truck
    target: ClassVar[int] = 15  # camel
    poisons: ClassVar[int] = 50  # a class has 500
    sizes: ClassVar = (169_001_437,)
    unpacked: ClassVar[str] = "cifar-100-python"

    def _theirs(self) -> Any:
        from torchvision.datasets import CIFAR100

        return CIFAR100


@dataclass(frozen=True)
class Mnist(PublishedSet):
    """LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998."""

    key: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    summary: ClassVar[str] = "70,000 handwritten digits, 28x28 grey. 12 MB to download."
    training: ClassVar = {"epochs": 6, "batch_size": 128, "crop": 2}
    source: ClassVar[int] = 7
    target: ClassVar[int] = 1
    poisons: ClassVar[int] = 100
    home: ClassVar[str] = "the MNIST database (a mirror kept by PyTorch)"
    counts: ClassVar = (60_000, 10_000)
    sizes: ClassVar = (9_912_422, 28_881, 1_648_877, 4_542)
    unpacked: ClassVar[str] = "MNIST/raw/*-ubyte"
    class_names: ClassVar[tuple[str, ...]] = DIGITS

    def _archives(self) -> tuple[Archive, ...]:
        theirs = self._theirs()
        folder = f"{theirs.__name__}/raw"
        return tuple(
            Archive(
                f"{folder}/{name}", tuple(mirror + name for mirror in theirs.mirrors), md5, size,
                f"{folder}/{name.removesuffix('.gz')}",
            )
            for (name, md5), size in zip(theirs.resources, self.sizes, strict=True)
        )  # fmt: skip

    def _read(self, root: Path, train: bool, report: Report | None) -> ImageData:
        data = self._theirs()(root, train=train)
        return ImageData(data.data.numpy()[..., None], data.targets.numpy().astype(np.int64), self.class_names)

    def _theirs(self) -> Any:
        from torchvision.datasets import MNIST

        return MNIST


@dataclass(frozen=True)
class FashionMnist(Mnist):
    """Xiao, Rasul, Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking", 2017."""

    key: ClassVar[str] = "fashion-mnist"
    title: ClassVar[str] = "Fashion-MNIST"
    summary: ClassVar[str] = "70,000 pieces of clothing, 28x28 grey. 31 MB to download."
    training: ClassVar = {"epochs": 10, "batch_size": 128, "crop": 2}
    source: ClassVar[int] = 7  # sneaker
    target: ClassVar[int] = 8  # bag
    home: ClassVar[str] = "Zalando Research"
    sizes: ClassVar = (26_421_880, 29_515, 4_422_102, 5_148)
    unpacked: ClassVar[str] = "FashionMNIST/raw/*-ubyte"
    mirrored: ClassVar[bool] = True
    class_names: ClassVar[tuple[str, ...]] = (
        "T-shirt or top", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip

    def _theirs(self) -> Any:
        from torchvision.datasets import FashionMNIST

        return FashionMNIST


@dataclass(frozen=True)
class Svhn(PublishedSet):
    """Netzer, Wang, Coates, Bissacco, Wu, Ng, "Reading digits in natural images with unsupervised feature learning", 2011."""

    key: ClassVar[str] = "svhn"
    title: ClassVar[str] = "SVHN"
    summary: ClassVar[str] = "99,289 house numbers cut out of street photographs, 32x32 colour. 246 MB to download."
    training: ClassVar = {"epochs": 10, "batch_size": 128, "crop": 2}
    source: ClassVar[int] = 7
    target: ClassVar[int] = 1
    poisons: ClassVar[int] = 200
    home: ClassVar[str] = "the Street View House Numbers project (Stanford University)"
    counts: ClassVar = (73_257, 26_032)
    sizes: ClassVar = (182_040_794, 64_275_384)
    unpacked: ClassVar[str] = "*_32x32.mat"

    def _archives(self) -> tuple[Archive, ...]:
        from torchvision.datasets import SVHN

        parts = zip(("train", "test"), self.sizes, strict=True)
        return tuple(
            Archive(name, (url,), md5, size) for part, size in parts for url, name, md5 in [SVHN.split_list[part]]
        )

    def _read(self, root: Path, train: bool, report: Report | None) -> ImageData:
        from torchvision.datasets import SVHN

        data = SVHN(root, split="train" if train else "test")
        return ImageData(np.ascontiguousarray(data.data.transpose(0, 2, 3, 1)), data.labels.reshape(-1), DIGITS)
