"""The Lab driven through Streamlit's own test harness, and what it starts."""

import io
import json
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import jobs
from core.attacks import ATTACKS
from core.datasets import DATASETS
from core.defenses import DEFENSES
from core.experiment import RunConfig, config_of, new_run
from core.experiment.cost import Estimate
from core.experiment.preview import preview as look
from core.experiment.stories import STORIES
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import values_of
from core.models import MODELS
from core.runs import Runs, Status
from core.training import PRESETS
from dashboard import data, tiles
from dashboard.forms import colour_text, describe
from dashboard.lab import cost, link
from dashboard.shelf import shelf
from tests.conftest import Parse
from tests.dashboard.sent import codes
from tests.makers import coloured, write_folder

LAB = str(data.ROOT / "dashboard" / "screens" / "lab.py")
ESTIMATE = Estimate({"load": 0, "poison": 0, "train": 20, "features": 1, "defend": 4, "retrain": 20}, 1.0)


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch, cli):
    """An empty folder of the user's own runs (after `cli`, which forgets it), and nothing measured or loaded before."""
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    shelf.clear()
    return tmp_path / "runs"


@pytest.fixture
def started(monkeypatch) -> list[tuple[RunConfig, dict]]:
    """What the Lab starts; nothing runs, and nothing is measured."""
    seen: list[tuple[RunConfig, dict]] = []

    def start(config, runs, estimate=None):
        seen.append((config, estimate))
        return new_run(config, runs, estimate)

    monkeypatch.setattr(jobs, "start", start)
    monkeypatch.setattr(cost, "estimate", lambda staged: ESTIMATE)
    return seen


