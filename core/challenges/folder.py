"""A challenge on disk: what the players may see, and, sealed, what they may not.

challenge.json  the title, the classes, how the set was made as far as players may know, and the seal
rows.parquet    one row for each training image: id, label, two scores, and its place in three plane pictures
images.webp     the images, in the order of the ids
hint.json       the ranking of the labels by SPECTRE's objective; opening it costs points
truth.json      the poisoned label and rows, and how they were made; its SHA-256 is the seal in challenge.json. The files that the
                images came from are in here too, for a name can tell what an image was before it was poisoned

The seal is a commitment: it is shown before anybody answers, so that the truth cannot be changed afterwards. A random
salt in truth.json keeps players from finding the truth by trying. Every file is checked when it is read; nothing is
unpickled. Whoever can read the folder can read the truth: it is sealed from the players' browsers, not from the teacher.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.foundation.errors import InputError
from core.foundation.files import read_bytes
from core.foundation.sheets import unpack

FORMAT = 1
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SEAL = re.compile(r"[0-9a-f]{64}")
MAX_ROWS, MAX_CLASSES, MAX_SIDE = 100_000, 100, 512
MAX_NAMES = 2**23  # bytes of the names of all files together; more are left out of a challenge
MAX_BYTES = {
    "challenge.json": 2**20,
    "hint.json": 2**20,
    "truth.json": 2**24,
    "rows.parquet": 2**27,
    "images.webp": 2**27,
}
SCORES = ("que", "pca")  # what the rows are scored by: SPECTRE, and spectral signatures
VIEWS = ("raw", "naive", "robust")
PLANES = tuple(f"{view}_{axis}" for view in VIEWS for axis in "xy")


@dataclass(frozen=True)
class Challenge:
    """What the players may see. Row i of `rows` and of `images` is the image of id i."""

    id: str
    path: Path
    title: str
    about: Mapping[str, Any]  # dataset, model, layer, features, epochs, accuracy: for the small print
    classes: tuple[str, ...]
    assumed: int  # poisons that the scores reckon with in each class
    seal: str  # SHA-256 of truth.json; a challenge made anew has another one
    rows: pd.DataFrame  # label, que, pca, raw_x .. robust_y; the index is the id
    images: np.ndarray  # (n, h, w, c) uint8

    def of_label(self, label: int) -> np.ndarray:
        """The ids that carry a label, ascending."""
        return np.flatnonzero(self.rows["label"].to_numpy() == label)

    def plane(self, view: str, ids: np.ndarray) -> np.ndarray:
        """Where those ids lie in a plane picture: (len(ids), 2)."""
        points: np.ndarray = self.rows[[f"{view}_x", f"{view}_y"]].to_numpy()[ids]
        return points


@dataclass(frozen=True)
class Truth:
    """What is sealed."""

    label: int | None  # the poisoned label; None where the set is clean
    poison: tuple[int, ...]  # ids, ascending
    true_labels: Mapping[int, int]  # what the poisoned images show
    story: Mapping[str, Any]  # how the set was made: attack, victims, attack_success, seed, command
    sources: tuple[str, ...] = ()  # by id, where each image came from; empty where that is not known


def find_challenges(*roots: Path) -> dict[str, Path]:
    """Folders of challenges below the roots by id, in the order of the roots, then of the names."""
    found: dict[str, Path] = {}
    for root in roots:
        if root.is_dir():
            for path in sorted(root.iterdir()):
                if ID.fullmatch(path.name) and (path / "challenge.json").is_file():
                    found.setdefault(path.name, path)
    return found


def open_challenge(path: Path) -> Challenge:
    """The public part of a challenge. Raises InputError for what is missing, damaged or does not fit together."""
    about = _about(path)
    check_public(about, path)
    title, classes, n, shape, assumed = (about[name] for name in ("title", "classes", "rows", "image", "assumed"))
    seal: Any = about.get("seal")
    small: Any = about.get("about")
    _check(isinstance(seal, str) and bool(SEAL.fullmatch(seal)), path, "the seal is no SHA-256")
    _check(isinstance(small, dict), path, "what is known of the set is missing")
    rows = _rows(path, n, len(classes))
    try:
        images = unpack(_bytes(path, "images.webp"), n, (shape[0], shape[1], shape[2]))
    except InputError as problem:
        raise InputError(f"{path.name}: images.webp: {problem}") from None
    return Challenge(path.name, path, title, small, tuple(classes), assumed, seal, rows, images)


def check_public(about: Mapping[str, Any], path: Path) -> None:
    """Raise InputError where what challenge.json says of a set is of another form, or beyond what a challenge can be."""
    values: list[Any] = [
        about.get(name) for name in ("classes", "rows", "image", "assumed")
    ]  # of any kind until checked
    classes, n, shape, assumed = values
    _check(_is_text(about.get("title"), 80), path, "the title is no text of 1 to 80 characters")
    _check(
        isinstance(classes, list) and 1 < len(classes) <= MAX_CLASSES and len(set(map(str, classes))) == len(classes) and all(_is_text(c, 80) for c in classes),
        path, f"the classes are no list of 2 to {MAX_CLASSES} names of at most 80 characters, each its own",
    )  # fmt: skip
    _check(_is_count(n, 1, MAX_ROWS), path, f"the number of rows is not 1 to {MAX_ROWS:,}")
    _check(
        isinstance(shape, list) and len(shape) == 3 and all(_is_count(s, 1, MAX_SIDE) for s in shape)
        and shape[2] in (1, 3),
        path, f"the size of the images is no [height, width, 1 or 3] of at most {MAX_SIDE} pixels a side",
    )  # fmt: skip
    _check(_is_count(assumed, 1, MAX_ROWS), path, f"the assumed number of poisons is not 1 to {MAX_ROWS:,}")


def title_of(path: Path) -> str:
    """The title alone, for a menu: neither rows nor images are read. Raises InputError."""
    return str(_about(path)["title"])


def _about(path: Path) -> dict[str, Any]:
    """What challenge.json says: of a known format, with a title, and not yet checked further."""
    about = _json(path, "challenge.json")
    _check(about.get("format") == FORMAT, path, "challenge.json has another format than this program reads")
    _check(_is_text(about.get("title"), 80), path, "the title is no text of 1 to 80 characters")
    return about


def read_hint(challenge: Challenge) -> dict[str, Any]:
    """The ranking of the labels: {"verdict": text, "ranking": [{"label", "objective"}, ...]}. Raises InputError."""
    hint = _json(challenge.path, "hint.json")
    ranking = hint.get("ranking")
    labels = range(len(challenge.classes))
    fits = isinstance(ranking, list) and all(
        isinstance(r, dict) and _is_count(r.get("label"), 0, len(labels) - 1) and _is_number(r.get("objective"))
        for r in ranking
    )
    _check(fits and _is_text(hint.get("verdict"), 400), challenge.path, "hint.json is damaged")
    return hint


def read_truth(challenge: Challenge) -> Truth:
    """The truth, if it is the one that was sealed. Raises InputError where it was changed or is damaged."""
    content = _bytes(challenge.path, "truth.json")
    _check(
        hashlib.sha256(content).hexdigest() == challenge.seal, challenge.path,
        "truth.json is not the one that was sealed; nothing is revealed",
    )  # fmt: skip
    values = _parse(challenge.path, "truth.json", content)
    parts: list[Any] = [values.get(name) for name in ("label", "poison", "true_labels")]
    label, poison, true_labels = parts
    last = len(challenge.classes) - 1
    fits = (
        isinstance(poison, list)
        and isinstance(true_labels, list)
        and len(true_labels) == len(poison) == len(set(map(str, poison)))
        and all(_is_count(i, 0, len(challenge.rows) - 1) for i in poison)
        and all(_is_count(i, 0, last) for i in true_labels)
        and (label is None if not poison else _is_count(label, 0, last))
        and isinstance(values.get("story"), dict)
    )
    _check(fits, challenge.path, "truth.json is damaged")
    _check(
        bool((challenge.rows["label"].to_numpy()[poison] == label).all()) if poison else True,
        challenge.path, "truth.json names rows of another label",
    )  # fmt: skip
    sources = values.get("sources", [])
    _check(
        isinstance(sources, list) and len(sources) in (0, len(challenge.rows)) and all(isinstance(s, str) for s in sources),
        challenge.path, "truth.json names other images",
    )  # fmt: skip
    pairs = sorted(zip(poison, true_labels, strict=True))
    return Truth(label, tuple(i for i, _ in pairs), dict(pairs), values["story"], tuple(sources))


def _rows(path: Path, n: int, classes: int) -> pd.DataFrame:
    content = _bytes(path, "rows.parquet")
    columns = ["id", "label", *SCORES, *PLANES]
    try:
        table = pd.read_parquet(io.BytesIO(content), columns=columns)
    except Exception as problem:  # noqa: BLE001 - pyarrow raises many kinds for a damaged file
        raise InputError(f"{path.name}: rows.parquet cannot be read ({type(problem).__name__})") from None
    whole = [table[name].dtype.kind in "iu" for name in ("id", "label")]
    real = [table[name].dtype.kind == "f" for name in (*SCORES, *PLANES)]
    _check(all(whole) and all(real), path, "rows.parquet has columns of another kind")
    _check(
        len(table) == n and bool((table["id"].to_numpy() == np.arange(n)).all()), path, "rows.parquet has other rows"
    )
    labels = table["label"].to_numpy()
    _check(bool(((labels >= 0) & (labels < classes)).all()), path, "rows.parquet has labels of no class")
    _check(bool(np.isfinite(table[[*SCORES, *PLANES]].to_numpy()).all()), path, "rows.parquet has values not finite")
    return table.drop(columns="id")


def _json(path: Path, name: str) -> dict[str, Any]:
    return _parse(path, name, _bytes(path, name))


def _parse(path: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{path.name}: {name} is damaged") from None
    _check(isinstance(value, dict), path, f"{name} is damaged")
    assert isinstance(value, dict)
    return value


def _bytes(path: Path, name: str) -> bytes:
    try:
        return read_bytes(path / name, MAX_BYTES[name])
    except InputError as problem:
        raise InputError(f"{path.name}: {problem}") from None


def _check(good: bool, path: Path, message: str) -> None:
    if not good:
        raise InputError(f"{path.name}: {message}")


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= longest and value.isprintable()


def _is_count(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
