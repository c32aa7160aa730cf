"""Grids: what is made and in which order, in slices; what the rows hold beside a run of the same config; what they say over seeds."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cli.grids import read_plan
from core.defenses import DEFENSES, LABELLED_DEFENSES, RIVALS, Spectre
from core.experiment import Job, RunConfig, execute, new_run
from core.foundation.errors import Cancelled, InputError
from core.foundation.files import claimed
from core.foundation.shortage import cause
from core.runs import Runs
from core.studies.evidence import making, rows, summary
from core.studies.evidence.looking import RETRAINED, SCORES, WAYS, TimeIsUp, _Looking, carry_out
from core.studies.evidence.making import Step, make
from core.studies.evidence.otherwise import TITLES, otherwise
from core.studies.evidence.plan import Experiment, Plan
from tests.conftest import Cli
from tests.makers import check_refused, tiny_config

FIGURES = [
    "clean",
    "attack_single",
    "attack_combined",
    "confused",
    "layer",
    "defense",
    "k",
    "removed",
    "found",
    "after_combined",
]


def experiment(folder: Path, name: str = "Patch", **changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "poisons": (6,),
        "seeds": (0,),
        "layers": ("block3", "pooled"),
        "labelled_layers": ("pooled",),
        "retrain_always": True,
    }
    config = changes.pop("config", tiny_config(folder))
    return Experiment(name, config, **{**settings, **changes})


def counted(taken: float) -> dict[str, dict[str, int]]:
    """What an evaluation says where that share of 100 test images is taken for the goal, all triggers at once, and else none."""
    counts = dict.fromkeys(("clean", "attack_single", "confused", "attack_elsewhere"), 0)
    counts["attack_combined"] = round(100 * taken)
    return {name: {"count": count, "total": 100} for name, count in counts.items()}


def without_times(table: pd.DataFrame) -> pd.DataFrame:
    return table[[name for name in table if "seconds" not in str(name)]].reset_index(drop=True)


# --- the plan


def test_the_first_number_of_poisons_of_every_experiment_comes_first(picture_folder: Path) -> None:
    plan = Plan.of(
        "order",
        [
            experiment(picture_folder, "a", poisons=(6, 3), seeds=(1, 0)),
            experiment(picture_folder, "b", poisons=(5,), seeds=(2,)),
        ],
    )
    assert [one.key for one in plan.trainings] == [("a", 6, 1), ("a", 6, 0), ("b", 5, 2), ("a", 3, 1), ("a", 3, 0)]


def test_all_layers_of_the_network_are_looked_at_unless_some_are_named(picture_folder: Path) -> None:
    plan = Plan.of("layers", [experiment(picture_folder, layers=())])
    assert plan.trainings[0].layers == tuple(tiny_config(picture_folder).make_model().layers())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"poisons": ()}, "at least one number of poisons"),
        ({"seeds": (-1,)}, "seeds at 0"),
        ({"layers": ("block9",)}, "no layer 'block9'"),
        ({"labelled_layers": ("block9",)}, "no layer 'block9'"),
        ({"layers": ("pooled",)}, "does not look there"),
        ({"retrain": ("magic",)}, "unknown defense 'magic'"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(picture_folder: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Plan.of("bad", [experiment(picture_folder, **changes)])


def test_names_are_unique_and_there_is_something_to_do(picture_folder: Path) -> None:
    with pytest.raises(InputError, match="at least one experiment"):
        Plan.of("empty", [])
    with pytest.raises(InputError, match="two experiments are called 'Patch'"):
        Plan.of("twice", [experiment(picture_folder)] * 2)


# --- making it


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> tuple[Path, Plan]:
    """A grid of two seeds, finished."""
    out = tmp_path_factory.mktemp("grid")
    plan = Plan.of("made", [experiment(picture_folder, seeds=(0, 1))])
    outcome = make(plan, out)
    assert (outcome.total, outcome.finished, outcome.failed, outcome.left) == (2, 2, 0, 0)
    return out, plan


def test_a_run_of_the_same_config_has_the_same_figures(made: tuple[Path, Plan], tmp_path: Path) -> None:
    """Its own command makes a cell again, retraining included."""
    out, plan = made
    training = plan.trainings[1]
    run = new_run(replace(training.config, retrain=True), Runs(tmp_path))
    result = execute(run)
    table = rows.read(out)
    mine = table[(table["seed"] == 1) & (table["layer"] == training.config.layer) & ~table["fixed_k"].fillna(False)]
    assert list(mine["defense"]) == [*DEFENSES, *RIVALS]
    for row in mine.to_dict("records"):
        assert row["attack_combined"] == result["before"]["attack_combined"]["count"]
        assert row["clean"] == result["before"]["clean"]["count"]
        if row["defense"] in DEFENSES:
            found = result["defenses"][row["defense"]]
            assert row["removed"] == found["removed"]
            assert row["found"] == found["true_positive_rate"]["count"]
    spectre = mine[mine["defense"] == "spectre"].iloc[0]
    assert spectre["after_combined"] == result["after"]["attack_combined"]["count"]
    assert spectre["after_clean"] == result["after"]["clean"]["count"]
    assert spectre["command"] == training.config.command()


def test_spectre_stands_at_every_k_that_it_tried(made: tuple[Path, Plan]) -> None:
    table = rows.read(made[0])
    spectre = table[(table["seed"] == 0) & (table["layer"] == "block3") & (table["defense"] == "spectre")]
    chosen, forced = spectre[~spectre["fixed_k"]], spectre[spectre["fixed_k"]]
    assert len(chosen) == 1
    assert len(forced) > 1
    same = forced[forced["k"] == chosen.iloc[0]["k"]].iloc[0]
    assert (same["removed"], same["found"]) == (chosen.iloc[0]["removed"], chosen.iloc[0]["found"])
    assert forced["after_combined"].isna().all()


def test_defenses_that_need_all_classes_look_where_they_are_asked_to(made: tuple[Path, Plan]) -> None:
    table = rows.read(made[0])
    labelled = table[table["labelled"] & (table["seed"] == 0)]
    assert list(labelled["defense"]) == list(LABELLED_DEFENSES)
    assert set(labelled["layer"]) == {"pooled"}
    assert labelled["removed_elsewhere"].notna().all()


def test_what_is_in_the_table_is_not_made_again(
    made: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its runs may be gone: the table alone tells."""
    out, plan = made
    rows.write(rows.read(out), tmp_path)
    monkeypatch.setattr(making, "carry_out", lambda *_: pytest.fail("it was made again"))
    assert make(plan, tmp_path).finished == 2
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