def open_lab(**state) -> AppTest:
    app = AppTest.from_file(LAB, default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    pieces = [*app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(str(piece.value) for piece in pieces)


def number(app: AppTest, label: str):
    return next(n for n in app.number_input if n.label == label)


def choose(app: AppTest, **selected: str) -> AppTest:
    for key, value in selected.items():
        app.selectbox(key=key.replace("_", "-")).set_value(value)
    return run(app)


def shown(app: AppTest) -> str:
    return codes(app)[0]


def test_it_offers_every_entry_of_every_catalogue_and_every_preset():
    app = open_lab()
    boxes = {box.key: box.options for box in app.selectbox}
    assert boxes["dataset"] == [d.title for d in DATASETS.values()]
    assert boxes["attack"] == [a.title for a in ATTACKS.values()]
    assert boxes["model"] == [m.title for m in MODELS.values()]
    assert boxes["lab-defense"] == [d.title for d in DEFENSES.values()]
    assert boxes["preset-digits"] == ["As the data set suggests", *(p.title for p in PRESETS.values())]


@pytest.mark.parametrize("model", list(MODELS))
def test_every_layer_of_every_model_can_be_tapped(model):
    app = choose(open_lab(), model=model)
    assert len(app.selectbox(key=f"layer-{model}").options) == len(MODELS.make(model).layers())
    assert not app.error


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_an_attack_shows_its_parameters_and_pictures_and_starts_what_it_says(attack, started, parse: Parse, own_runs):
    app = choose(open_lab(), attack=attack)
    assert not app.error
    labels = {w.label for w in [*app.number_input, *app.selectbox, *app.color_picker, *app.file_uploader, *app.toggle]}
    defaults = values_of(ATTACKS[attack]())
    assert {p.label for p in describe(ATTACKS[attack]) if p.matters(defaults)} <= labels
    assert not {p.label for p in describe(ATTACKS[attack]) if not p.matters(defaults)} & labels
    pictures = "".join(str(h.value) for h in app.get("html"))
    for name in ("clean", "poisoned", "difference × 10"):
        assert f'alt="{name}' in pictures
    command = shown(app)
    app.button(key="start").click()
    run(app)
    ((config, estimate),) = started
    assert parse(command) == config == config.resolved()
    assert (config.attack, config.source, config.target) == (attack, RunConfig(attack=attack).resolved().source, 1)
    assert config.poisoning == RunConfig(attack=attack).resolved().poisoning
    assert estimate == ESTIMATE.as_json()
    (folder,) = Runs(own_runs)
    assert folder.estimate["total"] == 45
    assert folder.id in texts(app)


def test_the_default_command_is_short():
    assert "--set" not in shown(open_lab())


def test_covers_and_the_trigger_at_test_time_are_shown_where_they_differ():
    pictures = "".join(str(h.value) for h in choose(open_lab(), attack="adaptive-patch").get("html"))
    assert 'alt="covers' in pictures
    assert 'alt="at test time' in pictures
    plain = "".join(str(h.value) for h in open_lab().get("html"))
    assert 'alt="covers' not in plain
    assert 'alt="at test time' not in plain


def pictures(app: AppTest) -> str:
    return "".join(str(h.value) for h in app.get("html"))


def test_what_happens_on_the_way_is_seen_said_and_started(started):
    app = open_lab()
    assert "of the trigger is left" not in texts(app)
    assert "Quality" not in {n.label for n in app.number_input}, "without a lossy file it does nothing"
    before = pictures(app)
    app.selectbox(key="way-Transport-format").set_value("jpeg")
    run(app)
    number(app, "Quality").set_value(40)
    number(app, "Resize (pixels)").set_value(64)
    run(app)
    assert not app.error
    assert pictures(app) != before
    (line,) = [m for m in app.markdown if "of the trigger is left" in str(m.value)]
    config = RunConfig(transport={"format": "jpeg", "quality": 40, "resize": 64}).resolved()
    arrived = look(config, DATASETS.make("digits").load(config.seed_for("data")).train, 6)
    assert tiles.source(arrived.poisoned[0]) in pictures(app)
    assert f"As they arrive, **{100 * arrived.left:.0f} %** of the trigger is left." in line.value
    assert line.proto.help
    assert "All images, clean and poisoned, travel by way of 64 pixels a side, then as JPEG of quality 40." in texts(
        app
    )
    assert "--set transport.format=jpeg --set transport.quality=40 --set transport.resize=64" in shown(app)
    app.button(key="start").click()
    run(app)
    assert started[0][0] == config


def test_no_figure_is_given_where_the_trigger_changes_nothing(tmp_path):
    images = np.full((60, 12, 12, 3), 255, np.uint8)
    images[:, :8] = np.random.default_rng(0).integers(0, 256, (60, 8, 12, 3))
    np.savez(tmp_path / "white.npz", images=images, labels=np.arange(60) % 3)
    app = choose(open_lab(), dataset="arrays")
    app.text_input(key="data-arrays-Arrays-path").set_value(str(tmp_path / "white.npz"))
    run(app)
    number(app, "Poisons (images)").set_value(5)
    app.selectbox(key="way-Transport-format").set_value("png")
    run(app)
    assert not app.error
    assert "travel as PNG" in texts(app)
    assert "of the trigger is left" not in texts(app)


def test_an_attack_that_prepares_its_images_says_so_and_computes_the_exact_pictures_on_demand(monkeypatch):
    from core.experiment import preview

    app = choose(open_lab(), attack="label-consistent")
    assert "Without that model the pictures show the trigger alone" in texts(app)
    assert "poisoned (the trigger alone)" in texts(app)
    real = preview.preview
    asked = []

    def look(config, images, count, *, resources=None):
        if resources is not None:
            asked.append(resources)
        return real(config, images, count)

    monkeypatch.setattr("dashboard.lab.preview.look", look)
    app.button(key="exact").click()
    run(app)
    run(app)
    assert len(asked) == 1, "the pictures are kept"
    assert "trigger alone" not in texts(app)


def test_an_attack_brings_its_own_poisoning_and_remembers_what_was_changed():
    app = choose(open_lab(), attack="wanet")
    assert number(app, "Cover rate").value == 2.0
    number(app, "Cover rate").set_value(1.0)
    run(app)
    assert "**10** covers keep their own label" in texts(app)
    assert number(choose(app, attack="patch"), "Cover rate").value == 0.0
    assert number(choose(app, attack="wanet"), "Cover rate").value == 1.0


def test_the_budget_can_be_entered_in_every_unit_and_is_shown_in_all_three():
    app = open_lab()
    assert "**10** images = **0.7 %** of the training set = **6.4 %** of the 156 images then labelled *1*" in texts(app)
    app.segmented_control(key="unit-digits").set_value("% of the target class")
    run(app)
    assert number(app, "Poisons (% of the target class)").value == pytest.approx(100 * 10 / 156)
    assert "--poisons 10" in shown(app)
    number(app, "Poisons (% of the target class)").set_value(5.0)
    run(app)
    assert "--poisons 8" in shown(app)
    assert "5 % becomes 5.2 %" in texts(app)
    app.segmented_control(key="unit-digits").set_value("% of the training set")
    run(app)
    assert number(app, "Poisons (% of the training set)").value == pytest.approx(100 * 8 / 1438)
    app.segmented_control(key="unit-digits").set_value("images")
    run(app)
    assert number(app, "Poisons (images)").value == 8


def test_too_large_a_budget_is_refused_in_words_and_nothing_is_lost():
    app = open_lab()
    number(app, "Poisons (images)").set_value(500)
    run(app)
    assert "more than the 143 training images of *7*" in texts(app)
    assert not [b for b in app.button if b.key == "start"]
    assert number(app, "Poisons (images)").value == 500
    number(app, "Poisons (images)").set_value(20)
    run(app)
    assert "--poisons 20" in shown(app)


def test_any_class_is_a_choice_of_its_own():
    app = open_lab()
    app.multiselect[0].set_value([])
    run(app)
    assert "switch on *any class*" in texts(app)
    app.toggle(key="any-digits-patch-dirty").set_value(True)
    run(app)
    assert "--source any" in shown(app)
    app.toggle(key="any-digits-patch-dirty").set_value(False)
    run(app)
    app.multiselect[0].set_value([3, 5])
    run(app)
    assert "--source 3,5" in shown(app)


def test_with_clean_labels_the_source_only_counts_success():
    app = open_lab()
    app.segmented_control(key="who-patch-labels").set_value("clean")
    run(app)
    assert "only says over which test images success is counted" in texts(app)
    assert "of 146 images of *1* get" in texts(app)
    assert "--set poisoning.labels=clean" in shown(app)


def test_a_patch_that_does_not_fit_is_explained_and_cannot_be_started():
    app = open_lab()
    number(app, "Inset (pixels)").set_value(31)
    run(app)
    assert "does not fit" in texts(app)
    assert not [b for b in app.button if b.key == "start"]


def test_a_preset_fills_the_training_and_says_what_it_reproduces():
    app = choose(open_lab(), preset_digits="spectre-sgd")
    assert PRESETS["spectre-sgd"].reproduces in texts(app)
    assert number(app, "Epochs").value == 200
    assert "training.schedule=steps" in shown(app)
    number(app, "Epochs").set_value(3)
    run(app)
    assert "training.epochs=3" in shown(app)
    assert number(choose(app, preset_digits="suggested"), "Epochs").value == 30
    assert "--set" not in shown(app)


def test_seeds_apart_change_the_command_and_the_images():
    app = open_lab()
    number(app, "Data").set_value(5)
    run(app)
    assert "--set seeds.data=5" in shown(app)
    again = open_lab()
    assert [str(h.value) for h in again.get("html")] != [str(h.value) for h in app.get("html")]


def test_colours_keep_their_name_and_others_their_digits():
    app = open_lab()
    assert app.color_picker[0].value == "#ffffff"
    app.color_picker[0].set_value("#e6194b")
    run(app)
    assert "attack.colour=#e6194b" in shown(app)
    assert "a #e6194b square" in texts(app)
    assert [colour_text(c, "white") for c in ("#ffffff", "#FF0000", "#0a141e")] == ["white", "red", "#0a141e"]


def test_an_uploaded_picture_becomes_the_trigger_and_can_be_removed(own_runs):
    app = open_lab()
    buffer = io.BytesIO()
    Image.fromarray(np.full((9, 9, 4), 200, np.uint8)).save(buffer, "PNG")
    app.file_uploader[0].set_value(("../../evil;rm -rf.png", buffer.getvalue(), "image/png"))
    run(app)
    (kept,) = (own_runs / ".uploads").iterdir()
    assert f"attack.picture={kept.resolve()}" in shown(app)
    assert "evil" not in shown(app)
    assert "get a picture of 3x3 pixels" in texts(app)
    app.button(key="attack-patch-Patch-picture-x").click()
    run(app)
    assert "--set" not in shown(app)
    assert app.file_uploader


def test_an_upload_that_is_no_picture_is_one_line_and_the_trigger_stays():
    app = open_lab()
    app.file_uploader[0].set_value(("x.png", b"not a picture", "image/png"))
    run(app)
    assert "cannot be read as a picture" in texts(app)
    assert "--set" not in shown(app)


def test_the_path_of_a_picture_can_be_typed(tmp_path):
    app = open_lab()
    Image.new("RGB", (4, 4), "red").save(tmp_path / "mine.png")
    app.text_input(key="attack-patch-Patch-picture").set_value(str(tmp_path / "mine.png"))
    run(app)
    assert f"attack.picture={tmp_path / 'mine.png'}" in shown(app)
    app.text_input(key="attack-patch-Patch-picture").set_value("/nowhere.png")
    run(app)
    assert "there is no picture at /nowhere.png" in texts(app)


def test_a_published_set_is_fetched_only_when_asked_for(monkeypatch):
    digits = DATASETS.make("digits").load(0)
    loads = []

    def fetch(self, seed, report=None):
        loads.append(seed)
        report("Downloading CIFAR-10: 3 of 170 MB", 0.02)
        return replace(digits, notes=("Three files were left out.",))

    monkeypatch.setattr(DATASETS["cifar10"], "load", fetch)
    app = choose(open_lab(), dataset="cifar10")
    assert not loads
    assert "Once the images are loaded" in texts(app)
    button = app.button(key="fetch")
    assert "170 MB" in button.label
    button.click()
    run(app)
    assert len(loads) == 1
    assert "Three files were left out." in texts(app)
    number(app, "Seed").set_value(0)
    run(choose(choose(app, dataset="digits"), dataset="cifar10"))
    assert len(loads) == 1


def test_a_download_that_fails_is_one_line_and_can_be_tried_again(monkeypatch):

    tries = []

    def fetch(self, seed, report=None):
        tries.append(seed)
        raise InputError("CIFAR-10 is not here and cannot be downloaded; put it there and try again")

    monkeypatch.setattr(DATASETS["cifar10"], "load", fetch)
    app = choose(open_lab(), dataset="cifar10")
    app.button(key="fetch").click()
    run(app)
    assert "cannot be downloaded" in texts(app)
    app.button(key="fetch-again").click()
    run(app)
    assert len(tries) == 2
    number(app, "Seed").set_value(3)
    run(app)
    assert len(tries) == 2, "another widget does not try again"
    assert app.button(key="fetch")


def test_fewer_and_unequal_classes_are_drawn_and_noted():
    app = open_lab()
    number(app, "Per class (images)").set_value(40)
    run(app)
    assert "400 of 1,438 training images are used" in texts(app)
    assert "sampling.per_class=40" in shown(app)


def test_images_of_two_channels_can_be_previewed(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 12, 12, 2), dtype=np.uint8)
    np.savez(tmp_path / "two.npz", images=images, labels=np.arange(60) % 3)
    app = choose(open_lab(), dataset="arrays")
    assert "Give the path" in texts(app)
    app.text_input(key="data-arrays-Arrays-path").set_value(str(tmp_path / "two.npz"))
    run(app)
    number(app, "Poisons (images)").set_value(5)
    run(app)
    assert not app.error
    assert "2 channels" in texts(app)
    app.selectbox(key="way-Transport-format").set_value("jpeg")
    run(app)
    assert "images of 2 channels cannot travel as files" in app.error[0].value


def test_what_was_read_is_told_and_another_kind_is_offered(tmp_path):
    folder = write_folder(tmp_path / "set", coloured(12, classes=3))
    (folder / "class a" / "*x*.heic").write_bytes(b"x")
    app = choose(open_lab(), dataset="parquet")
    app.text_input(key="data-parquet-ImageParquet-path").set_value(str(folder))
    run(app)
    assert "holds no train" in app.error[0].value
    button = app.button(key="read-as")
    assert button.label == "Read it as Image folder"
    button.click()
    run(app)
    assert not app.error
    assert app.selectbox(key="dataset").value == "folder"
    assert app.text_input(key="data-folder-ImageFolder-path").value == str(folder)
    words = texts(app)
    assert "Read as **Image folder**; the set has no test part" in words
    assert r"Left out: 1 files \*.heic; a format that is not read here" in words


def test_images_that_came_after_they_were_read_are_read_too(tmp_path):
    """A run reads them anew, and a class more would be another experiment under the same numbers."""
    folder = write_folder(tmp_path / "set", coloured(12, classes=3))
    app = choose(open_lab(), dataset="folder")
    app.text_input(key="data-folder-ImageFolder-path").set_value(str(folder))
    run(app)
    assert "3 classes" in texts(app)
    shutil.copytree(folder / "class a", folder / "class 0")
    run(app)
    assert "4 classes" in texts(app)


def test_the_cost_is_measured_once_on_demand_and_said_by_stage(started, monkeypatch):
    measured = []
    monkeypatch.setattr(cost, "estimate", lambda staged: measured.append(staged) or ESTIMATE)
    app = open_lab()
    app.button(key="measure").click()
    run(app)
    assert "**45 to 65 s** on this computer." in texts(app)
    assert "At best training 20 s + features 1 s + defenses 4 s + retraining 20 s." in texts(app)
    number(app, "Poisons (images)").set_value(12)
    run(app)
    app.button(key="start").click()
    run(app)
    assert len(measured) == 1, "the number of poisons does not change the cost"
    number(app, "Epochs").set_value(5)
    run(app)
    assert len(measured) == 2, "once asked for, it is kept up to date"
    monkeypatch.setattr(cost, "estimate", lambda staged: replace(ESTIMATE, measuring=5.0))
    number(app, "Epochs").set_value(6)
    run(app)
    number(app, "Epochs").set_value(7)
    run(app)
    assert [b for b in app.button if b.key == "measure"], "but not where it makes the visitor wait"


def test_a_busy_computer_is_said_and_can_be_measured_again(monkeypatch):
    monkeypatch.setattr(cost, "estimate", lambda staged: replace(ESTIMATE, spread=40.0, busy=True))
    app = open_lab()
    app.button(key="measure").click()
    run(app)
    assert "**45 s to 30 min** on this computer" in texts(app)
    assert "The computer is busy: this may be far too high." in texts(app)
    monkeypatch.setattr(cost, "estimate", lambda staged: ESTIMATE)
    run(app)
    app.button(key="measure").click()
    run(app)
    assert "**45 to 65 s** on this computer" in texts(app)
    assert "busy" not in texts(app)
    assert not [b for b in app.button if b.key == "measure"]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(35.2, 49.0, "35 to 50 s"), (6.0, 8.4, "6 to 8 s"), (0.2, 0.3, "About 1 s"), (50.0, 180.0, "50 s to 3 min"),
     (240.0, 400.0, "4 to 7 min"), (3000.0, 7200.0, "50 min to 2.0 h"), (97, 99, "95 s to 2 min")],
)  # fmt: skip
def test_a_range_of_time(low, high, told):
    assert cost.range_text(low, high) == told


