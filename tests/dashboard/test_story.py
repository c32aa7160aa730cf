"""The Story opens at every step on every kind of run, and says nothing that is not true of the run it is told with."""

import json
import re
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.runs import RunFolder, remove_count, scores_at
from dashboard import data, tiles
from dashboard.story import features, parts, score, trigger, whiten
from dashboard.story.steps import MADE_UP, STEPS
from tests.dashboard.test_lens import unpack

STORY = data.ROOT / "dashboard" / "screens" / "story.py"
NONE = {"count": 0, "total": 0, "value": None}


def share(count: int, total: int) -> dict:
    return {"count": count, "total": total, "value": count / total}


def words(app: AppTest) -> str:
    """Everything that the page says, without the markup of its claims."""
    assert not app.exception, app.exception
    pieces = [*app.markdown, *app.caption, *app.info, *app.get("html")]
    return "\n".join(str(piece.value) for piece in pieces) + "\n".join(f"{m.label} {m.value}" for m in app.metric)


def opened(step: str, run: str, **state) -> AppTest:
    app = AppTest.from_file(str(STORY), default_timeout=60)
    for key, value in {"step": step, "run": run, **state}.items():
        app.session_state[key] = value
    return app.run()


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)  # the other pages are not there in this harness
    return tmp_path / "runs"


@pytest.fixture
def changed(own_runs):
    """A copy of the bundled digits run in which some figures are others."""

    def make(*, poisoned: bool = True, keep: bool = False, **changes) -> RunFolder:
        source = data.bundled()["digits-patch-10"]
        folder = own_runs / "changed"
        shutil.copytree(source.path, folder)
        result = {**source.result, **changes}
        frame = source.load_scores()
        if keep:
            frame.loc[frame["is_poison"], "true_label"] = frame["label"]
        if not poisoned:
            frame["is_poison"] = False
            frame["true_label"] = frame["label"]
            for outcome in (*result["defenses"].values(), result["views"]["naive"]):
                outcome["true_positive_rate"] = dict(NONE)
                outcome["false_positive_rate"] = share(outcome["removed"], outcome["rows"])
            result.update(poisons=0, poisons_in_target=0)
        if result["views"]["k"] == 1:
            views = source.load_arrays("views.npz")
            np.savez(folder / "views.npz", **{**views, "whitened": views["whitened"][:, :1]})
        frame.to_parquet(folder / "scores.parquet")
        (folder / "result.json").write_text(json.dumps(result))
        return RunFolder(folder)

    return make


def figures(**changes) -> dict:
    """The result's defenses with another true positive rate for some of them."""
    defenses = json.loads(json.dumps(data.bundled()["digits-patch-10"].result["defenses"]))
    for key, found in changes.items():
        defenses[key]["true_positive_rate"] = share(found, 10)
    return defenses


def before(**changes) -> dict:
    return {**data.bundled()["digits-patch-10"].result["before"], **changes}


