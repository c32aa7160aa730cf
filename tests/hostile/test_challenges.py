"""Door: challenges, whose folders are handed around, and the answers of teams."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.challenges import Store, find_challenges, open_challenge, read_hint, read_truth
from core.challenges.store import clean_name
from core.foundation.sheets import pack
from tests.hostile.cases import BROKEN, ESCAPE, MARKUP, TURNED, link, refused

N, CLASSES = 12, ["ash", "oak"]
LABELS = np.arange(N) % 2
TRUTH: dict[str, Any] = {"label": 1, "poison": [1, 3], "true_labels": [0, 0], "story": {}, "sources": []}
ABOUT: dict[str, Any] = {"format": 1, "title": "Trees", "classes": CLASSES, "rows": N, "image": [8, 8, 3], "assumed": 3, "about": {}}  # fmt: skip
HINT: dict[str, Any] = {"verdict": "Oak.", "ranking": [{"label": 1, "objective": 2.5}]}
COLUMNS = ("que", "pca", "raw_x", "raw_y", "naive_x", "naive_y", "robust_x", "robust_y")


def rows(**changed: Any) -> bytes:
    frame = pd.DataFrame({"id": np.arange(N), "label": LABELS, **dict.fromkeys(COLUMNS, np.zeros(N))} | changed)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def make(path: Path) -> Path:
    """A sound challenge."""
    path.mkdir()
    truth = json.dumps(TRUTH).encode()
    (path / "truth.json").write_bytes(truth)
    about = ABOUT | {"seal": hashlib.sha256(truth).hexdigest()}
    (path / "challenge.json").write_text(json.dumps(about))
    (path / "hint.json").write_text(json.dumps(HINT))
    (path / "rows.parquet").write_bytes(rows())
    (path / "images.webp").write_bytes(pack(np.zeros((N, 8, 8, 3), np.uint8)))
    return path


def about(**changed: Any) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        said = json.loads((path / "challenge.json").read_text())
        (path / "challenge.json").write_text(json.dumps(said | changed))

    return write


def put(name: str, data: bytes | str) -> Callable[[Path], Any]:
    return lambda path: (path / name).write_bytes(data.encode() if isinstance(data, str) else data)


def sealed(**changed: Any) -> Callable[[Path], Any]:
    """Another truth, sealed as it should be."""

    def write(path: Path) -> None:
        truth = json.dumps(TRUTH | changed).encode()
        (path / "truth.json").write_bytes(truth)
        about(seal=hashlib.sha256(truth).hexdigest())(path)

    return write


def swapped(name: str, write: Callable[[Path], Any]) -> Callable[[Path], Any]:
    return lambda path: (path / name).unlink() or write(path / name)


def webp(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "WEBP")
    return buffer.getvalue()


REFUSED: dict[str, Callable[[Path], Any]] = {
    "0 bytes": put("challenge.json", b""),
    "brackets in brackets": put("challenge.json", "[" * 100_000),
    "more than is read": put("challenge.json", " " * (2**20 + 1)),
    "no object": put("challenge.json", "[]"),
    "another format": about(format="1"),
    "a title of markup on two lines": about(title=f"{MARKUP}{BROKEN}"),
    "a title turned around": about(title=TURNED),
    "a title of an escape": about(title=ESCAPE),
    "a class twice": about(classes=["a", "a"]),
    "a class of an escape": about(classes=["a", ESCAPE]),
    "classes without end": about(classes=[f"{i}" for i in range(10**4)]),
    "classes that are lists": about(classes=[["a"], ["b"]]),
    "rows without end": about(rows=10**12),
    "rows below 0": about(rows=-1),
    "rows that are true": about(rows=True),
    "images of 4 GiB": about(image=[512, 512, 3], rows=100_000),
    "images with sides below 0": about(image=[-8, -8, 3]),
    "a seal that is none": about(seal="0" * 63),
    "another number of rows": about(rows=N + 1),
    "rows of another length": put("rows.parquet", rows(id=np.arange(N) + 1)),
    "rows with NaN": put("rows.parquet", rows(que=np.full(N, np.nan))),
    "rows with infinities": put("rows.parquet", rows(raw_x=np.full(N, np.inf))),
    "rows of no class": put("rows.parquet", rows(label=LABELS + 7)),
    "rows with words": put("rows.parquet", rows(que=["a"] * N)),
    "rows that are a text": put("rows.parquet", "id,label\n"),
    "rows cut short": put("rows.parquet", rows()[:-20]),
    "rows that are a pipe": swapped("rows.parquet", lambda p: os.mkfifo(p)),
    "rows in a device": swapped("rows.parquet", lambda p: link(p, "/dev/zero")),
    "images of another size": put("images.webp", webp(9, 9)),
    "images that are a text": put("images.webp", "RIFF    WEBP"),
    "images that are missing": swapped("images.webp", lambda p: None),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_a_challenge_is_refused(change: Callable[[Path], Any], tmp_path: Path) -> None:
    change(make(tmp_path / "trees"))
    refused(lambda: open_challenge(tmp_path / "trees"), "trees: ")


TRUTHS: dict[str, Callable[[Path], Any]] = {
    "changed after it was sealed": put("truth.json", json.dumps(TRUTH | {"label": 0})),
    "0 bytes": put("truth.json", b""),
    "rows that are not there": sealed(poison=[1, 99]),
    "rows below 0": sealed(poison=[-1, 1]),
    "a row twice": sealed(poison=[1, 1]),
    "rows of another label": sealed(poison=[0, 2]),
    "no label": sealed(label=None),
    "a label that is a word": sealed(label="oak"),
    "lists in lists": sealed(poison=[[1], [3]]),
    "fewer true labels": sealed(true_labels=[0]),
    "files of other rows": sealed(sources=["a"]),
    "files that are numbers": sealed(sources=[1] * N),
}  # fmt: skip


@pytest.mark.parametrize("change", TRUTHS.values(), ids=TRUTHS.keys())
def test_a_truth_is_refused(change: Callable[[Path], Any], tmp_path: Path) -> None:
    change(make(tmp_path / "trees"))
    refused(lambda: read_truth(open_challenge(tmp_path / "trees")), "trees: truth.json")


@pytest.mark.parametrize("hint", [[], {"ranking": [{"label": 9}]}, HINT | {"verdict": ESCAPE}, HINT | {"ranking": [1]}])
def test_a_hint_is_refused(hint: Any, tmp_path: Path) -> None:
    put("hint.json", json.dumps(hint))(make(tmp_path / "trees"))
    refused(lambda: read_hint(open_challenge(tmp_path / "trees")), "hint.json is damaged")


@pytest.mark.parametrize("name", ["..", ".hidden", "A", "a b", "a\nb", "x" * 65, ESCAPE])
def test_a_folder_of_another_name_is_no_challenge(name: str, tmp_path: Path) -> None:
    if name != "..":
        make(tmp_path / name)
    assert not find_challenges(tmp_path)


@pytest.mark.parametrize("name", ["", " ", "x" * 41, "\0", ESCAPE, TURNED, "\u200b", "\ufdfa" * 39])
def test_a_team_of_no_name_is_refused(name: str) -> None:
    refused(lambda: clean_name(name), "a name")


@pytest.mark.parametrize(
    "data", [b"hello" * 99, b"SQLite format 3\0" + b"\xff" * 900], ids=["a text", "its mark alone"]
)
def test_a_damaged_file_of_answers_is_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(data)
    refused(lambda: Store(tmp_path / "answers.sqlite").board("0" * 64))
