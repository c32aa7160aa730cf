"""Tables of labels beside a folder of images, as people and pandas write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.datasets.layout import Listing, listing_of
from core.datasets.tree import walk
from core.foundation.errors import InputError
from tests.makers import encode, noise_images

N = 12


def folder(tmp_path: Path, lines: Sequence[str], name: str = "labels.csv") -> Path:
    """Images 0.png, 1.png, ... and a table."""
    for i, image in enumerate(noise_images(N, 8)):
        (tmp_path / f"{i}.png").write_bytes(encode(image))
    (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def listed(root: Path) -> Listing:
    return listing_of(walk(root), "")


def by_file(found: Listing) -> dict[str, str]:
    return dict(zip(found.images, found.words.tolist(), strict=True))


def test_an_image_of_two_labels_is_refused_and_named(tmp_path: Path) -> None:
    lines = ["file,label", *(f"{i}.png,{'cat' if i % 2 else 'dog'}" for i in range(N)), "4.png,cat"]
    with pytest.raises(InputError, match=r"of 4\.png that it is 'dog' \(row 5\) and that it is 'cat' \(row 13\)"):
        listed(folder(tmp_path, lines))


def test_an_image_that_is_named_twice_alike_is_told(tmp_path: Path) -> None:
    lines = ["file,label", *(f"{i}.png,{'cat' if i % 2 else 'dog'}" for i in range(N)), "4.png,dog", "4.png,dog"]
    found = listed(folder(tmp_path, lines))
    assert by_file(found)["4.png"] == "dog"
    assert "labels.csv names 1 images more than once, with the same label." in " ".join(found.notes)


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "null", "NULL"])
def test_nothing_is_no_class(nothing: str, tmp_path: Path) -> None:
    lines = ["file,label", *(f"{i}.png,{nothing if i == 3 else 'cat' if i % 2 else 'dog'}" for i in range(N))]
    assert by_file(listed(folder(tmp_path, lines)))["3.png"] == ""


def test_whole_numbers_stay_what_they_are_beside_an_empty_cell(tmp_path: Path) -> None:
    """pandas holds them as fractions then, and writes 1.0 for 1."""
    lines = ["file,label", *(f"{i}.png,{'' if i == 3 else f'{1 + i % 3}.0'}" for i in range(N))]
    assert set(by_file(listed(folder(tmp_path, lines))).values()) == {"", "1", "2", "3"}


def test_whole_numbers_of_json_stay_what_they_are_beside_null(tmp_path: Path) -> None:
    lines = [
        json.dumps({"file_name": f"{i}.png", "label": None if i == 3 else 1 + i % 3, "note": None}) for i in range(N)
    ]
    assert set(by_file(listed(folder(tmp_path, lines, "metadata.jsonl"))).values()) == {"", "1", "2", "3"}


def test_versions_are_no_whole_numbers(tmp_path: Path) -> None:
    lines = ["file,label", *(f"{i}.png,{('1.0', '1.5')[i % 2]}" for i in range(N))]
    assert set(by_file(listed(folder(tmp_path, lines))).values()) == {"1.0", "1.5"}


@pytest.mark.parametrize("columns", ["file,label", "label,file"])
def test_labels_that_are_numbers_are_no_files_that_are_called_by_numbers(columns: str, tmp_path: Path) -> None:
    rows = [(f"{i}.png", str(i % 3)) for i in range(N)]
    lines = [columns, *(",".join(row if columns == "file,label" else row[::-1]) for row in rows)]
    found = listed(folder(tmp_path, lines))
    assert found.columns == ("file", "label")
    assert by_file(found)["4.png"] == "1"
