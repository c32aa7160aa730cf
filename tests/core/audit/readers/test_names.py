"""Names that lie beside a table or in the names of its parts: files.csv, and the authors' label_{c}_reps.npy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audit.readers import check_given, read_features, read_labels
from core.foundation.errors import InputError

ROWS = np.random.default_rng(0).normal(size=(6, 4))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    np.save(tmp_path / "features.npy", ROWS)
    (tmp_path / "files.csv").write_text("file,class\n" + "".join(f"c{i % 2}/{i}.png,c{i % 2}\n" for i in range(6)))
    return tmp_path / "features.npy"


def test_a_list_beside_the_table_names_its_rows_and_their_classes(table: Path) -> None:
    with read_features(table) as read:
        assert (read.place(3), read.knows_files) == ("c1/3.png", True)
        assert "files.csv beside it says where each row comes from" in read.notes
        labels = read_labels(table.with_name("files.csv"), read)
    assert labels.names == {0: "c0", 1: "c1"}
    assert labels.numbers.tolist() == [0, 1] * 3


@pytest.mark.parametrize("text", ["file\n1.png\n", "file\n" + "same.png\n" * 6, "other\n" + "1\n" * 6, "", "\x00" * 90])
def test_a_list_of_something_else_is_not_believed(text: str, table: Path) -> None:
    table.with_name("files.csv").write_text(text)
    with read_features(table) as read:
        assert (read.names, read.notes) == (None, ())


def test_decimal_commas_are_heard_beside_names_of_files(tmp_path: Path) -> None:
    lines = [
        ";".join(f"{value:.3f}".replace(".", ",") for value in row) + f";a/{i}.png;x" for i, row in enumerate(ROWS)
    ]
    (tmp_path / "european.csv").write_text("\n".join(["a;b;c;d;file;label", *lines]))
    with read_features(tmp_path / "european.csv", labels="label") as read:
        np.testing.assert_allclose(np.asarray(read.rows[:]), ROWS, atol=5e-4)
        assert read.place(3) == "a/3.png"
        assert read_labels("label", read).names == {0: "x"}


@pytest.fixture
def authors(tmp_path: Path) -> Path:
    """Rows of each class in a file, masks beside them."""
    for label, count in ((0, 1), (2, 2), (10, 3)):
        np.save(tmp_path / f"label_{label}_reps.npy", ROWS[:count].astype(np.float32))
    np.save(tmp_path / "mask-rcov-target.npy", np.zeros(3, bool))
    return tmp_path


def test_the_names_of_the_parts_are_the_labels_and_masks_are_no_parts(authors: Path) -> None:
    check_given("label", authors)
    with read_features(authors, labels="label") as read:
        assert read.rows.shape == (6, 4)
        assert read_labels("label", read).numbers.tolist() == [0, 2, 2, 10, 10, 10]
        assert read.place(4) == "label_10_reps.npy, row 1"
    with pytest.raises(InputError, match="species does not exist"):
        check_given("species", authors)
