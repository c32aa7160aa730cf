"""A new audit on the page: what was read of the data and put right, what looks at it, what it costs, and what is started."""

import io
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs
from core.cases import CaseFolder, Cases, so_far
from core.cases.config import CaseConfig, config_from
from core.cases.space import Look
from core.foundation.errors import InputError
from core.runs import Status
from core.training.timing import Estimate
from dashboard import data
from dashboard.audit import cost, draft, mend, reader, told, upload
from dashboard.audit import shelf as case_shelf
from dashboard.shelf import shelf
from tests.dashboard.sent import codes
from tests.dashboard.test_screens import texts
from tests.makers import coloured, encode, write_folder
from tests.networks import write_onnx

ESTIMATE = Estimate({"read": 1.0, "train": 20.0, "features": 1.0, "look": 6.0, "pictures": 2.0, "report": 0.0}, 1.0)


@pytest.fixture(autouse=True)
def audits(tmp_path, monkeypatch) -> Path:
    """An empty folder of audits, nothing read or measured before, and nothing that is really started."""
    monkeypatch.setenv("SPECTRE_LENS_AUDITS", str(tmp_path / "audits"))
    monkeypatch.setattr(jobs, "resume", lambda case, cases: case)
    monkeypatch.setattr(cost, "estimate", lambda config, known, network: ESTIMATE)
    shelf.clear()
    return tmp_path / "audits"


def page() -> None:
    from dashboard.audit import bring, shelf

    bring.bring(shelf.user_audits().root)


def opened(step: str = "read", **held: object) -> AppTest:
    """The form with what its widgets hold: `labels="label"` for the widget of the key "bring labels"."""
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["part"] = step
    for name, value in held.items():
        app.session_state[f"bring {name.replace('_', ' ')}"] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def labelled(app: AppTest, label: str):
    every = [*app.text_input, *app.selectbox, *app.toggle, *app.number_input, *app.multiselect, *app.radio]
    return next(widget for widget in every if widget.label == label)


def labels_of(app: AppTest) -> set[str]:
    return {widget.label for widget in [*app.text_input, *app.selectbox, *app.toggle, *app.number_input]}


@pytest.fixture
def table(tmp_path) -> Path:
    """300 rows of 6 features in three classes, with their labels beside them."""
    rng = np.random.default_rng(0)
    (tmp_path / "table").mkdir()
    np.save(tmp_path / "table" / "labels.npy", np.arange(300) % 3)
    np.save(tmp_path / "table" / "rows.npy", rng.normal(size=(300, 6)).astype(np.float32))
    return tmp_path / "table" / "rows.npy"


def test_an_empty_form_says_what_to_do() -> None:
    assert "Give the path of the data" in texts(opened())
    assert "First say where the data is" in texts(opened("looks"))
    assert "nothing here before the audit has run" in texts(opened("findings"))


def test_images_are_told_with_a_picture_of_each_class_and_what_they_can_carry(picture_folder: Path) -> None:
    app = opened(path=str(picture_folder))
    said = texts(app)
    assert "**150 images** of 32 x 32 pixels, in colour, in **3 classes of 50**" in said
    assert "Read as **Image folder**" in said
    assert "held out" not in said, "an audit looks at all of them"
    assert "no group of fewer than 5 rows can be seen" in said
    assert sum(html.value.count("<figure") for html in app.get("html")) == 3


def test_what_was_guessed_is_put_right_and_read_again(picture_folder: Path) -> None:
    app = opened(path=str(picture_folder))
    labelled(app, "Size (pixels)").set_value(8)
    assert "of 8 x 8 pixels" in texts(run(app))
    app.session_state["part"] = "looks"
    assert "--set dataset.size=8" in codes(run(app))[0]