def test_runs_are_kept_light_with_their_models(made: tuple[Path, Plan]) -> None:
    for folder in Runs(made[0] / "runs"):
        names = {path.name for path in folder.path.iterdir()}
        assert "model.safetensors" in names
        assert not {"features.npy", "images.npy"} & names


def test_another_plan_does_not_mix_with_what_is_there(made: tuple[Path, Plan], picture_folder: Path) -> None:
    longer = tiny_config(picture_folder, training={"epochs": 3, "batch_size": 16})
    with pytest.raises(InputError, match="in another way than the plan says"):
        make(Plan.of("other", [experiment(picture_folder, config=longer)]), made[0])
    with pytest.raises(InputError, match="looked at in another way"):
        make(Plan.of("wider", [experiment(picture_folder, layers=("block2", "block3", "pooled"))]), made[0])


def test_what_was_looked_at_is_told_by_the_table_whatever_was_planned_since(
    made: tuple[Path, Plan], picture_folder: Path, tmp_path: Path
) -> None:
    """Another plan was asked for in between, and nothing of it made."""
    rows.write(rows.read(made[0]), tmp_path)
    make(Plan.of("another", [experiment(picture_folder, "Other", seeds=(5,))]), tmp_path, minutes=0.0)
    with pytest.raises(InputError, match="looked at in another way"):
        make(Plan.of("wider", [experiment(picture_folder, layers=("block2", "block3"))]), tmp_path, minutes=0.0)
    assert make(made[1], tmp_path, minutes=0.0).finished == 2


def test_models_trained_anew_always_and_only_where_needed_do_not_mix(
    made: tuple[Path, Plan], picture_folder: Path
) -> None:
    with pytest.raises(InputError, match="looked at in another way"):
        make(Plan.of("sparing", [experiment(picture_folder, retrain_always=False)]), made[0], minutes=0.0)


