"""Sets as people bring them, each with what is to be read of it. Class i has images of level LEVELS[i]."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, features

from core.datasets import DATASETS, account, kind_of
from core.foundation.errors import InputError
from tests.makers import encode

LEVELS = (40, 110, 180, 230)
CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
WORDS = np.array(["ant", "bee", "cow", "dog"])


def image(level: int, seed: int = 0, shape: tuple[int, ...] = (12, 12, 3)) -> np.ndarray:
    return (level + np.random.default_rng([level, seed]).integers(-9, 10, shape)).astype(np.uint8)


def put(file: Path, level: int, seed: int = 0, shape: tuple[int, ...] = (12, 12, 3), kind: str | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image(level, seed, shape)).save(file, kind)
    return file


def folders(root: Path, names: Sequence[str] = WORDS[:3], n: int = 5, suffix: str = ".png", seed: int = 0) -> Path:
    for c, name in enumerate(names):
        for i in range(n):
            put(root / name / f"{i}{suffix}", LEVELS[c], seed + i)
    return root


def flat(root: Path, n: int = 15, suffix: str = ".png") -> list[tuple[str, int]]:
    """Images of three classes in turn in one folder; their names and classes."""
    found = [(f"img{i:03d}{suffix}", i % 3) for i in range(n)]
    for i, (name, label) in enumerate(found):
        put(root / name, LEVELS[label], i)
    return found


def write_csv(file: Path, heading: Sequence[str] | None, rows: Sequence[Sequence[Any]], separator: str = ",") -> None:
    with file.open("w", newline="") as opened:
        csv.writer(opened, delimiter=separator).writerows([*([heading] if heading else []), *rows])


def cells(labels: np.ndarray, **options: Any) -> pa.Array:
    return pa.array([{"bytes": encode(image(LEVELS[c], i)), "path": f"{i}.png"} for i, c in enumerate(labels)], CELL)


Y = np.arange(15) % 3


def table(file: Path, columns: dict[str, Any], described: dict[str, Any] | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    made = pa.table(columns)
    if described:
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": described}})})
    pq.write_table(made, file)
    return file


def named(names: Sequence[str]) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


@dataclass
class Case:
    """What is read of a set."""

    make: Callable[[Path], Path | None]  # writes it into a folder, which it is unless another path is returned
    kind: str = "folder"
    names: Sequence[str] = tuple(WORDS[:3])
    train: Sequence[int] = (5, 5, 5)  # with the test images where the set has no test part
    test: Sequence[int] | None = None
    levels: Sequence[int] = LEVELS[:3]
    columns: tuple[str, str] | None = None
    told: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)


def kaggle_signs(root: Path, twice: bool = False) -> None:
    for train, test in (("Train", "Test"), *([("train", "test")] if twice else [])):
        folders(root / train, "012")
        rows = [(12, 12, label, f"{test}/{name}") for name, label in flat(root / test, 6)]
        write_csv(root / f"{test}.csv", ["Width", "Height", "ClassId", "Path"], rows)
    for c in range(3):
        put(root / "Meta" / f"{c}.png", 99)


def benchmark_signs(root: Path) -> None:
    for c in range(3):
        for i in range(5):
            put(root / "Final_Training" / "Images" / f"0000{c}" / f"00000_{i}.ppm", LEVELS[c], i)
        write_csv(
            root / "Final_Training" / "Images" / f"0000{c}" / f"GT-0000{c}.csv",
            ["Filename", "Width", "ClassId"],
            [(f"00000_{i}.ppm", 12, c) for i in range(5)],
            ";",
        )
    rows = [(name, 12, label) for name, label in flat(root / "Final_Test" / "Images", 6, ".ppm")]
    write_csv(root / "Final_Test" / "Images" / "GT-final_test.csv", ["Filename", "Width", "ClassId"], rows, ";")


def droppings(root: Path) -> None:
    folders(root)
    for name in WORDS[:3]:
        (root / name / "._0.png").write_bytes(b"\0\x05\x16\x07")
        (root / name / "Thumbs.db").write_bytes(b"x")
        put(root / name / ".ipynb_checkpoints" / "0-checkpoint.png", 99)
        put(root / "__MACOSX" / name / "0.png", 99)
    (root / ".DS_Store").write_bytes(b"x")


def three_parts(root: Path, names: Sequence[str]) -> None:
    for part, name in enumerate(names):
        folders(root / name, n=5 - part, seed=10 * part)


def backdoorbench(root: Path) -> None:
    """As an attack of theirs leaves it: changed images by the class that they show, and its record."""
    three_parts(root, ["bd_train_dataset", "bd_test_dataset", "cross_test_dataset"])
    for name in ("attack_result.pt", "info.pickle", "defense.pth", "log.txt"):
        (root / name).write_bytes(b"\x80\x04whatever")


def with_table(
    root: Path, heading: Sequence[str] | None, row: Callable[[str, int], Sequence[Any]], **options: Any
) -> None:
    images = root / options.get("images", ".")
    write_csv(root / options.get("file", "labels.csv"), heading, [row(*one) for one in flat(images)])


def metadata(root: Path) -> None:
    lines = [
        {"file_name": name, "label": str(WORDS[label]), "caption": f"an {i}"}
        for i, (name, label) in enumerate(flat(root))
    ]
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))


def deep(root: Path, kind: str) -> None:
    for c, name in enumerate(WORDS[:3]):
        for i in range(5):
            (root / name).mkdir(parents=True, exist_ok=True)
            unit = image(LEVELS[c], i, (12, 12)) / 255
            unit.flat[:2] = 0, 1
            if kind == "float":
                Image.fromarray(unit.astype(np.float32)).save(root / name / f"{i}.tiff")
            else:
                Image.fromarray(np.rint(unit * 4095).astype(np.uint16)).save(root / name / f"{i}.png")


def see_through(root: Path) -> None:
    for c, name in enumerate(WORDS[:3]):
        for i in range(5):
            grey = image(LEVELS[c], i, (12, 12))
            layers = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
            layers[:, :6] = 0  # wholly transparent, black underneath
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(layers).save(root / name / f"{i}.png")


def saved(root: Path, parts: Sequence[str]) -> None:
    """As `save_to_disk` writes a set of parts, or of one without a name."""
    for part in parts:
        folder = root / part
        folder.mkdir(exist_ok=True)
        made = pa.table({"image": cells(Y), "label": Y}).replace_schema_metadata(
            {
                "huggingface": json.dumps(
                    {"info": {"features": {"image": {"_type": "Image"}, "label": named(WORDS[:3])}}}
                )
            }
        )
        with (
            pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, made.schema) as out,
        ):
            out.write_table(made)
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
        (folder / "dataset_info.json").write_text("{}")
    if parts != [""]:
        (root / "dataset_dict.json").write_text(json.dumps({"splits": list(parts)}))


def parquet(columns: Callable[[], dict[str, Any]], described: dict[str, Any] | None = None) -> Callable[[Path], Path]:
    return lambda root: table(root / "some.parquet", columns(), described)


def shards(root: Path, names: Sequence[str]) -> None:
    for name in names:
        table(root / name, {"image": cells(Y), "label": Y}, {"label": named(WORDS[:3])})


def paths_only(root: Path) -> Path:
    rows = [{"bytes": None, "path": f"pictures/{name}"} for name, _ in flat(root / "pictures")]
    return table(
        root / "some.parquet",
        {"image": pa.array(rows, CELL), "label": Y},
        {"image": {"_type": "Image"}, "label": named(WORDS)},
    )


def unlabelled_test(root: Path) -> None:
    for part, labels in (("train", Y), ("validation", Y[:9]), ("test", np.full(6, -1))):
        images = cells(Y[: len(labels)])
        table(root / f"{part}.parquet", {"image": images, "label": labels}, {"label": named(WORDS[:3])})


def npz(root: Path, **arrays: Any) -> Path:
    np.savez(root / "set.npz", **arrays)
    return root / "set.npz"


X = np.stack([image(LEVELS[c], i) for i, c in enumerate(Y)])
UNIT = X / 255
UNIT[:, 0, 0], UNIT[:, 0, 1] = 0, 1

CASES: dict[str, Case] = {
    "classes": Case(lambda r: folders(r)),
    "classes called as numbers": Case(lambda r: folders(r, ["1", "2", "10"]), names=["1", "2", "10"]),
    "a class called train": Case(lambda r: folders(r, ["bus", "car", "train"]), names=["bus", "car", "train"]),
    "a folder around it": Case(lambda r: (folders(r / "archive" / "animals"), r)[1], told=["The images lie in archive/animals"]),
    "train and val": Case(lambda r: three_parts(r, ["train", "val"]), test=(4, 4, 4)),
    "training and testing": Case(lambda r: three_parts(r, ["Training", "Testing"]), test=(4, 4, 4)),
    "three parts": Case(lambda r: three_parts(r, ["train", "test", "valid"]), test=(4, 4, 4), told=["images in valid"]),
    "tested on the part that is asked for": Case(
        lambda r: three_parts(r, ["train", "test", "valid"]), test=(3, 3, 3), options={"split": "valid"}
    ),
    "of BackdoorBench": Case(backdoorbench, test=(4, 4, 4), told=["changed training images alone", "cross test", "can run code"]),
    "signs of Kaggle": Case(lambda r: kaggle_signs(r), names="012", test=(2, 2, 2), told=["images in Meta"]),
    "signs of Kaggle, all of it twice": Case(
        lambda r: kaggle_signs(r, twice=True), names="012", test=(2, 2, 2), told=["those of Train again"]
    ),
    "signs of the benchmark": Case(benchmark_signs, names=["00000", "00001", "00002"], test=(2, 2, 2)),
    "droppings": Case(droppings, told=["macOS", "Jupyter", "operating system"]),
    "flat with a table": Case(
        lambda r: with_table(r, ["image_id", "breed", "label"], lambda n, c: (n, "x", WORDS[c])), columns=("image_id", "label"),
        told=["labels.csv, column 'label'"],
    ),
    "flat with a table in which -1 is no class": Case(
        lambda r: with_table(r, ["file", "label"], lambda n, c: (n, -1 if n == "img000.png" else c)), names="012", train=(4, 5, 5),
        columns=("file", "label"), told=["1 ", "have no label"],
    ),
    "flat with a table of -1 and 1": Case(
        lambda r: write_csv(r / "y.csv", ["file", "label"], [(n, 1 if c else -1) for n, c in flat(r) if c < 2 or (r / n).unlink()]),
        names=["1", "-1"], train=(5, 5), levels=[LEVELS[1], LEVELS[0]], columns=("file", "label"),
    ),
    "flat with a table of stems": Case(
        lambda r: with_table(r, ["id", "category"], lambda n, c: (n[:-4], WORDS[c])), columns=("id", "category")
    ),
    "a table without a heading": Case(
        lambda r: with_table(r, None, lambda n, c: (n, WORDS[c])), columns=("column 1", "column 2"), told=["no other column"]
    ),
    "a table beside a folder of images": Case(
        lambda r: with_table(r, ["path", "class"], lambda n, c: (f"images/{n}", WORDS[c]), images="images"),
        columns=("path", "class"), told=["lie in images"],
    ),
    "metadata of Hugging Face": Case(metadata, columns=("file_name", "label")),
    "a table that says the same": Case(
        lambda r: (folders(r), write_csv(r / "all.csv", ["file", "label"], [(f"{w}/{i}.png", c) for c, w in enumerate(WORDS[:3]) for i in range(5)]), r)[2]
    ),
    "a test part that nothing labels": Case(
        lambda r: (folders(r / "train"), flat(r / "test", 6), r)[2], told=["images in test", "unlabelled"]
    ),
    "images beside the class folders": Case(
        lambda r: (folders(r), put(r / "cover.png", 99), r)[2], told=["images beside the class folders"]
    ),
    "an empty folder": Case(lambda r: (folders(r), (r / "zebra").mkdir(), r)[2], told=["no classes: zebra"]),
    "jfif": Case(lambda r: ([put(r / w / f"{i}.jfif", LEVELS[c], i, kind="JPEG") for c, w in enumerate(WORDS[:3]) for i in range(5)], r)[1]),
    "webp": Case(lambda r: folders(r, suffix=".webp")),
    "without suffixes": Case(
        lambda r: ([put(r / w / f"{i}", LEVELS[c], i, kind="PNG") for c, w in enumerate(WORDS[:3]) for i in range(5)], r)[1]
    ),
    "formats that are not read": Case(
        lambda r: (folders(r), (r / "ant" / "a.heic").write_bytes(b"x"), (r / "readme.txt").write_text("x"), r)[3],
        told=["files *.heic", "not read here", "other files"],
    ),
    "floats": Case(lambda r: deep(r, "float"), told=["0..1"]),
    "twelve bits in sixteen": Case(lambda r: deep(r, "12"), told=["0..4095"]),
    "transparent": Case(see_through, levels=[(level + 255) / 2 for level in LEVELS[:3]], told=["laid on white"]),
    "words and a year": Case(
        parquet(lambda: {"image": cells(Y), "label": WORDS[Y], "year": 2000 + np.arange(15) % 4}), "parquet", columns=("image", "label")
    ),
    "categories": Case(
        parquet(lambda: {"image": cells(Y), "label": pa.array(WORDS[Y]).dictionary_encode()}), "parquet", columns=("image", "label")
    ),
    "yes and no": Case(
        parquet(lambda: {"image": cells(np.arange(10) % 2), "spam": np.arange(10) % 2 == 1}), "parquet", ["False", "True"], (5, 5),
        levels=LEVELS[:2], columns=("image", "spam"), told=["'spam' was taken as the labels"],
    ),
    "whole floats with a hole": Case(
        parquet(lambda: {"image": cells(Y), "sort": pa.array([None, *Y[1:].astype(float).tolist()])}), "parquet", "012", (4, 5, 5),
        columns=("image", "sort"), told=["'sort' was taken as the labels", "have no label"],
    ),
    "labels in lists of one": Case(
        parquet(lambda: {"image": cells(Y), "label": pa.array([[c] for c in Y.tolist()])}), "parquet", "012", columns=("image", "label")
    ),
    "one-hot": Case(
        parquet(lambda: {"image": cells(Y), "label": pa.array(np.eye(3, dtype=int)[Y].tolist())}), "parquet", "012", columns=("image", "label")
    ),
    "masks first": Case(
        parquet(lambda: {"mask": cells(Y * 0), "photo": cells(Y), "scene": WORDS[Y]}), "parquet", columns=("photo", "scene"), told=["'mask'"]
    ),
    "coarse and fine": Case(
        parquet(lambda: {"img": cells(Y), "coarse_label": Y // 2, "fine_label": Y}, {"coarse_label": named(["x", "y"]), "fine_label": named(WORDS[:3])}),
        "parquet", columns=("img", "fine_label"), told=["not 'coarse_label'"],
    ),
    "names beside numbers": Case(
        parquet(lambda: {"image": cells(Y), "label": Y + 4, "label_name": WORDS[Y]}), "parquet", columns=("image", "label")
    ),
    "the column that is asked for": Case(
        parquet(lambda: {"left": cells(Y), "right": cells(Y * 0), "kind": WORDS[Y], "sort": Y}), "parquet", columns=("left", "kind"),
        options={"image_column": "left", "label_column": "kind"},
    ),
    "numbers in lists of lists": Case(
        parquet(lambda: {"image": pa.array(X.tolist(), pa.list_(pa.list_(pa.list_(pa.uint8())))), "label": Y}), "parquet", "012",
        columns=("image", "label"),
    ),
    "fractions, channels first": Case(
        parquet(lambda: {"pixels": pa.array(UNIT.transpose(0, 3, 1, 2).tolist()), "label": Y}), "parquet", "012",
        columns=("pixels", "label"), told=["0..1"],
    ),
    "paths alone": Case(paths_only, "parquet", columns=("image", "label")),
    "file names as words": Case(
        lambda r: (flat(r), table(r / "some.parquet", {"file": [f"img{i:03d}.png" for i in range(15)], "label": WORDS[Y]}))[1],
        "parquet", columns=("file", "label"),
    ),
    "a clone of the Hub": Case(
        lambda r: shards(r, ["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"]), "parquet", test=(5, 5, 5),
        columns=("image", "label"),
    ),
    "converted by the Hub": Case(
        lambda r: shards(r, ["default/train/0000.parquet", "default/validation/0000.parquet"]), "parquet", test=(5, 5, 5),
        columns=("image", "label"),
    ),
    "a shard is missing": Case(
        lambda r: shards(r, ["train-00000-of-00002.parquet", "test.parquet"]), "parquet", test=(5, 5, 5), columns=("image", "label"),
        told=["Of the 2 files of train only 1 are here"],
    ),
    "save_to_disk of parts": Case(lambda r: saved(r, ["train", "test"]), "parquet", test=(5, 5, 5), columns=("image", "label")),
    "save_to_disk of one": Case(lambda r: saved(r, [""]), "parquet", columns=("image", "label")),
    "an unlabelled test part": Case(
        unlabelled_test, "parquet", test=(3, 3, 3), columns=("image", "label"), told=["images of 'test'", "unlabelled"]
    ),
    "names without images": Case(
        parquet(lambda: {"image": cells(Y), "label": Y * 3}, {"label": named("abcdefgh")}), "parquet", "adg", columns=("image", "label"),
        told=["5 of 8 named classes"],
    ),
    "from one": Case(parquet(lambda: {"image": cells(Y), "label": Y + 1}), "parquet", "123", columns=("image", "label")),
    "some without a label": Case(
        parquet(lambda: {"image": cells(Y), "label": pa.array([None, -1, *Y[2:].tolist()])}), "parquet", "012", (4, 4, 5),
        columns=("image", "label"), told=["have no label"],
    ),
    "arrays from one": Case(lambda r: npz(r, images=X, labels=Y + 1), "arrays", "123"),
    "arrays of words": Case(lambda r: npz(r, images=X, labels=WORDS[Y]), "arrays"),
    "arrays one-hot": Case(lambda r: npz(r, images=X, labels=np.eye(3)[Y]), "arrays", "012"),
    "arrays of two scales": Case(
        lambda r: npz(r, x_train=UNIT, y_train=Y, x_test=X, y_test=Y), "arrays", "012", test=(5, 5, 5)
    ),
    "arrays a little above one": Case(lambda r: npz(r, images=np.where(UNIT == 1, 1.03, UNIT), labels=Y), "arrays", "012", told=["cut off"]),
    "arrays with a validation part": Case(
        lambda r: npz(r, x_train=X, y_train=Y, x_val=X, y_val=Y), "arrays", "012", test=(5, 5, 5)
    ),
}  # fmt: skip
if features.check("avif"):
    CASES["avif"] = Case(lambda r: folders(r, suffix=".avif"))


def read(path: Path, options: dict[str, Any]) -> dict[str, Any]:
    return account(DATASETS.make(kind_of(path), {"path": str(path), **options}).load(0))


@pytest.mark.parametrize("name", CASES)
def test_what_is_read(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    made = case.make(tmp_path)
    found = read(made if isinstance(made, Path) else tmp_path, case.options)
    assert (found["kind"], found["class_names"]) == (case.kind, list(case.names))
    train, test = found["train"]["per_class"], found["test"]["per_class"]
    if case.test is None:
        assert found["split"] == "made"
        assert [a + b for a, b in zip(train, test, strict=True)] == list(case.train)
    else:
        assert found["split"] == "given"
        assert (train, test) == (list(case.train), list(case.test))
    assert np.abs(np.array(found["levels"]) - case.levels).max() < 8, found["levels"]
    assert np.abs(np.array(found["test_levels"]) - case.levels).max() < 8, found["test_levels"]
    assert (tuple(found["columns"].values()) if found["columns"] else None) == case.columns
    told = json.dumps([found["notes"], found["left_out"]])
    for words in case.told:
        assert words in told
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_all_that_backdoorbench_leaves_is_counted_once_and_named(tmp_path: Path) -> None:
    backdoorbench(tmp_path)
    put(
        tmp_path / "bd_train_dataset" / "ant" / "scan.pt", 40, kind="PNG"
    )  # a picture by its bytes, a pickle by its name
    told = account(DATASETS.make("folder", {"path": str(tmp_path), "size": 12}).load(0))
    assert told["train"]["images"] == 15
    counted = {one["what"]: one["count"] for one in told["left_out"]}
    assert counted == {"images in cross_test_dataset": 9, "attack_result.pt": 1, "pickles": 3, "other files": 1}
    whole = sum(1 for file in tmp_path.rglob("*") if file.is_file())
    assert whole == told["train"]["images"] + told["test"]["images"] + sum(counted.values())
    alone = account(DATASETS.make("folder", {"path": str(tmp_path / "bd_train_dataset"), "size": 12}).load(0))
    assert any("changed training images alone" in note for note in alone["notes"])


def disagreeing(root: Path) -> None:
    folders(root)
    rows = [(f"{w}/{i}.png", f"kind {i % 2}") for w in WORDS[:3] for i in range(5)]
    write_csv(root / "all.csv", ["file", "label"], rows)


REFUSED: dict[str, tuple[Callable[[Path], Path | None], str]] = {
    "nothing": (lambda r: r / "nowhere", "nowhere does not exist"),
    "an empty folder": (lambda r: None, r"has 0 class folder\(s\) and no images; at least 2 are needed"),
    "no class": (lambda r: (flat(r), None)[1], r"has 0 class folder\(s\) and 15 image\(s\); .* or a table of file names and labels"),
    "folders against a table": (disagreeing, "divide the images otherwise than column 'label' of all.csv; .*dataset.classes=folders or table"),
    "no training part": (lambda r: three_parts(r, ["val", "test"]), "none of 'test' and 'val' is for training"),
    "two test parts": (lambda r: three_parts(r, ["train", "test", "Testing"]), "could each be the test part; say which"),
    "two columns of images": (
        parquet(lambda: {"left": cells(Y), "right": cells(Y), "label": Y}),
        "'left' and 'right' could each be the images; say which: --set dataset.image_column=left",
    ),
    "two columns of labels": (
        parquet(lambda: {"image": cells(Y), "label_a": Y, "label_b": np.arange(15) % 2}),
        "'label_a' and 'label_b' could each be the labels; say which: --set dataset.label_column=label_a",
    ),
    "several labels a row": (
        parquet(lambda: {"image": cells(Y), "labels": pa.array([[0, 1]] * 7 + [[2]] * 8)}),
        "column 'labels' gives several labels to a row: multi-label sets are not supported",
    ),
    "several hot ones": (
        parquet(lambda: {"image": cells(Y), "labels": pa.array([[0, 1, 1]] * 15)}),
        "column 'labels' gives several labels to a row",
    ),
    "rows of different length": (
        parquet(lambda: {"image": pa.array([[[1, 2], [3]]] * 4), "label": [0, 1, 0, 1]}), "its rows differ in length",
    ),
    "files outside the set": (
        lambda r: table(r / "a" / "some.parquet", {"image": pa.array([{"bytes": None, "path": "../secret.png"}] * 4, CELL), "label": [0, 1, 0, 1]}),
        "its file ../secret.png lies outside the folder of the set",
    ),
    "two sets": (
        lambda r: shards(r, ["small/train/0000.parquet", "large/train/0000.parquet"]),
        r"holds 2 sets \(large, small\); give the path of one of them",
    ),
    "tables and images": (
        lambda r: (shards(r, ["train.parquet"]), folders(r), None)[2], "say which is meant: --as parquet or --as folder",
    ),
    "a picture": (lambda r: put(r / "a.png", 99), "a.png is a single image; give a folder of images"),
    "an archive": (lambda r: zipped(r), "is an archive of files; unpack it and give the folder"),
    "text": (lambda r: text(r), "is no kind of file that is read here"),
    "a part that climbs": (
        lambda r: (r / "dataset_dict.json").write_text('{"splits": ["../train"]}') and None, "which is no folder beside it",
    ),
    "a table that is gone": (
        lambda r: (saved(r, [""]), (r / "data-00000-of-00001.arrow").unlink())[1], "names data-00000-of-00001.arrow, which is not there",
    ),
}  # fmt: skip


def zipped(root: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", b"x")
    return root / "a.zip"


def text(root: Path) -> Path:
    (root / "a.txt").write_text("hello")
    return root / "a.txt"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    make, words = REFUSED[name]
    made = make(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        read(made if isinstance(made, Path) else tmp_path, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("by", "names"), [("folders", tuple(WORDS[:3])), ("table", ("kind 0", "kind 1"))])
def test_what_gives_the_classes_can_be_said(by: str, names: Sequence[str], tmp_path: Path) -> None:
    disagreeing(tmp_path)
    assert tuple(read(tmp_path, {"classes": by})["class_names"]) == names


def test_every_image_knows_its_file(tmp_path: Path) -> None:
    kaggle_signs(tmp_path)
    split = DATASETS.make("folder", {"path": str(tmp_path), "size": 12}).load(0)
    for part in (split.train, split.test):
        for row, source in zip(part.images, part.sources, strict=True):
            np.testing.assert_array_equal(row, np.asarray(Image.open(tmp_path / source)))


def test_every_row_of_a_table_knows_its_place(tmp_path: Path) -> None:
    shards(tmp_path, ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"])
    split = DATASETS.make("parquet", {"path": str(tmp_path)}).load(0)
    places = sorted([*split.train.sources, *split.test.sources])
    assert len(set(places)) == 30
    assert places[0] == "train-00000-of-00002.parquet, row 0"
