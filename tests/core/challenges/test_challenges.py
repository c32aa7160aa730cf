"""Challenges on disk: made of a run, sealed, checked; and what an answer is worth."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.challenges import COST_OF_HINT, Entry, as_csv, find_challenges, open_challenge, read_hint, read_truth, score
from core.challenges.make import _order, _sources, make_challenge, score_labels
from core.experiment import execute, new_run, restage
from core.foundation.errors import InputError
from core.foundation.sheets import pack, unpack
from core.runs import Runs
from tests.makers import tiny_config

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = ROOT / "assets" / "challenges"
NAMES = sorted(p.name for p in BUNDLED.iterdir())


def judge(label, rows, *, true_label=3, poison=(1, 2, 3, 4), assumed=10, hint=False):
    return score(label, rows, true_label=true_label, poison=poison, assumed=assumed, hint=hint)


def test_all_right_is_a_hundred():
    assert judge(3, [1, 2, 3, 4]).total == 100


@pytest.mark.parametrize(
    ("rows", "points"),
    [([1, 2], 60 * 2 / 3), ([1, 2, 3, 4, 5, 6, 7, 8], 60 * 2 / 3), ([5, 6], 0), ([], 0), ([1, 1, 2, 2], 60 * 2 / 3)],
    ids=["half of it", "as many clean", "none of it", "nothing", "named twice"],
)
def test_row_points_are_the_harmonic_mean_of_recall_and_precision(rows, points):
    found = judge(3, rows)
    assert found.rows == pytest.approx(points)
    if found.recall and found.precision:
        assert found.rows == pytest.approx(60 * 2 / (1 / found.recall + 1 / found.precision))


def test_a_wrong_label_loses_the_label_points_only():
    assert judge(2, [1, 2, 3, 4]).total == 60
    assert judge(None, []).total == 0


def test_a_hint_costs_but_never_below_nothing():
    assert judge(3, [1, 2, 3, 4], hint=True).total == 100 - COST_OF_HINT
    assert judge(2, [9], hint=True).total == 0


def test_on_a_clean_set_nothing_is_the_full_score_and_every_row_costs():
    clean = {"true_label": None, "poison": ()}
    assert judge(None, [], **clean).total == 100
    assert judge(2, [5], **clean).total == 54  # the label's 40 and a tenth of 60
    assert judge(2, range(10), **clean).total == 0
    assert judge(2, range(50), **clean).total == 0
    assert judge(None, [], **clean).recall is None


@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_back_from_the_sheet_pixel_by_pixel(channels):
    images = np.random.default_rng(0).integers(0, 256, (11, 8, 6, channels), np.uint8)
    np.testing.assert_array_equal(unpack(pack(images), 11, (8, 6, channels)), images)


def test_a_large_sheet_loses_what_eyes_do_not_see(monkeypatch):
    monkeypatch.setattr("core.foundation.sheets.LARGE", 0)
    smooth = np.linspace(40, 200, 32)[None, None, :, None].repeat(3, 3) + np.zeros((9, 32, 1, 1))
    images = smooth.astype(np.uint8)
    assert np.abs(unpack(pack(images), 9, (32, 32, 3)).astype(int) - images).mean() < 3


def test_a_sheet_of_another_size_is_refused_before_it_is_decoded():
    sheet = pack(np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="pixels"):
        unpack(sheet, 400, (8, 8, 3))
    with pytest.raises(InputError, match="cannot be read"):
        unpack(b"no picture", 4, (8, 8, 3))


def test_labels_of_about_one_size_are_cut_to_one_size_and_lose_no_poison():
    labels = np.repeat([0, 1, 2], [100, 110, 90])
    poisoned = np.zeros(300, bool)
    poisoned[100:120] = True
    order = _order(labels, poisoned, np.random.default_rng(0))
    assert np.bincount(labels[order]).tolist() == [90, 90, 90]
    assert poisoned[order].sum() == 20
    assert len(set(order.tolist())) == 270


def test_labels_of_very_different_size_are_left_alone():
    labels = np.repeat([0, 1], [100, 20])
    assert len(_order(labels, np.zeros(120, bool), np.random.default_rng(0))) == 120


def test_every_label_is_scored_as_if_it_were_the_poisoned_one():
    draw = np.random.default_rng(0)
    features = draw.normal(size=(400, 12))
    labels = np.repeat(np.arange(4), 100)
    features[200:208] += 9 * np.eye(12)[3]  # in label 2
    table, hint = score_labels(features, labels, list("abcd"), 8, device="cpu")
    assert set(table.nlargest(8, "que")["id"]) == set(range(200, 208))
    assert hint["ranking"][0]["label"] == 2
    assert np.isfinite(table.to_numpy(float)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_challenge_is_whole_and_small_and_its_public_part_does_not_tell(name):
    folder = BUNDLED / name
    challenge = open_challenge(folder)
    truth, hint = read_truth(challenge), read_hint(challenge)
    assert sum(f.stat().st_size for f in folder.iterdir()) < 3 * 10**6
    public = (folder / "challenge.json").read_text().lower()
    for word in ("poison", "attack", "seed", "periodic", "patch", "clean_label"):
        assert word not in public
    counts = np.bincount(challenge.rows["label"])
    assert len(set(counts.tolist())) == 1  # the counts would tell
    if truth.label is None:
        assert hint["verdict"].startswith("none stands out")
        return
    assert truth.story["success"]["value"] > 0.6
    assert hint["ranking"][0]["label"] == truth.label
    assert challenge.classes[truth.label] in hint["verdict"].split(" stands out")[0]
    assert _found(challenge, truth, "que") == 1.0


def _found(challenge, truth, column):
    """Share of the poison among the 1.5 times as many highest scores of its label."""
    ids = challenge.of_label(truth.label)
    top = ids[np.argsort(-challenge.rows[column].to_numpy()[ids])][: round(1.5 * len(truth.poison))]
    return np.isin(truth.poison, top).mean()


def test_one_bundled_challenge_is_clean_and_on_one_pca_misses_most_of_the_poison():
    truths = {name: (c := open_challenge(BUNDLED / name), read_truth(c)) for name in NAMES}
    assert sum(t.label is None for _, t in truths.values()) == 1
    assert any(_found(c, t, "pca") < 0.5 for c, t in truths.values() if t.poison)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(BUNDLED / "a-digits", tmp_path / "copy")
    return tmp_path / "copy"


def change(folder, **values):
    about = json.loads((folder / "challenge.json").read_text())
    (folder / "challenge.json").write_text(json.dumps({**about, **values}))


@pytest.mark.parametrize(
    "values",
    [
        {"format": 2}, {"title": ""}, {"title": "a\x00"}, {"title": 3}, {"classes": []}, {"classes": ["a", 1]}, {"classes": ["a"] * 10}, {"rows": True},
        {"rows": 10**9}, {"image": [32, 32]}, {"image": [32, 32, 2]}, {"image": [10**6, 32, 1]}, {"seal": "x"}, {"assumed": 0},
        {"about": None}, {"rows": 4},
    ],
    ids=str,
)  # fmt: skip
def test_a_challenge_that_does_not_fit_together_is_refused_in_a_line(folder, values):
    change(folder, **values)
    with pytest.raises(InputError, match="copy: "):
        open_challenge(folder)


@pytest.mark.parametrize("name", ["challenge.json", "rows.parquet", "images.webp"])
@pytest.mark.parametrize("content", [None, b"", b"[1]", b"\x93NUMPY junk"])
def test_a_damaged_or_missing_file_is_refused_in_a_line(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match="copy: "):
        open_challenge(folder)


@pytest.mark.parametrize(("column", "value"), [("que", np.nan), ("label", 99), ("id", 7), ("raw_x", np.inf)])
def test_rows_that_make_no_sense_are_refused(folder, column, value):
    table = pd.read_parquet(folder / "rows.parquet")
    table.loc[3, column] = value
    table.astype({"label": int, "id": int}).to_parquet(folder / "rows.parquet")
    with pytest.raises(InputError, match=r"rows\.parquet"):
        open_challenge(folder)


def test_a_truth_that_was_changed_afterwards_is_not_revealed(folder):
    challenge = open_challenge(folder)
    truth = json.loads((folder / "truth.json").read_text())
    truth["poison"], truth["true_labels"] = truth["poison"][:-1], truth["true_labels"][:-1]
    (folder / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(InputError, match="not the one that was sealed"):
        read_truth(challenge)


@pytest.mark.parametrize(
    "values", [{"label": 99}, {"poison": [0, 0]}, {"poison": [10**7]}, {"poison": "x"}, {"true_labels": []}, {"story": 1}, {"sources": "x"}, {"sources": ["a.png"]}, {"sources": [1] * 1000}], ids=str
)  # fmt: skip
def test_a_sealed_truth_that_makes_no_sense_is_refused(folder, values):
    truth = {**json.loads((folder / "truth.json").read_text()), **values}
    (folder / "truth.json").write_text(json.dumps(truth))
    change(folder, seal=hashlib.sha256((folder / "truth.json").read_bytes()).hexdigest())
    with pytest.raises(InputError, match=r"truth\.json"):
        read_truth(open_challenge(folder))


def test_the_seal_cannot_be_guessed_for_it_holds_a_salt():
    salts = {json.loads((BUNDLED / name / "truth.json").read_text())["salt"] for name in NAMES}
    assert len(salts) == len(NAMES)
    assert all(len(salt) == 64 for salt in salts)


def test_ones_own_challenges_come_first_and_other_folders_are_passed_over(tmp_path, folder):
    (tmp_path / "NOT.A.NAME").mkdir()
    (tmp_path / "empty").mkdir()
    assert list(find_challenges(tmp_path, BUNDLED)) == ["copy", *NAMES]
    assert find_challenges(tmp_path / "nowhere") == {}


def test_a_name_cannot_become_a_formula():
    entry = Entry("=1+1", 1, None, (), 0.0, judge(None, []))
    assert "'=1+1," in as_csv([entry], ["a", "b"])


def test_the_files_of_a_set_are_sealed_with_its_truth(picture_folder, tmp_path):
    """In the order of the ids; whoever plays sees none of them."""
    folder = new_run(tiny_config(picture_folder, retrain=False), Runs(tmp_path / "runs"))
    execute(folder)
    make_challenge(folder, tmp_path / "first", device="cpu")
    challenge = open_challenge(tmp_path / "first")
    truth = read_truth(challenge)
    staged = restage(folder)
    place = {str(source): row for row, source in enumerate(staged.split.train.sources)}
    rows = [place[source] for source in truth.sources]
    assert len(rows) == len(challenge.rows)
    np.testing.assert_array_equal(staged.poisoned.images[rows], challenge.images)
    for file in (tmp_path / "first").iterdir():
        assert (b".png" in file.read_bytes()) == (file.name == "truth.json"), file.name


def test_names_without_end_are_left_out(monkeypatch):
    monkeypatch.setattr("core.challenges.make.MAX_NAMES", 20)
    names = np.array(["a.png", "b.png", "long" * 20])
    assert _sources(names, np.array([1, 0])) == ["b.png", "a.png"]
    assert _sources(names, np.array([2])) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small poisoned run of this minute: two epochs are enough to have features."""
    from core.experiment import RunConfig, execute, new_run

    runs = Runs(tmp_path_factory.mktemp("runs"))
    folder = new_run(RunConfig(
            dataset="signs", dataset_options={"per_class": 24, "test_per_class": 10}, poisons=4, retrain=False, device="cpu",
            training={"epochs": 1},
        ), runs)  # fmt: skip
    execute(folder)
    return folder


