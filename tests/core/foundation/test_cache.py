from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.foundation import cache
from core.foundation.cache import cache_dir, cached_arrays


class Builder:
    """Counts how often its arrays are made."""

    def __init__(self, value: int = 7, size: int = 1000) -> None:
        self.calls = 0
        self.arrays = {"a": np.full(size, value, np.uint8), "b": np.arange(6, dtype=np.int64).reshape(2, 3)}

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return self.arrays


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path / "cache"))
    return cache_dir()


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def check_same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])
        assert left[name].dtype == right[name].dtype


def test_second_call_reads_the_file(folder: Path) -> None:
    build = Builder()
    check_same(cached_arrays("k", build), build.arrays)
    check_same(cached_arrays("k", build), build.arrays)
    assert build.calls == 1
    assert only_file(folder).suffix == ".npz"


def test_cached_arrays_can_be_written_to() -> None:
    build = Builder()
    cached_arrays("k", build)
    cached_arrays("k", build)["a"][0] = 1
    assert cached_arrays("k", build)["a"][0] == 7


def test_keys_that_differ_only_in_odd_characters_stay_apart() -> None:
    keys = ["signs v1", "signs/v1", "signs:v1", "../signs v1", "x" * 300, "x" * 301]
    for value, key in enumerate(keys):
        cached_arrays(key, Builder(value))
    assert [int(cached_arrays(key, Builder(99))["a"][0]) for key in keys] == list(range(len(keys)))


def test_every_file_stays_inside_the_folder(folder: Path, tmp_path: Path) -> None:
    cached_arrays("../../outside", Builder())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent for path in files] == [folder]


def flip_byte(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[raw.index(bytes([7] * 100)) + 50] ^= 1
    path.write_bytes(raw)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "one bit of an array": flip_byte,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "empty": lambda path: path.write_bytes(b""),
    "not an archive": lambda path: path.write_bytes(b"hello " * 100),
    "a lone array": lambda path: path.write_bytes(path.read_bytes()[path.read_bytes().index(b"\x93NUMPY") :][:1128]),
    "a pickle": lambda path: np.savez(path, a=np.array([{}], object)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_file_is_rebuilt_and_replaced(damage: Callable[[Path], object], folder: Path) -> None:
    build = Builder()
    cached_arrays("k", build)
    damage(only_file(folder))
    check_same(cached_arrays("k", build), build.arrays)
    assert build.calls == 2
    check_same(cached_arrays("k", build), build.arrays)
    assert build.calls == 2, "the damaged file was not replaced"


def test_folder_that_cannot_be_made_means_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path / "file" / "below"))
    build = Builder()
    check_same(cached_arrays("k", build), build.arrays)
    check_same(cached_arrays("k", build), build.arrays)
    assert build.calls == 2


def test_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object, **arrays: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    build = Builder()
    check_same(cached_arrays("k", build), build.arrays)
    assert list(folder.iterdir()) == []


def test_objects_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="'odd' holds Python objects"):
        cached_arrays("k", lambda: {"odd": np.array([{}], object)})
    assert not folder.exists()


def test_a_failing_build_stores_nothing(folder: Path) -> None:
    def fail() -> dict[str, np.ndarray]:
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        cached_arrays("k", fail)
    assert cached_arrays("k", Builder(3))["a"][0] == 3


def test_files_used_longest_ago_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = {key: Builder(size=100_000) for key in "abcd"}
    monkeypatch.setattr(cache, "LIMIT", 350_000)  # three files of 100 kB, not four
    for age, key in ((300, "a"), (200, "b"), (100, "c")):
        cached_arrays(key, builds[key])
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (time.time() - age,) * 2)
    cached_arrays("a", builds["a"])  # used again: now "b" is the oldest
    cached_arrays("d", builds["d"])
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 350_000
    for key in "acdb":
        cached_arrays(key, builds[key])
    assert {key: build.calls for key, build in builds.items()} == {"a": 1, "b": 2, "c": 1, "d": 1}


def test_only_old_leftovers_are_cleared(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, age in (("tmpold.tmp", 7200), ("tmpnew.tmp", 0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    cached_arrays("k", Builder())
    assert sorted(path.name for path in folder.glob("*.tmp")) == ["tmpnew.tmp"]


def test_without_the_variable_files_go_to_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPECTRE_LENS_CACHE")
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    cached_arrays("k", Builder())
    assert len(list((tmp_path / "spectre-lens" / "arrays").glob("*.npz"))) == 1