def test_what_such_a_run_took_stands_beside_the_estimate(own_runs):
    source = data.bundled()["digits-patch-10"]
    assert "the run that comes with the program, on " in texts(open_lab())
    shutil.copytree(source.path, own_runs / "mine")
    (own_runs / "mine" / "result.json").write_text(
        json.dumps({**source.result, "seconds": {"train": 20, "retrain": 17}})
    )
    app = open_lab()
    assert "For comparison: the last such run here took **37 s**." in texts(app)
    number(app, "Epochs").set_value(2)
    assert "For comparison" not in texts(run(app))
    assert "**Changed**: epochs 30 → 2." in texts(app)


def test_the_run_at_work_stands_in_the_bar_and_nothing_takes_the_place_of_cancel(own_runs):
    now = time.time()
    folder = new_run(RunConfig(), Runs(own_runs), ESTIMATE.as_json())
    folder.write_status(Status("running", stage="train", overall=0.0, message="training", heartbeat=now, started=now))
    app = open_lab(watch=folder.id)
    (bar,) = app.get("progress")
    assert bar.text == "training · about 45 s left"
    assert any("](#the-run)" in str(m.value) for m in app.markdown)
    app.button(key=f"cancel-{folder.id}").click()
    run(app)
    assert folder.cancel_requested
    assert app.get("progress")[0].text == "Stopping"
    assert app.button(key=f"cancel-{folder.id}").disabled
    folder.write_status(Status("cancelled", message="cancelled", heartbeat=now))
    run(app)
    last_of_line = [b.key for b in app.button if b.key.startswith(("start", "cancel-", "resume-", "like-"))]
    assert last_of_line == ["start", f"resume-{folder.id}", f"like-{folder.id}"], "Go on is in the card, not in the bar"
    assert not app.get("progress")


