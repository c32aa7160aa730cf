"""Features and labels at addresses: the same as from a path, of which only what is asked for is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest

from core.audit.readers import remote_features, remote_labels
from core.audit.table import Remote, as_table, take
from core.foundation.errors import InputError

MEMORY = "memory://spectre-lens-tests"


@pytest.fixture
def put() -> Callable[[str, object], str]:
    """Puts an array, or bytes, at an address in memory."""

    def put(name: str, what: object) -> str:
        with fsspec.open(f"{MEMORY}/{name}", "wb") as file:
            if isinstance(what, bytes):
                file.write(what)
            else:
                np.save(file, what, allow_pickle=True)
        return f"{MEMORY}/{name}"

    return put


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "int16"])
@pytest.mark.parametrize(
    "rows", [[0], [0, 1, 2], [3, 4, 9, 10, 11, 2], [39], [5, 5], list(range(40)), []], ids=lambda rows: str(len(rows))
)
def test_rows_are_those_of_the_array(put: Callable[[str, object], str], dtype: str, rows: list[int]) -> None:
    x = (np.random.default_rng(0).standard_normal((40, 7)) * 100).astype(dtype)
    with remote_features(put("x.npy", x)) as read:
        table = as_table(read.rows)
        assert isinstance(table, Remote)
        assert (read.rows.shape, read.rows.dtype, read.form) == (x.shape, x.dtype, "npy")
        np.testing.assert_array_equal(take(table, np.array(rows, np.int64)), x[rows])
        assert read.as_json()["files"] == ["x.npy"]


def test_rows_that_follow_each_other_are_fetched_at_once(put: Callable[[str, object], str]) -> None:
    x = np.random.default_rng(0).standard_normal((40, 7))
    table = as_table(remote_features(put("x.npy", x)).rows)
    asked: list[int] = []
    system = fsspec.filesystem("memory")
    plain = type(system).cat_ranges
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(system),
            "cat_ranges",
            lambda self, paths, *at, **more: asked.append(len(paths)) or plain(self, paths, *at, **more),
        )
        take(table, np.array([3, 4, 5, 20, 21, 7]))
    assert asked == [3]


def test_a_file_that_was_written_anew_has_another_stamp(put: Callable[[str, object], str]) -> None:
    first = remote_features(put("x.npy", np.zeros((4, 3)))).stamp
    assert first == remote_features(f"{MEMORY}/x.npy").stamp
    assert first != remote_features(put("x.npy", np.zeros((5, 3)))).stamp


def test_labels_are_read_whole(put: Callable[[str, object], str]) -> None:
    labels = remote_labels(put("y.npy", np.array([3, 1, 2, 1])), 4)
    assert labels.numbers.tolist() == [3, 1, 2, 1]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (b"nothing of the kind", "not a readable .npy"),
        (b"", "not a readable .npy"),
        (np.zeros(5), "row by row"),
        (np.asfortranarray(np.zeros((5, 3))), "row by row"),
        (np.array([[None, 1]], object), "pickled"),
    ],
    ids=["words", "empty", "one dimension", "by columns", "objects"],
)
def test_what_is_no_table_is_refused_in_one_line(put: Callable[[str, object], str], what: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        remote_features(put("bad.npy", what))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_cut_off_is_refused(put: Callable[[str, object], str]) -> None:
    put("whole.npy", np.zeros((50, 30)))
    cut = fsspec.filesystem("memory").cat_file("/spectre-lens-tests/whole.npy")[:-8]
    with pytest.raises(InputError, match="cut off"):
        remote_features(put("cut.npy", cut))


@pytest.mark.parametrize(
    ("address", "words"), [(f"{MEMORY}/none.npy", "does not exist"), ("nosuch://a/b.npy", "cannot be read")]
)
def test_an_address_that_leads_nowhere_is_told(address: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        remote_features(address)
    with pytest.raises(InputError, match=words):
        remote_labels(address, 3)


def test_labels_with_pickled_objects_are_refused(put: Callable[[str, object], str]) -> None:
    with pytest.raises(InputError, match="npy holds pickled objects, which are never loaded"):
        remote_labels(put("y.npy", np.array([None, {}], object)), 2)


def test_the_command_takes_addresses(tmp_path: Path) -> None:
    from core.audit.scanning import scan_files

    with pytest.raises(InputError, match="no columns with names"):
        scan_files(f"file://{tmp_path}/x.npy", "label", "auto", tmp_path / "out", level=0.05)