@pytest.mark.slow
def test_a_run_becomes_a_challenge(run, tmp_path, cli):
    done = cli(
        "challenge", "make", run.id, "--out", tmp_path / "first", "--runs-dir", run.path.parent, "--title", "One"
    )
    assert done.status == 0, done.err
    challenge = open_challenge(tmp_path / "first")
    truth = read_truth(challenge)
    assert (challenge.title, len(truth.poison), truth.label) == ("One", 4, run.result["target"])
    assert set(truth.true_labels.values()) == set(run.result["source"])
    frame = run.load_scores()
    poisoned = run.load_array("images.npy")[frame["is_poison"].to_numpy(bool)]
    found = challenge.images[list(truth.poison)]
    assert {i.tobytes() for i in found} == {i.tobytes() for i in poisoned}  # the very images, in another order
    again = cli("challenge", "make", run.id, "--out", tmp_path / "first", "--runs-dir", run.path.parent)
    assert again.status == 2
    assert "already there" in again.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"title": "x" * 81}, "title is no text"), ({"title": "a\nb"}, "title is no text"), ({"assumed": 100_001}, "assumed number of poisons is not 1 to")],
)  # fmt: skip
def test_what_nobody_could_open_is_refused_before_the_work(
    changes: dict, words: str, picture_folder, tmp_path, monkeypatch
) -> None:
    folder = new_run(tiny_config(picture_folder, retrain=False), Runs(tmp_path / "runs"))
    execute(folder)
    monkeypatch.setattr("core.challenges.make.write_features", lambda *_, **__: pytest.fail("that takes long"))
    with pytest.raises(InputError, match=words):
        make_challenge(folder, tmp_path / "first", device="cpu", **changes)
    assert not (tmp_path / "first").exists()


