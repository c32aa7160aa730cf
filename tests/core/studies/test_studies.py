"""Overlap, intervals, series, sweeps, and the studies of one run; against slow, obvious versions where there are any."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from scipy import stats

from benchmarks.serving import end_jobs
from core.cli.series import numbers, sweep_command
from core.defenses import DEFENSES
from core.experiment import RunConfig, execute, load_model, new_run, restage
from core.foundation import devices
from core.foundation.errors import Cancelled, InputError
from core.robust import fit_spectre
from core.runs import RunFolder, Runs, detection
from core.studies import overlap, series, store
from core.studies import sweep as sweeps
from core.studies.budgets import assumed_budgets, study_budgets
from core.studies.intervals import interval_text, over_runs, student, whole_percent, wilson
from core.studies.layers import common_ks, study_layers
from core.training import extract
from tests.conftest import Cli
from tests.makers import check_refused, tiny_config

PATIENCE = 200.0  # seconds; a process of its own loads torch first, and the machine may have other work
ROOT = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(0)
SILENT = lambda text, share: None  # noqa: E731


# --- overlap


@pytest.mark.parametrize("count", [1, 2, 4])
def test_parts_are_those_found_by_looking_at_every_row(count: int) -> None:
    removed = {f"d{i}": RNG.random(300) < 0.3 + 0.1 * i for i in range(count)}
    truth = RNG.random(300) < 0.2
    obvious: dict[tuple[str, ...], list[int]] = {}
    for row in range(300):
        members = tuple(name for name in removed if removed[name][row])
        if members:
            obvious.setdefault(members, []).append(row)
    found = overlap.parts(removed, truth)
    assert {part.members: part.rows.tolist() for part in found} == obvious
    assert [len(part) for part in found] == sorted(map(len, obvious.values()), reverse=True)
    assert all(part.poisons == sum(truth[row] for row in obvious[part.members]) for part in found)
    assert all(part.poisons is None for part in overlap.parts(removed))


def test_parts_of_nothing_are_none() -> None:
    assert overlap.parts({"a": np.zeros(5, bool), "b": np.zeros(5, bool)}) == []
    assert overlap.parts({}) == []


def test_equally_large_parts_stand_in_a_fixed_order() -> None:
    removed = {"a": np.array([1, 0, 1], bool), "b": np.array([0, 1, 1], bool)}
    assert [part.members for part in overlap.parts(removed)] == [("a",), ("b",), ("a", "b")]


def test_ranks_and_the_highest_take_equal_scores_in_their_order() -> None:
    scores = np.array([3.0, 5.0, 3.0, 1.0, 5.0])
    assert overlap.ranks(scores).tolist() == [3, 1, 4, 5, 2]
    assert np.flatnonzero(overlap.highest(scores, 3)).tolist() == [0, 1, 4]
    assert [overlap.highest(scores, n).sum() for n in range(6)] == list(range(6))


def test_a_curve_counts_the_poisons_among_the_highest_rows() -> None:
    scores, truth = RNG.normal(size=900).round(1), RNG.random(900) < 0.1
    found = overlap.curve(scores, truth, points=50)
    assert found.removed[0] == 1
    assert found.removed[-1] == 900
    for count, hits in zip(found.removed, found.hits, strict=True):
        assert hits == (overlap.highest(scores, count) & truth).sum()


def test_matched_budgets_remove_exactly_as_many() -> None:
    truth = RNG.random(200) < 0.1
    scores = {"a": RNG.integers(0, 5, 200).astype(float), "b": RNG.normal(size=200)}
    found = overlap.matched(scores, truth, 30)
    assert {one["removed"] for one in found.values()} == {30}
    assert found["b"] == detection(overlap.highest(scores["b"], 30), truth)


# --- intervals


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0"), (0.001, "<1"), (0.005, "<1"), (0.006, "1"), (0.5, "50"), (0.994, "99"), (0.995, ">99"), (1.0, "100")],
)
def test_a_rounded_share_is_never_none_or_all_where_it_is_neither(share: float, text: str) -> None:
    assert whole_percent(share) == text
    assert interval_text(over_runs([(int(1000 * share), 1000)])).startswith(f"{text} % (")


@pytest.mark.parametrize(("count", "total"), [(0, 36), (1, 36), (183, 200), (200, 200), (5, 10_000)])
def test_wilson_is_scipys(count: int, total: int) -> None:
    expected = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert wilson(count, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_students_interval_is_scipys_and_stays_among_shares() -> None:
    values = [0.4, 0.5, 0.55, 0.62]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert student(values) == pytest.approx((expected.low, expected.high))
    assert student([0.0, 0.0, 1.0]) == (0.0, 1.0)


def test_the_interval_says_what_it_is_over() -> None:
    one, two = (over_runs([(5, 10)] * n) for n in (1, 2))
    three = over_runs([(4, 10), (5, 10), (6, 10)])
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one.kind, two.kind, three.kind) == ("images", "none", "seeds")
    assert (one.low, one.high) == wilson(5, 10)
    assert (two.low, two.high) == (0.5, 0.5)
    assert (three.runs, three.low, three.high) == (3, *student([0.4, 0.5, 0.6]))
    assert over_runs([]) is None
    assert over_runs([(0, 0)]) is None
    skipped = over_runs([(0, 0), (3, 4)])
    assert skipped is not None
    assert (skipped.centre, skipped.runs) == (0.75, 1)


def test_seeds_that_agree_are_not_taken_for_certainty() -> None:
    found = over_runs([(0, 200)] * 3)
    assert found is not None
    assert (found.kind, found.runs, found.centre) == ("images", 3, 0.0)
    assert (found.low, found.high) == wilson(0, 600)
    assert found.high > 0.005


# --- series


def result(poisons: int, seed: int, hits: int = 9) -> dict[str, Any]:
    """A finished run's result with the entries that a series reads."""

    def share(count: int, total: int) -> dict[str, Any]:
        return {"count": count, "total": total, "value": count / total if total else None}

    moment = {name: share(hits, 10) for name in series.MOMENT}
    defense = {"title": "SPECTRE", "removed": 15, "true_positive_rate": share(poisons, poisons)}
    return {
        "poisons": poisons, "seed": seed, "target_rows": 100, "victims": "7", "goal": "1", "device": "a CPU",
        "features": {"layer": "block3"}, "before": moment, "after": None, "seconds": {"train": 2.0, "defend": 1.5},
        "defenses": {"spectre": {**defense, "false_positive_rate": share(2, 90)}},
    }  # fmt: skip


