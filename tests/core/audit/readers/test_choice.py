from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.audit.readers import read_features
from core.foundation.errors import InputError
from tests.core.audit.readers.makers import csv, files, hdf5, lists, npy, npz, parquet, parts, tensors
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
ROWS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
OTHER = ROWS[:, ::-1] * 2
SEVERAL: dict[str, Callable[[Path], Path]] = {
    "npz": lambda at: npz(at / "x.npz", logits=OTHER, pooled=ROWS),
    "parquet": lambda at: parquet(
        at / "x.parquet", {"logits": lists(OTHER), "pooled": lists(ROWS), "id": np.arange(40)}
    ),
    "safetensors": lambda at: tensors(at / "x.safetensors", logits=OTHER, pooled=ROWS),
    "hdf5": lambda at: hdf5(at / "x.h5", {"logits": OTHER, "pooled": ROWS}),
}


@pytest.mark.parametrize("write", SEVERAL.values(), ids=SEVERAL.keys())
def test_of_several_tables_one_has_to_be_named(write: Callable[[Path], Path], tmp_path: Path, cli: Cli) -> None:
    path, out = write(tmp_path), tmp_path / "out"
    said = cli("filter", path, "--poisons", 2, "--out", out)
    check_refused(said, "several tables of numbers: logits (40 x ", "pooled (40 x ", "choose one with --column logits")
    check_refused(cli("filter", path, "--column", "x", "--poisons", 2, "--out", out), "no column 'x'; it has", "pooled")
    assert not out.exists()
    for name, rows in (("logits", OTHER), ("pooled", ROWS)):
        found = read_features(path, name)
        np.testing.assert_array_equal(found.rows, rows)
        assert found.column == name
    assert cli("filter", path, "--column", "pooled", "--poisons", 2, "--out", out).status == 0


def test_a_table_of_labels_is_not_asked_about_where_it_is_named(tmp_path: Path) -> None:
    path = npz(tmp_path / "x.npz", features=ROWS, one_hot=np.eye(4)[np.arange(40) % 4])
    with pytest.raises(InputError, match="several tables"):
        read_features(path)
    found = read_features(path, labels="one_hot")
    np.testing.assert_array_equal(found.rows, ROWS)
    assert found.left_out == {"one_hot": "the labels"}


def wide(**more: Any) -> dict[str, Any]:
    return {f"f{i}": column for i, column in enumerate(ROWS.T)} | more


NO_FEATURES: dict[str, tuple[str, Any, str]] = {
    "words": ("split", ["train"] * 40, "string"),
    "truth values": ("flipped", [True, False] * 20, "bool"),
    "numbers of rows": ("id", np.arange(40)[::-1], "numbers of rows, by its name"),
    "labels": ("label", np.arange(40) % 7, "labels, by its name"),
    "labels in capitals": ("Target", np.arange(40) % 7, "labels, by its name"),
    "a count under another name": ("sample", np.arange(40), "it counts the rows"),
    "a count from one": ("sample", np.arange(1, 41), "it counts the rows"),
}


@pytest.mark.parametrize(("name", "values", "why"), NO_FEATURES.values(), ids=NO_FEATURES.keys())
def test_what_is_no_feature_is_left_out_of_a_wide_table_and_told(
    name: str, values: Any, why: str, tmp_path: Path
) -> None:
    found = read_features(parquet(tmp_path / "x.parquet", wide(**{name: values})))
    np.testing.assert_array_equal(found.rows, ROWS)
    assert found.left_out == {name: why}


