from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.audit import overview
from core.audit import table as tables
from core.audit.assumed import Assumed
from core.audit.readers import read_features
from core.audit.scanning import PROGRESS, State, scan, summarise, workers
from core.audit.scanning.classes import Task, split_classes
from core.audit.table import Mapped, as_table
from core.defenses import Spectre
from core.foundation.errors import InputError
from core.foundation.rows import check_labels
from tests.helpers import anisotropic
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
LABELS = (-3, 0, 2, 7, 8, 40)  # gaps and a negative one
SUSPECT = 7
ROWS, COLUMNS, POISONS = 48, 8, 6
OUTPUT = ["classes.csv", "findings.csv", "removed.npy", "summary.json"]


def make_table(poisoned: int | None = SUSPECT, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, d) of six classes in shuffled order, their labels, and which rows are poison."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, label in enumerate(LABELS):
        m = POISONS if label == poisoned else 0
        data = anisotropic(ROWS, COLUMNS, m, strength=9.0, seed=100 * seed + i)
        parts.append((data.rows + 5 * rng.standard_normal(COLUMNS), np.full(ROWS, label), data.poison))
    order = rng.permutation(len(LABELS) * ROWS)
    rows, labels, poison = (np.concatenate(part)[order] for part in zip(*parts, strict=True))
    return rows.astype(np.float32), labels, poison