def light(run: str, poisons: int, seed: int, **config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    settings = {"dataset": "digits", "poisons": poisons, "seed": seed, "training": {"epochs": 3}, **config}
    return settings, series.row_of(run, result(poisons, seed))


def test_groups_are_the_runs_that_differ_in_poisons_and_seed_alone() -> None:
    runs = [
        light("c", 10, 1),
        light("other", 10, 0, training={"epochs": 4}),
        light("a", 3, 0),
        light("again", 3, 0),
        light("b", 10, 0),
        light("lonely", 5, 0, dataset="signs"),
        light("x", 5, 0, training={"epochs": 4}),
    ]
    first, second = series.groups(runs)
    assert [row["run"] for row in first.rows] == ["a", "b", "c"]
    assert [row["run"] for row in second.rows] == ["x", "other"]
    assert (first.poisons, first.seeds) == ([3, 10], [0, 1])
    assert first.config == {"dataset": "digits", "training": {"epochs": 3}}
    assert first.defenses == {"spectre": "SPECTRE"}


def test_a_run_from_before_an_option_was_there_is_of_the_series_of_todays_defaults() -> None:
    now = RunConfig().resolved().as_json()
    old = {name: value for name, value in now.items() if name != "transport"}
    runs = [(old | {"poisons": 3}, light("a", 3, 0)[1]), (now | {"poisons": 10}, light("b", 10, 0)[1])]
    (made,) = series.groups(runs)
    assert [row["run"] for row in made.rows] == ["a", "b"]
    changed = now | {"poisons": 10, "transport": now["transport"] | {"format": "jpeg"}}
    assert series.groups([runs[0], (changed, light("b", 10, 0)[1])]) == []


def test_differences_name_options_and_pass_over_what_one_does_not_have() -> None:
    one = {"poisons": 5, "seed": 0, "training": {"epochs": 3, "crop": 1}, "dataset_options": {"test_share": 0.2}}
    two = {"poisons": 5, "seed": 2, "training": {"epochs": 4, "crop": 1}, "dataset_options": {"per_class": 9}}
    assert series.differences([one, two]) == ["seed", "training.epochs"]
    assert series.differences([one, one]) == []
    assert series.differences([{"source": 0}, {"source": [0]}]) == []
    assert series.differences([{"source": 0}, {"source": [1]}]) == ["source"]
    assert series.differences([one, two, {**one, "poisons": 6}]) == ["poisons", "seed", "training.epochs"]


def test_a_series_survives_the_disk(tmp_path: Path) -> None:
    (made,) = series.groups([light("a", 3, 0), light("b", 10, 0)])
    series.save(made, tmp_path / "mine")
    assert series.load(tmp_path / "mine") == replace(made, name="mine")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.update(version=2),
        lambda v: v.update(rows=[]),
        lambda v: v["rows"][0].update(poisons="5"),
        lambda v: v["rows"][0].update(before=None),
        lambda v: v["rows"][0]["before"]["clean"].update(count=11),
        lambda v: v["rows"][0]["defenses"]["spectre"].pop("true_positive_rate"),
        lambda v: v["rows"][0].pop("device"),
        lambda v: v.update(config=None),
    ],
)
def test_a_damaged_series_is_refused(tmp_path: Path, spoil: Any) -> None:
    (made,) = series.groups([light("a", 3, 0), light("b", 10, 0)])
    values = json.loads(json.dumps(made.as_json()))
    spoil(values)
    (tmp_path / series.FILE).write_text(json.dumps(values))
    with pytest.raises(InputError, match="series"):
        series.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "null", '{"rows": 3, "version": 1}'])
