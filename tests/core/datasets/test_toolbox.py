"""Sets as backdoor-toolbox writes them: read without running anything, and without the truth."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.datasets import DATASETS, ToolboxSet, kind_of
from core.foundation.errors import InputError
from core.foundation.images import Split
from tests.makers import coloured

DATA = coloured(20, classes=3)


def written(folder: Path, images: Any = None, labels: Any = None) -> Path:
    """What `create_poisoned_set.py` leaves: imgs, labels, poison_indices, each by torch.save."""
    folder.mkdir(exist_ok=True)
    pixels = torch.from_numpy(DATA.images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    torch.save(pixels if images is None else images, folder / "imgs")
    torch.save(torch.from_numpy(DATA.labels) if labels is None else labels, folder / "labels")
    torch.save([3, 5], folder / "poison_indices")
    return folder


def read(folder: Path) -> Split:
    return DATASETS.make(kind_of(folder), {"path": str(folder)}).load(0)


def row_of(source: str) -> int:
    return int("".join(c for c in source if c.isdecimal()))


@pytest.mark.parametrize("form", ["imgs", "data"])
def test_images_labels_and_rows_are_those_that_were_written(form: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    if form == "data":  # the older layout, and that of clean test sets
        (folder / "imgs").unlink()
        (folder / "data").mkdir()
        for i, image in enumerate(DATA.images):
            Image.fromarray(image).save(folder / "data" / f"{i}.png")
    split = read(folder)
    assert split.reading.kind == "toolbox"
    for part in (split.train, split.test):
        assert part.sources is not None
        rows = [row_of(source) for source in part.sources]
        np.testing.assert_array_equal(part.images, DATA.images[rows])
        np.testing.assert_array_equal(part.labels, DATA.labels[rows])
    assert len(split.train) + len(split.test) == len(DATA)
    (left,) = split.reading.left_out
    assert (left.what, left.why) == ("poison_indices", "it says what is poisoned, which no defense may see")


def test_labels_may_be_a_list(tmp_path: Path) -> None:
    assert len(read(written(tmp_path / "set", labels=DATA.labels.tolist())).train.class_names) == 3


class Mischief:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("mischief"),))


@pytest.mark.parametrize("name", ["imgs", "labels"])
def test_what_would_run_code_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = written(tmp_path / "set")
    torch.save(Mischief(), folder / name)
    with pytest.raises(InputError, match=f"{name} is damaged or holds more than tensors"):
        read(folder)
    assert not Path("mischief").exists()


def packed(file: Path) -> None:
    """The same members, deflated: a few bytes could become many."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in members.items():
            new.writestr(name, data)


def test_archives_that_are_packed_or_cut_off_or_no_archives_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    packed(folder / "imgs")
    with pytest.raises(InputError, match=r"imgs is packed, which torch.save never does"):
        read(folder)
    (folder / "imgs").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"imgs is not a readable file of torch.save"):
        read(folder)
    torch.save(torch.zeros(3), folder / "imgs")
    os.truncate(folder / "imgs", (folder / "imgs").stat().st_size // 2)
    with pytest.raises(InputError, match="imgs is not a readable file"):
        read(folder)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(1).expand(1 << 40, 3, 8, 8), None, "imgs promises more numbers than it holds"),
        (torch.zeros(7, 3, 8, 8), None, r"'imgs' is \(7, 3, 8, 8\) and there are 60 labels"),
        (torch.zeros(60, 8), None, r"'imgs' is \(60, 8\)"),
        ({"images": torch.zeros(2)}, None, r"imgs holds no tensor \(dict\)"),
        (torch.zeros(60, 3, 8, 8).to_sparse(), None, "imgs "),
        (None, torch.full((60,), 0.5), "must be whole numbers"),
        (None, ["a", "b"], r"labels holds no tensor \(list\)"),
    ],
    ids=["huge", "count", "flat", "dict", "sparse", "halves", "words"],
)
def test_what_is_no_such_set_is_one_line(images: Any, labels: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(written(tmp_path / "set", images, labels))
    assert "\n" not in str(caught.value)


def test_a_folder_without_them_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no set of backdoor-toolbox: it needs labels, and imgs or data/"):
        ToolboxSet(path=str(tmp_path)).load(0)
