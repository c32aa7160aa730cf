from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from core.cli.run_tables import closing_table
from core.defenses import DEFENSES, Defense
from core.experiment import RunConfig, config_of, execute, new_run, stage
from core.foundation.errors import Cancelled, InputError
from core.foundation.images import ImageData
from core.robust import Components, principal_components
from core.runs import STAGES, RunFolder, Runs, Status, detection
from tests.makers import coloured, forget, tiny_config, write_folder

FILES = {
    "config.json", "data.json", "status.json", "metrics.jsonl", "log.txt", "model.safetensors", "retrained.safetensors",
    "features.npy", "scores.parquet", "views.npz", "neighbours.npz", "grid.npy", "images.npy", "examples.npz", "result.json",
}  # fmt: skip
TARGET_ROWS = 40 + 6  # four fifths of 50 images, and 6 poisons


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def seen() -> list[Status]:
    """Every status that the observer of the shared run was shown."""
    return []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path, seen: list[Status]) -> RunFolder:
    """One complete run that the tests of this module share. Not to be changed: `copied` is for that."""
    run = new_run(tiny_config(picture_folder), Runs(tmp_path_factory.mktemp("runs")))
    execute(run, observer=seen.append)
    return run


@pytest.fixture
def copied(finished: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / finished.id)))


@pytest.fixture
def fresh(tmp_path: Path, picture_folder: Path) -> Callable[..., RunFolder]:
    """A queued run of its own, with changes to the config."""
    return lambda **changes: new_run(tiny_config(picture_folder, **changes), Runs(tmp_path / "runs"))


def table(run: RunFolder) -> pd.DataFrame:
    return pd.read_parquet(run.file("scores.parquet"))


def moments(run: RunFolder) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()}


# --- what a run leaves behind


def test_every_file_of_the_contract_is_there_and_no_other(finished: RunFolder) -> None:
    assert {path.name for path in finished.path.iterdir()} == FILES
    assert all(path.stat().st_size > 0 for path in finished.path.iterdir())


def test_the_config_is_resolved_and_repeats_the_run(finished: RunFolder, picture_folder: Path) -> None:
    assert config_of(finished) == tiny_config(picture_folder).resolved() == config_of(finished).resolved()


def test_status_says_finished(finished: RunFolder) -> None:
    status = finished.status
    assert (status.state, status.progress, status.overall) == ("finished", 1.0, 1.0)
    assert 0 < status.started <= status.heartbeat <= time.time()


def test_the_observer_sees_every_stage_in_order_and_progress_that_never_falls(
    seen: list[Status], finished: RunFolder
) -> None:
    assert list(dict.fromkeys(status.stage for status in seen)) == [
        stage
        for stage in STAGES
        if stage != "poison"  # only for attacks that prepare their images
    ]
    overall = [status.overall for status in seen]
    assert overall == sorted(overall)
    assert (overall[0], overall[-1]) == (0.0, 1.0)
    assert all(0 <= status.progress <= 1 for status in seen)


def test_scores_hold_one_row_for_each_image_of_the_target_class(finished: RunFolder) -> None:
    frame = table(finished)
    verdicts = {f"{kind}_{key}" for key in DEFENSES for kind in ("score", "removed")}
    assert set(frame.columns) == {"id", "label", "true_label", "is_poison", "source"} | verdicts
    folders = [source.split("/")[0] for source in frame["source"]]
    names = finished.result["classes"]
    assert folders == [names[label] for label in frame["true_label"]]
    assert frame["source"].is_unique
    assert len(frame) == TARGET_ROWS
    assert frame["id"].is_unique
    assert (frame["label"] == 1).all()
    assert frame["is_poison"].sum() == 6
    assert set(frame["true_label"][frame["is_poison"]]) == {0}
    assert set(frame["true_label"][~frame["is_poison"]]) == {1}
    for key in DEFENSES:
        assert np.isfinite(frame[f"score_{key}"]).all()
        assert frame[f"removed_{key}"].dtype == bool
    assert frame["removed_spectre"].sum() == frame["removed_spectral"].sum() == 9  # 1.5 times 6