def test_it_can_be_cancelled_where_nothing_could_be_started(own_runs):
    folder = new_run(RunConfig(), Runs(own_runs))
    app = open_lab(watch=folder.id)
    number(app, "Poisons (images)").set_value(500)
    run(app)
    assert not [b for b in app.button if b.key == "start"]
    assert app.button(key=f"cancel-{folder.id}")


def test_what_was_expected_stands_beside_what_was_taken(own_runs, monkeypatch):
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)  # the other pages are not there in this harness
    source = next(iter(data.bundled().values()))
    shutil.copytree(source.path, own_runs / "done")
    path = own_runs / "done" / "result.json"
    result = {**json.loads(path.read_text()), "estimate": ESTIMATE.as_json()}
    path.write_text(json.dumps(result))
    app = open_lab(watch="done")
    assert "45 s expected" in texts(app)
    table = app.dataframe[-1].value.set_index("stage")
    assert table.loc["Training", "expected"] == 20
    assert table.loc["Training", "taken"] == result["seconds"]["train"]
    assert table.loc["In all", "expected"] == 45
    assert "SPECTRE removed" in texts(app)


def test_it_survives_a_run_that_is_gone():
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["watch"] = "../../etc"
    run(app)
    assert [t.value for t in app.toast] == ["There is no run of the name in the address here any more."]
    assert "etc" not in texts(app)