def test_a_training_that_was_looked_at_by_half_is_looked_at_as_the_plan_now_says(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time ran out before it was trained anew, and the layers have changed since."""
    before = Plan.of("before", [experiment(picture_folder)])
    now = Plan.of("now", [experiment(picture_folder, layers=("block2", "block3"), labelled_layers=())])

    def stop(*_: Any) -> None:
        raise TimeIsUp

    with monkeypatch.context() as patch:
        patch.setattr("core.studies.evidence.looking._Looking._retrain", stop)
        assert make(before, tmp_path / "one").finished == 0
    resumed, whole = make(now, tmp_path / "one").table, make(now, tmp_path / "two").table
    order = ["layer", "labelled", "defense", "fixed_k", "k"]
    first, second = (without_times(table.sort_values(order)) for table in (resumed, whole))
    pd.testing.assert_frame_equal(first, second)
    assert set(resumed["layer"]) - {"otherwise"} == {"block2", "block3", "together"}


def test_failures_stay_in_the_table_until_they_are_made(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "carry_out", lambda *_: 1 / 0)
    plan = Plan.of("failing", [experiment(picture_folder, seeds=(0, 1), labelled_layers=(), retrain=())])
    assert make(plan, tmp_path).failed == 2
    monkeypatch.setattr(making, "carry_out", carry_out)
    assert make(plan, tmp_path, again=True, minutes=0.0).failed == 2
    assert list(rows.read(tmp_path)["message"]) == ["division by zero"] * 2
    shorter = tiny_config(picture_folder, training={"epochs": 1, "batch_size": 16})
    mended = Plan.of(
        "mended", [experiment(picture_folder, config=shorter, seeds=(0, 1), labelled_layers=(), retrain=())]
    )
    with pytest.raises(InputError, match="--again"):
        make(mended, tmp_path)
    outcome = make(mended, tmp_path, again=True)
    assert (outcome.finished, outcome.failed) == (2, 0)


def test_a_training_that_another_process_is_at_is_left_to_it(picture_folder: Path, tmp_path: Path) -> None:
    plan = Plan.of("held", [experiment(picture_folder, seeds=(0, 1), labelled_layers=(), retrain=())])
    folder = new_run(plan.trainings[0].config, Runs(tmp_path / "runs"))
    with folder.hold():
        outcome = make(plan, tmp_path)
    assert (outcome.finished, outcome.failed, outcome.left) == (1, 0, 1)
    assert make(plan, tmp_path).finished == 2


def test_a_folder_that_cannot_be_read_is_in_nobodys_way(picture_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "somebody").mkdir(parents=True)
    (tmp_path / "runs" / "somebody" / "config.json").write_text("{")
    plan = Plan.of("beside", [experiment(picture_folder, labelled_layers=(), retrain=())])
    assert make(plan, tmp_path).finished == 1


def test_two_calls_do_not_make_the_same_grid(picture_folder: Path, tmp_path: Path) -> None:
    with claimed(tmp_path, "sweep"), pytest.raises(InputError, match="another sweep is at work"):
        make(Plan.of("twice", [experiment(picture_folder)]), tmp_path)


def test_two_experiments_that_make_the_same_runs_are_refused(picture_folder: Path) -> None:
    with pytest.raises(InputError, match="make the same runs"):
        Plan.of("same", [experiment(picture_folder, "a"), experiment(picture_folder, "b")])
    two = {"poisons": (5, 6), "seeds": (0, 1)}
    with pytest.raises(InputError, match="make the same runs"):
        Plan.of(
            "in another order",
            [experiment(picture_folder, "a", **two), experiment(picture_folder, "b", poisons=(6, 4), seeds=(1, 2))],
        )
    apart = experiment(picture_folder, "b", poisons=(6,), seeds=(2,))
    assert len(Plan.of("apart", [experiment(picture_folder, "a", **two), apart]).trainings) == 5


def test_a_failure_late_in_a_training_keeps_what_was_done(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan.of("late", [experiment(picture_folder, labelled_layers=())])
    with monkeypatch.context() as patch:
        patch.setattr("core.studies.evidence.looking._Looking._without", lambda *_: 1 / 0)
        assert make(plan, tmp_path).failed == 1
    (folder,) = Runs(tmp_path / "runs")
    trained = folder.file("model.safetensors").stat().st_mtime_ns
    assert make(plan, tmp_path, again=True).finished == 1
    assert folder.file("model.safetensors").stat().st_mtime_ns == trained
    assert not rows.read_picture(tmp_path, ("Patch", 6, 0)).empty


def test_two_defenses_that_remove_the_same_share_a_model(picture_folder: Path, tmp_path: Path) -> None:
    plan = Plan.of(
        "shared",
        [experiment(picture_folder, layers=("block3",), labelled_layers=(), retrain=("spectre", "mahalanobis"))],
    )
    make(plan, tmp_path)
    folder = next(iter(Runs(tmp_path / "runs")))
    found, masks = folder.read_json(RETRAINED), folder.load_arrays("removed.npz")
    same = np.array_equal(masks["block3 spectre"], masks["block3 mahalanobis"])
    assert set(found) == {"spectre", "mahalanobis"}
    assert (found["mahalanobis"]["seconds"] == 0) == same


@pytest.mark.parametrize(("always", "taken", "models"), [(False, 0.09, 0), (False, 0.1, 1), (True, 0.0, 1)])
def test_no_model_is_trained_anew_where_there_is_no_attack_to_end(
    always: bool, taken: float, models: int, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "evaluate", lambda *_: counted(taken))
    monkeypatch.setattr(_Looking, "_leaves_some", lambda *_: True)
    plan = Plan.of("retraining", [experiment(picture_folder, layers=("block3",), retrain_always=always)])
    table = make(plan, tmp_path).table
    assert table["after_combined"].notna().sum() == models
    assert (table["state"] == "finished").all(), "what there is none of is missing in a row, and the row is whole"


@pytest.mark.parametrize(
    ("always", "attack", "spared", "models"),
    [(False, "patch", 0, 0), (False, "patch", 1, 1), (True, "patch", 0, 1), (False, "all-to-all", 1, 0)],
)
def test_no_model_is_trained_anew_where_no_poison_is_left_or_other_classes_hold_some(
    always: bool, attack: str, spared: int, models: int, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """A removal that finds all poison of the class but `spared`, of an attack that is alive."""

    def remove(looking: _Looking, key: str, title: str, removed: np.ndarray, k: int | None = None) -> dict[str, object]:
        poison = np.flatnonzero(looking.truth[looking.rows])
        removed[:] = False
        removed[poison[spared:]] = True
        return real(looking, key, title, removed, k)

    real = _Looking._verdict
    monkeypatch.setattr(_Looking, "_verdict", remove)
    monkeypatch.setattr(Job, "evaluate", lambda *_: counted(0.9))
    plan = Plan.of(
        "retraining", [experiment(picture_folder, config=tiny_config(picture_folder, attack=attack, source=None if attack == "all-to-all" else 0), layers=("block3",), labelled_layers=(), retrain_always=always)]
    )  # fmt: skip
    table = make(plan, tmp_path).table
    assert table["after_combined"].notna().sum() == models
    (look,) = (one for one in summary.looks(table) if one.defense == "spectre" and one.default)
    assert look.clear == (spared == 0)


def test_a_slice_ends_in_the_middle_and_the_next_one_goes_on_to_the_same_rows(
    made: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock runs out at each message in turn, until everything is done."""
    out, plan = made
    whole = rows.read(out)
    allowed = iter(range(1, 1000))
    real, ends = time.time, 0
    while True:
        calls = next(allowed) * 4
        count = 0

        def now(calls: int = calls) -> float:
            nonlocal count
            count += 1
            return real() + (1e9 if count > calls else 0)

        monkeypatch.setattr("core.studies.evidence.looking.time.time", now)
        outcome = make(plan, tmp_path, minutes=60.0)
        monkeypatch.setattr("core.studies.evidence.looking.time.time", real)
        if not outcome.left:
            break
        ends += 1
    assert ends > 2
    pd.testing.assert_frame_equal(without_times(rows.read(tmp_path)), without_times(whole))


def test_no_time_at_all_makes_nothing_but_says_what_is_to_be_done(picture_folder: Path, tmp_path: Path) -> None:
    outcome = make(Plan.of("none", [experiment(picture_folder)]), tmp_path, minutes=0.0)
    assert (outcome.finished, outcome.left) == (0, 1)
    assert json.loads((tmp_path / rows.PLAN).read_text())["experiments"][0]["poisons"] == [6]


def test_a_failure_is_kept_and_told_and_the_next_one_begins(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sometimes(folder: Any, training: Any, *rest: Any) -> None:
        if training.config.seed == 0:
            raise RuntimeError("the disk has a scratch\nand more lines")
        carry_out(folder, training, *rest)

    monkeypatch.setattr(making, "carry_out", sometimes)
    plan = Plan.of("failing", [experiment(picture_folder, seeds=(0, 1), labelled_layers=(), retrain=())])
    steps: list[Step] = []
    outcome = make(plan, tmp_path, on_step=steps.append)
    assert (outcome.finished, outcome.failed) == (1, 1)
    failed = outcome.table[outcome.table["state"] == "failed"]
    assert list(failed["message"]) == ["the disk has a scratch"]
    assert steps[-1].failed == 1
    assert make(plan, tmp_path).failed == 1  # not tried again by itself
    monkeypatch.setattr(making, "carry_out", carry_out)
    mended = make(plan, tmp_path, again=True)
    assert (mended.finished, mended.failed) == (2, 0)


def test_a_defense_without_a_verdict_says_why(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("these rows are all equal")

    monkeypatch.setattr(Spectre, "_fit", refuse)
    alone = Plan.of("alone", [experiment(picture_folder, labelled_layers=())])
    assert make(alone, tmp_path / "alone").finished == 1  # nothing to train without
    plan = Plan.of("refused", [experiment(picture_folder, labelled_layers=(), retrain=("spectre", "spectral"))])
    table = make(plan, tmp_path / "both").table
    spectre = table[table["defense"] == "spectre"]
    assert set(spectre["problem"]) == {"these rows are all equal"}
    assert spectre["removed"].isna().all()
    assert table[(table["defense"] == "spectral") & (table["layer"] == "block3")]["after_combined"].notna().all()
    pd.testing.assert_frame_equal(rows.read(tmp_path / "both"), table, check_dtype=False)
    assert make(plan, tmp_path / "both").finished == 1, "what gave no verdict can be read, and gone on with"


def test_a_cancel_ends_the_grid(picture_folder: Path, tmp_path: Path) -> None:
    plan = Plan.of("cancelled", [experiment(picture_folder)])

    def cancel(step: Step) -> None:
        if step.at_work:
            next(iter(Runs(tmp_path / "runs"))).request_cancel()

    with pytest.raises(Cancelled) as raised:
        make(plan, tmp_path, on_step=cancel)
    assert not isinstance(raised.value, TimeIsUp)
    assert make(plan, tmp_path).finished == 1  # the next call does not hear it


def test_the_time_that_is_left_is_told_once_one_is_finished(made: tuple[Path, Plan], picture_folder: Path) -> None:
    more = Plan.of("more", [experiment(picture_folder, seeds=(0, 1, 2))])
    table = rows.read(made[0])
    assert making._seconds_left(table, more, making.keys(table)) == pytest.approx(
        rows.read(made[0])["seconds"].median(), rel=0.5
    )


def drawn_features(n: int = 300, poisons: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, 12) of which the first few lie off along two directions, half of them each."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n, 12)).astype(np.float32)
    features[: poisons // 2, 0] += 6
    features[poisons // 2 : poisons, 1] += 6
    return features, np.arange(n) < poisons


def test_spectre_asked_in_another_way_removes_what_it_would_in_a_run_of_its_own() -> None:
    features, truth = drawn_features()
    spectre = Spectre(n_poisons=20, device="cpu").fit(features)
    answers = {one.key: one for one in otherwise(features, spectre)}
    assert set(answers) == set(TITLES)
    for key, told in (("half", 10), ("double", 40), ("triple", 60)):
        own = Spectre(n_poisons=told, device="cpu").fit(features)
        np.testing.assert_array_equal(answers[key].removed, own.removed_)
    peeled = answers["peeled"].removed
    assert peeled is not None
    assert peeled.sum() == 2 * spectre.removed_.sum()
    assert not (spectre.removed_ & ~peeled).any(), "what the first look removes stays removed"
    assert truth[peeled].sum() >= truth[spectre.removed_].sum()


def test_another_way_that_cannot_be_says_why() -> None:
    features, _ = drawn_features(n=60)
    answers = {one.key: one for one in otherwise(features, Spectre(n_poisons=20, device="cpu").fit(features))}
    assert answers["half"].removed is not None
    assert answers["triple"].removed is None
    assert answers["triple"].problem


@pytest.mark.parametrize(("taken", "looks"), [(0.09, 0), (0.1, len(TITLES))])
def test_other_ways_are_looked_at_where_there_is_an_attack_to_end(
    taken: float, looks: int, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "evaluate", lambda *_: counted(taken))
    table = make(Plan.of("otherwise", [experiment(picture_folder, layers=("block3",), retrain=())]), tmp_path).table
    other = table[table["layer"] == summary.OTHERWISE]
    assert len(other) == looks
    assert other["after_combined"].isna().all()


def test_layers_together_remove_as_many_by_the_ranks_at_all_layers(made: tuple[Path, Plan]) -> None:
    table = rows.read(made[0])
    folder = next(run for run in Runs(made[0] / "runs") if run.config["seed"] == 0)
    scores = folder.load_arrays(SCORES)
    assert set(scores) == {"block3", "pooled"}
    places = np.stack([(-one).argsort(kind="stable").argsort() for one in scores.values()])
    mean = np.sort(places.mean(0).argsort(kind="stable")[:9])  # one and a half times six
    masks = folder.load_arrays("removed.npz")
    assert np.flatnonzero(masks["together mean-rank"]).tolist() == mean.tolist()
    together = table[(table["layer"] == "together") & (table["seed"] == 0)]
    assert list(together["defense"]) == list(WAYS)
    assert list(together["removed"]) == [9, 9]


def test_every_training_leaves_a_picture_of_its_class(made: tuple[Path, Plan], tmp_path: Path) -> None:
    table = rows.read(made[0])
    picture = rows.read_picture(made[0], ("Patch", 6, 1))
    own = table[
        (table["seed"] == 1) & (table["layer"] == "block3") & (table["defense"] == "spectre") & ~table["fixed_k"]
    ].iloc[0]
    assert len(picture) == own["target_rows"]
    assert picture["poison"].sum() == own["poisons_in_target"]
    assert (picture["poison"] & picture["removed"]).sum() == own["found"]
    assert rows.read_picture(made[0], ("Patch", 7, 1)).empty
    assert rows.read_picture(tmp_path, ("Patch", 6, 1)).empty
    picture.drop(columns=["experiment", "poisons", "seed"]).to_parquet(tmp_path / "picture.parquet")
    rows.add_picture(made[0], ("Patch", 6, 1), tmp_path / "picture.parquet")
    assert len(rows.read_picture(made[0], ("Patch", 6, 1))) == len(picture)  # not twice
    (tmp_path / rows.PICTURES).write_bytes(b"no table")
    with pytest.raises(InputError, match="cannot be read as a grid"):
        rows.read_picture(tmp_path, ("Patch", 6, 1))


# --- the table


def test_a_table_survives_the_disk(made: tuple[Path, Plan], tmp_path: Path) -> None:
    table = rows.read(made[0])
    rows.write(table, tmp_path)
    pd.testing.assert_frame_equal(rows.read(tmp_path), table)
    assert list(table.columns) == list(rows.COLUMNS)
    assert rows.read(tmp_path / "nowhere").empty


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.drop(columns="found"), "no column 'found'"),
        (lambda t: t.assign(found=t["removed"] + 1), "found lies outside"),
        (lambda t: t.assign(attack_combined=-1), "attack_combined lies outside"),
        (lambda t: t.assign(seed=None), "without seed"),
        (lambda t: t.assign(removed=None), "some but not all of removed"),
        (lambda t: t.assign(confused=None), "without confused"),
        (lambda t: t.assign(state="maybe"), "none of: finished, failed"),
        (lambda t: t.assign(poisons_in_target=t["target_rows"]), "more clean rows are removed"),
        (lambda t: t.assign(command="python 'x"), "a command that cannot be read"),
        (lambda t: t.assign(k="many"), "cannot be read as a grid"),
    ],
)
def test_a_table_that_is_no_grid_is_refused(made: tuple[Path, Plan], tmp_path: Path, spoil: Any, words: str) -> None:
    spoil(rows.read(made[0])).to_parquet(tmp_path / rows.TABLE)
    with pytest.raises(InputError, match=words):
        rows.read(tmp_path)


def test_what_is_no_table_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / rows.TABLE).write_bytes(b"PAR1 but no more")
    with pytest.raises(InputError, match="cannot be read as a grid"):
        rows.read(tmp_path)


def test_a_plan_survives_the_disk(made: tuple[Path, Plan], tmp_path: Path) -> None:
    plan = rows.read_plan(made[0])
    assert (plan.title, plan.trainings) == ("made", 2)
    assert plan.experiments[0].layers == ("block3", "pooled")
    with pytest.raises(InputError, match="no plan of a grid"):
        rows.read_plan(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"title": 3},
        {"experiments": 4},
        {"experiments": [{"name": "a"}]},
        {"experiments": [{"poisons": ["6"]}]},
    ],
)
def test_a_plan_of_another_form_is_refused(made: tuple[Path, Plan], tmp_path: Path, change: dict[str, Any]) -> None:
    values = json.loads((made[0] / rows.PLAN).read_text())
    if isinstance(change.get("experiments"), list):
        change = (
            {"experiments": [{**values["experiments"][0], **change["experiments"][0]}]}
            if "poisons" in change["experiments"][0]
            else change
        )
    (tmp_path / rows.PLAN).write_text(json.dumps({**values, **change}))
    with pytest.raises(InputError, match="no plan of a grid"):
        rows.read_plan(tmp_path)