@pytest.fixture
def two_columns(tmp_path) -> Path:
    data = coloured(12, classes=4)
    cells = [{"bytes": encode(image), "path": None} for image in data.images]
    pq.write_table(
        pa.table({"image": cells, "fine": data.labels, "coarse": data.labels // 2}), tmp_path / "two.parquet"
    )
    return tmp_path / "two.parquet"


def test_a_message_that_names_an_option_has_its_widget_beside_it(two_columns: Path) -> None:
    app = opened(path=str(two_columns))
    (error,) = app.error
    assert "could each be the labels" in error.value
    assert "--set" not in error.value
    (menu,) = [one for one in app.selectbox if one.label == "Label column"]
    assert menu.options == ["(as it looks)", "image", "fine", "coarse"]
    assert menu.value == ""
    menu.set_value("coarse")
    said = texts(run(app))
    assert not app.error
    assert "in **2 classes of 24**" in said
    assert "labels in “coarse”" in said
    labelled(app, "Label column").set_value("image")
    said = texts(run(app))
    assert app.error[0].value == "Column 'image' holds no labels; it is one of: 'fine' and 'coarse'. Say so here:"
    assert labelled(app, "Label column").value == "image"  # the menu that mends it is there still


def test_the_columns_of_a_table_beside_a_folder_are_offered(tmp_path: Path) -> None:
    data = coloured(12, classes=4)
    folder = tmp_path / "set"
    folder.mkdir()
    lines = ["file,fine,coarse"]
    for i, image in enumerate(data.images):
        (folder / f"{i}.png").write_bytes(encode(image))
        lines.append(f"{i}.png,{data.labels[i]},{data.labels[i] // 2}")
    (folder / "labels.csv").write_text("\n".join(lines))
    app = opened(path=str(folder))
    menu = labelled(app, "Label column")
    assert menu.options == ["(as it looks)", "file", "fine", "coarse"]
    menu.set_value("coarse")
    assert "in **2 classes of 24**" in texts(run(app))


def test_a_broken_image_is_left_out_where_one_says_so(tmp_path) -> None:
    folder = write_folder(tmp_path / "set", coloured(12))
    (folder / "class a" / "zz.png").write_bytes(b"no picture")
    app = opened(path=str(folder))
    assert "cannot be read as an image" in app.error[0].value
    labelled(app, "Skip broken").set_value(True)
    assert "24 images" in texts(run(app))
    assert not app.error


@pytest.mark.parametrize(
    ("message", "names", "words"),
    [
        ("the images differ; set a size to resize all: --set dataset.size=32", ["size"], "the images differ; set a size to resize all"),
        ("numbers are odd: say which: --set dataset.levels=0..1 or 0..255", ["levels"], "numbers are odd"),
        ("x holds both; say which is meant: --as parquet or --as folder", ["kind"], "x holds both; say which is meant: --as parquet or --as folder"),
        ("x.npy is a table of features, and an audit needs the label of each row; give a file: audit x.npy LABELS", ["labels"],
         "x.npy is a table of features, and an audit needs the label of each row; give a file"),
        ("x does not exist", [], "x does not exist"),
    ],
)  # fmt: skip
def test_options_are_found_in_messages_and_what_would_be_typed_goes(message: str, names: list[str], words: str) -> None:
    assert mend.named(message) == names
    assert mend.in_words(message) == words


def test_features_are_told_with_their_form_and_labels(table: Path) -> None:
    said = texts(opened(path=str(table)))
    assert "**300 rows** of **6 features** in **3 classes of 100**" in said
    assert "labels from “labels.npy”" in said


def test_features_without_labels_ask_for_them_and_take_a_file(table: Path, tmp_path) -> None:
    moved = table.rename(tmp_path / "alone.npy")
    app = opened(path=str(moved))
    assert "needs the label of each row" in app.error[0].value
    assert "Labels" in labels_of(app)
    said = texts(opened(path=str(moved), labels=str(table.parent / "labels.npy")))
    assert "3 classes of 100" in said


def test_columns_of_a_table_can_be_chosen(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = {"a": list(rng.normal(size=(40, 5))), "b": list(rng.normal(size=(40, 7))), "label": np.arange(40) % 2}
    pd.DataFrame(rows).to_parquet(tmp_path / "rows.parquet")
    app = opened(path=str(tmp_path / "rows.parquet"))
    assert "several tables of numbers" in app.error[0].value
    labelled(app, "Column of the features").set_value("b")
    assert "**7 features**" in texts(run(app))


def test_a_table_that_was_taken_for_images_is_one_press_away(tmp_path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"rows": rng.normal(size=(30, 5)), "label": np.arange(30) % 3}
    np.savez(tmp_path / "plain.npz", **arrays)
    assert "**30 rows** of **5 features**" in texts(opened(path=str(tmp_path / "plain.npz")))
    np.savez(tmp_path / "two.npz", **arrays, maps=np.zeros((30, 4, 4)))  # which may be images
    app = opened(path=str(tmp_path / "two.npz"))
    assert app.error
    app.button(key="bring-as-table").click()
    assert "**30 rows** of **5 features**" in texts(run(app))


def test_names_of_classes_are_shown_as_they_are(tmp_path) -> None:
    data = replace(coloured(5), class_names=("**loud**", "plain"))
    assert r"\*\*loud\*\*" in texts(opened(path=str(write_folder(tmp_path / "set", data))))


def test_an_archive_is_read_and_leaves_nothing(tmp_path, audits: Path, picture_folder: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "set"), "zip", picture_folder)
    said = texts(opened(path=packed))
    assert "**150 images**" in said
    assert "The archive was unpacked" in said
    assert not list((audits / ".uploads").iterdir())


def test_reading_can_be_stopped_and_taken_up_again(picture_folder: Path, monkeypatch) -> None:
    config = CaseConfig(str(picture_folder))
    key = reader.key_of(reader.SHELF, reader.asdict(config), reader._stamp(config.path), 0)
    app = opened(stopped=key, path=config.path)
    assert "Reading was stopped" in texts(app)
    app.button(key="bring-again").click()
    assert "**150 images**" in texts(run(app))


def test_what_is_uploaded_is_kept_once_under_a_name_of_our_own(tmp_path) -> None:
    for name in ("../../evil.npy", "twice.NPY"):
        kept = upload.store(io.BytesIO(b"numbers"), name, tmp_path)
        assert kept.parent == (tmp_path / ".uploads").resolve()
        assert kept.suffix == ".npy"
        assert kept.read_bytes() == b"numbers"
    assert len(list((tmp_path / ".uploads").iterdir())) == 1
    assert upload.suffix_of("set.tar.gz") == ".tar.gz"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"x", "model.pkl", "ending is not taken"),
        (b"x", "model.pt", "ending is not taken"),
        (b"x", "npy", "ending is not taken"),
        (b"", "rows.npy", "empty"),
        (b"12345678", "rows.npy", "more than"),
        (b"12", "rows.npy", "no room"),
    ],
)
def test_an_upload_is_refused(content: bytes, name: str, words: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(upload, "MEGABYTES", 5e-6)
    if words == "no room":
        monkeypatch.setattr(upload, "ROOM", 1)
    with pytest.raises(InputError, match=words):
        upload.store(io.BytesIO(content), name, tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_an_upload_becomes_the_path(table: Path) -> None:
    app = opened(how="An upload")
    app.file_uploader[0].upload("rows.npy", table.read_bytes())
    run(app)
    assert app.session_state["bring path"].endswith(".npy")


def test_other_data_is_read_as_it_looks_and_not_with_the_labels_of_what_was_there(table: Path) -> None:
    app = opened(how="An upload", path=str(table), labels=str(table.parent / "labels.npy"), kind="features", text="x")
    app.file_uploader[0].upload("Our trees.v2.npy", table.read_bytes())
    run(app)
    held = app.session_state
    assert {name: held[f"bring {name}"] for name in draft.PATHS if name != "path"} == {
        "labels": "", "kind": "", "column": "", "images": "", "text": "",
    }  # fmt: skip
    assert held["bring uploaded"] == {held["bring path"]: "Our trees"}


def test_labels_that_were_uploaded_first_stay_for_the_features(table: Path) -> None:
    app = opened(how="An upload", labels=str(table.parent / "labels.npy"))
    app.file_uploader[0].upload("rows.npy", table.read_bytes())
    run(app)
    assert app.session_state["bring labels"].endswith("labels.npy")


def test_an_audit_of_an_upload_is_called_as_the_visitor_calls_it(table: Path, audits: Path) -> None:
    app = opened(how="An upload", labels=str(table.parent / "labels.npy"))
    app.file_uploader[0].upload("Our trees.npy", table.read_bytes())
    run(app)
    app.session_state["part"] = "looks"
    run(app).button(key="bring-go").click()
    run(app)
    case = started(audits)
    assert case.id.startswith("our-trees")
    assert case_shelf.title(case) == case.id  # and not by our name for the file


def started(audits: Path) -> CaseFolder:
    (case,) = Cases(audits)
    return case


def test_it_starts_what_it_says(picture_folder: Path, audits: Path) -> None:
    app = opened(
        "looks", path=str(picture_folder), epochs=3, poisons_kind="share", poisons_share=4.0, level=0.01, seed=7
    )
    said = texts(app)
    assert "trained on them for 3 epochs, and looks at them at block3" in said
    assert "30 to 45 s" in said
    command = codes(app)[0]
    app.button(key="bring-go").click()
    run(app)
    case = started(audits)
    wanted = CaseConfig(str(picture_folder), epochs=3, poisons="4%", level=0.01, seed=7)
    assert config_from(case.config) == wanted
    assert command == wanted.command()
    assert case.estimate["total"] == 30
    assert app.query_params["audit"] in (case.id, [case.id])


def test_several_layers_are_looked_at_in_the_order_of_the_choice(picture_folder: Path, audits: Path) -> None:
    app = opened("looks", path=str(picture_folder))
    labelled(app, "Layers").set_value(["block2", "block3"])
    run(app).button(key="bring-go").click()
    run(app)
    assert started(audits).config["layers"] == ["block2", "block3"]


def test_without_a_layer_nothing_is_started(picture_folder: Path) -> None:
    app = opened("looks", path=str(picture_folder))
    labelled(app, "Layers").set_value([])
    assert "Choose at least one layer" in texts(run(app))
    assert not [button for button in app.button if button.key == "bring-go"]


def test_features_are_looked_at_as_they_are(table: Path, audits: Path) -> None:
    app = opened("looks", path=str(table), name="My rows!")
    assert "The features as they are" in texts(app)
    app.button(key="bring-go").click()
    run(app)
    case = started(audits)
    assert case.id.startswith("my-rows-")
    assert config_from(case.config) == CaseConfig(str(table))


def test_the_layers_of_a_model_of_mine_are_listed_with_the_suggested_one(picture_folder: Path, tmp_path, audits: Path) -> None:  # fmt: skip
    file = write_onnx(tmp_path / "tiny.onnx")
    app = opened("looks", path=str(picture_folder), looks="mine")
    assert "Name the model" in texts(app)
    labelled(app, "Model").set_value(str(file))
    run(app)
    assert labelled(app, "Layers").value == ["sum1"]
    assert "Suggested: sum1" in texts(app)
    app.button(key="bring-go").click()
    run(app)
    assert started(audits).config["model"] == str(file)


@pytest.mark.parametrize(
    ("model", "words"),
    [("torchvision:resnet18", "without weights"), ("/tmp/evil.pt", "pickle"), ("torchvision:nothing", "no classifier")],
)
def test_a_model_that_cannot_look_is_refused_beside_it(model: str, words: str, picture_folder: Path) -> None:
    app = opened("looks", path=str(picture_folder), looks="mine", model=model)
    assert words in app.error[0].value
    assert not [button for button in app.button if button.key == "bring-go"]


def test_a_set_that_carries_nothing_is_not_started(tmp_path) -> None:
    folder = write_folder(tmp_path / "set", coloured(4))
    app = opened("looks", path=str(folder))
    assert "No class has enough rows" in texts(app)
    assert not [button for button in app.button if button.key == "bring-go"]


@pytest.mark.parametrize(
    "config",
    [
        CaseConfig("x", poisons="12", level=0.1, label="3", seed=5),
        CaseConfig("x", "label", "features", "emb", "pictures", "caption", poisons="2%"),
        CaseConfig("x", kind="parquet", options={"label_column": "fine", "size": 64}, epochs=4, architecture="resnet32"),
        CaseConfig("x", kind="folder", layers=("block2", "block3")),
        CaseConfig("x", kind="folder", model="m.onnx", size=32, mean="0,0,0", std="1,1,1", flat=True, layers=("sum1",)),
    ],
)  # fmt: skip
def test_the_form_is_filled_from_an_audit_and_gives_the_same(config: CaseConfig) -> None:
    draft.fill(config)
    what = "features" if config.kind == "features" else "images"
    assert draft.whole(draft.data(), what) == config
    st.session_state.clear()


def test_what_a_training_would_hold_out_counts() -> None:
    read = {"split": "made", "train": {"images": 3, "per_class": [2, 1]}, "test": {"images": 2, "per_class": [1, 1]}}
    assert told.whole_set(read)["train"] == {"images": 5, "per_class": [3, 2]}
    given = read | {"split": "given"}
    assert told.whole_set(given) == given


def at_work() -> None:
    from dashboard.audit import shelf, working

    (case,) = shelf.user_audits()
    working.show(case)


def working_on(audits: Path, status: Status, **files: object) -> AppTest:
    case = Cases(audits).create(CaseConfig("/data/rows.npy").as_json(), "rows")
    case.write_status(status)
    for name, value in files.items():
        case.write_json(f"{name}.json", value)
    return run(AppTest.from_function(at_work, default_timeout=60))


def test_an_audit_at_work_tells_its_stage_and_can_be_cancelled(audits: Path) -> None:
    now = time.time()
    status = Status("running", "look", 0.5, 0.6, "class 3 of 9", now, now - 60, 1)
    app = working_on(audits, status, result={"seconds": {"read": 2.0, "features": 0.1}, "layers": []})
    said = texts(app)
    assert "the audit goes on by itself" in said
    assert ":material/check: Reading 2 s" in said
    assert "**Every class**" in said
    (cancel,) = [button for button in app.button if button.label == "Cancel"]
    cancel.click()
    run(app)
    assert started(audits).cancel_requested


def test_the_classes_are_ranked_as_they_come(audits: Path) -> None:
    now = time.time()
    status = Status("running", "look", 0.5, 0.6, "class 25 of 900", now, now - 60, 1)
    names = {"names": {"3": "<b>*oak*", "4": "yew"}}
    app = working_on(audits, status, result={"seconds": {"read": 2.0, "features": 0.1}, "layers": [""]})
    assert not app.dataframe  # before the first
    case, look = started(audits), Look(0, "")
    case.write_json("data.json", {"what": "features"} | names)
    case.file(look.folder).mkdir()
    for label in range(25):
        so_far.add(case, look, so_far.ClassSoFar(label, 60 + label, label, label / 4, label > 22, 9, ""))
    so_far.add(case, look, so_far.ClassSoFar(25, 3, 0, None, False, None, "3 row(s), at least 8 are needed"))
    run(app)
    table = app.dataframe[0].value
    assert table["class"].tolist()[:2] == ["24", "23"]
    assert table["separation"].tolist() == [label / 4 for label in range(24, 4, -1)]
    assert {"<b>*oak*", "yew"}.isdisjoint(table["class"])  # further down
    assert [count for count in table["rows so far away"] if count is not pd.NA] == [24, 23]
    assert table[""].tolist()[:3] == ["far enough away to count"] * 2 + [""]
    said = texts(app)
    assert "2 of 26 classes have a group" in said
    assert "The first 20 of 26 are shown" in said


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_an_audit_that_ended_before_it_was_done_says_why_and_goes_on(state: str, audits: Path, monkeypatch) -> None:
    taken: list[str] = []
    app = working_on(audits, Status(state, message="images of `*two*` sizes", heartbeat=time.time()))
    monkeypatch.setattr(jobs, "resume", lambda case, cases: taken.append(case.id))
    assert r"Images of \`\*two\*\` sizes." in texts(app)
    next(button for button in app.button if button.label == "Go on").click()
    run(app)
    assert taken == [started(audits).id]


def test_a_new_audit_is_filled_from_one_that_is_there(audits: Path, table: Path) -> None:
    config = CaseConfig(str(table), poisons="9")
    case = Cases(audits).create(config.as_json(), "rows")
    case.write_status(Status("failed", message="no", heartbeat=time.time()))
    case.write_json("data.json", reader.outcome_of(config, audits, lambda *_: None).account)
    app = run(AppTest.from_function(at_work, default_timeout=60))
    assert "**300 rows**" in texts(app)
    app.button(key=f"differently-{case.id}").click()
    run(app)
    assert (app.session_state["bring path"], app.session_state["bring poisons count"]) == (str(table), 9)
    assert app.session_state["audit"] == "new"


def test_a_damaged_account_is_said(audits: Path) -> None:
    app = working_on(audits, Status("failed", message="no", heartbeat=time.time()), data={"what": "features"})
    assert "What was read cannot be shown" in texts(app)


def test_starting_over_empties_the_form(table: Path) -> None:
    app = opened(path=str(table), labels=str(table.parent / "labels.npy"))
    app.button(key="bring-over").click()
    assert "Give the path of the data" in texts(run(app))
    assert labelled(app, "Path").value == ""


def test_what_shows_an_audit_that_is_there_does_without_torch() -> None:
    code = "import sys, dashboard.audit.account, dashboard.audit.working, dashboard.runs.audits; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=data.ROOT)
    assert done.stdout.strip() == "False"