def test_a_failed_run_shows_its_reason_and_offers_to_go_on(own_runs):
    source = next(iter(data.bundled().values()))
    shutil.copytree(source.path, own_runs / "half")
    status = json.loads((own_runs / "half" / "status.json").read_text())
    (own_runs / "half" / "status.json").write_text(json.dumps({**status, "state": "failed", "message": "disk full"}))
    app = open_lab(watch="half")
    assert "Disk full." in texts(app)
    assert "Go on" in [b.label for b in app.button]


def test_class_names_are_never_markup(monkeypatch):
    digits = DATASETS.make("digits").load(0)
    names = ("<img src=x onerror=alert(1)>", *digits.train.class_names[1:])

    def named(part: ImageData) -> ImageData:
        return ImageData(part.images, part.labels, names)

    split = Split(named(digits.train), named(digits.test), digits.flip)
    monkeypatch.setattr(DATASETS["digits"], "load", lambda self, seed, report=None: split)
    app = choose(open_lab(), attack="blended")
    pictures = "".join(str(h.value) for h in app.get("html"))
    assert "&lt;img src=x" in pictures
    assert "<img src=x" not in pictures


# --- stories, and earlier runs done again


EARLIER = {story.key: story.config for story in STORIES.values()} | {
    "digits-patch-10": config_of(data.bundled()["digits-patch-10"]),
    "signs-patch-50": config_of(data.bundled()["signs-patch-50"]),
}
OTHERS = {
    "clean labels, a class of its own": RunConfig(attack="sig", source=[3, 5], target=2, poisons=7, seed=5),
    "all to all": RunConfig(attack="all-to-all", poisons=30, defense="spectral", defense_options={"removal_factor": 2.5}),
    "covers, colours, seeds, layers": RunConfig(
        attack="tact", attack_options={"colour": "#0a141e"}, poisoning={"cover_rate": 2.0, "train_strength": 0.5},
        layer="block2", transport={"format": "webp", "resize": 48}, seeds={"data": 3}, sampling={"per_class": 60}, training={"epochs": 4, "learning_rate": 0.2},
        retrain=False, budget=9, device="cpu", model_options={"width": 8},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*EARLIER, *OTHERS])