# --- over the seeds


def drawn(seed: int, **changes: Any) -> rows.Row:
    values: rows.Row = {
        "experiment": "Patch", "dataset": "signs", "model": "small", "attack": "patch", "poisons": 50, "seed": seed, "state": "finished",
        "default_layer": "block3", "clean": 90, "clean_of": 100, "attack_single": 80, "attack_combined": 80, "confused": 5, "attack_of": 100,
        "target_rows": 500, "poisons_in_target": 50, "command": "run", "layer": "block3", "labelled": False, "defense": "spectre",
        "title": "SPECTRE", "k": 9, "fixed_k": False, "removed": 75, "found": 40,
    }  # fmt: skip
    return {**values, **changes}


def test_shares_are_means_over_seeds_with_their_interval() -> None:
    table = rows.frame([drawn(0), drawn(1, found=50), drawn(2, found=45)])
    [look] = summary.looks(table)
    assert look.found is not None
    assert look.found.centre == pytest.approx(0.9)
    assert (look.found.runs, look.found.kind) == (3, "seeds")
    assert look.wasted is not None
    assert look.wasted.centre == pytest.approx((35 + 25 + 30) / 3 / 450)
    [cell] = summary.cells(table, ["Patch"])
    assert (cell.seeds, cell.works, list(cell.titles)) == (3, True, ["spectre"])