def test_rows_of_all_files_are_the_same_examples(finished: RunFolder) -> None:
    staged = stage(config_of(finished))
    rows = table(finished)["id"].to_numpy()
    np.testing.assert_array_equal(finished.load_array("images.npy"), staged.poisoned.images[rows])
    np.testing.assert_array_equal(table(finished)["is_poison"], staged.truth.mask()[rows])
    features = finished.load_array("features.npy")
    assert (features.shape, features.dtype) == ((TARGET_ROWS, 16 * 4 * 4), np.float32)
    for name, view in finished.load_arrays("views.npz").items():
        assert len(view) == TARGET_ROWS, name


def test_scores_are_what_the_defenses_say_of_the_saved_features(finished: RunFolder) -> None:
    features, frame = finished.load_array("features.npy"), table(finished)
    for key in DEFENSES:
        defense = config_of(finished).make_defense(key, 6).fit(features)
        np.testing.assert_allclose(frame[f"score_{key}"], defense.scores_, rtol=1e-9)
        np.testing.assert_array_equal(frame[f"removed_{key}"], defense.removed_)


def test_result_has_the_figures(finished: RunFolder) -> None:
    result = finished.result
    assert set(result) == {
        "classes", "source", "target", "poisons", "train_images", "test_images", "target_rows", "image_shape", "seed",
        "device", "command", "versions", "seconds", "before", "after", "features", "defenses", "views", "grid", "victims",
        "goal", "trigger", "poisons_in_target", "covers", "estimate", "notes",
        "transport", "trigger_left", "threads",
    }  # fmt: skip
    assert result["threads"] == {"train": "1", "retrain": "1"}
    assert (result["source"], result["target"], result["poisons"]) == ([0], 1, 6)
    assert (result["victims"], result["goal"]) == ("class a", "class b")
    assert result["trigger"] == config_of(finished).make_attack().in_words()
    assert (result["poisons_in_target"], result["covers"]) == (6, 0)
    assert (result["transport"], result["trigger_left"]) == ("", None)
    assert (result["train_images"], result["test_images"], result["target_rows"]) == (120, 30, TARGET_ROWS)
    assert result["classes"] == ["class a", "class b", "class c"]
    assert set(result["seconds"]) == {"train", "features", "defend", "retrain"}
    assert result["command"] == config_of(finished).command()
    assert result["features"] == {"rows": TARGET_ROWS, "columns": 256, "layer": "block3"}
    for moment in ("before", "after"):
        shares = {name: result[moment][name] for name in ("clean", "attack_single", "attack_combined", "confused")}
        assert [share["total"] for share in shares.values()] == [30, 10, 10, 10]
    assert result["after"]["defense"] == "spectre"


def test_a_run_whose_images_travel_says_so_and_keeps_what_arrived(fresh: Callable[..., RunFolder]) -> None:
    run = fresh(transport={"format": "jpeg", "quality": 60}, retrain=False, training={"epochs": 1})
    staged = stage(config_of(run))
    result = execute(run, staged)
    assert (result["transport"], result["trigger_left"]) == ("as JPEG of quality 60", staged.trigger_left)
    assert result["notes"][-1] == staged.notes[-1]
    assert "--set transport.format=jpeg --set transport.quality=60" in result["command"]
    np.testing.assert_array_equal(run.load_array("images.npy"), staged.poisoned.images[table(run)["id"]])
    test, kept = staged.split.test, run.load_arrays("examples.npz")
    victims, travel = test.images[test.labels == 0][:24], staged.config.make_transport().apply
    np.testing.assert_array_equal(kept["clean"], travel(victims))
    np.testing.assert_array_equal(kept["triggered"], travel(staged.attack.apply_all(victims)))
    caption = " ".join(str(part.caption) for part in closing_table(run.id, result))
    assert f"travel as JPEG of quality 60, which leaves {100 * staged.trigger_left:.0f} % of the trigger" in caption


