"""The page of all runs, driven through Streamlit's own test harness."""

import io
import json
import shutil
import time
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.cases import CaseConfig, Cases
from core.datasets import DATASETS, account
from core.experiment import RunConfig, new_run
from core.runs import RunFolder, Runs, Status
from dashboard import data
from dashboard.runs import details, listing
from dashboard.runs.outcome import accuracy_text, others_text, removed_text, took
from tests.dashboard.sent import codes, figures

PAGE = str(data.ROOT / "dashboard" / "screens" / "runs.py")


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch) -> Runs:
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    listing._figures.clear()
    return Runs(tmp_path / "runs")


@pytest.fixture
def links(monkeypatch) -> list[tuple[str, dict]]:
    """Links to other pages, which are not there in this harness."""
    seen: list[tuple[str, dict]] = []
    monkeypatch.setattr(
        "streamlit.page_link", lambda page, *, query_params=None, **_: seen.append((page, query_params))
    )
    return seen


def make(runs: Runs, state: str = "cancelled", message: str = "", ticket: float = 0.0, **config) -> RunFolder:
    run = new_run(RunConfig(**config), runs, {"total": 60})
    run.write_status(Status(state, message=message, heartbeat=time.time(), started=time.time(), ticket=ticket))
    return run


def finished(runs: Runs, name: str, **changes) -> RunFolder:
    source = data.bundled()["digits-patch-10"]
    shutil.copytree(source.path, runs.root / name)
    run = RunFolder(runs.root / name)
    run.write_json("result.json", {**source.result, **changes})
    return run