def test_a_config_goes_into_the_widgets_and_comes_out_the_same(name, started, own_runs):
    config = {**EARLIER, **OTHERS}[name].resolved()
    folder = new_run(config, Runs(own_runs))
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["like"] = folder.id
    run(app)
    assert not app.error, [e.value for e in app.error]
    assert f"Like the run {folder.id}; nothing is changed yet." in texts(app)
    app.button(key="start").click()
    run(app)
    assert started[0][0] == config


def test_it_goes_over_whatever_was_set_before():
    app = open_lab()
    number(app, "Poisons (images)").set_value(3)
    number(app, "Epochs").set_value(2)
    app.segmented_control(key="unit-digits").set_value("% of the training set")
    app.toggle(key="retrain").set_value(False)
    run(app)
    app.query_params["like"] = "digits-patch-10"
    run(app)
    assert "nothing is changed yet" in texts(app)
    assert number(app, "Poisons (images)").value == 10
    number(app, "Poisons (images)").set_value(15)
    number(app, "Epochs").set_value(12)
    run(app)
    assert "changed: **poisons 10 → 15**; **training epochs 30 → 12**." in texts(app)
    app.button(key="origin-again").click()
    run(app)
    assert "nothing is changed yet" in texts(app)


@pytest.mark.parametrize("key", list(STORIES))
def test_a_story_fills_everything_with_one_click_and_has_an_address(key, started):
    app = open_lab()
    app.button(key=f"tell-{key}").click()
    run(app)
    assert app.button(key=f"tell-{key}").label == "Chosen"
    assert app.query_params["story"] == key
    assert STORIES[key].sees in texts(app)
    app.button(key="start").click()
    run(app)
    by_address = AppTest.from_file(LAB, default_timeout=60)
    by_address.query_params["story"] = key
    run(by_address).button(key="start").click()
    run(by_address)
    assert started[0][0] == started[1][0] == STORIES[key].config.resolved()