def test_what_is_no_series_at_all_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / series.FILE).write_text(text)
    with pytest.raises(InputError):
        series.load(tmp_path)


def test_the_bundled_series_can_be_read_and_shows_the_attack_begin_to_work() -> None:
    made = series.load(ROOT / "assets" / "series" / "signs-patch")
    assert (ROOT / "assets" / "series" / "signs-patch" / series.FILE).stat().st_size < 2**20
    mean = {}
    for poisons in made.poisons:
        rows = [row for row in made.rows if row["poisons"] == poisons]
        assert sorted(row["seed"] for row in rows) == made.seeds == [0, 1, 2]
        mean[poisons] = sum(row["before"]["attack_combined"]["count"] / 200 for row in rows) / 3
    assert mean[min(mean)] < 0.1
    assert mean[max(mean)] > 0.8


# --- sweep


def test_numbers_are_read_as_people_write_them() -> None:
    assert numbers("50, 5,5", "--poisons") == [5, 50]
    for text in ("", "5,", "5-7", "-3", "1e3", "5,a", "9" * 12):
        with pytest.raises(InputError, match="--poisons"):
            numbers(text, "--poisons")


def test_a_sweep_makes_each_run_once_keeps_it_light_and_goes_on(
    tmp_path: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_config(picture_folder, retrain=False)
    steps: list[sweeps.Step] = []
    sweeps.sweep(sweeps.plan(base, [6], [0]), tmp_path / "out", on_step=steps.append)
    assert [(step.done, step.total) for step in (steps[0], steps[-1])] == [(0, 1), (1, 1)]
    (first,) = Runs(tmp_path / "out")
    before = first.file("result.json").stat().st_mtime_ns

    done = []

    def stop_at_the_third(folder: RunFolder, **more: Any) -> Any:
        if len(done) == 2:
            folder.request_cancel()
        done.append(folder.id)
        return execute(folder, **more)

    configs = sweeps.plan(base, [6, 3], [1, 0])
    monkeypatch.setattr(sweeps, "execute", stop_at_the_third)
    with pytest.raises(Cancelled):
        sweeps.sweep(configs, tmp_path / "out")
    assert len(series.load(tmp_path / "out").rows) == 3, "what is finished is there at once"
    monkeypatch.setattr(sweeps, "execute", execute)
    made = sweeps.sweep(configs, tmp_path / "out", command="the command")
    assert [(row["poisons"], row["seed"]) for row in made.rows] == [(3, 0), (3, 1), (6, 0), (6, 1)]
    assert first.file("result.json").stat().st_mtime_ns == before, "a finished run is left alone"
    folders = list(Runs(tmp_path / "out"))
    assert len(folders) == 4
    for folder in folders:
        names = {path.name for path in folder.path.iterdir()}
        assert {"config.json", "status.json", "result.json", "scores.parquet"} <= names <= set(sweeps.KEPT)
    assert series.load(tmp_path / "out") == made
    assert made.command == "the command"
    assert series.groups(map(series.read, folders))[0].rows == made.rows


def test_a_sweep_that_the_data_cannot_carry_makes_nothing(tmp_path: Path, picture_folder: Path) -> None:
    with pytest.raises(InputError, match="poisons"):
        sweeps.sweep(sweeps.plan(tiny_config(picture_folder, retrain=False), [3, 1000], [0]), tmp_path / "out")
    assert not list(Runs(tmp_path / "out"))


def test_the_command_of_a_sweep_makes_it_again(tmp_path: Path, picture_folder: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    config = tiny_config(picture_folder, retrain=False).resolved()
    command = sweep_command(config.command(), [3, 6], [0])
    words = shlex.split(command.removeprefix("python -m core "))
    assert words[0] == "sweep"
    outcome = cli(*words, "--out", out)
    assert outcome.status == 0, outcome.err
    assert "2 runs" in outcome.out
    made = series.load(out)
    assert made.command == command
    assert made.config == series.common_config(config.as_json())
    assert cli(*words, "--out", out).status == 0
    assert len(list(Runs(out))) == 2


def test_the_command_of_a_sweep_says_whether_it_retrains() -> None:
    assert "--retrain" in sweep_command(RunConfig().resolved().command(), [1], [0])
    assert "retrain" not in sweep_command(RunConfig(retrain=False).resolved().command(), [1], [0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--poisons", "five"], "--poisons 'five'"),
        (["--poisons", "5", "--seeds", ""], "--seeds ''"),
        (["--poisons", "5", "--attack", "laser"], "laser"),
        (["--poisons", "1,2,3", "--seeds", ",".join(map(str, range(400)))], "split it"),
    ],
)
def test_a_bad_sweep_is_refused_and_writes_nothing(tmp_path: Path, cli: Cli, words: list[str], message: str) -> None:
    check_refused(cli("sweep", *words, "--out", tmp_path / "out"), message)
    assert not (tmp_path / "out").exists()


# --- studies of one run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> RunFolder:
    """A run of 62 rows at two epochs on the CPU, with its features and model."""
    runs = Runs(tmp_path_factory.mktemp("studied"))
    run = new_run(tiny_config(picture_folder, retrain=False, poisons=8, device="cpu"), runs)
    execute(run)
    return run


@pytest.fixture
def copy(finished: RunFolder, tmp_path: Path) -> Iterator[tuple[RunFolder, Runs]]:
    """The same run in a folder of runs of its own; what a test starts there ends with it."""
    import shutil

    shutil.copytree(finished.path, tmp_path / "runs" / finished.id)
    runs = Runs(tmp_path / "runs")
    yield runs.open(finished.id), runs
    end_jobs(runs.root)


def test_assumed_budgets_are_factors_of_the_true_number_within_bounds() -> None:
    assert assumed_budgets(50, 1050) == [12, 25, 50, 100, 200]
    assert assumed_budgets(10, 156) == [2, 5, 10, 20, 40]
    assert assumed_budgets(1, 9) == [1, 2, 4]
    assert assumed_budgets(20, 60) == [5, 10, 20, 30]


def test_wrong_budgets_are_what_fresh_fits_give(finished: RunFolder) -> None:
    shares: list[float] = []
    found = study_budgets(finished, lambda text, share: shares.append(share), device="cpu")
    features, frame = finished.load_array("features.npy"), finished.load_scores()
    truth = frame["is_poison"].to_numpy(bool)
    assert [row["assumed"] for row in found["rows"]] == [2, 4, 8, 16, len(frame) // 2]
    assert shares == sorted(shares)
    for row in found["rows"]:
        for key in DEFENSES:
            fresh = DEFENSES.make(key, {"n_poisons": row["assumed"], "device": "cpu"}).fit(features)
            expected = detection(fresh.removed_, truth)
            assert {name: row["defenses"][key][name] for name in expected} == expected, (row["assumed"], key)
    right = next(row for row in found["rows"] if row["assumed"] == found["true"])
    for key, cell in right["defenses"].items():
        assert cell["removed"] == frame[f"removed_{key}"].sum()
        assert cell["kept"] == {"count": cell["removed"], "total": cell["removed"]}


def test_a_run_that_was_told_another_number_is_studied_at_each_number_and_at_its_own_for_layers(
    finished: RunFolder, copy: tuple[RunFolder, Runs]
) -> None:
    run, _ = copy
    run.write_json("config.json", {**run.config, "budget": 5})
    told = study_budgets(run, SILENT, device="cpu")
    assert [row["defenses"]["spectre"]["removed"] for row in told["rows"]] == [
        row["defenses"]["spectre"]["removed"] for row in study_budgets(finished, SILENT, device="cpu")["rows"]
    ]
    layers = study_layers(run, SILENT, device="cpu")
    assert layers["assumed"] == 5
    assert {row["chosen"]["removed"] for row in layers["rows"]} == {round(1.5 * 5)}


def test_kept_counts_the_rows_that_go_at_the_true_number_too(finished: RunFolder) -> None:
    found = study_budgets(finished, SILENT, device="cpu")
    features, frame = finished.load_array("features.npy"), finished.load_scores()
    fresh = DEFENSES.make("spectre", {"n_poisons": 4, "device": "cpu"}).fit(features)
    right = frame["removed_spectre"].to_numpy(bool)
    (row,) = (row for row in found["rows"] if row["assumed"] == 4)
    assert row["defenses"]["spectre"]["kept"] == {"count": int((fresh.removed_ & right).sum()), "total": right.sum()}


def test_a_run_without_poison_has_no_wrong_budget(copy: tuple[RunFolder, Runs]) -> None:
    run, _ = copy
    run.write_json("result.json", {**run.result, "poisons_in_target": 0})
    with pytest.raises(InputError, match="no poisons"):
        study_budgets(run, SILENT, device="cpu")


def test_every_layer_and_k_is_what_a_fresh_fit_gives(finished: RunFolder) -> None:
    found = study_layers(finished, SILENT, device="cpu")
    staged, frame = restage(finished), finished.load_scores()
    model = load_model(finished, staged, "model.safetensors", devices.resolve("cpu"))
    truth = frame["is_poison"].to_numpy(bool)
    images = staged.poisoned.images[frame["id"].to_numpy()]
    assert [row["layer"] for row in found["rows"]] == ["block1", "block2", "block3", "pooled"]
    for row in found["rows"]:
        features = extract(model, images, row["layer"], device=devices.resolve("cpu"))
        points = devices.torch.from_numpy(features)
        assert row["columns"] == features.shape[1]
        assert [cell["k"] for cell in row["by_k"]] == [k for k in common_ks(len(frame), 100) if k <= features.shape[1]]
        for cell in row["by_k"]:
            fresh = fit_spectre(points, 8, k=cell["k"])
            expected = detection(fresh.removed.numpy(), truth)
            assert {name: cell[name] for name in expected} == expected, (row["layer"], cell["k"])
            assert cell["objective"] == pytest.approx(fresh.best.objective, rel=1e-6)
        assert row["chosen"]["k"] == fit_spectre(points, 8).k
    (own,) = (row for row in found["rows"] if row["layer"] == "block3")
    assert own["chosen"]["removed"] == frame["removed_spectre"].sum()
    assert own["chosen"]["k"] == finished.result["defenses"]["spectre"]["record"]["k"]


def test_layers_notice_that_the_data_set_has_changed(copy: tuple[RunFolder, Runs]) -> None:
    run, _ = copy
    frame = run.load_scores()
    frame["id"] += 1
    frame.to_parquet(run.file("scores.parquet"), index=False)
    with pytest.raises(InputError, match="other data"):
        study_layers(run, SILENT, device="cpu")


def test_the_command_stores_both_studies_and_loading_checks_them(copy: tuple[RunFolder, Runs], cli: Cli) -> None:
    run, runs = copy
    outcome = cli("study", run.id, "--budgets", "--layers", "--device", "cpu", "--runs-dir", runs.root)
    assert outcome.status == 0, outcome.err
    assert "8 poisons are there" in outcome.out
    for kind in store.KINDS:
        found = store.load(run, kind)
        assert found is not None
        assert found["run"] == run.id
        found["rows"][0]["assumed" if kind == "budgets" else "chosen"] = "many"
        run.write_json(store.file_of(kind), found)
        with pytest.raises(InputError, match="no study"):
            store.load(run, kind)


def test_a_study_can_go_into_an_exported_copy(copy: tuple[RunFolder, Runs], cli: Cli, tmp_path: Path) -> None:
    run, runs = copy
    shown = RunFolder(run.export(tmp_path / "shown"))
    outcome = cli("study", run.id, "--budgets", "--into", shown.path, "--device", "cpu", "--runs-dir", runs.root)
    assert outcome.status == 0, outcome.err
    assert store.load(shown, "budgets") is not None
    assert store.load(run, "budgets") is None
    assert "model" in store.missing(shown, "layers")
    check_refused(cli("study", shown.id, "--layers", "--runs-dir", tmp_path / "shown"), "has no model", "run again")


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "--budgets, --layers or both"), (["--budgets", "--into", "nowhere"], "is no folder")],
)
def test_a_bad_study_is_refused(copy: tuple[RunFolder, Runs], cli: Cli, words: list[str], message: str) -> None:
    run, runs = copy
    check_refused(cli("study", run.id, *words, "--runs-dir", runs.root), message)