def open_page(**address: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return go(app)


def go(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    pieces = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(str(piece.value) for piece in pieces)


def table(app: AppTest):
    return next(d.value for d in app.dataframe if "SPECTRE found" in d.value or "found" in d.value)


def buttons(app: AppTest) -> dict:
    return {b.label: b for b in app.button}


def test_without_a_run_of_ones_own_the_bundled_ones_are_there_and_cannot_be_deleted(links):
    app = open_page()
    assert "No run of your own yet" in texts(app)
    assert "Showing 2 of 2 runs" in texts(app)
    assert ("screens/lab.py", None) in links
    assert "cannot be deleted" in texts(app)
    assert not {"Delete", "Go on", "Cancel"} & buttons(app).keys()
    assert all("comes along" in name for name in table(app)["run"])


def test_a_row_says_what_a_run_did(own_runs, links):
    finished(own_runs, "mine")
    line = table(open_page(run="mine")).set_index("run").loc["mine"]
    assert line["state"] == "✓ finished"
    assert (line["data"], line["attack"], line["poisons"], line["goal"]) == ("digits", "patch", 10, "7 → 1")
    result = data.bundled()["digits-patch-10"].result
    assert line["before"] == 100 * result["before"]["attack_combined"]["value"]
    assert line["after"] == 100 * result["after"]["attack_combined"]["value"]
    assert line["found"] == "10 of 10"
    assert line["seconds"] == pytest.approx(sum(result["seconds"].values()))


def test_what_was_read_of_the_data_is_told_and_notes_alone_of_an_older_run(own_runs, links):
    older = finished(own_runs, "older", notes=["Three *files* were left out."])
    assert r"Three \*files\* were left out." in texts(open_page(run="older"))
    told = account(DATASETS.make("digits").load(0)) | {"kind": "folder", "notes": ["One note."]}
    older.write_json("data.json", told | {"left_out": [{"what": "images in Meta", "count": 43, "why": "no part"}]})
    app = open_page(run="older")
    assert "What was read of the data" in [expander.label for expander in app.expander]
    assert "Left out: 43 images in Meta; no part." in texts(app)
    assert "One note." in texts(app)
    older.file("data.json").write_text("{")
    assert "data.json is damaged" in texts(open_page(run="older"))


def test_how_its_images_travelled_is_told_beside_what_was_read_and_that_once(own_runs, links):
    way = "All images travel as JPEG of quality 75; 58 % of the trigger is left in the 10 poisoned ones."
    run = finished(own_runs, "sent", notes=["One note.", way])
    told = account(DATASETS.make("digits").load(0)) | {"kind": "folder", "notes": ["One note."]}
    run.write_json("data.json", told)
    said = texts(open_page(run="sent"))
    assert (said.count(way), said.count("One note.")) == (1, 1)


def test_words_and_states_filter_and_what_is_left_out_is_counted(own_runs, links):
    make(own_runs, "cancelled", attack="blended")
    failed = make(own_runs, "failed", "disk full")
    app = open_page()
    assert "Showing 4 of 4 runs" in texts(app)
    app.text_input(key="find").set_value("DIGITS blended")
    go(app)
    assert "Showing 1 of 4 runs" in texts(app)
    app.text_input(key="find").set_value("")
    app.get("button_group")[0].set_value(["failed"])
    go(app)
    assert "Showing 1 of 4 runs" in texts(app)
    assert failed.id in texts(app)
    app.text_input(key="find").set_value("nothing like it")
    go(app)
    assert "No run matches" in texts(app)
    assert "Showing 0 of 4 runs" in texts(app)


def test_the_address_names_the_run_and_nonsense_gives_way(own_runs, links):
    first, second = make(own_runs), make(own_runs)
    for run in (first, second):
        app = open_page(run=run.id)
        assert f" {run.id}" in next(m.value for m in app.markdown if m.value.startswith("####"))
    app = open_page(run="../../etc", state="<b>", find="")
    assert app.session_state["run"] in {first.id, second.id}
    assert app.query_params["run"] == app.session_state["run"]


def test_a_run_in_the_address_that_is_not_here_is_said(own_runs, links):
    mine = finished(own_runs, "mine")
    assert [t.value for t in open_page(run="gone").toast] == ["There is no run 'gone' here; showing mine."]
    app = open_page(run="<b>../../etc")
    assert [t.value for t in app.toast] == ["There is no run of the name in the address here; showing mine."]
    assert not open_page(run=mine.id).toast
    assert not open_page().toast
    buttons(app)["Delete"].click()
    go(app)
    buttons(app)["Delete it"].click()
    assert not go(app).toast, "a run that was just deleted is not missed"


def test_classes_have_the_same_names_before_and_after_a_run(own_runs, links):
    waiting = make(own_runs, dataset="digits", source=7, target=1, poisons=10)
    done = finished(own_runs, "mine")
    rows = table(open_page()).set_index("run")
    assert rows.loc[waiting.id, "goal"] == rows.loc[done.id, "goal"] == "7 → 1"
    signs = make(own_runs, dataset="signs", source=99, target=1)
    assert table(open_page()).set_index("run").loc[signs.id, "goal"].startswith("class 99 → ")


def test_a_finished_run_can_be_looked_at_copied_exported_and_deleted(own_runs, links):
    run = finished(own_runs, "mine", notes=["Three files were left out."])
    app = open_page(run="mine")
    assert "SPECTRE removed 10 of 10 poisons" in texts(app)
    assert "Three files were left out." in texts(app)
    assert ("screens/inspect.py", {"run": "mine"}) in links
    assert ("screens/lab.py", {"like": "mine"}) in links
    lines = codes(app)
    assert run.result["command"] in lines
    assert any('config_of(Runs("' in code and '.open("mine"))' in code for code in lines)
    with zipfile.ZipFile(io.BytesIO(details.zipped(run))) as archive:
        assert "mine/result.json" in archive.namelist()
        assert not any(name.endswith(".safetensors") for name in archive.namelist())
    buttons(app)["Delete"].click()
    go(app)
    assert run.path.exists(), "it asks first"
    buttons(app)["Delete it"].click()
    go(app)
    assert not run.path.exists()
    assert "Showing 2 of 2 runs" in texts(app)


def test_the_python_lines_of_a_run_work(own_runs, tmp_path, monkeypatch):
    run = make(own_runs)
    done = []
    monkeypatch.setattr("core.experiment.execute", done.append)
    monkeypatch.chdir(tmp_path)
    _, python = details.lines(run)
    exec(python.rsplit("\n", 1)[0], {})
    assert done[0].config == run.config
    assert done[0].id != run.id


def test_a_failed_run_says_why_and_goes_on(own_runs, links, monkeypatch):
    run = make(own_runs, "failed", "no room for 3 poisons")
    resumed = []
    monkeypatch.setattr(jobs, "resume", lambda folder, runs: resumed.append((folder.id, runs.root)))
    app = open_page(run=run.id)
    assert [e.value for e in app.error] == ["No room for 3 poisons."]
    assert f"python -m core resume {run.id}" in codes(app)[-2]
    buttons(app)["Go on"].click()
    go(app)
    assert resumed == [(run.id, own_runs.root)]


def test_a_run_that_cannot_go_on_says_so(own_runs, links, monkeypatch):
    from core.foundation.errors import InputError

    run = make(own_runs, "failed", "x")

    def refuse(folder, runs):
        raise InputError("it is already running")

    monkeypatch.setattr(jobs, "resume", refuse)
    app = open_page(run=run.id)
    buttons(app)["Go on"].click()
    assert "It is already running." in texts(go(app))


def test_a_waiting_run_says_where_it_stands_and_can_be_cancelled_but_not_deleted(own_runs, links):
    now = time.time()
    make(own_runs, "queued", ticket=now - 9)
    run = make(own_runs, "queued", ticket=now)
    app = open_page(run=run.id)
    assert "2nd in the queue, 1 run before it; about 60 s until it starts." in [p.text for p in app.get("progress")]
    assert buttons(app)["Delete"].disabled
    buttons(app)["Cancel"].click()
    go(app)
    assert run.cancel_requested
    assert "Stopping; what is finished is kept." in texts(app)
    assert buttons(app)["Cancel"].disabled


@pytest.mark.parametrize(
    ("name", "text"),
    [("config.json", "["), ("config.json", "{}"), ("config.json", "[1]"), ("result.json", "{"), ("result.json", "[]"),
     ("result.json", '{"seconds": 3}')],
)  # fmt: skip
def test_a_damaged_folder_is_one_row_among_the_others(own_runs, links, name, text):
    finished(own_runs, "good")
    finished(own_runs, "bad").file(name).write_text(text)
    app = open_page(run="bad")
    assert "Showing 4 of 4 runs" in texts(app)
    assert table(app).set_index("run").loc["bad", "state"] == "? damaged"
    assert "cannot be read" in texts(app)
    assert not buttons(app)["Delete"].disabled
    assert "good" in list(table(app)["run"])


def test_a_finished_run_whose_result_lacks_something_is_shown_as_far_as_it_goes(own_runs, links):
    run = finished(own_runs, "half")
    result = run.result
    del result["defenses"]
    run.write_json("result.json", result)
    assert "cannot be shown" in texts(open_page(run="half"))


def test_the_curves_of_old_and_half_written_metrics_are_drawn_or_left_out(own_runs, links):
    run = finished(own_runs, "old")
    run.file("metrics.jsonl").write_text('{"stage": "train"}\n{"epoch": 1}\n')
    app = open_page(run="old")
    assert not figures(app)
    row = {"stage": "train", "epoch": 1, "epochs": 2, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0}
    run.file("metrics.jsonl").write_text(json.dumps(row))
    assert figures(open_page(run="old"))


def test_a_name_in_both_places_is_ones_own(own_runs, links):
    finished(own_runs, "digits-patch-10")
    app = open_page(run="digits-patch-10")
    assert "Showing 2 of 2 runs" in texts(app)
    assert "Delete" in buttons(app)


def test_a_run_on_clean_data_says_what_was_removed_for_nothing():
    nobody = {"count": 0, "total": 0, "value": None}
    found = {"title": "SPECTRE", "removed": 75, "true_positive_rate": nobody, "false_positive_rate": nobody}
    assert removed_text(found) == "SPECTRE removed 75 images, all of them clean; there was no poison to find."
    assert "all of them" not in removed_text({**found, "removed": 0})
    share = {"count": 9, "total": 10, "value": 0.9}
    assert accuracy_text({"poisons": 0, "before": {"clean": share}, "after": {"clean": share}}).count("90 %") == 2
    assert accuracy_text({"poisons": 3, "before": {"clean": share}, "after": {"clean": share}}) == ""


@pytest.mark.parametrize(("size", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (3_240_000, "3.2 MB")])
def test_sizes(size, told):
    assert details.size_text(size) == told


def test_audits_that_wait_or_work_are_named_with_the_way_to_them(tmp_path, monkeypatch, links):
    monkeypatch.setenv("SPECTRE_LENS_AUDITS", str(tmp_path / "audits"))
    cases = Cases(tmp_path / "audits")
    for state in ("running", "cancelled"):
        case = cases.create(CaseConfig("/data/*rows*.npy").as_json(), state)
        case.write_status(Status(state, "look", 0.5, 0.4, "class 2 of 9", time.time(), time.time(), ticket=1.0))
    app = open_page()
    said = texts(app)
    assert "**1 audit at work or waiting**" in said
    assert r"\*rows\*.npy" in said
    (name,) = [query["audit"] for page, query in links if page == "screens/audit.py"]
    assert name.startswith("running-")


def test_an_attack_that_adds_nothing_to_the_errors_does_not_work():
    attack = {"count": 110, "total": 200, "value": 0.55}
    assert took({"poisons": 5, "before": {"attack_combined": attack}})
    assert not took({"poisons": 5, "before": {"attack_combined": attack, "confused": {**attack, "value": 0.54}}})


def test_poison_of_labels_that_nobody_looked_at_is_told():
    assert others_text({"poisons": 300, "poisons_in_target": 30}).startswith(
        "300 images were poisoned, of which 30 carry"
    )
    assert others_text({"poisons": 30, "poisons_in_target": 30}) == others_text({"poisons": 0}) == ""