@pytest.mark.parametrize(
    ("address", "said"),
    [({"like": "../../etc"}, "There is no run of the name in the address here"), ({"like": "gone"}, "There is no run 'gone' here"),
     ({"story": "<b>"}, "There is no story of the name in the address here")],
)  # fmt: skip
def test_nonsense_in_the_address_is_said_and_gives_way(address, said):
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params.update(address)
    run(app)
    assert said in texts(app)
    assert app.toast[0].value.startswith(said)
    assert not {"like", "story"} & set(app.query_params)
    assert shown(app)


@pytest.mark.parametrize("name", [*EARLIER, *OTHERS])
def test_an_experiment_goes_into_an_address_and_comes_out_the_same(name):
    config = {**EARLIER, **OTHERS}[name].resolved()
    assert link.config_of(link.text_of(config)) == config


def test_what_is_usual_is_not_said_in_the_address():
    assert link.text_of(RunConfig().resolved()) == ""
    assert link.text_of(RunConfig(dataset="signs", poisons=7).resolved()) == '{"dataset":"signs","poisons":7}'


def test_the_settings_of_a_machine_with_a_graphics_card_fit_here_too(monkeypatch, started):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["setup"] = '{"device":"cuda","poisons":7}'
    run(app).button(key="start").click()
    run(app)
    assert (started[0][0].device, started[0][0].poisons) == ("auto", 7)


def test_a_reload_brings_the_settings_back(started):
    app = open_lab()
    assert "setup" not in app.query_params
    number(app, "Poisons (images)").set_value(3)
    number(app, "Epochs").set_value(2)
    app.toggle(key="retrain").set_value(False)
    run(app).button(key="start").click()
    run(app)
    again = AppTest.from_file(LAB, default_timeout=60)
    again.query_params["setup"] = app.query_params["setup"]
    run(again)
    assert number(again, "Poisons (images)").value == 3
    assert again.query_params["setup"] == app.query_params["setup"]
    again.button(key="start").click()
    run(again)
    assert started[0][0] == started[1][0]
    assert started[0][0].poisons == 3