# --- in the background


def wait_for_end(run: RunFolder) -> str:
    deadline = time.time() + PATIENCE
    while (status := store.status(run)) and status.active:
        assert time.time() < deadline, run.file(store.LOG).read_text()
        time.sleep(0.05)
    assert status is not None
    return status.state


@pytest.mark.slow
def test_a_study_in_the_background_ends_with_its_file(copy: tuple[RunFolder, Runs]) -> None:
    run, runs = copy
    assert store.status(run) is None
    began = time.time()
    store.start(run, runs, ["budgets"])
    assert time.time() - began < 5, "start does not wait for the study"
    with pytest.raises(InputError, match="already"):
        store.start(run, runs, ["layers"])
    assert wait_for_end(run) == "finished", run.file(store.LOG).read_text()
    assert store.load(run, "budgets") is not None


@pytest.mark.slow
def test_a_study_waits_for_runs_and_hears_a_cancel_meanwhile(copy: tuple[RunFolder, Runs]) -> None:
    run, runs = copy
    with FileLock(runs.root / ".lock"):
        store.start(run, runs, ["budgets"])
        deadline = time.time() + PATIENCE
        while "waiting" not in store.status(run).message:  # type: ignore[union-attr]
            assert time.time() < deadline, run.file(store.LOG).read_text()
            time.sleep(0.05)
        store.request_cancel(run)
        assert wait_for_end(run) == "cancelled"
    assert store.load(run, "budgets") is None