def test_a_defense_that_knows_of_no_k_ends_in_a_table_too(finished: RunFolder) -> None:
    result = finished.result
    for found in result["defenses"].values():
        found["record"].pop("k", None)
    (k,) = (column for column in closing_table(finished.id, result)[1].columns if column.heading == "k")
    assert set(k.cells) == {"–"}


def test_result_agrees_with_the_table(finished: RunFolder) -> None:
    frame, result = table(finished), finished.result
    for key in DEFENSES:
        expected = detection(frame[f"removed_{key}"].to_numpy(), frame["is_poison"].to_numpy())
        assert {name: result["defenses"][key][name] for name in expected} == expected
        assert {"title", "seconds", "record"} < set(result["defenses"][key])
    naive = finished.load_arrays("views.npz")["naive_removed"]
    assert result["views"]["naive"] == detection(naive, frame["is_poison"].to_numpy())


def test_metrics_hold_one_line_an_epoch(finished: RunFolder) -> None:
    rows = finished.metrics()
    assert [(row["stage"], row["epoch"]) for row in rows] == [
        ("train", 1),
        ("train", 2),
        ("retrain", 1),
        ("retrain", 2),
    ]
    assert {"loss", "accuracy", "seconds", "epochs"} < set(rows[0])


def test_examples_show_the_source_class_with_and_without_the_trigger(finished: RunFolder) -> None:
    examples = finished.load_arrays("examples.npz")
    assert set(examples) == {
        "clean", "triggered", "clean_before", "triggered_before", "clean_after", "triggered_after",
    }  # fmt: skip
    np.testing.assert_array_equal(stage(config_of(finished)).attack.apply_all(examples["clean"]), examples["triggered"])
    assert all(len(array) == 10 for array in examples.values())
    hits = finished.result["before"]["attack_combined"]["count"]
    assert (examples["triggered_before"] == 1).sum() == hits


def test_nothing_is_pickled(finished: RunFolder) -> None:
    for path in finished.path.iterdir():
        raw = path.read_bytes()
        if path.suffix in (".json", ".jsonl", ".txt"):
            raw.decode("utf-8")
        elif path.suffix in (".npy", ".npz"):
            loaded = np.load(path, allow_pickle=False)  # refuses objects
            for array in loaded.values() if path.suffix == ".npz" else [loaded]:
                assert array.dtype.kind in "fiub"
        elif path.suffix == ".safetensors":
            assert load_file(path)
        else:
            assert path.suffix == ".parquet"
            assert raw[:4] == raw[-4:] == b"PAR1"
        assert raw[:2] != b"\x80\x04", f"{path.name} begins like a pickle"


# --- determinism, truth


def test_same_seed_same_scores_and_another_seed_others(finished: RunFolder, fresh: Callable[..., RunFolder]) -> None:
    again, other = fresh(retrain=False), fresh(retrain=False, seed=4)
    execute(again)
    execute(other)
    pd.testing.assert_frame_equal(table(again), table(finished))
    np.testing.assert_array_equal(again.load_array("features.npy"), finished.load_array("features.npy"))
    assert not np.array_equal(table(other)["score_spectre"], table(finished)["score_spectre"])


def test_a_defense_is_given_features_and_a_count_and_nothing_else(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]] = []
    fit = Defense.fit

    def recorded(self: Defense, *args: Any, **kwargs: Any) -> Defense:
        calls.append((dict(vars(self)), args, kwargs))
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(Defense, "fit", recorded)
    forget(copied, "defend", "retrain")
    execute(copied)
    assert len(calls) == len(DEFENSES)
    for attributes, args, kwargs in calls:
        (features,) = args
        assert kwargs.keys() == {"components"}
        assert kwargs["components"] is calls[0][2]["components"]
        np.testing.assert_array_equal(features, copied.load_array("features.npy"))
        assert all(isinstance(value, int | float | str | None) for value in attributes.values()), "parameters only"