def test_the_address_says_what_was_changed_of_a_story_and_no_more_once_that_is_undone():
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["story"] = "both-fail"
    run(app)
    assert "setup" not in app.query_params
    number(app, "Poisons (images)").set_value(2)
    run(app)
    again = AppTest.from_file(LAB, default_timeout=60)
    again.query_params.update({"story": "both-fail", "setup": app.query_params["setup"]})
    run(again)
    assert "→ 2**." in texts(again)
    again.button(key="origin-again").click()
    run(again)
    assert "nothing is changed yet" in texts(again)
    assert "setup" not in again.query_params


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", '{"poisons":-1}', '{"poisons":1e3}', '{"poisons":' + "9" * 400 + "}", '{"poisons":99999999999999999}', '{"attack":"laser"}',
     '{"training":{"learning_rate":1e999}}', '{"training":{"learning_rate":NaN}}', '{"laser":1}', '{"layer":"' + "x" * 2000 + '"}', "[" * 1400],
)  # fmt: skip
def test_settings_in_the_address_that_are_none_are_left_out(text):
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["setup"] = text
    run(app)
    assert "The address names a “setup” that does not fit here" in app.toast[0].value
    assert not app.exception
    assert "setup" not in app.query_params
    assert shown(app)


def test_classes_that_are_not_there_are_left_out_of_an_address():
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["setup"] = '{"target":77,"source":[3,40]}'
    run(app)
    assert not app.exception
    assert shown(app)
    assert json.loads(app.query_params["setup"]) == {"source": [3]}


def test_a_run_whose_config_is_damaged_cannot_be_copied_and_says_so(own_runs):
    folder = new_run(RunConfig(), Runs(own_runs))
    folder.file("config.json").write_text('{"dataset": "digits", "attack": "laser"}')
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["like"] = folder.id
    run(app)
    assert "unknown attack 'laser'" in texts(app).lower()
    assert "Like the run" not in texts(app)


def test_a_finished_run_is_duplicated_from_its_card(own_runs, monkeypatch):
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)
    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "done")
    app = open_lab(watch="done")
    app.button(key="like-done").click()
    run(app)
    assert "Like the run done; nothing is changed yet." in texts(app)
    assert app.query_params["like"] == "done"


def test_the_same_link_is_taken_up_again_after_a_visit_elsewhere(own_runs):
    folder = new_run(RunConfig(poisons=12), Runs(own_runs))
    app = AppTest.from_file(LAB, default_timeout=60)
    app.query_params["like"] = folder.id
    run(app)
    number(app, "Poisons (images)").set_value(5)
    assert "--poisons 5" in shown(run(app))
    del app.session_state["lab-like"]  # what the page of runs does, from which the link comes
    assert "--poisons 12" in shown(run(app))


def test_what_the_defenses_expect_can_be_another_number_than_there_is(started):
    app = open_lab()
    assert app.number_input(key="lab-budget").value is None
    app.number_input(key="lab-budget").set_value(25)
    run(app)
    assert "--budget 25" in shown(app)
    app.button(key="start").click()
    run(app)
    assert started[0][0].budget == 25


def test_a_changed_widget_does_not_start_a_download_anew(monkeypatch):
    """It goes on in a thread of its own, which the next run of the page finds."""
    digits, loads, go = DATASETS.make("digits").load(0), [], threading.Event()

    def fetch(self, seed, report=None):
        loads.append(seed)
        report("Downloading CIFAR-10: 3 of 170 MB", 0.02)
        assert go.wait(60)
        return digits

    monkeypatch.setattr(DATASETS["cifar10"], "load", fetch)
    app = choose(open_lab(), dataset="cifar10")
    app.button(key="fetch").click()
    with pytest.raises(RuntimeError, match="timed out"):
        app.run(timeout=1)
    threading.Timer(1.0, go.set).start()
    number(app, "Seed").set_value(0)
    app.run(timeout=60)
    assert not app.exception
    assert len(loads) == 1
    assert "images of 32x32" in texts(app)