def test_a_cancel_ends_the_work_at_its_next_step(copy: tuple[RunFolder, Runs]) -> None:
    run, runs = copy
    steps: list[Any] = []

    def work() -> None:
        with store.reporting(run, runs) as progress:
            progress("first", 0.25)
            steps.append(store.status(run))
            store.request_cancel(run)
            progress("second", 0.5)
            steps.append("not reached")

    with pytest.raises(Cancelled):
        work()
    assert [(step.state, step.message, step.overall) for step in steps] == [("running", "first", 0.25)]
    assert store.status(run).state == "cancelled"  # type: ignore[union-attr]


def test_a_failure_is_told_and_a_dead_process_reads_as_interrupted(
    copy: tuple[RunFolder, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, runs = copy
    with pytest.raises(InputError), store.reporting(run, runs):
        raise InputError("no room")
    status = store.status(run)
    assert status is not None
    assert (status.state, status.message) == ("failed", "no room")
    run.write_json(store.STATUS, {**vars(status), "state": "running", "heartbeat": 0.0})
    assert store.status(run).state == "interrupted"  # type: ignore[union-attr]
    with FileLock(run.file(store.LOCK)):
        assert store.status(run).state == "running"  # type: ignore[union-attr]
    run.write_json(store.STATUS, {"state": "odd"})
    assert store.status(run).state == "interrupted"  # type: ignore[union-attr]


def test_what_lacks_features_is_refused_before_a_process_starts(copy: tuple[RunFolder, Runs]) -> None:
    run, runs = copy
    run.file("features.npy").unlink()
    with pytest.raises(InputError, match="has no features"):
        store.start(run, runs, ["budgets"])
    assert store.status(run) is None
