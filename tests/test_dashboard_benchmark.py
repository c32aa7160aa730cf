"""What benchmarks/dashboard.py stands on: made runs that the pages can show, the menu, and its verdicts."""

import pytest

from benchmarks.dashboard import ACTIONS, Timing, timing
from benchmarks.made_runs import make_run
from benchmarks.serving import pages
from benchmarks.sessions import Answer
from core.runs import detection
from core.runs.folder import TO_LOOK_AT
from dashboard import data


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("made"), 400)


def test_a_made_run_is_finished_and_has_every_file_that_pages_read(made):
    assert made.status.state == "finished"
    missing = {name for name in TO_LOOK_AT if not made.file(name).exists()}
    asked_for = {"estimate.json", "study-budgets.json", "study-layers.json"}  # made only when somebody asks
    assert missing <= asked_for


def test_a_made_run_hides_its_poison_from_pca_and_not_from_spectre(made):
    run = data.open_run(made)
    assert len(run.frame) == 400
    assert run.truth.sum() == 20
    found = {d: detection(run.frame[f"removed_{d}"].to_numpy(bool), run.truth) for d in ("spectre", "spectral")}
    assert found["spectre"]["true_positive_rate"]["value"] > 0.8
    assert found["spectral"]["true_positive_rate"]["value"] < 0.3


def test_the_pages_are_those_of_the_menu():
    found = pages()
    assert found[0].path == ""
    assert {"Story", "Lab", "Inspect"} <= {page.title for page in found}
    assert len({page.path for page in found}) == len(found)


def test_actions_have_names_of_their_own():
    assert len({(action.page, action.name) for action in ACTIONS}) == len(ACTIONS)


def test_the_verdict_holds_the_slow_answers_to_the_bar():
    quick = Timing("Inspect", "cut", [40.0] * 20, [1024] * 20, 30.0)
    assert quick.line(100) == "| Inspect | cut | 40 | 40 | 30 | 1.0 | 20 | yes |"
    assert Timing("Inspect", "cut", [40.0] * 15 + [200.0] * 5, [1024] * 20, 30.0).line(100).endswith("median only |")
    assert Timing("Inspect", "cut", [140.0] * 20, [1024] * 20, 30.0).line(100).endswith("| no |")
    assert "not on the page" in Timing("Inspect", "cut", [], [], 0.0).line(100)


def test_an_answer_with_an_exception_is_no_answer():
    with pytest.raises(RuntimeError, match="KeyError: x"):
        timing("Inspect", "cut", [Answer(0.1, exceptions=["KeyError: x"])], 0.0)
