"""Small stand-ins for the published sets, in exactly the formats in which they are published.

CIFAR: a tar of pickled batches. MNIST: gzipped IDX files. SVHN: MATLAB files. GTSRB: zips of PPMs and a CSV.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets as theirs
from PIL import Image
from scipy.io import savemat

from core.datasets import fetch, gtsrb
from core.datasets.vision import PublishedSet
from core.foundation.images import ImageData

SIGN_SIDE = 24  # of the square GTSRB stand-ins; read at this size they come back exactly


@dataclass
class Shelf:
    """What the internet would give: the bytes of each file by its name. Counts what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, url: str) -> Iterator[io.BytesIO]:
        self.asked.append(url.rpartition("/")[2])
        if self.asked[-1] not in self.files:
            raise URLError("the network is unreachable")
        yield io.BytesIO(self.files[self.asked[-1]])


def images_of(entry: type[PublishedSet], seed: int) -> ImageData:
    """Two noisy images of every class of that set, shuffled; the answer that reading it has to give."""
    classes = {"cifar100": 100, "gtsrb": 43}.get(entry.key, 10)
    shape = {"gtsrb": (SIGN_SIDE, SIGN_SIDE, 3), "mnist": (28, 28, 1), "fashion-mnist": (28, 28, 1)}
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(2 * classes) % classes)
    pixels = rng.integers(0, 256, (len(labels), *shape.get(entry.key, (32, 32, 3))), dtype=np.uint8)
    return ImageData(pixels, labels, tuple(f"kind_{i}" for i in range(classes)))


def publish(entry: type[PublishedSet], monkeypatch: pytest.MonkeyPatch) -> tuple[Shelf, ImageData, ImageData]:
    """Put a small set on the shelf, and its sums where the published ones stand. Returns its images, too."""
    train, test = images_of(entry, 1), images_of(entry, 2)
    make = {"cifar10": cifar, "cifar100": cifar, "mnist": idx, "fashion-mnist": idx, "svhn": matlab, "gtsrb": signs}
    shelf = Shelf(make[entry.key](entry, train, test, monkeypatch))
    monkeypatch.setattr(entry, "counts", (len(train), len(test)))
    monkeypatch.setattr(fetch, "_open", shelf.open)
    return shelf, train, test


def cifar(entry: Any, train: ImageData, test: ImageData, patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    his, fine = entry()._theirs(), entry.key == "cifar100"
    lists = {"train_list": batches(his.train_list, train, fine), "test_list": batches(his.test_list, test, fine)}
    files = {name: raw for batch in lists.values() for name, raw in batch.items()}
    files[his.meta["filename"]] = pickle.dumps({his.meta["key"]: list(train.class_names)})
    for attribute, batch in lists.items():
        patch.setattr(his, attribute, [[name, md5(raw)] for name, raw in batch.items()])
    patch.setattr(his, "meta", {**his.meta, "md5": md5(files[his.meta["filename"]])})
    raw = tar({f"{his.base_folder}/{name}": content for name, content in files.items()})
    patch.setattr(his, "tgz_md5", md5(raw))
    return {his.filename: raw}


def batches(names: list[list[str]], data: ImageData, fine: bool) -> dict[str, bytes]:
    """Rows (n, 3072): all of red, then green, then blue, as CIFAR stores them."""
    made = {}
    for (name, _), rows in zip(names, np.array_split(np.arange(len(data)), len(names)), strict=True):
        flat = data.images[rows].transpose(0, 3, 1, 2).reshape(len(rows), -1)
        made[name] = pickle.dumps({"data": flat, "fine_labels" if fine else "labels": data.labels[rows].tolist()})
    return made


def idx(entry: Any, train: ImageData, test: ImageData, patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    his, files = entry()._theirs(), {}
    for prefix, data in (("train", train), ("t10k", test)):
        for kind, array in (("images-idx3", data.images[..., 0]), ("labels-idx1", data.labels.astype(np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            files[f"{prefix}-{kind}-ubyte.gz"] = gzip.compress(head + array.tobytes(), 1)
    patch.setattr(his, "resources", [(name, md5(files[name])) for name, _ in his.resources])
    return files


def matlab(entry: Any, train: ImageData, test: ImageData, patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    files, table = {}, dict(theirs.SVHN.split_list)
    for part, data in (("train", train), ("test", test)):
        buffer = io.BytesIO()
        labels = np.where(data.labels == 0, 10, data.labels).astype(np.uint8)[:, None]  # SVHN calls the nought 10
        savemat(buffer, {"X": data.images.transpose(1, 2, 3, 0), "y": labels})
        url, name, _ = table[part]
        files[name], table[part] = buffer.getvalue(), [url, name, md5(buffer.getvalue())]
    patch.setattr(theirs.SVHN, "split_list", table)
    return files


def signs(entry: Any, train: ImageData, test: ImageData, patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    order = np.argsort(train.labels, kind="stable")  # the training part is stored class by class
    folders = {
        f"GTSRB/Training/{train.labels[i]:05d}/00000_{row:05d}.ppm": ppm(train.images[i]) for row, i in enumerate(order)
    }
    pictures = {f"GTSRB/Final_Test/Images/{i:05d}.ppm": ppm(image) for i, image in enumerate(test.images)}
    rows = [f"{i:05d}.ppm;{SIGN_SIDE};{SIGN_SIDE};0;0;9;9;{label}" for i, label in enumerate(test.labels)]
    table = "\n".join(["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId", *rows])
    archives = [zipped(folders), zipped(pictures), zipped({"GT-final_test.csv": table.encode()})]
    files = {name: raw for (name, _, _), raw in zip(gtsrb.FILES, archives, strict=True)}
    patch.setattr(gtsrb, "FILES", tuple((name, md5(files[name]), makes) for name, _, makes in gtsrb.FILES))
    return files


def ppm(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PPM")
    return buffer.getvalue()


def tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
