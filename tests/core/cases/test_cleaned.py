"""Cleaned copies: every form that is written is brought, decided on, and read again by its own means."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core.cases.cleaned import copying, features, write_cleaned
from core.cases.decisions import Decision, Decisions
from core.cases.folder import CaseFolder
from core.foundation.errors import InputError
from tests.cases import make_case, rows_called, snapshot
from tests.makers import encode

REMOVE = Decision("remove")
LEVELS = (40, 110, 180, 230)
CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture(level: int, seed: int) -> bytes:
    return encode((level + np.random.default_rng([level, seed]).integers(-9, 10, (12, 12, 3))).astype(np.uint8))


def put(file: Path, level: int, seed: int = 0) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture(level, seed))
    return file.read_bytes()


def folders(root: Path, names: tuple[str, ...] = ("ant", "bee", "cow"), n: int = 4, seed: int = 0) -> Path:
    for c, name in enumerate(names):
        for i in range(n):
            put(root / name / f"{i}.png", LEVELS[c], seed + i)
    return root


def decide(removed: list[int], relabelled: dict[int, int] | None = None) -> Decisions:
    anew = {row: Decision("relabel", to) for row, to in (relabelled or {}).items()}
    return Decisions({}, {**dict.fromkeys(removed, REMOVE), **anew})


# --- folders of class folders


def test_class_folders_lose_files_and_move_files_and_keep_all_else(tmp_path: Path) -> None:
    root = folders(tmp_path / "set")
    (root / "ant" / "notes.txt").write_text("taken in May")
    (root / ".hidden").write_text("x")
    before = snapshot(root)
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "ant/0.png", "bee/1.png")
    told = write_cleaned(case, decide([gone], {moved: 2}), tmp_path / "out")
    after = snapshot(tmp_path / "out")
    expected = dict(before)
    del expected["ant/0.png"]
    expected["cow/1-2.png"] = expected.pop("bee/1.png")  # there is a cow/1.png already
    assert after == expected
    assert told["per_class"] == {"ant": 3, "bee": 3, "cow": 5}
    assert (told["removed"], told["relabelled"]) == (1, 1)
    assert snapshot(root) == before


def test_the_test_part_stays_and_a_relabelled_file_keeps_its_part_and_its_folders(tmp_path: Path) -> None:
    root = tmp_path / "set"
    folders(root / "train")
    folders(root / "test", n=2, seed=50)
    moved_bytes = put(root / "train" / "ant" / "deep" / "x.png", LEVELS[0], 9)
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "train/cow/3.png", "train/ant/deep/x.png")
    write_cleaned(case, decide([gone], {moved: 1}), tmp_path / "out")
    assert snapshot(tmp_path / "out" / "test") == snapshot(root / "test")
    assert (tmp_path / "out" / "train" / "bee" / "deep" / "x.png").read_bytes() == moved_bytes
    assert not (tmp_path / "out" / "train" / "ant" / "deep" / "x.png").exists()
    assert not (tmp_path / "out" / "train" / "cow" / "3.png").exists()


def test_link_makes_names_of_the_same_files_and_copies_do_not(tmp_path: Path) -> None:
    root = folders(tmp_path / "set")
    case = make_case(tmp_path / "audit", root)
    decisions = decide([0])
    write_cleaned(case, decisions, tmp_path / "linked", link=True)
    write_cleaned(case, decisions, tmp_path / "copied")
    assert (tmp_path / "linked" / "cow" / "0.png").samefile(root / "cow" / "0.png")
    assert not (tmp_path / "copied" / "cow" / "0.png").samefile(root / "cow" / "0.png")


def test_link_falls_back_to_copies_across_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folders(tmp_path / "set")
    case = make_case(tmp_path / "audit", root)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    write_cleaned(case, decide([0]), tmp_path / "out", link=True)
    assert (tmp_path / "out" / "cow" / "0.png").read_bytes() == (root / "cow" / "0.png").read_bytes()


def test_the_second_copy_of_a_part_loses_the_same_files(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for part in ("Train", "train"):
        folders(root / part)
    folders(root / "Test", n=2, seed=50)
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "Train/ant/0.png", "Train/ant/1.png")
    write_cleaned(case, decide([gone], {moved: 1}), tmp_path / "out")
    parts = [sorted(snapshot(tmp_path / "out" / part)) for part in ("Train", "train")]
    assert parts[0] == parts[1]
    assert "ant/0.png" not in parts[0]
    assert "bee/1-2.png" in parts[0]


def test_a_table_that_says_the_same_as_the_folders_says_it_afterwards_too(tmp_path: Path) -> None:
    root = folders(tmp_path / "set", ("0", "1", "2"))
    lines = [f"{c}/{i}.png;{c};kept" for c in range(3) for i in range(4)]
    (root / "labels.csv").write_text("\r\n".join(["Path;ClassId;more", *lines]) + "\r\n", newline="")
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "0/0.png", "0/1.png")
    write_cleaned(case, decide([gone], {moved: 2}), tmp_path / "out")
    expected = ["2/1-2.png;2;kept" if line.startswith("0/1.png") else line for line in lines[1:]]
    assert (tmp_path / "out" / "labels.csv").read_bytes().decode() == "\r\n".join(
        ["Path;ClassId;more", *expected]
    ) + "\r\n"


# --- flat folders with a table


def flat(root: Path, write: Callable[[list[tuple[str, str]]], bytes], name: str) -> tuple[Path, list[tuple[str, str]]]:
    rows = [(f"img {i}.png", ("ant", "bee", "cow")[i % 3]) for i in range(12)]
    for i, (file, _) in enumerate(rows):
        put(root / file, LEVELS[i % 3], i)
    (root / name).write_bytes(write(rows))
    return root, rows


def test_lines_of_a_csv_go_or_change_and_the_others_stay_byte_for_byte(tmp_path: Path) -> None:
    def write(rows: list[tuple[str, str]]) -> bytes:
        body = [
            f'"{file}", a note,"{label}"' if i % 2 else f'{file}," has ""quotes"",\nand lines",{label}'
            for i, (file, label) in enumerate(rows)
        ]
        return ("\ufefffile,note,label\r\n" + "\r\n".join(body)).encode()

    root, _ = flat(tmp_path / "set", write, "labels.csv")
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "img 0.png", "img 4.png")
    told = write_cleaned(case, decide([gone], {moved: 0}), tmp_path / "out")
    before, after = ((folder / "labels.csv").read_bytes() for folder in (root, tmp_path / "out"))
    records = before.split(b"\r\n")
    assert after == b"\r\n".join(
        [records[0], *(record.replace(b",bee", b",ant") if b"img 4" in record else record for record in records[2:])]
    )
    assert b",bee" in records[5]
    assert b"img 4" in records[5]
    assert not (tmp_path / "out" / "img 0.png").exists()
    assert told["per_class"] == {"ant": 4, "bee": 3, "cow": 4}


def test_a_table_without_a_heading_loses_its_first_row_and_keeps_its_mark(tmp_path: Path) -> None:
    root, rows = flat(
        tmp_path / "set", lambda rows: ("\ufeff" + "".join(f"{f}\t{c}\n" for f, c in rows)).encode(), "labels.tsv"
    )
    case = make_case(tmp_path / "audit", root)
    (gone,) = rows_called(case, rows[0][0])
    write_cleaned(case, decide([gone]), tmp_path / "out")
    assert (tmp_path / "out" / "labels.tsv").read_bytes() == (
        "\ufeff" + "".join(f"{f}\t{c}\n" for f, c in rows[1:])
    ).encode()


def test_lines_of_json_change_in_one_value_alone(tmp_path: Path) -> None:
    def write(rows: list[tuple[str, str]]) -> bytes:
        return "".join(
            f'{{"file_name":"{f}" , "x": {{"label": "é", "a": [1, "}}"]}}, "label" :  "{c}" }}\n' for f, c in rows
        ).encode()

    root, _ = flat(tmp_path / "set", write, "metadata.jsonl")
    case = make_case(tmp_path / "audit", root)
    gone, moved = rows_called(case, "img 3.png", "img 4.png")
    write_cleaned(case, decide([gone], {moved: 2}), tmp_path / "out")
    lines = (root / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b'"bee"', b'"cow"')
    assert (tmp_path / "out" / "metadata.jsonl").read_bytes() == b"".join([*lines[:3], *lines[4:]])


def test_a_second_column_of_labels_follows_the_first(tmp_path: Path) -> None:
    def write(rows: list[tuple[str, str]]) -> bytes:
        number = {"ant": "7", "bee": "8", "cow": "9"}
        return ("file,label,label_name\n" + "".join(f"{f},{number[c]},{c}\n" for f, c in rows)).encode()

    root, _ = flat(tmp_path / "set", write, "labels.csv")
    case = make_case(tmp_path / "audit", root)
    (moved,) = rows_called(case, "img 1.png")
    write_cleaned(case, decide([], {moved: 2}), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert table.loc[1].tolist() == ["img 1.png", 9, "cow"]


# --- parquet and Arrow


def features_of(names: list[str]) -> bytes:
    told = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}
    return json.dumps({"info": {"features": told}}).encode()


def hub_table(labels: np.ndarray, seed: int = 0) -> pa.Table:
    cells = pa.array(
        [{"bytes": picture(LEVELS[c], seed + i), "path": f"{seed + i}.png"} for i, c in enumerate(labels)], CELL
    )
    table = pa.table(
        {
            "id": pa.array(np.arange(len(labels)) + seed, pa.int32()),
            "image": cells,
            "label": pa.array(labels, pa.int64()),
        }
    )
    return table.replace_schema_metadata({b"huggingface": features_of(["ant", "bee", "cow"]), b"mine": b"kept"})


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A clone from the Hub: two files of training, one to test on, a card."""
    root = tmp_path / "hub" / "data"
    root.mkdir(parents=True)
    labels = np.arange(30) % 3
    for i, part in enumerate(np.split(labels, 2)):
        pq.write_table(
            hub_table(part, 15 * i), root / f"train-0000{i}-of-00002.parquet", row_group_size=4, compression="zstd"
        )
    pq.write_table(hub_table(labels[:6], 100), root / "test-00000-of-00001.parquet")
    (root.parent / "README.md").write_text("---\nnum_examples: 30\n---\n")
    return root.parent


