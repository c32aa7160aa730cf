from __future__ import annotations

import csv as csv_lines
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from core.audit.labels import as_labels
from core.audit.readers import gather, read_features, read_labels
from core.audit.scanning import PROGRESS, Scan, scan
from tests.core.audit.readers.makers import (
    csv,
    files,
    hdf5,
    lists,
    npy,
    npz,
    parquet,
    parts,
    stream,
    tensors,
    with_names,
)
from tests.helpers import anisotropic
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
WORDS = ("no entry", "priority", "speed 30", "speed 100", "stop")
SUSPECT = 3
EACH, COLUMNS, POISONS = 48, 8, 6


def make_crowd() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (240, 8) of five classes in a mixed order, their labels, and which are poison, all in one class."""
    rng = np.random.default_rng(0)
    made = [anisotropic(EACH, COLUMNS, POISONS * (c == SUSPECT), strength=9.0, seed=c) for c in range(5)]
    rows = np.concatenate([data.rows + 5 * rng.standard_normal(COLUMNS) for data in made]).astype(np.float32)
    order = rng.permutation(len(rows))
    labels, poison = np.repeat(np.arange(5), EACH), np.concatenate([data.poison for data in made])
    return rows[order], labels[order], poison[order]


ROWS, LABELS, POISON = make_crowd()
N = len(ROWS)


def outcome(out: Path) -> tuple[np.ndarray, dict[str, Any], list[dict[str, str]]]:
    with (out / "findings.csv").open(newline="") as file:
        findings = list(csv_lines.DictReader(file))
    return np.load(out / "removed.npy"), json.loads((out / "summary.json").read_text()), findings


def in_words(labels: np.ndarray) -> np.ndarray:
    return np.array(WORDS)[labels]


def table(path: Path, labels: Any, **more: Any) -> Path:
    return parquet(path, {"embedding": lists(ROWS), "label": labels} | more)


@pytest.fixture
def plain(tmp_path: Path, cli: Cli) -> np.ndarray:
    """What is removed where all is a plain array."""
    files = npy(tmp_path / "plain.npy", ROWS), npy(tmp_path / "numbers.npy", LABELS)
    assert cli("scan", *files, "--poisons", POISONS, "--out", tmp_path / "plain").status == 0
    removed = outcome(tmp_path / "plain")[0]
    np.testing.assert_array_equal(removed, POISON)
    return removed


@pytest.fixture(scope="module")
def labelled() -> Scan:
    """What a scan of the rows with a label finds."""
    return scan(ROWS[KEPT], LABELS[KEPT], POISONS)


IN_TABLE: dict[str, Callable[[Path], Path]] = {
    "parquet": lambda at: table(at / "x.parquet", LABELS),
    "parquet of words": lambda at: table(at / "x.parquet", in_words(LABELS)),
    "parquet, categories": lambda at: table(at / "x.parquet", pa.array(in_words(LABELS)).dictionary_encode()),
    "parquet, one-hot": lambda at: table(at / "x.parquet", lists(np.eye(5)[LABELS])),
    "parquet, lists of one": lambda at: table(at / "x.parquet", lists(LABELS[:, None], pa.int64())),
    "arrow stream": lambda at: stream(at / "x.arrow", {"e": lists(ROWS), "label": in_words(LABELS)}),
    "arrow, categories": lambda at: stream(
        at / "x.arrow", {"e": lists(ROWS), "label": pa.array(in_words(LABELS)).dictionary_encode()}
    ),
    "csv": lambda at: csv(at / "x.csv", np.column_stack([ROWS, LABELS]), [*"abcdefgh", "label"]),
    "npz": lambda at: npz(at / "x.npz", features=ROWS, label=LABELS),
    "npz of words": lambda at: npz(at / "x.npz", features=ROWS, label=in_words(LABELS)),
    "npz, as a column": lambda at: npz(at / "x.npz", features=ROWS, label=LABELS[:, None]),
    "safetensors": lambda at: tensors(at / "x.safetensors", features=ROWS, label=LABELS),
    "hdf5": lambda at: hdf5(at / "x.h5", {"features": ROWS, "label": LABELS}),
    "hdf5 of words": lambda at: hdf5(at / "x.h5", {"features": ROWS, "label": in_words(LABELS).tolist()}),
    "parts": lambda at: parts(
        at / "x",
        np.column_stack([ROWS, LABELS]),
        ".parquet",
        lambda p, y: parquet(p, {"e": lists(y[:, :8]), "label": in_words(y[:, 8].astype(int))}),
    ),
}


@pytest.mark.parametrize("write", IN_TABLE.values(), ids=IN_TABLE.keys())
def test_labels_are_a_column_of_the_same_table(write: Callable[[Path], Path], tmp_path: Path) -> None:
    features = read_features(write(tmp_path), labels="label")
    np.testing.assert_array_equal(features.rows, ROWS)
    assert features.left_out["label"] == "the labels"
    found = read_labels("label", features)
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert found.labelled.all()
    assert set(found.names.values()) in (set(), set(WORDS))


IN_FILE: dict[str, Callable[[Path], Path]] = {
    "npy": lambda at: npy(at / "y.npy", LABELS),
    "npy, as a column": lambda at: npy(at / "y.npy", LABELS[:, None]),
    "npy of words": lambda at: npy(at / "y.npy", in_words(LABELS)),
    "npy of bytes": lambda at: npy(at / "y.npy", in_words(LABELS).astype("S")),
    "npy of numbers in words": lambda at: npy(at / "y.npy", LABELS.astype("U1")),
    "npy in floating point": lambda at: npy(at / "y.npy", LABELS.astype(np.float32)),
    "npy, one-hot": lambda at: npy(at / "y.npy", np.eye(5, dtype=np.uint8)[LABELS]),
    "npz": lambda at: npz(at / "y.npz", y=LABELS),
    "parquet": lambda at: parquet(at / "y.parquet", {"file": files(N), "label": in_words(LABELS)}),
    "hdf5": lambda at: hdf5(at / "y.h5", {"labels": LABELS}),
    "safetensors": lambda at: tensors(at / "y.safetensors", y=LABELS),
    "csv": lambda at: csv(at / "y.csv", LABELS[:, None], ["label"]),
    "csv without a name": lambda at: csv(at / "y.csv", LABELS[:, None], header=False),
    "csv beside files": lambda at: csv(at / "y.csv", LABELS[:, None], ["label"], index=True),
    "txt of words": lambda at: _text(at / "y.txt", in_words(LABELS)),
    "txt of words under a name": lambda at: _text(at / "y.txt", ["label", *in_words(LABELS)]),
    "parts": lambda at: parts(at / "y", LABELS, ".npy", npy),
}


def _text(path: Path, lines: Any) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("write", IN_FILE.values(), ids=IN_FILE.keys())
def test_labels_are_a_file_of_any_form(write: Callable[[Path], Path], tmp_path: Path) -> None:
    found = read_labels(write(tmp_path), read_features(npy(tmp_path / "x.npy", ROWS)))
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert set(found.names.values()) in (set(), set(WORDS))


# The tests above show that every form gives the same rows and labels.
@pytest.mark.parametrize(
    "name",
    ["parts", *(pytest.param(n, marks=pytest.mark.slow) for n in ("parquet of words", "csv", "npz, as a column"))],
)
def test_scan_removes_what_it_removes_of_plain_arrays(name: str, plain: np.ndarray, tmp_path: Path, cli: Cli) -> None:
    said = cli("scan", IN_TABLE[name](tmp_path), "label", "--poisons", POISONS, "--out", tmp_path / "out")
    assert (said.status, said.err) == (0, "")
    removed, summary, _ = outcome(tmp_path / "out")
    np.testing.assert_array_equal(removed, plain)
    assert (summary["n"], summary["d"]) == ROWS.shape
    assert summary["suspected_labels"] == [SUSPECT]


def test_words_are_told_with_their_numbers_to_the_end(tmp_path: Path, cli: Cli) -> None:
    path, out = table(tmp_path / "x.parquet", in_words(LABELS), file=files(N)), tmp_path / "out"
    said = cli("scan", path, "label", "--poisons", POISONS, "--out", out)
    assert "looks poisoned: class 3 (speed 100) (6 rows)" in said.out
    _, summary, findings = outcome(out)
    assert summary["label_names"] == dict(zip("01234", WORDS, strict=True)), "speed 30 before speed 100"
    assert {found["label"]: found["name"] for found in summary["classes"]} == dict(enumerate(WORDS))
    assert summary["findings"][0]["name"] == "speed 100"
    assert [(row["name"], row["file"]) for row in findings] == [
        ("speed 100", f"cat/{row:03d}.jpg") for row in np.flatnonzero(POISON)
    ]
    assert "name" in (out / "classes.csv").read_text().splitlines()[0]


def test_a_class_is_asked_for_by_its_name(tmp_path: Path, cli: Cli) -> None:
    path = table(tmp_path / "x.parquet", in_words(LABELS))
    for asked in ("stop", "4"):
        out = tmp_path / asked
        assert cli("scan", path, "label", "--label", asked, "--poisons", POISONS, "--out", out).status == 0
        assert outcome(out)[1]["filtered_labels"] == [4]
    said = cli("scan", path, "label", "--label", "go", "--poisons", POISONS, "--out", tmp_path / "x")
    check_refused(said, "no row has label go; the labels are: 0 (no entry), 1 (priority)")


def test_names_of_classes_stand_beside_their_numbers(tmp_path: Path) -> None:
    names = ["zero", *WORDS]
    features = read_features(with_names(tmp_path / "x.parquet", ROWS, LABELS + 1, names), labels="label")
    found = read_labels("label", features)
    np.testing.assert_array_equal(found.numbers, LABELS + 1)
    assert found.names == dict(enumerate(WORDS, 1))


def test_numbers_stay_the_numbers_they_are() -> None:
    gaps = np.array([3, 70, 1000])[LABELS % 3]
    np.testing.assert_array_equal(as_labels(gaps, N).numbers, gaps)
    np.testing.assert_array_equal(as_labels(gaps.astype(str), N).numbers, gaps)
    np.testing.assert_array_equal(as_labels(np.eye(1001)[gaps], N).numbers, gaps)


def test_labels_of_a_text_file_are_digits_and_letters_in_any_order(tmp_path: Path) -> None:
    """As of handwriting: 0 to 9 and A to Z, fewer letters than digits among the first lines."""
    told = ["0", "1", "2", "3", "A", "B"] * (N // 6)
    lines = [",".join([*map(str, row), label]) for row, label in zip(ROWS[:, :3].round(3).tolist(), told, strict=False)]
    (tmp_path / "x.csv").write_text("a,b,c,label\n" + "\n".join(lines) + "\n")
    with read_features(tmp_path / "x.csv", labels="label") as features:
        found = read_labels("label", features)
    assert [found.names[number] for number in found.numbers.tolist()] == told[: len(lines)]


def test_numbers_with_leading_zeros_are_words() -> None:
    found = as_labels(np.array(["01", "1"] * 120), N)
    assert set(found.names.values()) == {"01", "1"}


def test_truth_values_are_two_classes_by_name() -> None:
    found = as_labels(LABELS > 2, N)
    np.testing.assert_array_equal(found.numbers, LABELS > 2)
    assert found.names == {0: "False", 1: "True"}


# --- rows without a label

LEFT = np.flatnonzero(np.arange(N) % 8 == 1)
KEPT = np.setdiff1d(np.arange(N), LEFT)
WITHOUT: dict[str, Any] = {
    "-1": np.where(np.isin(np.arange(N), LEFT), -1, LABELS),
    "NaN": np.where(np.isin(np.arange(N), LEFT), np.nan, LABELS),
    "None": np.where(np.isin(np.arange(N), LEFT), None, in_words(LABELS).astype(object)),
    "an empty word": np.where(np.isin(np.arange(N), LEFT), "", in_words(LABELS)),
    "no 1 of one-hot": np.eye(5)[LABELS] * ~np.isin(np.arange(N), LEFT)[:, None],
}


@pytest.mark.parametrize("labels", WITHOUT.values(), ids=WITHOUT.keys())
def test_rows_without_a_label_are_left_out_and_the_others_keep_their_numbers(labels: Any, labelled: Scan) -> None:
    found = scan(ROWS, labels, POISONS)
    np.testing.assert_array_equal(np.flatnonzero(found.removed), KEPT[labelled.removed])
    assert POISON[found.removed].all()
    assert found.removed.any()
    assert [result.removed for result in found.results] == [
        KEPT[result.removed].tolist() for result in labelled.results
    ]
    assert sum(result.n for result in found.results) == len(KEPT)
    assert found.shape == ROWS.shape
    assert found.labels.notes == (f"{len(LEFT)} of {N} rows are without a label (-1 or none) and are left out",)


# Processes of their own take seconds to start; test_scan has them too.
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_file_is_read_without_them_too(workers: int, tmp_path: Path, labelled: Scan, cli: Cli) -> None:
    path, labels = npy(tmp_path / "x.npy", ROWS), npy(tmp_path / "y.npy", WITHOUT["-1"])
    said = cli("scan", path, labels, "--poisons", POISONS, "--workers", workers, "--out", tmp_path / "out")
    assert f"note: {len(LEFT)} of {N} rows are without a label" in said.out
    removed, summary, _ = outcome(tmp_path / "out")
    np.testing.assert_array_equal(np.flatnonzero(removed), KEPT[labelled.removed])
    assert summary["n"] == N


def test_broken_rows_and_copies_are_numbered_as_in_the_whole_table() -> None:
    rows, labels = ROWS.copy(), WITHOUT["-1"]
    broken, original, copy = KEPT[-3], *KEPT[[5, 100]]
    rows[broken], rows[copy] = 0, rows[original]
    labels = labels.copy()
    labels[copy] = labels[original]
    aside = scan(rows, labels, POISONS).aside
    assert (aside.broken.tolist(), aside.copies.tolist(), aside.originals.tolist()) == ([broken], [copy], [original])


def test_a_bad_row_is_named_by_its_number_in_the_whole_table() -> None:
    rows = ROWS.copy()
    rows[LEFT[0]] = np.inf
    assert scan(rows, WITHOUT["-1"], POISONS).suspect == SUSPECT, "what has no label may be anything"
    rows[KEPT[-1]] = np.nan
    assert scan(rows, WITHOUT["-1"], POISONS).aside.broken.tolist() == [KEPT[-1]]


def test_minus_one_is_a_label_where_it_can_be_nothing_else() -> None:
    assert as_labels(np.where(LABELS > 2, 1, -1), N).labelled.all(), "one of the two sides of a yes or no"
    assert as_labels(np.where(LABELS > 2, -2, WITHOUT["-1"]), N).labelled.all(), "others are below 0 too"


def test_where_minus_one_is_a_class_all_are_numbered_and_called_by_their_labels(tmp_path: Path, cli: Cli) -> None:
    """It stands for none in everything that is written of a row."""
    given = np.where(LABELS == SUSPECT, -1, 1)
    path, labels = npy(tmp_path / "x.npy", ROWS), npy(tmp_path / "y.npy", given)
    with read_features(path) as features:
        found = read_labels(labels, features)
    assert found.labelled.all()
    assert found.names == {0: "-1", 1: "1"}
    np.testing.assert_array_equal(found.numbers, (given > 0).astype(int))
    assert "-1 is a class here" in found.notes[0]
    assert cli("scan", path, labels, "--poisons", POISONS, "--label", -1, "--out", tmp_path / "out").status == 0
    assert np.load(tmp_path / "out" / "removed.npy")[given == -1].any(), "-1 is the class by that name"


# --- what is refused


def test_labels_that_are_neither_a_file_nor_a_column_name_the_columns(tmp_path: Path, cli: Cli) -> None:
    path = table(tmp_path / "x.parquet", LABELS)
    said = cli("scan", path, "lable", "--poisons", 2, "--out", tmp_path / "out")
    check_refused(said, "labels: lable does not exist, and", "no column of that name; it has embedding, label")


def test_labels_that_are_missing_beside_a_plain_array(tmp_path: Path, cli: Cli) -> None:
    said = cli("scan", npy(tmp_path / "x.npy", ROWS), "y.npy", "--poisons", 2, "--out", tmp_path / "out")
    check_refused(said, "labels: y.npy does not exist, and", "x.npy has no columns with names")


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "of another length": (lambda at: npy(at / "y.npy", LABELS[:-1]), "y.npy has 239 labels, but"),
    "several columns": (lambda at: csv(at / "y.csv", np.ones((N, 2)), ["a", "b"]), "y.csv has several columns (a, b)"),
    "parts of two kinds": (
        lambda at: (
            [(at / "y").mkdir(), npy(at / "y/1.npy", LABELS), npy(at / "y/2.npy", in_words(LABELS))] and at / "y"
        ),
        "y has 480 labels",
    ),
    "dates": (
        lambda at: parquet(at / "y.parquet", {"y": pa.array([0] * N, pa.timestamp("s"))}),
        "neither numbers nor words",
    ),
}


@pytest.mark.parametrize(("write", "words"), BAD.values(), ids=BAD.keys())
def test_labels_that_do_not_fit_are_refused(write: Callable[[Path], Any], words: str, tmp_path: Path, cli: Cli) -> None:
    path = npy(tmp_path / "x.npy", ROWS)
    check_refused(cli("scan", path, write(tmp_path), "--poisons", 2, "--out", tmp_path / "out"), words)


# --- going on, and Python


def test_a_scan_of_a_table_that_is_copied_goes_on(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "LIMIT", 1000)
    path, out = IN_TABLE["parquet of words"](tmp_path), tmp_path / "out"
    with read_features(path, labels="label") as read, pytest.raises(KeyboardInterrupt):
        scan(
            read.rows, read_labels("label", read), POISONS, progress=out / PROGRESS, stamp=read.stamp, on_state=_stop,
        )  # fmt: skip
    said = cli("scan", path, "label", "--poisons", POISONS, "--out", out)
    assert "going on: 2 of 5 classes were finished before" in said.out
    table(tmp_path / "x.parquet", in_words(LABELS))
    with read_features(path, labels="label") as read, pytest.raises(KeyboardInterrupt):
        scan(read.rows, read_labels("label", read), POISONS, progress=out / PROGRESS, stamp=read.stamp, on_state=_stop)
    table(tmp_path / "x.parquet", in_words(LABELS), more=LABELS)
    assert "starting anew" in cli("scan", path, "label", "--poisons", POISONS, "--out", out).out


def _stop(state: Any) -> None:
    if not state.reading and state.classes - state.resumed == 2:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "kind", [torch.bfloat16, *(pytest.param(kind, marks=pytest.mark.slow) for kind in (torch.float32, torch.float16))]
)
def test_tensors_are_scanned(kind: torch.dtype) -> None:
    features = torch.from_numpy(ROWS).to(kind).requires_grad_()
    found = scan(features, torch.from_numpy(LABELS)[:, None], POISONS)
    expected = scan(features.detach().float().numpy(), LABELS, POISONS)
    np.testing.assert_array_equal(found.removed, expected.removed)
    assert found.suspect == SUSPECT