@pytest.mark.parametrize(
    ("attack", "after", "alive"),
    [
        (80, 5, False),  # no more than without a trigger
        (80, 14, False),
        (80, 15, True),
        (24, 24, None),  # the attack did not work in the first place
        (80, None, None),  # no model was trained anew
    ],
)
def test_an_attack_is_alive_where_the_trigger_still_matters(attack: int, after: int | None, alive: bool | None) -> None:
    confused = None if after is None else 5
    [look] = summary.looks(
        rows.frame([drawn(0, attack_combined=attack, after_combined=after, after_confused=confused)])
    )
    assert look.alive is alive


@pytest.mark.parametrize(("after", "alive"), [(34, False), (36, True)])
def test_seeds_without_poison_left_count_as_over_and_those_without_an_attack_not_at_all(
    after: int, alive: bool
) -> None:
    """One seed was trained anew, two were not since all poison was gone: 31 points more than without a trigger are more than 10 in the mean."""
    table = [drawn(0, found=49, after_combined=after, after_confused=5), drawn(1, found=50), drawn(2, found=50)]
    dead = [drawn(3, attack_combined=6, found=10), drawn(4, attack_combined=6, found=50)]
    [look] = summary.looks(rows.frame([*table, *dead]))
    assert look.alive is alive
    assert (look.retrained, look.clear) == (1, False)