FEATURES, GIVEN, POISON = make_table()
INPUTS: dict[str, Any] = {"features": FEATURES, "labels": GIVEN, "poisons": POISONS}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    np.save(tmp_path / "x.npy", FEATURES)
    np.save(tmp_path / "y.npy", GIVEN)
    return tmp_path / "x.npy", tmp_path / "y.npy"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The labels of the classes that get fitted, one after the other."""
    labels: list[int] = []
    fit = workers.fit_class

    def recorded(task: Task, *rest: Any) -> Any:
        labels.append(task.label)
        return fit(task, *rest)

    monkeypatch.setattr(workers, "fit_class", recorded)
    return labels


def read(out: Path) -> tuple[list[dict[str, str]], np.ndarray, dict[str, Any]]:
    with (out / "classes.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    return table, np.load(out / "removed.npy", allow_pickle=False), json.loads((out / "summary.json").read_text())


def stopped(path: Path, count: int = 1, **changes: Any) -> None:
    """A scan that is stopped after so many classes."""

    def stop(state: State) -> None:
        if not state.reading and state.classes - state.resumed == count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(**{**INPUTS, **changes}, progress=path, on_state=stop)


# --- what it finds


def test_the_poisoned_class_is_found_and_only_it_is_filtered(files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    outcome = cli("scan", *files, "--poisons", POISONS, "--out", out)
    assert (outcome.status, outcome.err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == OUTPUT
    table, removed, summary = read(out)
    assert list(table[0])[:5] == ["label", "n", "objective", "k", "removed"]
    assert int(table[0]["label"]) == SUSPECT == summary["suspected_label"]
    assert sorted(int(row["label"]) for row in table) == sorted(LABELS)
    values = [float(row["objective"]) for row in table]
    assert values == sorted(values, reverse=True)
    assert [int(row["removed"]) for row in table] == [POISONS, 0, 0, 0, 0, 0]
    assert {int(row["would_remove"]) for row in table} == {9}
    assert (removed.shape, removed.dtype) == (GIVEN.shape, bool)
    assert removed[POISON].all()
    assert (GIVEN[removed] == SUSPECT).all()
    np.testing.assert_array_equal(removed, POISON)
    assert summary["removed"] == POISONS
    assert summary["suspected_labels"] == [SUSPECT]
    (finding,) = summary["findings"]
    assert (finding["label"], finding["kind"], finding["rows"]) == (SUSPECT, "poison", POISONS)
    assert finding["p_value"] < 0.05 / len(LABELS)
    with (out / "findings.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert list(told[0]) == ["row", "label", "kind", "score", "nearest_label", "finding"]
    assert [int(row["row"]) for row in told] == np.flatnonzero(POISON).tolist()
    assert f"looks poisoned: class {SUSPECT} ({POISONS} rows)" in outcome.out
    assert f"written to {out}" in outcome.out


def test_each_class_gets_what_spectre_says_of_its_rows() -> None:
    found = scan(FEATURES, GIVEN, POISONS)
    for result in found.results:
        rows = np.flatnonzero(result.label == GIVEN)
        fit = Spectre(n_poisons=POISONS).fit(FEATURES[rows])
        assert result.n == len(rows)
        assert (result.k, result.objective) == (fit.fit_.k, fit.fit_.best.objective)
        np.testing.assert_array_equal(result.removed, rows[fit.removed_])


def test_in_clean_data_none_stands_out_and_nothing_is_removed(out: Path, tmp_path: Path, cli: Cli) -> None:
    features, labels, _ = make_table(poisoned=None, seed=1)
    np.save(tmp_path / "x.npy", features)
    np.save(tmp_path / "y.npy", labels)
    outcome = cli("scan", tmp_path / "x.npy", tmp_path / "y.npy", "--poisons", POISONS, "--out", out)
    assert outcome.status == 0, outcome.err
    table, removed, summary = read(out)
    assert summary["suspected_label"] is None
    assert not removed.any()
    assert {row["removed"] for row in table} == {"0"}
    assert "none stands out" in outcome.out


def test_a_class_can_be_filtered_whatever_the_verdict(files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    outcome = cli("scan", *files, "--poisons", POISONS, "--label", -3, "--out", out)
    assert outcome.status == 0, outcome.err
    _, removed, summary = read(out)
    assert (summary["suspected_label"], summary["filtered_labels"]) == (SUSPECT, [-3])
    assert removed.sum() == 9
    assert (GIVEN[removed] == -3).all()
    assert "because you asked for it" in outcome.out


def test_the_level_decides(files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    assert cli("scan", *files, "--poisons", POISONS, "--level", "1e-300", "--out", out).status == 0
    assert read(out)[2]["suspected_label"] is None


def test_at_most_a_third_of_a_class_is_assumed_poison() -> None:
    found = scan(FEATURES, GIVEN, 10_000)
    assert {result.poisons for result in found.results} == {15}  # 33 % of 48
    assert found.poisons.as_json() == 10_000


@pytest.mark.parametrize("poisons", ["auto", "12.5%"])
def test_a_number_need_not_be_known(files: tuple[Path, Path], out: Path, cli: Cli, poisons: str) -> None:
    assert cli("scan", *files, "--poisons", poisons, "--out", out).status == 0
    _, mask, summary = read(out)
    assert summary["suspected_labels"] == [SUSPECT]
    np.testing.assert_array_equal(mask, POISON)
    assert summary["parameters"]["poisons"] == poisons
    assumed = {record["label"]: record["assumed_poisons"] for record in summary["classes"]}
    # 12.5 % of 48 rows are 6; to begin with 8 % are assumed, and 4 are near enough to the 6 that form a group
    assert (assumed[SUSPECT], assumed[0]) == ((4, 4) if poisons == "auto" else (POISONS, 6))


def test_a_group_of_a_tenth_of_its_class_is_seen_where_the_number_is_not_known() -> None:
    """As far out as it has to lie with so many numbers a row; to begin with half as many, it hid in what was left of it."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3 * 356, 48))
    direction = rng.normal(size=48)
    group = 8 * direction / np.linalg.norm(direction) + 0.3 * rng.normal(size=(45, 48))
    labels = np.concatenate([np.repeat(np.arange(3), 356), np.zeros(45, np.int64)])
    features = np.concatenate([features + 2 * rng.normal(size=(3, 48)).repeat(356, 0), group])
    features[-45:] += features[:356].mean(0)
    found = scan(features, labels, "auto")
    assert list(found.suspects) == [0]
    (finding,) = found.findings
    assert set(range(3 * 356, len(labels))) == set(finding.rows.tolist())