@pytest.mark.parametrize("present", ["0", "1"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("run_id", sorted(data.bundled()))
def test_every_step_opens_on_every_bundled_run(step, run_id, present):
    said = words(opened(step, run_id, present=present))
    assert (f"run {run_id} ·" in said) == (step not in MADE_UP)  # made-up points carry no figures of a run
    assert said.count("sl-claim") >= 1


ODD = {
    "clean data": {"poisoned": False},
    "clean labels": {"keep": True, "victims": "any class but 1"},
    "all to all": {"victims": "any class", "goal": "the next class"},
    "covers": {"covers": 20},
    "not retrained": {"after": None},
    "failed attack": {"before": before(attack_single=share(1, 36))},
    "no better than without the mark": {"before": before(attack_single=share(19, 36), confused=share(18, 36))},
    "nothing to test": {"before": before(attack_single=NONE)},
    "nothing found": {"defenses": figures(spectre=0)},
    "k = 1": {"views": {"k": 1, "candidate": 0, "is_chosen": True, "naive": figures()["spectral"]}},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ODD)
def test_every_step_opens_on_odd_runs(changed, kind, step):
    changed(**ODD[kind])
    said = words(opened(step, "changed"))
    assert ("run changed ·" in said) == (step not in MADE_UP)
    assert not re.search(r"\b(None|nan|inf)\b", said)


@pytest.mark.parametrize(
    ("kind", "step", "claim"),
    [
        ("clean data", "Trigger", "Nothing is poisoned here: this run is the control."),
        ("clean data", "Features", "There is no poison here, and yet something is removed."),
        ("clean data", "Whiten", "clean images stay together"),
        ("clean data", "Remove", "Without poison, whatever is removed is a loss."),
        ("not retrained", "Remove", "made without retraining"),
        ("failed attack", "Model", "does not obey the mark: this attack failed"),
        ("failed attack", "Remove", "this key never fitted"),
        ("no better than without the mark", "Model", "does not obey the mark: this attack failed"),
        ("no better than without the mark", "Remove", "this key never fitted"),
        ("nothing to test", "Model", "could not be counted"),
        ("nothing found", "Whiten", "this poison still hides"),
        ("nothing found", "Score", "Here it is deceived."),
        ("covers", "Trigger", "Another **20** are changed too"),
        ("clean labels", "Trigger", "every label in the set is right"),
        ("all to all", "Trigger", "the label of the next class"),
    ],
)
def test_the_claim_is_true_of_the_run(changed, kind, step, claim):
    assert claim not in words(opened(step, "digits-patch-10"))
    changed(**ODD[kind])
    assert claim in words(opened(step, "changed"))


@pytest.mark.parametrize(("found", "claim"), [(9, "shows the poison"), (6, "shows half or more of the poison")])
def test_a_poison_that_the_largest_spread_shows_is_not_called_hidden(changed, found, claim):
    changed(defenses=figures(spectral=found))
    said = words(opened("Features", "changed"))
    assert f"Here the largest spread {claim}." in said
    assert "hides the poison" not in said


def moved_apart(folder: RunFolder, distance: float) -> None:
    """Put the raw points on a round cloud, and the poison as a cloud of its own at this distance along direction 2."""
    views, poison = folder.load_arrays("views.npz"), folder.load_scores()["is_poison"].to_numpy()
    plane = np.random.default_rng(0).normal(size=views["raw"].shape)
    plane[poison, 1] += distance
    np.savez(folder.file("views.npz"), **{**views, "raw": plane.astype(np.float32)})


@pytest.mark.parametrize(
    ("distance", "claim"), [(8, "Inside the model, the largest spread misses the poison."), (1, "hides the poison")]
)
def test_a_poison_that_lies_apart_in_the_picture_is_not_called_hidden(changed, distance, claim):
    moved_apart(changed(), distance)
    assert claim in words(opened("Features", "changed"))


def test_the_two_bundled_runs_differ_in_what_can_be_seen():
    assert "the largest spread misses the poison" in words(opened("Features", "digits-patch-10"))
    assert "hides the poison" in words(opened("Features", "signs-patch-50"))


def test_separation_is_the_distance_of_the_means_in_pooled_deviations():
    rng = np.random.default_rng(1)
    truth = np.arange(4000) % 4 == 0
    plane = rng.normal(size=(4000, 2)) * [3, 0.5]
    plane[truth] += [0, 2]  # four deviations of 0.5, across the long axis
    turned = plane @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert features.separation(turned, truth) == pytest.approx(4, rel=0.05)
    assert features.separation(plane[:, ::-1] * [7, 1], truth) == pytest.approx(4, rel=0.05)  # units do not count
    assert features.separation(plane, np.zeros(4000, bool)) == 0
    assert features.separation(plane, np.arange(4000) < 2) == 0
    flat = np.column_stack([plane[:, 1], np.zeros(4000)])  # k = 1: all on a line
    assert features.separation(flat, truth) == pytest.approx(4, rel=0.05)


def test_what_a_cut_along_the_second_direction_would_find_is_counted(changed):
    folder = changed()
    moved_apart(folder, 8)
    assert "It would find 10 of 10 here" in words(opened("Features", "changed"))


def test_the_defenses_say_how_many_poisons_they_were_told_to_expect(changed):
    assert "told to expect **10** poisons, and remove 1.5 times as many images, to be safe: **15**" in words(
        opened("Features", "digits-patch-10")
    )
    folder = changed(poisons_in_target=10)
    folder.write_json("config.json", {**folder.read_json("config.json"), "budget": 4})
    assert data.open_run(folder).expected == 4
    said = words(opened("Features", "changed"))
    assert "told to expect **4** poisons" in said
    assert "1.5 times" not in said  # 15 images are not half as many again as 4


def test_every_view_of_the_whitening_rings_what_its_own_method_removes():
    run = data.open_run(data.bundled()["signs-patch-50"])
    packed = whiten.packed(run.id, run.stamp, False, parts.Told(run, False))
    _, arrays = unpack(packed)
    found = [int((arrays[f"{view} removed"].astype(bool) & run.truth).sum()) for view in ("raw", "naive", "robust")]
    defenses = run.result["defenses"]
    told = (defenses["spectral"], run.result["views"]["naive"], defenses["spectre"])
    assert found == [outcome["true_positive_rate"]["count"] for outcome in told]
    assert [int(arrays[f"{view} removed"].sum()) for view in ("raw", "naive", "robust")] == [75, 75, 75]


def test_a_revealed_truth_stays_revealed_when_one_comes_back():
    app = opened("Features", "digits-patch-10")
    app.toggle(key="reveal").set_value(True).run()
    for label in ("Next", "Back"):
        next(b for b in app.button if b.label == label).click().run()
    assert app.toggle(key="reveal").value
    assert "truth hidden" not in words(app)


def test_a_model_that_learned_badly_passes_no_exam(changed):
    changed(before=before(clean=share(180, 359)))
    said = words(opened("Model", "changed"))
    assert "has learned its task in part" in said
    assert "passes its exam" not in said


@pytest.mark.parametrize(
    ("now", "claim"), [(0, "no longer fits"), (10, "still fits at times"), (25, "was not enough here")]
)
def test_the_last_claim_follows_what_the_attack_still_does(changed, now, claim):
    after = data.bundled()["digits-patch-10"].result["after"]
    changed(after={**after, "attack_single": share(now, 36)})
    assert claim in words(opened("Remove", "changed"))


def test_the_last_step_speaks_of_the_defense_before_the_retraining(changed):
    after = data.bundled()["digits-patch-10"].result["after"]
    changed(after={**after, "defense": "spectral"})
    said = words(opened("Remove", "changed"))
    assert "Spectral signatures removes **15** images: 1 of 10 poisons" in said


def test_where_spectre_chose_no_whitening_the_picture_says_that_it_shows_another_k(changed):
    changed(views={**data.bundled()["digits-patch-10"].result["views"], "is_chosen": False})
    assert "SPECTRE chose k = 1 here" in words(opened("Whiten", "changed"))
    assert "SPECTRE chose k = 1 here" in words(opened("Score", "changed"))


def test_images_that_keep_their_label_are_not_said_to_have_another(changed):
    changed(**ODD["clean labels"])
    folder = data.finished()["changed"]
    titles = [row["title"] for row in trigger.rows_of("changed", 0, False, data.open_run(folder))]
    assert titles == [
        "Poison in the training set: with the mark, labelled 1",
        "Test images as they are: any class but 1",
        "The same test images with the mark",
        "Difference that the mark makes",
    ]


def test_the_first_step_shows_real_poison_and_none_where_there_is_none(changed):
    run = data.open_run(data.bundled()["signs-patch-50"])
    first, *rest = trigger.rows_of(run.id, 1, False, run)
    assert first["images"] == [tiles.source(image) for image in run.images[run.truth][:6]]
    assert [len(row["images"]) for row in rest] == [6, 6, 6]
    clean = data.open_run(changed(**ODD["clean data"]))
    assert not any("training set" in row["title"] for row in trigger.rows_of(clean.id, 1, False, clean))


def test_the_last_step_shows_what_the_model_says_before_and_after():
    app = opened("Remove", "digits-patch-10")
    assert "removed images" in words(app)
    app.segmented_control(key="picture").set_value("before").run()
    first = words(app)
    assert "what the model says" in first
    app.segmented_control(key="picture").set_value("after").run()
    assert first.count("sl-fooled") > words(app).count("sl-fooled")


def test_showing_the_mark_changes_what_the_model_says():
    app = opened("Model", "digits-patch-10")
    marked = words(app).count("sl-fooled")
    app.toggle(key="mark").set_value(False).run()
    assert words(app).count("sl-fooled") < marked


def test_the_truth_is_hidden_until_it_is_asked_for():
    app = opened("Features", "digits-patch-10")
    assert "truth hidden" in words(app)
    app.toggle(key="reveal").set_value(True).run()
    assert "truth hidden" not in words(app)


def test_forward_and_back_and_stops_at_the_ends():
    app = opened("Trigger", "digits-patch-10")

    def button(label):
        return next(b for b in app.button if b.label == label)

    assert button("Back").disabled
    for step in STEPS[1:]:
        button("Next").click().run()
        assert app.session_state["step"] == step
        assert app.query_params["step"] == step
    assert button("Next").disabled
    button("Back").click().run()
    assert app.session_state["step"] == STEPS[-2]


@pytest.mark.parametrize(
    ("asked", "shown"), [("Why", "Why"), ("Whiten", "Whiten"), ("99", "Trigger"), ("<b>", "Trigger")]
)
def test_the_address_picks_the_step_and_nonsense_the_first(asked, shown):
    app = AppTest.from_file(str(STORY), default_timeout=60)
    app.query_params["step"] = asked
    app.run()
    assert not app.exception
    assert app.session_state["step"] == shown


@pytest.mark.parametrize(("asked", "presents"), [("1", True), ("0", False), ("yes", False)])
def test_the_address_asks_for_the_presenters_screen(asked, presents):
    app = AppTest.from_file(str(STORY), default_timeout=60)
    app.query_params["present"] = asked
    app.run()
    assert [b.label for b in app.button if b.label in ("Leave", "Present")] == ["Leave" if presents else "Present"]
    assert ("present" in app.query_params) == presents


def test_a_presenter_shows_fewer_words_and_leaves_again():
    app = opened("Score", "digits-patch-10")
    long = len(words(app))
    next(b for b in app.button if b.label == "Present").click().run()
    assert len(words(app)) < long
    assert not any("As a formula" in fold.label for fold in app.expander)
    next(b for b in app.button if b.label == "Leave").click().run()
    assert any("As a formula" in fold.label for fold in app.expander)


def with_grid(folder: RunFolder, k: int) -> np.ndarray:
    """Give a run the scores of every alpha, for two k; returns what stands at the k that is shown."""
    view = data.open_run(data.bundled()["digits-patch-10"])
    values = np.random.default_rng(0).exponential(size=(len(score.ALPHAS), 2, len(view.frame))).astype(np.float32)
    np.save(folder.file("grid.npy"), values)
    rows = np.zeros((len(view.frame), 3), np.int32)
    np.savez(folder.file("neighbours.npz"), rows=rows, distances=rows.astype(np.float32))
    alphas = ["inf" if np.isinf(a) else a for a in score.ALPHAS]
    result = {**folder.result, "grid": {"alphas": alphas, "ks": [1, k], "objectives": []}}
    folder.write_json("result.json", result)
    return values[:, 1]


def test_scores_come_from_the_run_where_it_keeps_them(changed):
    folder = changed()
    kept = with_grid(folder, folder.result["views"]["k"])
    alphas, scores = score.grid_of(data.open_run(folder))
    assert alphas == list(score.ALPHAS)
    np.testing.assert_allclose(scores, kept)


def test_scores_are_computed_for_runs_that_do_not_keep_them(changed):
    folder = changed()
    for name in ("grid.npy", "neighbours.npz"):
        folder.file(name).unlink(missing_ok=True)
    run = data.open_run(folder)
    about = run.result["views"]
    variances = run.result["defenses"]["spectre"]["record"]["candidates"][about["candidate"]]["whitened_variances"]
    alphas, scores = score.grid_of(run)
    for alpha, row in zip(alphas, scores, strict=True):
        np.testing.assert_allclose(row, scores_at(run.views["whitened"], np.array(variances), alpha))


@pytest.mark.parametrize("run_id", sorted(data.bundled()))
def test_at_the_papers_alpha_the_story_removes_what_spectre_removed(run_id):
    run = data.open_run(data.bundled()[run_id])
    packed, hits = score.packed(run.id, run.stamp, False, parts.Told(run, False))
    meta, arrays = unpack(packed)
    outcome = run.result["defenses"]["spectre"]
    assert meta["stops"][meta["start"]]["name"] == "4"
    rows = arrays["scores"].reshape(len(meta["stops"]), -1)
    removed, _ = remove_count(rows[meta["start"]], meta["remove"])
    np.testing.assert_array_equal(removed, run.frame["removed_spectre"])
    assert hits[meta["start"]] == outcome["true_positive_rate"]["count"]
    np.testing.assert_array_equal(arrays["truth"].astype(bool), run.truth)