def test_nothing_is_said_of_poison_that_lies_in_several_classes() -> None:
    [look] = summary.looks(rows.frame([drawn(0, poisons=500, after_combined=80, after_confused=5)]))
    assert look.alive is None


def test_what_an_earlier_plan_made_does_not_count() -> None:
    asked = rows.Asked("Patch", "signs", "small", "patch", (50,), (1, 2), ("block3",), (), "block3", ())
    table = rows.of_plan(rows.frame([drawn(0), drawn(1), drawn(1, experiment="Gone")]), rows.Plan("now", "", (asked,)))
    assert list(zip(table["experiment"], table["seed"], strict=True)) == [("Patch", 1)]


def test_every_k_is_told_apart_from_the_choice() -> None:
    table = rows.frame([drawn(0), drawn(0, fixed_k=True, k=4, found=10), drawn(0, layer="pooled")])
    assert [(one.layer, one.k) for one in summary.looks(table)] == [("block3", None), ("pooled", None)]
    assert [(one.layer, one.k) for one in summary.looks(table, every_k=True)] == [
        ("block3", None),
        ("block3", 4),
        ("pooled", None),
    ]


def test_a_failed_training_is_in_no_mean() -> None:
    failed = rows.of_failure("Patch", {**drawn(1), "layer": "block3"}, "run", cause(RuntimeError("broken")))
    table = rows.frame([drawn(0), *failed])
    assert summary.looks(table)[0].found is not None
    assert [cell.seeds for cell in summary.cells(table, ["Patch"])] == [1]