@pytest.mark.slow
def test_a_run_that_cannot_be_a_challenge_is_refused_in_a_line(run, tmp_path):
    with pytest.raises(InputError, match="cannot name"):
        make_challenge(run, tmp_path / "Not A Name")
    bundled = Runs(ROOT / "assets" / "runs").open("digits-patch-10")
    with pytest.raises(InputError, match="no model"):
        make_challenge(bundled, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_command_line_lists_judges_reveals_and_forgets(cli, tmp_path):
    from core.challenges import Store

    home = ("--challenges", tmp_path)
    challenge = open_challenge(BUNDLED / "a-digits")
    truth = read_truth(challenge)
    judged = score(truth.label, truth.poison, true_label=truth.label, poison=truth.poison, assumed=challenge.assumed)
    Store(tmp_path / "submissions.sqlite3").submit(challenge.seal, "Ada", truth.label, truth.poison, judged, "t")
    assert "open" in cli("challenge", "list", *home).out
    assert "Ada,100," in cli("challenge", "board", "a-digits", *home).out
    assert cli("challenge", "reveal", "a-digits", *home).status == 0
    assert "revealed" in cli("challenge", "list", *home).out
    assert "forgotten: 1" in cli("challenge", "reset", "a-digits", "--yes", *home).out
    wrong = cli("challenge", "board", "../../etc", *home)
    assert wrong.status == 2
    assert "there is no challenge" in wrong.err
