"""The first step of an audit: what lies there, whose labels and names belong to it, and its sum."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cases.config import CaseConfig
from core.cases.reading import digest, kind_at, read
from core.foundation.errors import InputError
from tests.makers import coloured, encode, noise_images, write_folder

N = 30
ROWS, LABELS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32), np.arange(N) % 3


def table(folder: Path, *, labels: bool = True, names: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    np.save(folder / "features.npy", ROWS)
    if labels:
        np.save(folder / "labels.npy", LABELS)
    if names:
        (folder / "files.csv").write_text(
            "file,class\n" + "".join(f"p/{i:02d}.png,{'abc'[c]}\n" for i, c in enumerate(LABELS))
        )
    return folder


def brought(path: Path, labels: str = "", **options: Any):
    config = CaseConfig(str(path), labels, **options).checked()
    return read(config, Path(config.path))


# --- features and their labels


@pytest.mark.parametrize("given", ["folder", "file"])
def test_labels_that_lie_beside_a_table_are_its_own(tmp_path: Path, given: str) -> None:
    folder = table(tmp_path / "mine")
    found = brought(folder if given == "folder" else folder / "features.npy")
    assert found.account["what"] == "features"
    assert found.labels.numbers.tolist() == LABELS.tolist()
    assert found.account["labels"] == "labels.npy"
    assert (found.account["rows"], found.account["columns"], found.account["per_class"]) == (N, 4, [10, 10, 10])
    assert (found.files == "").all()


def test_a_column_that_is_called_so_is_the_labels(tmp_path: Path) -> None:
    pd.DataFrame({"emb": list(ROWS), "label": LABELS}).to_parquet(tmp_path / "t.parquet")
    assert brought(tmp_path / "t.parquet").labels.numbers.tolist() == LABELS.tolist()
    pd.DataFrame({"emb": list(ROWS), "label": LABELS, "target": LABELS}).to_parquet(tmp_path / "two.parquet")
    with pytest.raises(InputError, match="needs the label of each row"):
        brought(tmp_path / "two.parquet")
    assert brought(tmp_path / "two.parquet", "target").account["labels"] == "target"


def test_a_table_without_labels_is_told_how_to_give_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"audit features.npy LABELS"):
        brought(table(tmp_path / "mine", labels=False))


def test_names_of_files_and_of_classes_are_kept(tmp_path: Path) -> None:
    folder = table(tmp_path / "mine", labels=False, names=True)
    found = brought(folder, str(folder / "files.csv"))
    assert found.files[4] == "p/04.png"
    assert found.labels.names == {0: "a", 1: "b", 2: "c"}
    assert found.account["class_names"] == ["a", "b", "c"]


def test_a_column_of_text_comes_along_and_is_not_told_as_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"emb": list(ROWS), "label": LABELS, "caption": [f"row {i}" for i in range(N)], "other": "x"})
    frame.loc[3, "caption"] = None
    frame.to_parquet(tmp_path / "t.parquet")
    found = brought(tmp_path / "t.parquet", "label", text="caption")
    assert found.texts is not None
    assert (found.texts[2], found.texts[3]) == ("row 2", "")
    left_out = {one["what"] for one in found.account["left_out"]}
    assert "column 'caption'" not in left_out
    assert "column 'other'" in left_out
    with pytest.raises(InputError, match="one piece a row"):
        brought(tmp_path / "t.parquet", "label", text="emb")


# --- pictures for features


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("pictures"), coloured(10, classes=3, size=8))


def names_of(root: Path) -> list[str]:
    return sorted(file.relative_to(root).as_posix() for file in root.rglob("*.png"))


@pytest.mark.parametrize("short", [False, True])
def test_pictures_are_matched_by_name_in_any_order(tmp_path: Path, pictures: Path, short: bool) -> None:
    names = list(np.random.default_rng(1).permutation(names_of(pictures)))
    told = [Path(name).name if short else name for name in names]
    folder = table(tmp_path / "mine")
    (folder / "files.csv").write_text("file\n" + "".join(f"{name}\n" for name in told))
    found = brought(folder, images=str(pictures), options={"size": 8})
    from PIL import Image

    assert found.images is not None
    for row in (0, 7, 29):
        assert np.array_equal(found.images.images[row], np.asarray(Image.open(pictures / names[row])))


def test_pictures_without_names_are_taken_in_their_order(tmp_path: Path, pictures: Path) -> None:
    found = brought(table(tmp_path / "mine"), images=str(pictures), options={"size": 8})
    assert found.images is not None
    assert found.images.sources is not None
    assert found.images.sources.tolist() == names_of(pictures)


def test_another_number_of_pictures_without_names_is_refused(tmp_path: Path, pictures: Path) -> None:
    fewer = shutil.copytree(pictures, tmp_path / "fewer")
    (fewer / names_of(fewer)[0]).unlink()
    with pytest.raises(InputError, match="29 images for 30 rows, and no names"):
        brought(table(tmp_path / "mine"), images=str(fewer), options={"size": 8})


# --- images


def test_images_are_all_looked_at_where_none_are_for_testing(pictures: Path) -> None:
    found = brought(pictures, options={"size": 8})
    assert (found.account["what"], found.account["kind"]) == ("images", "folder")
    assert found.files.tolist() == names_of(pictures)
    assert found.labels.names == {0: "class a", 1: "class b", 2: "class c"}
    assert any("all that were read are looked at" in note for note in found.account["notes"])
    assert "not_looked_at" not in found.account


def test_a_part_for_testing_is_not_looked_at_and_that_is_told(tmp_path: Path, pictures: Path) -> None:
    for part in ("train", "test"):
        shutil.copytree(pictures, tmp_path / "set" / part)
    found = brought(tmp_path / "set", options={"size": 8})
    assert {Path(file).parts[0] for file in found.files} == {"train"}
    assert found.account["not_looked_at"][0]["count"] == 30


@pytest.mark.parametrize("option", [{"column": "x"}, {"images": "p"}, {"text": "t"}])
def test_what_belongs_to_features_is_refused_with_images(pictures: Path, option: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(option))} is for a table of features"):
        brought(pictures, kind="folder", **option)


def test_kinds_are_told_from_what_is_there(tmp_path: Path, pictures: Path) -> None:
    assert kind_at(pictures) == "folder"
    assert kind_at(table(tmp_path / "mine")) == "features"
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"emb": list(ROWS), "label": LABELS}).to_parquet(tmp_path / "parts" / "0.parquet")
    assert kind_at(tmp_path / "parts") == "features"
    with pytest.raises(InputError, match="does not exist"):
        kind_at(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("head.csv", b"f0,f1,label\n", "head.csv has one line; a table has a line for each row"),
        ("words.npy", b"these are words", "words.npy is not a readable .npy file"),
        ("words.npz", b"these are words", "words.npz is not a readable npz file"),
        ("old.csv", "a,größe,label\n".encode("latin-1") + b"1,2,\xfc\n3,4,\xfc\n", "old.csv is no text in UTF-8; save it as that"),
        ("photo.doc", b"these are words", "no kind of file that is read here"),
    ],
)  # fmt: skip
def test_what_is_called_a_table_and_is_none_is_told_what_is_wrong_with_it(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        brought(tmp_path / name)


# --- the sum


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not there to compare with")
@pytest.mark.parametrize(("rows", "labels"), [("features", "labels"), ("x", "y"), ("data", "target")])
def test_arrays_of_rows_and_labels_are_features_whatever_they_are_called(
    tmp_path: Path, rows: str, labels: str
) -> None:
    np.savez(tmp_path / "mine.npz", **{rows: ROWS, labels: LABELS})
    assert kind_at(tmp_path / "mine.npz") == "features"
    found = brought(tmp_path / "mine.npz")
    assert (found.account["rows"], found.account["columns"], found.account["labels"]) == (N, 4, labels)
    np.savez(tmp_path / "seen.npz", **{rows: np.zeros((N, 8, 8), np.uint8), labels: LABELS})
    assert kind_at(tmp_path / "seen.npz") == "arrays"


def test_the_sum_is_what_sha256sum_prints(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name, data in (
        ("b/2.png", b"two"),
        ("b/10.png", b"ten"),
        ("a.csv", b""),
        ("ü/x y.png", b"\0" * 5000),
        ("A/z", b"z"),
        (".h", b"h"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    def sums(*names: str) -> bytes:
        return subprocess.run(["sha256sum", *names], cwd=root, capture_output=True, check=True).stdout

    assert digest(root / "b/2.png") == sums("b/2.png").split()[0].decode()
    names = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
    assert digest(root) == hashlib.sha256(sums(*names)).hexdigest()
    before = digest(root)
    (root / "b/2.png").rename(root / "b/3.png")
    assert digest(root) != before


@pytest.mark.parametrize(
    "asked",
    [
        {"epochs": 3},
        {"layers": ("block3",)},
        {"model": "small", "weights": "w.safetensors"},
        {"architecture": "resnet32"},
        {"options": {"size": 8}},
    ],
)
def test_features_are_looked_at_by_no_model(asked: dict[str, object], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(40, 4)))
    np.save(tmp_path / "y.npy", np.arange(40) % 2)
    config = CaseConfig(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), **asked)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"is a table of features.* leave out --"):
        read(config, tmp_path / "x.npy", None)


@pytest.mark.parametrize("there", [False, True])
def test_columns_of_one_feature_each_are_features_where_the_images_that_they_name_are_not(
    there: bool, tmp_path: Path
) -> None:
    """With their images they are facts about these: brightness, a place on the map."""
    rows = np.random.default_rng(0).normal(size=(40, 6))
    table = pd.DataFrame(rows, columns=[f"f{i}" for i in range(6)])
    table["file"], table["label"] = [f"{i}.png" for i in range(40)], np.arange(40) % 2
    table.to_parquet(tmp_path / "x.parquet", index=False)
    if there:
        for i, image in enumerate(noise_images(40, 8)):
            (tmp_path / f"{i}.png").write_bytes(encode(image))
    assert kind_at(tmp_path / "x.parquet") == ("parquet" if there else "features")
