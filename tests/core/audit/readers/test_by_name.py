"""Labels beside names of files are matched to the rows that carry these names, whatever their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.audit.readers import read_features, read_labels
from core.audit.readers.by_name import match
from core.foundation.errors import InputError
from tests.conftest import Cli
from tests.core.audit.readers.makers import lists, parquet
from tests.core.audit.readers.test_labels import LABELS, POISONS, ROWS, N, outcome
from tests.makers import check_refused

NAMES = [f"{'abc'[i % 3]}/{i:03d}.png" for i in range(N)]
ORDER = np.random.default_rng(1).permutation(N)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Features whose rows are called NAMES."""
    return parquet(tmp_path / "x.parquet", {"embedding": lists(ROWS), "path": NAMES})


def listed(path: Path, names: list[str], labels: object, heading: str = "file,label") -> Path:
    rows = pd.DataFrame({"a": names, "b": labels})
    path.write_text((f"{heading}\n" if heading else "") + rows.to_csv(index=False, header=False))
    return path


def shuffled(names: list[str]) -> list[str]:
    return [names[i] for i in ORDER]


@pytest.mark.parametrize(
    ("names", "by"),
    [
        (NAMES, "their paths"),
        ([f"./{name}" for name in NAMES], "their paths"),
        ([name.replace("/", "\\") for name in NAMES], "their paths"),
        ([f"/data/set/{name}" for name in NAMES], "the ends of their paths"),
        ([name[2:] for name in NAMES], "the ends of their paths"),
        ([f"other/{name[2:]}" for name in NAMES], "the names of the files"),
        ([f"{name[2:5]}.jpg" for name in NAMES], "the names of the files without suffix"),
    ],
)
def test_a_list_in_another_order_gives_each_row_its_label(
    names: list[str], by: str, table: Path, tmp_path: Path
) -> None:
    file = listed(tmp_path / "l.csv", shuffled(names), LABELS[ORDER])
    with read_features(table) as read:
        found = read_labels(file, read)
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert found.notes == (f"the labels of l.csv are matched to the rows by {by}",)


@pytest.mark.parametrize("heading", ["", "file,species", "who,what"])
def test_a_column_that_has_the_names_is_known_whatever_it_is_called(heading: str, table: Path, tmp_path: Path) -> None:
    words = np.array(["dog", "cat", "hen", "ox", "fly"])[LABELS]
    file = listed(tmp_path / "l.csv", shuffled(NAMES), words[ORDER], heading)
    with read_features(table) as read:
        found = read_labels(file, read)
    assert [found.names[number] for number in found.numbers] == words.tolist()


def test_a_list_in_the_order_of_the_rows_is_not_worth_a_word(table: Path, tmp_path: Path) -> None:
    with read_features(table) as read:
        assert read_labels(listed(tmp_path / "l.csv", NAMES, LABELS), read).notes == ()


def test_more_names_than_rows_are_counted(table: Path, tmp_path: Path) -> None:
    file = listed(tmp_path / "l.csv", ["a/900.png", *shuffled(NAMES), "z.png"], [7, *LABELS[ORDER], 7])
    with read_features(table) as read:
        found = read_labels(file, read)
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert "2 lines of it name no row and are passed over" in found.notes[0]


def test_the_files_that_features_writes_are_names_too(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", ROWS)
    listed(tmp_path / "files.csv", ["'=1.png", *NAMES[1:]], ["x"] * N, "file,class")
    given = listed(tmp_path / "l.csv", shuffled(["=1.png", *NAMES[1:]]), LABELS[ORDER])
    with read_features(tmp_path / "features.npy") as read:
        np.testing.assert_array_equal(read_labels(given, read).numbers, LABELS)
    given = listed(tmp_path / "l.csv", shuffled(["'=1.png", *NAMES[1:]]), LABELS[ORDER])
    with read_features(tmp_path / "features.npy") as read:
        np.testing.assert_array_equal(read_labels(given, read).numbers, LABELS)


def test_names_of_classes_lose_the_quote_that_guarded_them(table: Path, tmp_path: Path) -> None:
    words = ["'=a" if label else "'b" for label in LABELS]
    with read_features(table) as read:
        found = read_labels(listed(tmp_path / "l.csv", NAMES, words, "file,class"), read)
    assert set(found.names.values()) == {"=a", "'b"}


def test_rows_without_names_take_the_labels_in_order_and_that_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    with read_features(tmp_path / "x.npy") as read:
        found = read_labels(listed(tmp_path / "l.csv", NAMES, LABELS), read)
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert found.notes == (
        "l.csv names files, and the rows of the features carry no names of their own: the labels are taken in the order of "
        "the rows",
    )


def test_a_name_of_a_class_beside_its_number_is_no_name_of_a_file(table: Path, tmp_path: Path) -> None:
    words = np.array(["dog", "cat", "hen", "ox", "fly"])[LABELS].tolist()
    with read_features(table) as read:
        found = read_labels(listed(tmp_path / "l.csv", words, LABELS, "name,label"), read)
    np.testing.assert_array_equal(found.numbers, LABELS)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["other.png", *NAMES[1:]], "l.csv has no label for 1 of 240 rows, such as 'a/000.png'; name the file of every row"),
        (["b/001.png", *NAMES[1:]], "l.csv has no label for 1 of 240 rows, such as 'a/000.png'"),
        ([*NAMES, "b/001.png"], "l.csv names 'b/001.png' 2 times; keep one line of each file"),
        ([*NAMES, *NAMES[:3]], "l.csv names 'a/000.png' 2 times, and 2 others more than once; keep one line"),
        ([f"x{i}" for i in range(N)], "l.csv has no label for 240 of 240 rows"),
    ],
)  # fmt: skip
def test_names_that_are_missing_or_there_twice_are_one_line(
    names: list[str], message: str, table: Path, tmp_path: Path, cli: Cli
) -> None:
    file = listed(tmp_path / "l.csv", names, [*LABELS, *LABELS[:3]][: len(names)])
    check_refused(cli("scan", table, file, "--poisons", 6, "--out", tmp_path / "out"), message)


def test_a_scan_by_name_finds_what_a_scan_in_order_finds(table: Path, tmp_path: Path, cli: Cli) -> None:
    given = {"by name": shuffled(NAMES), "in order": NAMES}
    removed = []
    for way, names in given.items():
        labels = LABELS[ORDER] if way == "by name" else LABELS
        file = listed(tmp_path / "l.csv", names, labels)
        done = cli("scan", table, file, "--poisons", POISONS, "--out", tmp_path / way, "--workers", 1)
        assert done.status == 0, done.err
        assert ("matched to the rows by their paths" in done.out) == (way == "by name")
        removed.append(outcome(tmp_path / way)[0])
    assert removed[0].any()
    np.testing.assert_array_equal(*removed)


def test_a_way_in_which_all_are_found_wins_over_one_that_is_stricter() -> None:
    """b/1.png is no row: by bare names it would be a second line of a/1.png."""
    found = match(["a/1.png", "a/2.png"], ["b/1.png", "a/2.png", "a/1.png"], "l.csv")
    assert (found.lines.tolist(), found.spare) == ([2, 1], 1)
    with pytest.raises(InputError, match=r"names '1\.png' 2 times"):
        match(["1.png"], ["a/1.png", "b/1.png"], "l.csv")