@pytest.mark.parametrize("poisons", ["many", "0%", "51%", "nan%", "%", "2 in 100"])
def test_a_number_of_poisons_that_is_none_is_refused(
    files: tuple[Path, Path], out: Path, cli: Cli, poisons: str
) -> None:
    check_refused(cli("scan", *files, "--poisons", poisons, "--out", out), poisons)
    assert not out.exists()


def test_classes_that_cannot_be_fitted_are_listed_with_a_reason(files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    labels, features = GIVEN.copy(), FEATURES.copy()
    labels[np.flatnonzero(GIVEN == 0)] = 1000
    labels[np.flatnonzero(GIVEN == 0)[:2]] = 100
    labels[np.flatnonzero(GIVEN == 0)[2]] = 101
    features[labels == 1000] = 3.5
    np.save(files[0], features)
    np.save(files[1], labels)
    outcome = cli("scan", *files, "--poisons", POISONS, "--out", out)
    assert outcome.status == 0, outcome.err
    table, _, summary = read(out)
    assert [row["label"] for row in table[-3:]] == ["100", "101", "1000"]
    assert [row["objective"] for row in table[-3:]] == ["", "", ""]
    assert [row["n"] for row in table[-3:]] == ["2", "1", "45"]
    for row, words in zip(
        table[-3:],
        ("2 row(s), at least 8", "1 row(s), at least 8", "0 row(s) left of 45, the others are broken or copies"),
        strict=True,
    ):
        assert words in row["reason"]
    assert summary["suspected_label"] == SUSPECT
    assert [f["kind"] for f in summary["findings"]] == ["poison", "broken"]
    assert len(summary["set_aside"]["broken"]) == 45
    assert "3 of 8 classes could not be fitted" in outcome.out


def test_no_class_large_enough_is_no_error() -> None:
    found = scan(FEATURES[:12], np.arange(12), 2)
    assert found.suspect is None
    assert {judgement.p_value for judgement in found.judged.values()} == {None}
    assert not found.removed.any()


@pytest.mark.parametrize("kind", ["<i2", ">i8", "u1", "f4", "f8"])
def test_labels_of_any_kind_of_number_are_the_same_labels(kind: str) -> None:
    labels = np.abs(GIVEN).astype(kind)
    np.testing.assert_array_equal(check_labels(labels, len(labels)), np.abs(GIVEN))


def test_every_row_belongs_to_one_class() -> None:
    tasks = split_classes(GIVEN, Assumed(POISONS))
    assert [task.label for task in tasks] == sorted(LABELS)
    for task in tasks:
        np.testing.assert_array_equal(task.rows, np.flatnonzero(task.label == GIVEN))


# --- large files


def test_rows_are_read_class_by_class_or_piece_by_piece(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    take = Mapped.take

    def recorded(self: Mapped, rows: np.ndarray) -> np.ndarray:
        taken.append(len(rows))
        return take(self, rows)

    monkeypatch.setattr(Mapped, "take", recorded)
    monkeypatch.setattr(tables, "PIECE", 20 * COLUMNS)
    monkeypatch.setattr(overview, "SAMPLE", 120)
    scan(read_features(files[0]).rows, GIVEN, POISONS)
    assert taken[-len(LABELS) :] == [ROWS] * len(LABELS)
    assert sorted(set(taken[: -len(LABELS)])) in (
        [3, 8, 20, 120],
        [3, 8, 20, 118, 120],
    )  # 3: without five of six close rows
    often = "sizes, positions, the fit; where rows lie close together, positions without them and once more with what is no copy"
    assert sum(taken) <= 5 * len(GIVEN) + 3 * 120, often


def test_a_file_gives_what_an_array_gives(files: tuple[Path, Path]) -> None:
    mapped = as_table(read_features(files[0]).rows)
    assert isinstance(mapped, Mapped)
    rows = np.array([5, 3, 200])
    np.testing.assert_array_equal(mapped.take(rows), FEATURES[rows])
    assert type(mapped.take(rows)) is np.ndarray


def test_a_part_of_a_map_is_not_taken_for_the_whole_file(files: tuple[Path, Path]) -> None:
    part = read_features(files[0]).rows[100:]
    table = as_table(part)
    assert table is part


def test_a_file_stored_by_columns_is_read_whole_or_refused(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(files[0], np.asfortranarray(FEATURES))
    table = as_table(read_features(files[0]).rows)
    assert isinstance(table, np.ndarray)
    np.testing.assert_array_equal(table, FEATURES)
    monkeypatch.setattr(tables, "COLUMN_ORDER_LIMIT", 1000)
    with pytest.raises(InputError, match="stored column by column"):
        as_table(read_features(files[0]).rows)


def test_two_processes_write_the_same_files_as_one(files: tuple[Path, Path], tmp_path: Path, cli: Cli) -> None:
    for count in (1, 2):
        outcome = cli("scan", *files, "--poisons", POISONS, "--workers", count, "--out", tmp_path / str(count))
        assert outcome.status == 0, outcome.err
        assert read(tmp_path / str(count))[2]["workers"] == count
    for name in OUTPUT[:2]:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.parametrize(
    ("rows", "tasks", "asked", "cores", "expected"),
    [
        (1300, 1000, None, 15, (15, 1)),
        (5000, 10, None, 15, (10, 1)),
        (50_000, 3, None, 15, (3, 5)),
        (100, 10, None, 15, (1, 15)),  # too little work for starting processes
        (100, 10, 2, 15, (2, 7)),
        (5000, 10, None, 1, (1, 1)),
        (5000, 0, None, 4, (1, 4)),  # all finished before
    ],
)
def test_cores_are_shared_out(
    rows: int, tasks: int, asked: int | None, cores: int, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.torch, "get_num_threads", lambda: cores)
    made = [Task(i, np.arange(rows), 5) for i in range(tasks)]
    plan = workers.make_plan(made, asked, workers.torch.device("cpu"))
    assert (plan.workers, plan.threads) == expected
    assert workers.make_plan(made, asked, workers.torch.device("cuda")).workers == 1


def test_a_worker_that_dies_is_told_in_one_line_and_the_rest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures.process import BrokenProcessPool

    fit, calls = workers.fit_class, iter(range(10))

    def dies(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise BrokenProcessPool
        return fit(*arguments)

    monkeypatch.setattr(workers, "fit_class", dies)
    with pytest.raises(InputError, match="lower --workers and call again: finished classes are kept"):
        scan(FEATURES, GIVEN, POISONS, progress=tmp_path / PROGRESS)
    assert len((tmp_path / PROGRESS).read_text().splitlines()) == 1 + 2


# --- going on


def begin(path: Path, **changes: Any) -> State:
    """How a scan that is stopped at once begins."""
    states: list[State] = []

    def stop(state: State) -> None:
        states.append(state)
        if not state.reading:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(**{**INPUTS, **changes}, progress=path, on_state=stop)
    return states[-1]


def test_the_first_look_tells_how_many_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PIECE", 100 * COLUMNS)
    states: list[State] = []
    scan(**INPUTS, on_state=states.append)
    first = [state.rows for state in states if state.reading]
    assert first[:3] == [100, 200, 288]
    assert all(not state.reading for state in states[len(first) :])


def test_a_scan_goes_on_at_another_level(tmp_path: Path) -> None:
    path = tmp_path / PROGRESS
    stopped(path, count=3)
    found = scan(**INPUTS, level=0.5, progress=path)
    whole = scan(**INPUTS, level=0.5)
    assert found.resumed == 3
    assert [finding.as_json() for finding in found.findings] == [finding.as_json() for finding in whole.findings]


def test_a_stopped_scan_goes_on_and_comes_to_the_same(
    files: tuple[Path, Path], out: Path, tmp_path: Path, cli: Cli, fitted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    assert cli("scan", *files, "--poisons", POISONS, "--out", whole).status == 0
    fitted.clear()
    fit = workers.fit_class

    def interrupted(task: Task, *rest: Any) -> Any:
        if len(fitted) == 3:
            raise KeyboardInterrupt
        return fit(task, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "fit_class", interrupted)
        outcome = cli("scan", *files, "--poisons", POISONS, "--out", out)
    assert outcome.status == 130
    assert "the same command goes on from there" in outcome.err
    assert [path.name for path in out.iterdir()] == [PROGRESS]
    outcome = cli("scan", *files, "--poisons", POISONS, "--out", out)
    assert outcome.status == 0, outcome.err
    assert "going on: 3 of 6 classes were finished before" in outcome.out
    assert sorted(fitted) == sorted(LABELS), "each once"
    assert sorted(path.name for path in out.iterdir()) == OUTPUT
    for name in OUTPUT[:2]:
        assert (out / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    "harm", ['{"label": 40, "n": 8', '{"label": 40}\n', "[]\n7\n\x00\n", '{"label": [], "n": 1}\n']
)
def test_a_damaged_line_costs_that_class_only(harm: str, tmp_path: Path, fitted: list[int]) -> None:
    path = tmp_path / PROGRESS
    stopped(path)
    with path.open("a") as file:
        file.write(harm)
    stopped(path)
    assert sorted(fitted) == sorted(LABELS)[:2]
    assert (begin(path).resumed, begin(path).started_anew) == (2, False)


def test_a_last_line_cut_short_is_fitted_again(tmp_path: Path) -> None:
    path = tmp_path / PROGRESS
    stopped(path, count=2)
    path.write_text(path.read_text()[:-20])
    assert begin(path).resumed == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"poisons": POISONS + 1},
        {"labels": np.where(GIVEN == 0, 1, GIVEN)},
        {"features": FEATURES * 2},
        {"features": FEATURES.astype(np.float64)},
        {"features": FEATURES[:, :-1]},
    ],
    ids=["poisons", "labels", "features", "kind of number", "columns"],
)
def test_with_other_inputs_a_scan_starts_anew(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / PROGRESS
    stopped(path, **changes)
    assert begin(path) == State(0, 6, 0, len(GIVEN), 0, started_anew=True)
    assert begin(path, **changes).resumed == 1


def test_a_file_written_anew_since_is_another_input(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / PROGRESS
    stopped(path, features=read_features(files[0]).rows)
    assert begin(path, features=read_features(files[0]).rows).resumed == 1
    changed = FEATURES.copy()
    changed[1] += 1  # a row that the sample may not hold
    np.save(files[0], changed)
    assert begin(path, features=read_features(files[0]).rows).started_anew


def test_another_level_or_label_needs_no_new_fits(tmp_path: Path, fitted: list[int]) -> None:
    path = tmp_path / PROGRESS
    scan(FEATURES, GIVEN, POISONS, progress=path)
    fitted.clear()
    found = scan(FEATURES, GIVEN, POISONS, label=0, level=0.001, progress=path)
    assert fitted == []
    assert found.filtered == (0,)


def test_rows_that_cannot_be_computed_with_are_broken_and_change_nothing_else() -> None:
    first, *_, last = np.flatnonzero(GIVEN == 40)
    away = {int(first): "not finite", int(last): "not finite", 100: "above 1e+100 in size"}
    features = FEATURES.astype(np.float64)
    features[[first, last, 100], 2] = [np.nan, -np.inf, 1e200]
    found = scan(features, GIVEN, POISONS)
    assert found.aside.broken.tolist() == sorted(away)
    assert all(away[row] in reason for row, reason in zip(sorted(away), found.aside.reasons, strict=True))
    broken = next(finding for finding in found.findings if finding.kind == "broken" and finding.label == 40)
    assert {int(first), int(last)} <= set(broken.rows.tolist())
    rest = np.delete(np.arange(len(GIVEN)), list(away))
    alone = scan(features[rest], GIVEN[rest], POISONS)
    assert [(r.label, r.k, r.objective) for r in found.results] == [(r.label, r.k, r.objective) for r in alone.results]


# --- bad input


def test_no_labels_at_all_are_one_line() -> None:
    with pytest.raises(InputError, match="labels must be one for each of the 288 rows, not None"):
        scan(FEATURES, None, POISONS)


BAD_FEATURES: dict[str, tuple[np.ndarray, str]] = {
    "mostly NaN": (
        np.where(np.arange(len(GIVEN))[:, None] > 9, np.nan, FEATURES),
        "278 of 288 rows cannot be computed with, row 10 first: a value that is not finite",
    ),
    "one dimension": (FEATURES[:, 0], "table of shape (rows, features), not (288,)"),
    "no columns": (FEATURES[:, :0], "288 row(s) and 0 column(s)"),
    "words": (FEATURES.astype("U4"), "features must be numbers"),
    "pickled objects": (FEATURES.astype(object), "holds pickled objects, which are never loaded"),
}
BAD_LABELS: dict[str, tuple[np.ndarray, str]] = {
    "complex": (GIVEN.astype(complex), "labels must be whole numbers, not complex128"),
    "halves": (GIVEN + 0.5, f"label {GIVEN[0] + 0.5} of row 0 is not a whole number"),
    "beyond 64 bits": (np.where(np.arange(288) == 9, 1e30, GIVEN), "label 1e+30 of row 9"),
    "beyond signed": (np.full(288, 2**64 - 1, np.uint64), "of row 0 is not a whole number below 2**63 in size"),
    "infinite": (np.where(np.arange(288) == 9, np.inf, GIVEN), "label inf of row 9 is not a whole number"),
    "shares": (np.full((288, 6), 1 / 6), "make numbers of shares with argmax(axis=1)"),
    "several a row": (np.ones((288, 6), int), "multi-label sets are not supported"),
    "three dimensions": (np.zeros((288, 2, 2)), "of shape (288,), not (288, 2, 2)"),
    "none at all": (np.full(288, np.nan), "no row has a label"),
    "too few": (GIVEN[:-1], "y.npy has 287 labels, but"),
    "pickled objects": (GIVEN.astype(object), "y.npy holds pickled objects, which are never loaded"),
}


@pytest.mark.parametrize(("features", "words"), BAD_FEATURES.values(), ids=BAD_FEATURES.keys())
def test_bad_features_are_refused_and_nothing_is_written(
    features: np.ndarray, words: str, files: tuple[Path, Path], out: Path, cli: Cli
) -> None:
    np.save(files[0], features, allow_pickle=features.dtype.hasobject)
    check_refused(cli("scan", *files, "--poisons", POISONS, "--out", out), words)
    assert not out.exists()


@pytest.mark.parametrize(("labels", "words"), BAD_LABELS.values(), ids=BAD_LABELS.keys())
def test_bad_labels_are_refused_and_nothing_is_written(
    labels: np.ndarray, words: str, files: tuple[Path, Path], out: Path, cli: Cli
) -> None:
    np.save(files[1], labels, allow_pickle=labels.dtype.hasobject)
    check_refused(cli("scan", *files, "--poisons", POISONS, "--out", out), words)
    assert not out.exists()


BAD_OPTIONS: dict[str, tuple[list[Any], str]] = {
    "no poisons": (["--poisons", 0], "0 poisons: a scan sets rows aside in every class"),
    "poisons missing": ([], "--poisons"),
    "level": (["--poisons", 5, "--level", 1], "level = 1 must lie between 0 and 1"),
    "level not a number": (["--poisons", 5, "--level", "nan"], "level = nan must lie between 0 and 1"),
    "label not there": (["--poisons", 5, "--label", 3], "no row has label 3; the labels are: -3, 0, 2, 7, 8, 40"),
    "no workers": (["--poisons", 5, "--workers", 0], "--workers"),
    "device": (["--poisons", 5, "--device", "abacus"], "device 'abacus' is not one of"),
}


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_bad_options_are_refused_and_nothing_is_written(
    options: list[Any], words: str, files: tuple[Path, Path], out: Path, cli: Cli
) -> None:
    check_refused(cli("scan", *files, *options, "--out", out), words)
    assert not out.exists()


def test_a_class_too_small_to_filter_is_refused() -> None:
    labels = GIVEN.copy()
    labels[:3] = 99
    with pytest.raises(InputError, match="label 99 has 3 row"):
        scan(FEATURES, labels, POISONS, label=99)


def test_an_out_that_held_something_keeps_it_after_bad_input(files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    np.save(files[0], np.full_like(FEATURES, np.nan))
    check_refused(cli("scan", *files, "--poisons", POISONS, "--out", out), "not finite")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process table of Linux")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    """Killed outright, it cannot end them; each sees for itself that it is alone."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.standard_normal((4 * 700, 120)).astype(np.float32))
    np.save(tmp_path / "y.npy", np.repeat(np.arange(4), 700))
    words = ["scan", tmp_path / "x.npy", tmp_path / "y.npy", "--poisons", 60, "--workers", 2, "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "core", *map(str, words)]
    parent = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[4], stderr=subprocess.DEVNULL)
    try:
        workers = _wait_for(lambda: _children(parent.pid), 60)
    finally:
        parent.kill()
        parent.wait()
    assert workers
    assert _wait_for(lambda: not any(_alive(pid) for pid in workers), 30)


def _wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _children(pid: int) -> list[int]:
    """Processes that pid has started and that have started work, by the kernel's account."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("poisons", ["auto", 12])
def test_classes_in_batches_are_what_they_are_alone(poisons: str | int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of a GPU, taken by the CPU: several classes as one batch, one of them too small to be fitted."""
    rng = np.random.default_rng(5)
    labels = np.r_[np.arange(360) % 3, np.full(4, 7)]
    x = rng.standard_normal((364, 20)) + 3 * rng.standard_normal((8, 20))[labels]
    x[np.flatnonzero(labels == 1)[:15]] += 2 * rng.standard_normal(20)
    alone = scan(x, labels, poisons, workers=1)
    monkeypatch.setattr(sys.modules["core.robust.spectre"], "_as_one_batch", lambda device: True)
    monkeypatch.setattr(workers, "TOGETHER", 3)
    monkeypatch.setattr(
        sys.modules["core.audit.scanning.scan"],
        "fit_all",
        lambda tasks, table, device, plan, pooled, _: workers._in_batches(tasks, table, device, pooled),
    )
    batched = scan(x, labels, poisons, workers=1)
    assert batched.suspects == alone.suspects == [1]
    np.testing.assert_array_equal(batched.removed, alone.removed)
    for ours, theirs in zip(batched.results, alone.results, strict=True):
        assert (ours.label, ours.k, ours.poisons, ours.removed) == (
            theirs.label,
            theirs.k,
            theirs.poisons,
            theirs.removed,
        )
        assert ours.reason == theirs.reason
        assert [group["rows"] for group in ours.groups] == [group["rows"] for group in theirs.groups]


@pytest.mark.parametrize("option", [("--address", "head:6379"), ("--gpus", "0.5")])
def test_options_of_a_cluster_need_one(option: tuple[str, str], files: tuple[Path, Path], out: Path, cli: Cli) -> None:
    check_refused(cli("scan", *files, "--poisons", 5, "--out", out, *option), "are of a cluster; add --engine ray")


def test_the_verdict_says_how_few_rows_are_a_group_and_the_notes_where_a_share_was_cut() -> None:
    rng = np.random.default_rng(0)
    small = summarise(scan(rng.normal(size=(200, 4)), np.arange(200) % 2, "45%", workers=1))
    assert "a group of 5 or more rows far enough" in small["verdict"]
    assert any("in 2 classes fewer poisons were assumed than was asked for: 33%" in note for note in small["notes"])
    large = summarise(scan(rng.normal(size=(6000, 4)), np.arange(6000) % 2, "2%", workers=1))
    assert "5 or more rows (0.2% of a class of more than 2,500) far enough" in large["verdict"]
    assert not any("fewer poisons" in note for note in large["notes"])