def test_a_column_named_as_labels_is_no_feature_whatever_it_is_called(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", wide(digit=np.arange(40) % 7))
    assert read_features(path).rows.shape == (40, 7), "nothing says what it is"
    assert read_features(path, labels="digit").rows.shape == (40, 6)


def test_a_column_of_counts_that_is_not_whole_is_a_feature(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", wide(more=np.linspace(0, 1, 40)))
    assert read_features(path).rows.shape == (40, 7)


def test_columns_of_several_kinds_of_number_are_one_table(tmp_path: Path) -> None:
    columns = wide(whole=pa.array(range(0, 400, 10), pa.int16()), half=pa.array(ROWS[:, 0].astype(np.float16)))
    assert read_features(parquet(tmp_path / "x.parquet", columns)).rows.dtype == np.float32


@pytest.mark.parametrize("name", ["file", "Path", "filename", "id"])
def test_names_of_files_are_kept(name: str, tmp_path: Path) -> None:
    found = read_features(parquet(tmp_path / "x.parquet", wide(**{name: files(40)})))
    assert found.place(7) == "cat/007.jpg"


@pytest.mark.parametrize("names", [["a.jpg"] * 40, [*files(39), None]], ids=["equal", "one missing"])
def test_words_that_do_not_tell_rows_apart_are_no_names(names: list[Any], tmp_path: Path) -> None:
    found = read_features(parquet(tmp_path / "x.parquet", wide(file=names)))
    assert found.names is None
    assert found.place(7) == "x.parquet, row 7"


def test_names_go_on_over_parts(tmp_path: Path) -> None:
    everyone = np.array(files(40))
    numbered = np.column_stack([ROWS, np.arange(40)]).astype(np.float32)
    path = parts(
        tmp_path / "x",
        numbered,
        ".parquet",
        lambda p, x: parquet(p, {"e": lists(x[:, :6]), "file": everyone[x[:, 6].astype(int)]}),
    )
    assert read_features(path).place(39) == "cat/039.jpg"


def test_parts_are_read_by_number_and_other_files_passed_over(tmp_path: Path) -> None:
    path = parts(tmp_path / "x", ROWS, ".npy", npy)
    (path / "README.md").write_text("parts of a table")
    (path / "._part-0.npy").write_bytes(b"of a Mac")
    np.testing.assert_array_equal(read_features(path).rows, ROWS)


def test_numbers_of_rows_that_go_on_over_parts_are_no_features(tmp_path: Path) -> None:
    """In the first part they count its rows, in the others they do not begin at 0."""
    counted = np.column_stack([np.arange(40), ROWS])
    path = parts(tmp_path / "x", counted, ".csv", lambda p, x: csv(p, x, ["sample", *"abcdef"]), count=4)
    found = read_features(path)
    np.testing.assert_array_equal(found.rows, ROWS)
    assert found.left_out == {"sample": "it counts the rows"}


def test_parts_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    names = [f"f{i}" for i in range(6)]
    path = parts(
        tmp_path / "x", ROWS[:20], ".parquet", lambda p, x: parquet(p, dict(zip(names, x.T, strict=True))), count=2
    )
    parquet(path / "part-2.parquet", dict(zip(names[::-1], ROWS[20:].T[::-1], strict=True)))
    np.testing.assert_array_equal(read_features(path).rows, ROWS)


def test_numbers_beside_columns_that_are_numbered_through_are_no_features(tmp_path: Path) -> None:
    columns = {f"f{i}": x for i, x in enumerate(np.tile(ROWS, 2)[:, :9].T)}
    path = parquet(tmp_path / "x.parquet", {"width": ROWS[:, 0], **columns, "loss": ROWS[:, 1]})
    found = read_features(path)
    assert found.rows.shape == (40, 9)
    assert found.left_out == dict.fromkeys(("width", "loss"), "a number beside f0 to f8")
    assert "the features are 9 columns: f0, f1, f2" in found.notes[0]


def test_what_is_not_numbered_through_is_taken_and_named(tmp_path: Path) -> None:
    columns = {f"f{2 * i}": x for i, x in enumerate(np.tile(ROWS, 2)[:, :9].T)}  # a gap after each
    found = read_features(parquet(tmp_path / "x.parquet", {"width": ROWS[:, 0], **columns}))
    assert found.rows.shape == (40, 10)
    assert found.notes == ("the features are 10 columns: width, f0, f2, f4, f6, f8, f10, f12, f14, f16",)


def test_a_few_columns_that_are_numbered_through_are_features_among_others(tmp_path: Path) -> None:
    lags = {f"lag{i}": x for i, x in enumerate(np.tile(ROWS, 2)[:, :8].T)}
    words = {name: ROWS[:, 0] + i for i, name in enumerate("abcdefgh")}
    assert read_features(parquet(tmp_path / "x.parquet", {**lags, **words})).rows.shape == (40, 16)


BAD_PARTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "of another width": (
        lambda at: parquet(at, {"e": lists(ROWS[:, :4])}),
        "part-12.parquet has 4 features where the rows",
    ),
    "of other columns": (lambda at: parquet(at, {"z": lists(ROWS)}), "part-12.parquet lacks e, unlike part-0.parquet"),
    "not finite": (
        lambda at: parquet(at, {"e": lists(np.where(np.arange(40)[:, None] == 3, np.nan, ROWS))}),
        "row 3 of part-12.parquet has a value that is not finite",
    ),
    "empty": (lambda at: at.touch(), "part-12.parquet is empty (0 bytes)"),
    "in another form": (
        lambda at: npy(at.with_suffix(".npy"), ROWS),
        "files of several forms (part-0.parquet, part-12.npy)",
    ),
}


@pytest.mark.parametrize(("write", "words"), BAD_PARTS.values(), ids=BAD_PARTS.keys())
def test_a_part_that_does_not_fit_is_named(write: Callable[[Path], Any], words: str, tmp_path: Path, cli: Cli) -> None:
    path = parts(tmp_path / "x", ROWS, ".parquet", lambda p, y: parquet(p, {"e": lists(y)}))
    write(path / "part-12.parquet")
    check_refused(cli("filter", path, "--poisons", 2, "--out", tmp_path / "out"), words)


def test_a_folder_with_features_and_labels_is_no_table(tmp_path: Path) -> None:
    npy(tmp_path / "features.npy", ROWS)
    npy(tmp_path / "labels.npy", np.arange(40))
    with pytest.raises(InputError, match=r"must be a table .*, not array \(40 int64\), in labels.npy"):
        read_features(tmp_path)


def test_a_text_of_one_number_a_row_is_a_table_of_one_column(tmp_path: Path) -> None:
    assert read_features(csv(tmp_path / "x.csv", ROWS[:, :1])).rows.shape == (40, 1)
