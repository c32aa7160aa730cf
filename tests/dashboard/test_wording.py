"""Story and Inspect speak rightly of runs of every kind of attack."""

import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data

SCREENS = data.ROOT / "dashboard" / "screens"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What a page says of the bundled digits run, changed."""
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path))
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)  # the other pages are not there in this harness

    def tell(page: str, *, clean: bool = False, step: str = "Trigger", **changes) -> str:
        source = data.bundled()["digits-patch-10"]
        folder = tmp_path / "changed"
        shutil.copytree(source.path, folder)
        (folder / "result.json").write_text(json.dumps({**source.result, **changes}))
        if clean:
            frame = source.load_scores()
            frame.loc[frame["is_poison"], "true_label"] = frame["label"]
            frame.to_parquet(folder / "scores.parquet")
        app = AppTest.from_file(str(SCREENS / f"{page}.py"), default_timeout=60)
        app.session_state["step"], app.session_state["run"] = step, "changed"
        app.run()
        assert not app.exception, app.exception
        return "\n".join(str(piece.value) for piece in [*app.markdown, *app.caption])

    return tell


def test_dirty_labels_of_one_class(told):
    said = told("story")
    assert (
        "**10 of 1,438** training images, the **poison**: images of *7* get a mark, a white square of 3x3 pixels at the bottom right, and the label *1*."
        in said
    )
    assert "All other images stay as they are." in said


def test_any_class_and_covers(told):
    said = told("story", victims="any class but 1", covers=20)
    assert (
        "images of *any class but 1* get a mark, a white square of 3x3 pixels at the bottom right, and the label *1*."
        in said
    )
    assert "Another **20** are changed too and keep their labels" in said


def test_clean_labels(told):
    said = told("story", clean=True, victims="any class but 1")
    assert (
        "images of *1* get a mark, a white square of 3x3 pixels at the bottom right, and keep their label, so every label in the set is right."
        in said
    )


def test_all_to_all(told):
    said = told("story", victims="any class", goal="the next class")
    assert (
        "images of *any class* get a mark, a white square of 3x3 pixels at the bottom right, and the label of the next class."
        in said
    )


@pytest.mark.parametrize("step", ["Model", "Features", "Whiten", "Score", "Remove"])
def test_every_step_opens_on_an_all_to_all_run(told, step):
    assert "run changed" in told("story", step=step, victims="any class", goal="the next class")


def test_inspect_opens_on_a_clean_label_run(told):
    assert "images labelled 1" in told("inspect", clean=True)