def test_parquet_of_the_hub_keeps_its_files_groups_types_and_metadata(tmp_path: Path, hub: Path) -> None:
    case = make_case(tmp_path / "audit", hub)
    first, second = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"
    gone = rows_called(
        case, f"{first}, row 5", f"{second}, row 0", f"{second}, row 1", f"{second}, row 2", f"{second}, row 3"
    )
    (moved,) = rows_called(case, f"{second}, row 14")
    told = write_cleaned(case, decide(gone, {moved: 0}), tmp_path / "out")
    assert told["per_class"] == {"ant": 9, "bee": 9, "cow": 7}
    assert "num_examples" in told["notes"][0]
    made = [pq.ParquetFile(tmp_path / "out" / "data" / name) for name in (first, second)]
    assert [file.metadata.row_group(i).num_rows for file in made for i in range(file.num_row_groups)] == [
        4,
        3,
        4,
        3,
        4,
        4,
        3,
    ]
    assert made[1].metadata.row_group(0).column(0).compression == "ZSTD"
    assert made[0].schema_arrow.equals(pq.read_schema(hub / "data" / first), check_metadata=True)
    whole = pa.concat_tables([file.read() for file in made])
    assert whole["id"].to_pylist() == [i for i in range(30) if i not in (5, 15, 16, 17, 18)]
    assert whole["label"].to_pylist()[-1] == 0
    original = pq.read_table(hub / "data" / second)
    assert whole["image"][-1].as_py() == original["image"][14].as_py()
    test = "test-00000-of-00001.parquet"
    assert (tmp_path / "out" / "data" / test).read_bytes() == (hub / "data" / test).read_bytes()