# --- the file and the command


GRID = """
title = "A small grid"
about = "two
lines"
[defaults]
dataset = "folder"
poisons = [6]
seeds = [0]
layers = ["block3"]
source = "class a"
target = "class b"
set = ["dataset.path={path}", "dataset.size=16", "model.width=4", "training.batch_size=16", "attack.size=3"]
epochs = 1
[[experiment]]
name = "Patch"
set = ["attack.inset=1"]
[[experiment]]
name = "Larger"
set = ["attack.inset=2"]
retrain = []
retrain_always = true
""".replace('"two\nlines"', '"""two\nlines"""')


@pytest.fixture
def grid_file(tmp_path: Path, picture_folder: Path) -> Path:
    file = tmp_path / "grid.toml"
    file.write_text(GRID.format(path=picture_folder))
    return file


def test_a_file_says_what_the_options_of_run_say(grid_file: Path) -> None:
    plan = read_plan(grid_file, None, lambda *_: None)
    assert (plan.title, plan.about) == ("A small grid", "two lines")
    first, second = plan.experiments
    assert (first.config.source, first.config.target) == ((0,), 1)
    assert first.config.attack_options["inset"] == 1
    assert second.config.attack_options["inset"] == 2
    assert (first.retrain, second.retrain) == (("spectre",), ())
    assert (first.retrain_always, second.retrain_always) == (False, True)
    assert first.config.training["epochs"] == 1


