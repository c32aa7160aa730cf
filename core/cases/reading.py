"""The first step of an audit: what lies at the path, and what can be said of it before anything is computed."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.described import describe
from core.audit.labels import Labels
from core.audit.readers import (
    LABELLED,
    Features,
    check_given,
    files_of,
    is_called_table,
    is_file,
    is_table,
    open_source,
    read_features,
    read_labels,
)
from core.audit.table import as_table, check_shape
from core.cases.carries import carries
from core.cases.config import ARCHITECTURE, CaseConfig
from core.datasets import DATASETS, IMAGE, PATH, ImageColumn, Report, Table, UnlikeSizes, account, kind_of, walk
from core.foundation.errors import InputError
from core.foundation.files import given_path, sha256_of
from core.foundation.images import ImageData, Split
from core.foundation.seeds import derive
from core.models.brought import open_network
from core.training import audited

FEATURES, FOLDER = "features", "folder"
SOME = 50  # names of images, of which one should be there
SIDE = 64  # pixels to which images of unlike sizes are brought for a model that is trained here
PIECE = 2**22  # bytes
WRITTEN = "features.npy"  # in a folder that `features` wrote
BESIDE = ("labels.npy", "labels.csv", "labels.parquet")  # taken for the labels of a table where none are named


@dataclass
class Brought:
    """What is looked at, read whole but for the rows of large tables. `close` removes scratch files."""

    labels: Labels  # of n rows
    files: np.ndarray  # (n,) str, where each row comes from; empty where that is not known
    account: dict[str, Any]  # data.json
    images: ImageData | None = None  # n of them; of features the pictures of the same rows, where they are given
    texts: np.ndarray | None = None  # (n,) str
    features: Features | None = None  # None: of the images, by a model
    flip: bool = False  # a mirrored image keeps its meaning

    def __len__(self) -> int:
        return len(self.labels.numbers)

    def close(self) -> None:
        if self.features:
            self.features.close()


def table_at(path: Path) -> Path:
    """The table itself where `features` has written a folder; else the path."""
    return path / WRITTEN if (path / WRITTEN).is_file() else path


def kind_at(path: Path) -> str:
    """The kind of images, else FEATURES where a table of them is there. Raises InputError that says why there are no images."""
    path = given_path(path)
    if table_at(path) != path:
        return FEATURES
    try:
        kind = kind_of(path)
    except InputError:
        if not is_table(path):
            if is_called_table(path):
                open_source(path).close()  # says what is wrong with it
            raise
        return FEATURES
    is_features = (
        (kind == "folder" and is_table(path) and not walk(path).images)
        or (kind == "parquet" and _names_images_only(path))
        or (kind == "arrays" and _rows_only(path))
    )
    return FEATURES if is_features else kind


def _rows_only(path: Path) -> bool:
    """Whether arrays hold rows of numbers, and none of two sides or more, as images have them."""
    try:
        with closing(open_source(path)) as source:
            numbers = [column for column in source.columns if column.is_numbers]
    except InputError:
        return False
    return any(len(column.shape) == 1 for column in numbers) and all(len(column.shape) < 2 for column in numbers)


def _names_images_only(path: Path) -> bool:
    """Whether a table has rows of numbers, and of images no more than their names: features, not images."""
    columns = Table([path]).columns() if path.is_file() else []
    if not columns or any(column.holds == IMAGE for column in columns):
        return False
    with closing(open_source(path)) as source:
        numbers = [column for column in source.columns if column.is_numbers]
    if any(column.wide for column in numbers):
        return True
    single = [column for column in numbers if column.dtype is not None and column.dtype.kind == "f"]
    return len(single) > 1 and not any(_some_are_there(path.parent, column) for column in columns)


def _some_are_there(folder: Path, column: ImageColumn) -> bool:
    """Whether the images are there that a column names."""
    names = column.values if column.holds == PATH and column.values is not None else ()
    return any((folder / str(name)).is_file() for name in names[:SOME])


def read(config: CaseConfig, path: Path, scratch: Path | None = None, report: Report | None = None) -> Brought:
    """Read what an audit looks at. path: of the config, or where its archive was unpacked. Raises InputError."""
    of_features = config.labels or config.column or config.images or config.text
    kind = config.kind or (FEATURES if of_features else kind_at(path))
    if kind == FEATURES:
        return _features(config, path, scratch, report)
    for name, value in (
        ("labels", config.labels),
        ("--column", config.column),
        ("--images", config.images),
        ("--text", config.text),
    ):
        if value:
            raise InputError(
                f"{name} is for a table of features; {path.name} is read as images ({kind}), which bring their own"
            )
    data, flip, told = load_images(path, kind, config.options, config.seed, report, side_of(config))
    names = dict(enumerate(data.class_names))
    labels = Labels(data.labels.astype(np.int64), np.ones(len(data), bool), names)
    told = {"what": "images", **told, "path": str(path), "sha256": digest(path, report)}
    told["carries"] = carries(_sizes(labels), None)
    return Brought(labels, _files(data), told, images=data, flip=flip)


def load_split(
    path: Path, kind: str, options: Any = (), seed: int = 0, report: Report | None = None, side: int | None = None
) -> Split:
    """A set of images. side: pixels that a model takes, to which folders are brought, and others where theirs differ.

    Raises InputError.
    """
    given: dict[str, Any] = {"path": str(path)} | dict(options)
    if side and kind == FOLDER:
        given = {"size": side} | given
    try:
        return DATASETS.make(kind, given).load(seed, report)
    except UnlikeSizes:
        if "size" in given:
            raise
        return DATASETS.make(kind, given | {"size": side or SIDE}).load(seed, report)


def load_images(
    path: Path, kind: str, options: Any = (), seed: int = 0, report: Report | None = None, side: int | None = None
) -> tuple[ImageData, bool, dict[str, Any]]:
    """The training images of a set, whether mirrored ones keep their meaning, and the account of what was read.

    side: see `load_split`. Raises InputError.
    """
    split = load_split(path, kind, options, derive(seed, "data"), report, side)
    told = account(split)
    if told["split"] == "given" and len(split.test):
        why = "a model does not learn from them"
        told["not_looked_at"] = [{"what": "the test images", "count": len(split.test), "why": why}]
    elif told["split"] == "made":
        told["notes"] = [*told["notes"], "No images are set aside for testing: all that were read are looked at."]
    return audited(split), split.flip, told


def side_of(config: CaseConfig) -> int | None:
    """Pixels that the model of the config takes; None for one that is trained here."""
    if not config.model:
        return None
    return open_network(config.model, Path(config.weights) if config.weights else None, config.size).size


def _features(config: CaseConfig, path: Path, scratch: Path | None, report: Report | None) -> Brought:
    path = table_at(path)
    for name, option in (("model", "model"), ("weights", "weights"), ("layers", "layer"), ("epochs", "epochs")):
        if getattr(config, name):
            raise InputError(f"{path.name} is a table of features, which no model looks at; leave out --{option}")
    if config.architecture != ARCHITECTURE:
        raise InputError(f"{path.name} is a table of features, for which no model is trained; leave out --architecture")
    if config.options and not config.images:
        raise InputError(
            f"{path.name} is a table of features; leave out --set dataset.{next(iter(config.options))}, which is for images"
        )
    given = config.labels or labels_of(path, config.column)
    if report:
        report("reading features", None)
    check_given(given, path)
    features = read_features(path, config.column or None, labels=None if is_file(given) else given, scratch=scratch)
    try:
        n, d = check_shape(features.rows)
        labels = read_labels(given, features)
        files = np.array([features.place(row) for row in range(n)]) if features.knows_files else np.array([""] * n)
        texts = _texts(features, config.text, n)
        pictures = _pictures(config, files, n, report)
        told: dict[str, Any] = {
            "what": FEATURES, "kind": FEATURES, "path": str(path), "rows": n, "columns": d, "form": features.form,
            "column": features.column, "dtype": str(features.rows.dtype), "labels": str(given) if not is_file(given) else Path(given).name,
            "left_out": [{"what": f"column '{name}'", "count": 1, "why": why} for name, why in features.left_out.items() if name != config.text],
            "notes": [*features.notes, *labels.notes, *describe(as_table(features.rows))],
            "sha256": digest(path, report),
        }  # fmt: skip
    except BaseException:
        features.close()
        raise
    sizes = _sizes(labels)
    told["class_names"] = [labels.names.get(label, str(label)) for label in sizes]
    told["per_class"] = list(sizes.values())
    told["carries"] = carries(sizes, d)
    return Brought(labels, files, told, images=pictures, texts=texts, features=features)


def labels_of(path: Path, column: str) -> str:
    """The labels of a table where none are named: a file beside it, or its only column that is called so. Raises InputError."""
    folder = path if path.is_dir() else path.parent
    for name in BESIDE:
        if (folder / name).is_file() and folder / name != path:
            return str(folder / name)
    with closing(open_source(files_of(path)[0])) as source:
        called = [one.name for one in source.columns if one.name.lower() in LABELLED and one.name != column]
    if len(called) == 1:
        return called[0]
    raise InputError(
        f"{path.name} is a table of features, and an audit needs the label of each row; give a file, or the name of a column: "
        f"audit {path.name} LABELS"
    )


def _texts(features: Features, column: str, n: int) -> np.ndarray | None:
    if not column:
        return None
    values = features.values(column)[0]
    if values.shape not in ((n,), (n, 1)):
        raise InputError(f"column '{column}' is {values.shape}; text to show is one piece a row")
    return np.array(["" if value is None else str(value) for value in values.reshape(n).tolist()], object)


def _pictures(config: CaseConfig, files: np.ndarray, n: int, report: Report | None) -> ImageData | None:
    """Pictures of the rows of features: by the names of their files where the features have them, else in the same order."""
    if not config.images:
        return None
    path = Path(config.images)
    data, _, _ = load_images(path, kind_of(path), config.options, config.seed, report)
    where = _matched(_files(data), files)
    if where is not None:
        return data.take(where)
    if len(data) != n:
        raise InputError(f"{path} has {len(data):,} images for {n:,} rows, and no names say which belongs to which")
    return data


def _matched(have: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """For each wanted name the row that has it, by the whole name or by its last part; None where that is not clear."""
    for key in (str, lambda name: Path(name).name):
        place = {key(name): row for row, name in enumerate(have.tolist())}
        names = [key(name) for name in wanted.tolist()]
        if len(place) == len(have) and all(name in place for name in names):
            return np.array([place[name] for name in names], np.int64)
    return None


def _files(data: ImageData) -> np.ndarray:
    return data.sources if data.sources is not None else np.array([""] * len(data))


def _sizes(labels: Labels) -> dict[int, int]:
    values, counts = np.unique(labels.numbers[labels.labelled], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def digest(path: Path, report: Report | None = None) -> str:
    """SHA-256 of a file; of a folder that of the lines `sha256sum` prints for its files, sorted by name ("<sum>  <name>")."""
    if path.is_file():
        return sha256_of(path)
    files = sorted(
        str(Path(folder, name).relative_to(path).as_posix()) for folder, _, names in os.walk(path) for name in names
    )
    whole = hashlib.sha256()
    for i, name in enumerate(files):
        if (path / name).is_file():
            whole.update(f"{sha256_of(path / name)}  {name}\n".encode())
        if report and i % 500 == 0:
            report("adding up what was read", i / len(files))
    return whole.hexdigest()