def test_labels_are_written_as_the_data_writes_them_from_one_with_gaps(tmp_path: Path) -> None:
    labels = np.arange(24) % 3
    table = hub_table(labels).replace_schema_metadata(None)
    raw = pa.array(np.array([1, 4, 9])[labels], pa.uint8())
    pq.write_table(table.set_column(2, "label", raw), tmp_path / "t.parquet", compression="none")
    case = make_case(tmp_path / "audit", tmp_path / "t.parquet")
    write_cleaned(case, decide([0], {1: 2}), tmp_path / "out")
    made = pq.read_table(tmp_path / "out" / "t.parquet")
    assert made.schema.field("label").type == pa.uint8()
    assert made["label"].to_pylist()[:3] == [9, 9, 1]


def test_words_in_a_dictionary_stay_one(tmp_path: Path) -> None:
    labels = np.arange(24) % 3
    words = (
        pa.array(np.array(["ant", "bee", "cow"])[labels])
        .dictionary_encode()
        .cast(pa.dictionary(pa.int8(), pa.string()))
    )
    table = hub_table(labels).replace_schema_metadata(None).set_column(2, "label", words)
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=5)
    case = make_case(tmp_path / "audit", tmp_path / "t.parquet")
    write_cleaned(case, decide([0], {1: 2, 20: 0}), tmp_path / "out")
    made = pq.read_table(tmp_path / "out" / "t.parquet")
    assert made.schema.equals(pq.read_schema(tmp_path / "t.parquet"))
    assert pc.cast(made["label"], pa.string()).to_pylist() == [
        "cow",
        "cow",
        *(["ant", "bee", "cow"] * 6)[:-1],
        "ant",
        "ant",
        "bee",
        "cow",
    ]