def test_the_command_makes_the_grid_tells_it_and_goes_on(grid_file: Path, tmp_path: Path, cli: Cli) -> None:
    command = ["sweep", str(grid_file), "--out", str(tmp_path / "out"), "--threads", "1"]
    none = cli(*command, "--minutes", "0")
    assert (none.status, "0 of 2 trainings made" in none.out) == (0, True)
    done = cli(*command)
    assert done.status == 0, done.err
    assert "2 of 2 trainings made, 0 failed, 0 left" in done.out
    for words in ("A small grid", "Patch", "Larger"):
        assert words in done.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title =", "cannot be read as TOML"),
        ("budget = 3", "unknown entry 'budget'"),
        ("[defaults]\n[[experiment]]\nattack = 'patch'", "needs a name"),
        ("[[experiment]]\nname = 'a'\nretrain_always = 1", "retrain_always is true or false, not 1"),
        ("[[experiment]]\nname = 'a'\ncolour = 'red'", "unknown entry 'colour'"),
        ("[[experiment]]\nname = 'a'\npoisons = ['many']", "list of whole numbers"),
        ("[[experiment]]\nname = 'a'\nlayers = 'block3'", "list of words"),
        ("[[experiment]]\nname = 'a'\nepochs = 'long'", "epochs is a whole number"),
        ("[[experiment]]\nname = 'a'\nmodel = 3", "model is a word"),
        ("[[experiment]]\nname = 'a'\nset = ['colour=red']", "not of the form GROUP.NAME=VALUE"),
        ("[[experiment]]\nname = 'a'", "at least one number of poisons"),
        ("experiment = 3", "every experiment one below"),
        ("title = " + "9" * 5000, "cannot be read as TOML"),
        ("", "at least one experiment"),
    ],
)
def test_a_bad_file_is_refused_and_writes_nothing(tmp_path: Path, cli: Cli, text: str, words: str) -> None:
    (tmp_path / "grid.toml").write_text(text)
    check_refused(cli("sweep", str(tmp_path / "grid.toml"), "--out", str(tmp_path / "out")), words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "written",
    [
        ("--attack", "sig"), ("--attack", "patch"), ("--seeds", "0,1,2"), ("--device", "auto"), ("--no-retrain",), ("--set", "model.width=8"),
        ("--as", "digits"), ("--epochs", "1"),
    ],
)  # fmt: skip
def test_options_of_one_experiment_do_not_go_with_a_grid(
    grid_file: Path, tmp_path: Path, cli: Cli, written: tuple[str, ...]
) -> None:
    """Also where they say what would have been taken anyway."""
    name = {"--as": "--dataset", "--no-retrain": "--retrain"}.get(written[0], written[0])
    outcome = cli("sweep", str(grid_file), "--out", str(tmp_path / "out"), *written)
    check_refused(outcome, f"{name} is of one experiment")


def test_options_of_a_grid_do_not_go_with_one_experiment(tmp_path: Path, cli: Cli) -> None:
    out = str(tmp_path / "out")
    check_refused(cli("sweep", "--poisons", "5", "--out", out, "--minutes", "3"), "are of a grid")


def test_a_sweep_needs_poisons_or_a_file(tmp_path: Path, cli: Cli) -> None:
    check_refused(cli("sweep", "--out", str(tmp_path / "out")), "--poisons, or a file")


@pytest.mark.parametrize("name", ["digits_grid", "signs_grid", "photographs_grid", "paper_grid"])
def test_the_grids_that_come_along_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the numbers of their classes, for which the data would have to be there."""
    monkeypatch.setattr(
        "core.cli.grids.with_classes",
        lambda config, source, target, report, split=None: (as_numbers(config, source, target), None),
    )
    plan = read_plan(Path(__file__).resolve().parents[3] / "benchmarks" / f"{name}.toml", None, lambda *_: None)
    assert all(experiment.seeds == (0, 1, 2) for experiment in plan.experiments)
    assert plan.about


def as_numbers(config: RunConfig, source: str | None, target: str | None) -> RunConfig:
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    number = None if source is None else () if source == "any" else (names.index(source),)
    return replace(config, source=number, target=None if target is None else names.index(target))