def test_principal_components_are_computed_once_for_all_defenses(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def counted(x: torch.Tensor, k: int) -> Components:
        counts.append(k)
        return principal_components(x, k)

    for module in ("core.defenses.base", "core.robust.spectre"):
        monkeypatch.setattr(f"{module}.principal_components", counted)
    before = copied.load_scores()
    forget(copied, "defend", "retrain")
    execute(copied)
    assert len(counts) == 1
    pd.testing.assert_frame_equal(copied.load_scores(), before)


def test_verdicts_do_not_depend_on_the_truth(copied: RunFolder) -> None:
    """The record is given a false truth: what it says of the poison changes, what the defenses say does not."""
    staged, before = stage(config_of(copied)), table(copied)
    clean_target = np.flatnonzero(staged.split.train.labels == 1)
    false = replace(staged, truth=replace(staged.truth, rows=clean_target[:6], true_labels=np.zeros(120, np.int64)))
    forget(copied, "defend", "retrain")
    execute(copied, staged=false)
    after = table(copied)
    verdicts = [column for column in before.columns if column.startswith(("score_", "removed_"))]
    pd.testing.assert_frame_equal(after[verdicts], before[verdicts])
    assert (after["is_poison"] != before["is_poison"]).sum() == 12
    assert copied.result["after"]["clean"] is not None


# --- resuming, cancelling, failing


def test_a_run_whose_images_have_changed_does_not_go_on(copied: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else other images would count as poisoned than those that the model was trained with."""
    forget(copied, "retrain")
    told = copied.read_json("data.json")
    changed = {"levels": [level + 0.1 for level in told["levels"]], "notes": ["said otherwise by another version"]}
    copied.write_json("data.json", told | {"notes": changed["notes"]})
    execute(copied)
    forget(copied, "retrain")
    copied.write_json("data.json", told | changed)
    with pytest.raises(InputError, match="has changed since the run began"):
        execute(copied)
    assert copied.status.state == "failed"


def test_a_run_whose_trigger_has_changed_does_not_go_on(fresh: Callable[..., RunFolder], tmp_path: Path) -> None:
    """Its figures would be about another trigger than the model has learned."""
    picture = tmp_path / "logo.png"
    Image.new("RGB", (4, 4), "white").save(picture)
    run = fresh(attack_options={"picture": str(picture)}, retrain=False)
    execute(run)
    forget(run, "features", "defend", "retrain")
    white = picture.read_bytes()
    Image.new("RGB", (4, 4), "black").save(picture)
    with pytest.raises(InputError, match="has changed since the run began"):
        execute(run)
    picture.write_bytes(white)
    execute(run)
    assert run.status.state == "finished"


def test_nothing_is_asked_of_the_data_of_a_finished_run(copied: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays finished where the data has moved."""
    monkeypatch.setattr("core.experiment.pipeline.restage", lambda *_: pytest.fail("the data was loaded"))
    assert execute(copied) == copied.result
    assert copied.status.state == "finished"


def test_a_resumed_run_repeats_no_finished_stage(copied: RunFolder) -> None:
    before, old = moments(copied), copied.result
    forget(copied, "retrain")
    copied.file("retrained.safetensors").unlink()
    result = execute(copied)
    after = moments(copied)
    kept = {
        "config.json",
        "data.json",
        "model.safetensors",
        "features.npy",
        "images.npy",
        "scores.parquet",
        "views.npz",
        "neighbours.npz",
        "grid.npy",
    }
    assert {name for name in before if after[name] == before[name]} == kept
    assert result["after"] == old["after"], "the resumed stage gives what it gave at first"
    assert set(result["seconds"]) == {"train", "features", "defend", "retrain"}
    assert copied.status.state == "finished"


def test_each_stage_can_be_the_first_to_run(copied: RunFolder) -> None:
    order = ("train", "features", "defend", "retrain")
    old = table(copied)
    for i in (1, 2):
        forget(copied, *order[i:])
        execute(copied)
        pd.testing.assert_frame_equal(table(copied), old)


def test_executing_a_finished_run_again_changes_nothing(copied: RunFolder) -> None:
    before = moments(copied)
    result = execute(copied)
    assert result == copied.result
    changed = {name for name, moment in moments(copied).items() if moment != before[name]}
    assert changed == {"status.json", "log.txt"}


@pytest.fixture
def cancel_after_first_epoch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody presses Cancel after the first epoch; the pause lets the run notice at its next look."""
    append = RunFolder.append_metrics

    def appended(self: RunFolder, values: dict[str, Any]) -> None:
        append(self, values)
        self.request_cancel()
        time.sleep(0.55)

    monkeypatch.setattr(RunFolder, "append_metrics", appended)
    return monkeypatch


def test_cancel_during_training_and_go_on(
    fresh: Callable[..., RunFolder], finished: RunFolder, cancel_after_first_epoch: pytest.MonkeyPatch
) -> None:
    run = fresh()
    with pytest.raises(Cancelled):
        execute(run)
    assert (run.status.state, run.status.stage) == ("cancelled", "train")
    assert len(run.metrics()) == 1, "stopped in the second epoch"
    assert not run.file("model.safetensors").exists()
    assert not [path for path in run.path.iterdir() if path.name.startswith(".")]
    cancel_after_first_epoch.undo()
    run.clear_cancel()
    execute(run)
    assert run.status.state == "finished"
    pd.testing.assert_frame_equal(table(run), table(finished))


def test_what_a_training_took_counts_the_calls_before(
    fresh: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RunFolder.append_metrics
    monkeypatch.setattr(
        RunFolder, "append_metrics", lambda run, values: append(run, {**values, "seconds": 500.0 * values["epoch"]})
    )
    result = execute(fresh(retrain=False))
    assert result["seconds"]["train"] == 1000.0  # by its last epoch
    assert result["seconds"]["features"] < 100


def test_a_stage_begun_anew_does_not_leave_its_epochs_twice(
    fresh: Callable[..., RunFolder], cancel_after_first_epoch: pytest.MonkeyPatch
) -> None:
    run = fresh(retrain=False)
    with pytest.raises(Cancelled):
        execute(run)
    cancel_after_first_epoch.undo()
    run.clear_cancel()
    execute(run)
    assert [(row["stage"], row["epoch"]) for row in run.metrics()] == [("train", 1), ("train", 2)]


def test_cancel_between_stages_keeps_the_finished_ones(fresh: Callable[..., RunFolder]) -> None:
    run = fresh()

    def observe(status: Status) -> None:
        if status.stage == "defend":
            run.request_cancel()

    with pytest.raises(Cancelled):
        execute(run, observer=observe)
    assert run.status.state == "cancelled"
    assert set(run.result["seconds"]) == {"train", "features"}
    assert run.file("features.npy").exists()
    assert not run.file("scores.parquet").exists()


def test_ctrl_c_reads_as_cancelled(fresh: Callable[..., RunFolder]) -> None:
    run = fresh()

    def observe(status: Status) -> None:
        if status.stage == "train" and status.state == "running":
            raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        execute(run, observer=observe)
    assert run.status.state == "cancelled"


def test_a_failure_is_told_in_one_line_and_raised(
    fresh: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no luck\nand more")

    monkeypatch.setattr("core.experiment.pipeline.extract", fail)
    run = fresh()
    with pytest.raises(RuntimeError, match="no luck"):
        execute(run)
    assert (run.status.state, run.status.message) == ("failed", "no luck")
    assert set(run.result["seconds"]) == {"train"}


@pytest.mark.parametrize("name", ["features.npy", "model.safetensors", "scores.parquet"])
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_damaged_file_of_an_earlier_stage_is_named(copied: RunFolder, name: str, damage: str) -> None:
    stages = {
        "features.npy": ("defend", "retrain"),
        "model.safetensors": ("features", "defend", "retrain"),
        "scores.parquet": ("retrain",),
    }
    forget(copied, *stages[name])
    content = copied.file(name).read_bytes()
    copied.file(name).unlink()
    if damage == "cut short":
        copied.file(name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
        execute(copied)
    assert "\n" not in str(caught.value)
    assert copied.status.state == "failed"


# --- other kinds of run


def test_without_poison_the_rates_are_undefined_and_nothing_is_removed(fresh: Callable[..., RunFolder]) -> None:
    run = fresh(poisons=0, training={"epochs": 1, "batch_size": 16})
    result = execute(run)
    frame = table(run)
    assert not frame["is_poison"].any()
    for key in DEFENSES:
        assert not frame[f"removed_{key}"].any()
        assert result["defenses"][key]["true_positive_rate"]["value"] is None
        assert result["defenses"][key]["false_positive_rate"]["value"] == 0
    assert result["target_rows"] == 40
    json.dumps(result, allow_nan=False)


def test_without_retraining_there_is_no_after(fresh: Callable[..., RunFolder]) -> None:
    run = fresh(retrain=False, training={"epochs": 1, "batch_size": 16})
    result = execute(run)
    assert result["after"] is None
    assert not run.file("retrained.safetensors").exists()
    assert "clean_after" not in run.load_arrays("examples.npz")
    assert run.status.state == "finished"


def test_retraining_follows_the_chosen_defense(copied: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def record(data: ImageData, *_: Any, **__: Any) -> None:
        sizes.append(len(data))
        raise Cancelled

    monkeypatch.setattr("core.experiment.pipeline.train", record)
    for key in DEFENSES:
        copied.write_json(
            "config.json", replace(config_of(copied), defense=key, defense_options={}).resolved().as_json()
        )
        if "retrain" in copied.result["seconds"]:
            forget(copied, "retrain")
        with pytest.raises(Cancelled):
            execute(copied)
    removed = [int(table(copied)[f"removed_{key}"].sum()) for key in DEFENSES]
    assert sizes == [120 - count for count in removed]


def test_a_run_on_grey_images_at_another_layer(tmp_path: Path) -> None:
    config = RunConfig(
        poisons=4, layer="pooled", model_options={"width": 4}, training={"epochs": 1}, retrain=False, device="cpu",
        attack="periodic", attack_options={"ways": 2}, defense="clustering",
    )  # fmt: skip
    run = new_run(config, Runs(tmp_path))
    result = execute(run)
    assert result["image_shape"] == [32, 32, 1]
    assert result["features"]["columns"] == 16
    assert result["before"]["clean"]["total"] + result["train_images"] == 1797


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poisons": 41}, "41 poisons asked for, but class 'class a' has 40 training images"),
        ({"source": 1}, "source and target are both class 1"),
        ({"source": 7}, "source class 7 does not exist; the classes are 0 to 2"),
        ({"attack_options": {"size": 17}}, "does not fit 16x16 images"),
        (
            {"attack_options": {"size": 17}, "poisons": 0},
            "does not fit 16x16 images",
        ),  # it is put on test images all the same
        ({"dataset_options": {"path": "/nowhere"}}, "/nowhere is not a folder"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_before_anything_is_written(
    changes: dict[str, Any], message: str, picture_folder: Path
) -> None:
    with pytest.raises(InputError, match=message):
        stage(tiny_config(picture_folder, **changes))


def test_more_poison_than_a_filter_can_bear_is_refused(tmp_path: Path) -> None:
    data = coloured(50, classes=2)
    few = data.take(np.concatenate([np.flatnonzero(data.labels == 0), np.flatnonzero(data.labels == 1)[:10]]))
    config = tiny_config(write_folder(tmp_path, few), poisons=9)
    with pytest.raises(InputError, match="9 poisons would be more than half of the 17 images then labelled 'class b'"):
        stage(config)
    assert len(stage(replace(config, poisons=8)).truth.rows) == 8


def test_a_clean_run_removes_nothing_and_counts_no_poison(fresh: Callable[..., RunFolder]) -> None:
    run = fresh(poisons=0)
    result = execute(run)
    assert run.status.state == "finished"
    scores = table(run)
    for key in DEFENSES:
        assert result["defenses"][key]["removed"] == 0 == scores[f"removed_{key}"].sum()
        assert result["defenses"][key]["true_positive_rate"]["value"] is None
        assert np.isfinite(scores[f"score_{key}"]).all()
    assert result["target_rows"] == 40
    assert result["after"]["clean"]["total"] == result["before"]["clean"]["total"]