def test_one_hot_rows_and_a_name_beside_follow(tmp_path: Path) -> None:
    labels = np.arange(24) % 3
    base = hub_table(labels).replace_schema_metadata(None).drop_columns(["label"])
    one_hot = pa.array(np.eye(3, dtype=np.int64)[labels].tolist())
    pq.write_table(base.append_column("label", one_hot), tmp_path / "hot.parquet")
    case = make_case(tmp_path / "audit-hot", tmp_path / "hot.parquet")
    write_cleaned(case, decide([], {1: 2}), tmp_path / "out-hot")
    assert pq.read_table(tmp_path / "out-hot" / "hot.parquet")["label"][1].as_py() == [0, 0, 1]
    named = base.append_column("label", pa.array(labels)).append_column(
        "label_name", pa.array(np.array(["x", "y", "z"])[labels])
    )
    pq.write_table(named, tmp_path / "named.parquet")
    case = make_case(tmp_path / "audit-named", tmp_path / "named.parquet")
    write_cleaned(case, decide([], {1: 2}), tmp_path / "out-named")
    assert pq.read_table(tmp_path / "out-named" / "named.parquet").slice(1, 1).to_pylist()[0]["label_name"] == "z"


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_save_to_disk_keeps_its_batches_and_gets_another_fingerprint(tmp_path: Path, compression: str | None) -> None:
    root, table = tmp_path / "set", hub_table(np.arange(30) % 3)
    (root / "train").mkdir(parents=True)
    name = "data-00000-of-00001.arrow"
    with pa.ipc.new_stream(
        str(root / "train" / name), table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as writer:
        writer.write_table(table, max_chunksize=10)
    (root / "dataset_dict.json").write_text('{"splits": ["train"]}')
    state = {"_data_files": [{"filename": name}], "_fingerprint": "0123456789abcdef", "_split": "train"}
    (root / "train" / "state.json").write_text(json.dumps(state))
    (root / "train" / "dataset_info.json").write_text(json.dumps({"splits": {"train": {"num_examples": 30}}}))
    case = make_case(tmp_path / "audit", root)
    write_cleaned(case, decide([0, 11], {12: 1}), tmp_path / "out", link=True)
    made = tmp_path / "out" / "train"
    with pa.memory_map(str(made / name)) as source:
        batches = list(pa.ipc.open_stream(source))
        assert [len(batch) for batch in batches] == [9, 9, 10]
        assert batches[0].schema.equals(table.schema, check_metadata=True)
        assert batches[1].column("label").to_pylist()[:2] == [1, 1]
    frames = {"lz4": b"\x04\x22\x4d\x18", "zstd": b"\x28\xb5\x2f\xfd"}
    assert {kind for kind, begin in frames.items() if begin in (made / name).read_bytes()} == {compression} - {None}
    told = json.loads((made / "state.json").read_text())
    assert told["_fingerprint"] != state["_fingerprint"]
    assert told["_data_files"] == state["_data_files"]
    assert json.loads((made / "dataset_info.json").read_text())["splits"]["train"]["num_examples"] == 28
    assert json.loads((root / "train" / "state.json").read_text()) == state


def test_pictures_that_no_row_names_any_more_go_with_their_rows(tmp_path: Path) -> None:
    root = tmp_path / "set"
    labels = np.arange(18) % 3
    for i, c in enumerate(labels):
        put(root / "images" / f"{i}.png", LEVELS[c], i)
    pq.write_table(pa.table({"image": [f"images/{i}.png" for i in range(18)], "label": labels}), root / "train.parquet")
    case = make_case(tmp_path / "audit", root, kind="parquet")
    write_cleaned(case, decide([4]), tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out" / "images")) == sorted(f"{i}.png" for i in range(18) if i != 4)


# --- arrays


@pytest.mark.parametrize("one_hot", [False, True])
def test_npz_keeps_names_order_packing_and_the_test_part(tmp_path: Path, one_hot: bool) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 4
    images = (np.array(LEVELS)[labels][:, None, None, None] + rng.integers(-9, 9, (20, 8, 8, 3))).astype(np.uint8)
    y = np.eye(4, dtype=np.float32)[labels] if one_hot else (labels + 1).astype(np.int16)
    np.savez_compressed(
        tmp_path / "a.npz",
        y_train=y,
        x_train=images,
        x_test=images[:8],
        y_test=y[:8],
        ids=np.arange(20),
        other=np.arange(3),
    )
    case = make_case(tmp_path / "audit", tmp_path / "a.npz")
    told = write_cleaned(case, decide([2], {1: 3}), tmp_path / "out")
    with np.load(tmp_path / "out" / "a.npz") as made, np.load(tmp_path / "a.npz") as was:
        assert made.files == was.files
        assert np.array_equal(made["x_train"], np.delete(images, 2, 0))
        expected = y.copy()
        expected[1] = y[3]
        assert np.array_equal(made["y_train"], np.delete(expected, 2, 0))
        assert made["y_train"].dtype == y.dtype
        assert np.array_equal(made["x_test"], images[:8])
        assert np.array_equal(made["ids"], np.delete(np.arange(20), 2))
        assert len(made["other"]) == 3
    with zipfile.ZipFile(tmp_path / "out" / "a.npz") as packed:
        assert {member.compress_type for member in packed.infolist()} == {zipfile.ZIP_DEFLATED}
    assert "ids" in told["notes"][0]


# --- features


def table(n: int = 30, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)).astype(np.float32), np.arange(n) % 3


def test_npy_with_its_labels_and_names_beside(tmp_path: Path) -> None:
    rows, labels = table()
    mine = tmp_path / "mine"
    mine.mkdir()
    np.save(mine / "features.npy", rows)
    np.save(mine / "labels.npy", (labels * 2 + 1).astype(np.uint8)[:, None])
    (mine / "files.csv").write_text("file,class\n" + "".join(f"f{i}.png,{'abc'[c]}\n" for i, c in enumerate(labels)))
    case = make_case(tmp_path / "audit", mine)
    assert case.load_rows()["file"][4] == "f4.png"
    told = write_cleaned(case, decide([0, 7], {1: 5}), tmp_path / "out")
    out = tmp_path / "out"
    assert np.array_equal(np.load(out / "features.npy"), np.delete(rows, [0, 7], 0))
    made = np.load(out / "labels.npy")
    assert made.dtype == np.uint8
    assert made.shape == (28, 1)
    assert made[0, 0] == 5
    assert (out / "files.csv").read_text().splitlines()[:3] == ["file,class", "f1.png,b", "f2.png,c"]
    assert told["per_class"] == {"1": 9, "3": 8, "5": 11}


def test_labels_in_a_csv_of_their_own_stay_text(tmp_path: Path) -> None:
    rows, labels = table()
    np.save(tmp_path / "x.npy", rows)
    (tmp_path / "y.csv").write_bytes(b"label\r\n" + b"".join(b"%s\r\n" % "abc"[c].encode() for c in labels))
    case = make_case(tmp_path / "audit", tmp_path / "x.npy", str(tmp_path / "y.csv"))
    write_cleaned(case, decide([2], {0: 1}), tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["features.npy", "y.csv"]
    lines = ["b", *("abc"[c] for c in np.delete(labels, 2)[1:])]
    assert (tmp_path / "out" / "y.csv").read_bytes() == b"label\r\n" + "".join(f"{c}\r\n" for c in lines).encode()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_labels_that_are_matched_by_name_are_changed_in_their_own_lines(form: str, tmp_path: Path) -> None:
    """The lines stand in another order than the rows, and some name no row: those stay."""
    rows, labels = table()
    mine = tmp_path / "mine"
    mine.mkdir()
    np.save(mine / "features.npy", rows)
    (mine / "files.csv").write_text("file\n" + "".join(f"img_{i}.jpg\n" for i in range(len(rows))))
    order = sorted(range(len(rows)), key=str)  # as text sorts them: 0, 1, 10, 11, ...
    lines = [("spare.jpg", "a"), *((f"img_{i}.jpg", "abc"[labels[i]]) for i in order)]
    beside = pd.DataFrame(lines, columns=["file", "label"])
    given = tmp_path / f"y.{form}"
    beside.to_csv(given, index=False) if form == "csv" else beside.to_parquet(given, index=False)
    case = make_case(tmp_path / "audit", mine, str(given))
    write_cleaned(case, decide([5], {7: 2}), tmp_path / "out")
    made = pd.read_csv(tmp_path / "out" / "y.csv") if form == "csv" else pd.read_parquet(tmp_path / "out" / "y.parquet")
    expected = [(file, "c" if file == "img_7.jpg" else label) for file, label in lines if file != "img_5.jpg"]
    assert list(made.itertuples(index=False, name=None)) == expected


def test_a_copy_with_other_rows_relabelled_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of the classes alone would not tell."""
    rows, labels = table()
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", labels)
    case = make_case(tmp_path / "audit", tmp_path / "x.npy", str(tmp_path / "y.npy"))
    real = features._write_labels
    monkeypatch.setattr(
        features, "_write_labels", lambda given, edit, out: real(given, replace(edit, to=np.roll(edit.to, 3)), out)
    )
    with pytest.raises(InputError, match="other rows relabelled"):
        write_cleaned(case, decide([], {0: 1}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parquet_of_pandas_keeps_its_index_and_its_columns(tmp_path: Path) -> None:
    rows, labels = table()
    frame = pd.DataFrame(
        {
            "name": [f"f{i}.wav" for i in range(30)],
            "embedding": list(rows),
            "label": np.array(["x", "y", "z"])[labels],
            "when": pd.Timestamp("2026-01-02"),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet", compression="gzip", row_group_size=7)
    case = make_case(tmp_path / "audit", tmp_path / "t.parquet", "label")
    write_cleaned(case, decide([2], {0: 1}), tmp_path / "out")
    made = pd.read_parquet(tmp_path / "out" / "t.parquet")
    assert made.index.equals(pd.RangeIndex(29))
    assert made["name"].tolist() == [f"f{i}.wav" for i in range(30) if i != 2]
    assert made["label"][0] == "y"
    assert made.dtypes.equals(frame.dtypes)
    assert pq.ParquetFile(tmp_path / "out" / "t.parquet").metadata.row_group(0).column(0).compression == "GZIP"
    assert np.array_equal(np.stack(made["embedding"]), np.delete(rows, 2, 0))


def test_parts_of_a_table_stay_parts(tmp_path: Path) -> None:
    rows, labels = table()
    (tmp_path / "parts").mkdir()
    for i in range(3):
        some = slice(10 * i, 10 * i + 10)
        pq.write_table(pa.table({"x": list(rows[some]), "label": labels[some]}), tmp_path / "parts" / f"p{i}.parquet")
    case = make_case(tmp_path / "audit", tmp_path / "parts", "label")
    told = write_cleaned(case, decide([0, *range(10, 20)], {29: 0}), tmp_path / "out")
    made = [pq.read_table(tmp_path / "out" / f"p{i}.parquet") for i in (0, 2)]
    assert [len(part) for part in made] == [9, 10]
    assert made[1]["label"].to_pylist() == [*labels[20:29], 0]
    assert not (tmp_path / "out" / "p1.parquet").exists()
    assert "p1.parquet" in told["notes"][0]


def test_a_csv_of_features_stays_byte_for_byte(tmp_path: Path) -> None:
    rows, labels = table()
    lines = [
        "# made in May",
        "a,b,c,d,label",
        *(",".join([*(f"{v:.5f}0" for v in row), "xyz"[c]]) for row, c in zip(rows, labels, strict=True)),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    case = make_case(tmp_path / "audit", tmp_path / "t.csv", "label")
    write_cleaned(case, decide([29], {1: 0}), tmp_path / "out")
    expected = [*lines[:3], lines[3][:-1] + "x", *lines[4:-1]]
    assert (tmp_path / "out" / "t.csv").read_text() == "\n".join([*expected, ""])


def test_npz_of_features_and_labels_in_one_file(tmp_path: Path) -> None:
    rows, labels = table()
    np.savez(tmp_path / "t.npz", emb=rows, labels=labels, ids=np.arange(30))
    case = make_case(tmp_path / "audit", tmp_path / "t.npz", "labels")
    write_cleaned(case, decide([2], {0: 1}), tmp_path / "out")
    with np.load(tmp_path / "out" / "t.npz") as made:
        assert made["labels"][0] == 1
        assert len(made["ids"]) == 29
        assert np.array_equal(made["emb"], np.delete(rows, 2, 0))


def test_other_forms_become_npy_and_say_so(tmp_path: Path) -> None:
    import h5py

    rows, labels = table()
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["emb"], file["label"] = rows, labels
    case = make_case(tmp_path / "audit", tmp_path / "t.h5", "label")
    told = write_cleaned(case, decide([2], {0: 1}), tmp_path / "out")
    assert np.array_equal(np.load(tmp_path / "out" / "features.npy"), np.delete(rows, 2, 0))
    assert np.load(tmp_path / "out" / "labels.npy").tolist() == [1, *np.delete(labels, 2)[1:]]
    assert any("hdf5" in note for note in told["notes"])


def test_files_of_the_authors_of_each_class_become_one_table(tmp_path: Path) -> None:
    rows, _ = table()
    (tmp_path / "out-of-theirs").mkdir()
    for c in range(3):
        np.save(tmp_path / "out-of-theirs" / f"label_{c}_reps.npy", rows[10 * c : 10 * c + 10])
    case = make_case(tmp_path / "audit", tmp_path / "out-of-theirs", "label")
    write_cleaned(case, decide([0], {1: 2}), tmp_path / "out")
    assert np.load(tmp_path / "out" / "labels.npy").tolist() == [2] + [0] * 8 + [1] * 10 + [2] * 10


# --- what is refused, and leaves nothing


def check_nothing(case: CaseFolder, decisions: Decisions, out: Path, message: str, **options: Any) -> None:
    before = set(out.parent.iterdir())
    with pytest.raises(InputError, match=message):
        write_cleaned(case, decisions, out, **options)
    assert set(out.parent.iterdir()) == before


def test_what_is_refused_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folders(tmp_path / "set")
    case = make_case(tmp_path / "audit", root)
    one = decide([0])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    check_nothing(case, one, tmp_path / "full", "not empty")
    check_nothing(case, one, root / "cleaned", "in the data itself")
    check_nothing(case, decide([], {0: 17}), tmp_path / "out", "relabelled 17")
    check_nothing(case, decide([0, 1, 2, 3]), tmp_path / "out", "class ant would be left with 0")
    with monkeypatch.context() as patch:
        patch.setattr(copying, "SPARE", 2**62)
        check_nothing(case, one, tmp_path / "out", "GiB")
    put(root / "ant" / "0.png", 5)
    check_nothing(case, one, tmp_path / "out", "has changed since the audit")


def test_a_copy_that_is_not_what_was_decided_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.cases.cleaned import trees

    case = make_case(tmp_path / "audit", folders(tmp_path / "set"))
    monkeypatch.setattr(trees, "_moves", lambda *_: trees.Moves())
    check_nothing(case, decide([0]), tmp_path / "out", "4 rows of class ant and not the 3")


def test_a_set_of_backdoor_toolbox_is_not_written_and_that_is_said(tmp_path: Path) -> None:
    import torch

    root = tmp_path / "box"
    root.mkdir()
    torch.save(torch.rand(12, 3, 8, 8), root / "imgs")
    torch.save(torch.arange(12) % 3, root / "labels")
    case = make_case(tmp_path / "audit", root)
    check_nothing(case, decide([0]), tmp_path / "out", "toolbox")
