"""Door: sets of images, in folders, tables and arrays, as `data`, `run` and `audit` read them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from core.audit.readers import read_features
from core.cases.reading import FEATURES, kind_at
from core.datasets import DATASETS, account
from core.datasets.decode import decode_all
from tests.core.audit.readers.makers import stream
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, TURNED, Trap, link, npy, refused, saved, zipped
from tests.makers import coloured, encode, noise_images, write_folder, write_image_parquet

DATA = coloured(6, classes=2, size=8)
PNG = encode(noise_images(1, size=8)[0])
CELLS = [{"bytes": encode(image), "path": ""} for image in DATA.images]


def look(path: Path, **options: Any) -> dict[str, Any]:
    """Read, and the account of what was read."""
    if (kind := kind_at(path)) == FEATURES:
        read_features(path)
    return account(DATASETS.make(kind, {"path": str(path), **options}).load(0))


def table(images: Any = CELLS, label: Any = DATA.labels, **more: Any) -> Callable[[Path], Any]:
    return lambda path: pq.write_table(pa.table({"image": images, "label": label, **more}), path)


def folder(*files: tuple[str, bytes]) -> Callable[[Path], Any]:
    """Two sound classes, and other files among them."""

    def write(path: Path) -> None:
        write_folder(path, DATA)
        for name, data in files:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)

    return write


def lying_offsets(path: Path) -> None:
    """Rows of numbers whose offsets end far beyond them: harmless where they are checked before they are followed."""
    stream(
        path,
        {"image": pa.array(DATA.images[:7, ..., 0].tolist(), pa.list_(pa.list_(pa.uint8()))), "label": DATA.labels[:7]},
    )
    offsets = np.arange(0, 8 * 8, 8, dtype=np.int32)
    data = path.read_bytes()
    assert offsets.tobytes() in data
    path.write_bytes(data.replace(offsets.tobytes(), np.append(offsets[:-1], 10**6).astype(np.int32).tobytes(), 1))


def damaged_page(path: Path) -> None:
    write_image_parquet(path, DATA)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)


def toolbox(labels: Any, images: Any = None) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        path.mkdir()
        torch.save(labels, path / "labels")
        torch.save(torch.zeros(4, 3, 8, 8) if images is None else images, path / "imgs")

    return write


def saved_to_disk(name: str) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        path.mkdir()
        (path / "state.json").write_text(f'{{"_data_files": [{{"filename": "{name}"}}]}}')

    return write


REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "arrays, 0 bytes": ("x.npz", lambda p: p.touch(), ("empty (0 bytes)",)),
    "arrays, a promise of more": ("x.npz", lambda p: zipped(p, {"images.npy": npy("(99999, 9999, 9999, 3)", "'|u1'"), "labels.npy": saved(DATA.labels)}), ("images", "GiB")),
    "arrays, NaN": ("x.npz", lambda p: np.savez(p, images=np.full((9, 8, 8), np.nan), labels=np.arange(9) % 2), ("not finite in row 0",)),
    "arrays, complex numbers": ("x.npz", lambda p: np.savez(p, images=np.zeros((9, 8, 8), complex), labels=np.arange(9) % 2), ("must hold numbers",)),
    "arrays, no side that could be channels": ("x.npz", lambda p: np.savez(p, images=np.zeros((2, 40, 50, 60), np.uint8), labels=[0, 1]), ("channels",)),
    "arrays, a name of an escape": ("x.npz", lambda p: zipped(p, {f"{ESCAPE}.npy": saved(DATA.labels)}), ("no images and labels",)),
    "arrays, a trap": ("x.npz", lambda p: zipped(p, {"images.npy": saved(np.array([Trap(p.with_name("sprung"))])), "labels.npy": saved(DATA.labels)}), ("Python objects",)),
    "arrays, a damaged directory": ("x.npz", lambda p: np.savez(p, images=DATA.images, labels=DATA.labels) or p.write_bytes(p.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x00")), ("x.npz",)),
    "parquet, 0 bytes": ("x.parquet", lambda p: p.touch(), ("empty (0 bytes)",)),
    "parquet, a damaged page": ("x.parquet", damaged_page, ("x.parquet is not a readable parquet file",)),
    "parquet, a schema alone": ("x.parquet", table(pa.array([], pa.binary()), pa.array([], pa.int64())), ("x.parquet has no rows",)),
    "parquet, files outside of the folder": ("x.parquet", table([{"bytes": None, "path": "../../etc/hostname"}] * 12), ("lies outside the folder",)),
    "parquet, files named absolutely": ("x.parquet", table([{"bytes": None, "path": "/etc/hostname"}] * 12), ("lies outside the folder",)),
    "parquet, no pictures": ("x.parquet", table([{"bytes": b"GIF8 is all", "path": ""}] * 12), ("none of the images can be read",)),
    "parquet, empty cells": ("x.parquet", table([None] * 12), ()),
    "parquet, labels of infinities": ("x.parquet", table(label=np.where(DATA.labels, np.inf, 0.0)), ()),
    "parquet, names of two lines": ("x.parquet", lambda p: pq.write_table(pa.table({BROKEN: CELLS, ESCAPE: ["x"] * 12}), p), ()),
    "arrow, offsets beyond its numbers": ("x.arrow", lying_offsets, ("x.arrow is not a readable Arrow file",)),
    "arrow, cut short": ("x.arrow", lambda p: stream(p, {"image": CELLS, "label": DATA.labels}) and p.write_bytes(p.read_bytes()[:-900]), ("x.arrow",)),
    "save_to_disk, a part that climbs": ("x", saved_to_disk("../../secret.arrow"), ("which is not there",)),
    "save_to_disk, a part of two lines": ("x", saved_to_disk("a\\nb"), ("which is not there",)),
    "save_to_disk, brackets": ("x", lambda p: p.mkdir() or (p / "state.json").write_text("[" * 100_000), ("_data_files",)),
    "toolbox, a trap for labels": ("x", lambda p: toolbox([Trap(p.with_name("sprung"))])(p), ("more than tensors",)),
    "toolbox, a trap for images": ("x", lambda p: toolbox(torch.tensor([0, 1, 0, 1]), [Trap(p.with_name("sprung"))])(p), ("more than tensors",)),
    "toolbox, a view of one number": ("x", toolbox(torch.tensor([0, 1, 0, 1]), torch.zeros(1).expand(4, 3, 10**5, 10**5)), ("promises more",)),
    "folder, a class alone": ("x", lambda p: write_folder(p, coloured(4, classes=1)), ("1 class folder(s)",)),
    "folder, a picture of 0 bytes": ("x", folder(("class a/x.png", b"")), ("class a/x.png", "0 bytes")),
    "folder, a text for a picture": ("x", folder(("class a/x.png", b"hello")), ("class a/x.png", "no known format")),
    "folder, half a picture": ("x", folder(("class a/x.png", PNG[: len(PNG) // 2])), ("class a/x.png",)),
    "folder, a picture with a name of an escape": ("x", folder((f"class a/{ESCAPE}.png", b"x")), ("cannot be read as an image",)),
    "folder, a picture that is a bomb": ("x", lambda p: folder()(p) or (p / "class a" / "x.png").write_bytes(huge(9000, 9000)), ("class a/x.png",)),
    "a picture alone": ("x.png", lambda p: p.write_bytes(PNG), ("a single image",)),
    "an empty folder": ("x", lambda p: p.mkdir(), ()),
    "a pipe": ("x.parquet", lambda p: os.mkfifo(p), ("x.parquet",)),
    "a link to itself": ("x", lambda p: link(p, "x"), ("x",)),
}  # fmt: skip


def huge(width: int, height: int) -> bytes:
    """A small file of many pixels, all black."""
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_set_is_refused(name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path / name)
    refused(lambda: look(tmp_path / name), *words)
    assert not (tmp_path / "sprung").exists()


PASSED: dict[str, Callable[[Path], Any]] = {
    "a pipe": lambda p: os.mkfifo(p / "class a" / "x.png"),
    "a pipe without an ending": lambda p: os.mkfifo(p / "class a" / "x"),
    "a pipe that is called as a table": lambda p: os.mkfifo(p / "labels.csv"),
    "a link to itself": lambda p: link(p / "class a" / "x.png", "x.png"),
    "a link to the folder above": lambda p: link(p / "class a" / "up", ".."),
    "a link to a device": lambda p: link(p / "class a" / "x.png", "/dev/zero"),
    "a pickle": lambda p: (p / "class a" / "x.pkl").write_bytes(b"cos\nsystem"),
    "a program": lambda p: (p / "class a" / "x.py").write_text("raise SystemExit"),
    "a table of brackets": lambda p: (p / "metadata.jsonl").write_text("[" * 100_000),
    "a table of formulas": lambda p: (p / "labels.csv").write_text("file,label\n=1+1,=2+2\n"),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize("add", PASSED.values(), ids=PASSED.keys())
def test_what_is_no_image_is_passed_over(add: Callable[[Path], Any], tmp_path: Path) -> None:
    add(write_folder(tmp_path / "x", DATA))
    assert sum(look(tmp_path / "x")[part]["images"] for part in ("train", "test")) == 12


@pytest.mark.parametrize("name", [MARKUP, FORMULA, TURNED, ESCAPE, BROKEN, "-rf", "class b "])
def test_a_class_may_be_called_anything(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "x", DATA)
    (tmp_path / "x" / "class a").rename(tmp_path / "x" / name.replace("/", "|"))
    assert set(look(tmp_path / "x")["class_names"]) == {name.replace("/", "|"), "class b"}


@pytest.mark.parametrize("kind", [">u2", ">i4", ">f4"])
def test_big_endian_images_are_read_as_they_are(kind: str, tmp_path: Path) -> None:
    images = DATA.images.astype(kind)
    np.savez(tmp_path / "x.npz", images=images, labels=DATA.labels)
    split = DATASETS.make("arrays", {"path": str(tmp_path / "x.npz"), "levels": "0..255"}).load(0)
    assert sorted(split.train.images.sum((1, 2, 3)).tolist() + split.test.images.sum((1, 2, 3)).tolist()) == sorted(
        DATA.images.sum((1, 2, 3), dtype=np.int64).tolist()
    )


BAD_PICTURES = {
    "PNG of too many pixels": huge(9000, 9000),
    "PNG that says so alone": PNG[:16] + (2**31 - 1).to_bytes(4, "big") * 2 + PNG[24:],
    "PNG of 0 pixels": PNG[:16] + bytes(8) + PNG[24:],
    "PNG, its mark alone": PNG[:8],
    "GIF, its mark alone": b"GIF89a" + b"\xff" * 7,
    "TIFF that points at itself": b"II*\0\x08\0\0\0\x00\0\x08\0\0\0",
    "BMP of sides below 0": b"BM" + bytes(12) + (40).to_bytes(4, "little") + b"\xff" * 36,
    "PostScript, which others would run": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "SVG, which could fetch": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "PDF": b"%PDF-1.4\n",
    "text": b"hello",
}  # fmt: skip


@pytest.mark.parametrize("data", BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_a_bad_picture_is_named_with_a_reason(data: bytes) -> None:
    ((name, reason),) = decode_all([data], 1, 8, lambda i: "picture 0").broken
    assert name == "picture 0"
    assert 0 < len(reason) < 200
    assert reason.isprintable()
