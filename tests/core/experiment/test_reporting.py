from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.experiment.reporting import report_of
from core.foundation.errors import InputError
from core.reports import to_html
from core.reports.content import Facts, Gallery, Histogram, Report, Scatter, Section, Table
from core.runs import RunFolder, Status

BUNDLED = Path(__file__).resolve().parents[3] / "assets" / "runs" / "signs-patch-50"


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(RunFolder(BUNDLED))


@pytest.fixture
def copy(tmp_path: Path) -> RunFolder:
    shutil.copytree(BUNDLED, tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


def section(report: Report, title: str) -> Section:
    return next(one for one in report.sections if one.title == title)


def change(run: RunFolder, name: str, **values: object) -> None:
    run.write_json(name, {**json.loads(run.file(name).read_text()), **values})


def test_the_verdict_has_what_was_removed_and_what_it_did(report: Report) -> None:
    assert report.verdict == (
        "SPECTRE removes 50 of 50 poisons and 25 of 1,000 clean rows; attack success goes from 92 % (183 of 200) to 0 % (0 of 200)."
    )


def test_the_figures_show_the_truth_and_ring_what_was_removed(report: Report) -> None:
    scatter, histogram = section(report, "What the features show").blocks
    assert isinstance(scatter, Scatter)
    assert isinstance(histogram, Histogram)
    assert scatter.group.sum() == 50
    assert scatter.ringed is not None
    assert scatter.ringed.sum() == 75
    assert histogram.cut is not None
    assert (histogram.values >= histogram.cut[0]).sum() == 75


def test_every_defense_is_a_line_with_both_rates(report: Report) -> None:
    (table,) = section(report, "Who found it").blocks
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [
        "SPECTRE",
        "Spectral signatures",
        "Activation clustering",
        "Mahalanobis distance",
    ]
    assert table.rows[0][2:4] == ["100 % (50 of 50)", "2.5 % (25 of 1,000)"]


def test_the_command_and_seeds_are_there_to_make_it_again(report: Report) -> None:
    page = to_html(report)
    assert "python -m core run --dataset signs --attack patch --poisons 50" in page
    assert (
        dict(next(b for b in section(report, "To make it again").blocks if isinstance(b, Facts)).pairs)["Seeds"]
        == "all from 0"
    )


def test_removed_images_are_shown_most_suspicious_first(report: Report) -> None:
    (gallery,) = section(report, "What was removed").blocks
    assert isinstance(gallery, Gallery)
    assert (len(gallery.shown), gallery.total) == (40, 75)
    assert {one.picture.note for one in gallery.shown[:30]} == {"poison"}


def test_a_run_without_a_second_training_says_that_it_does_not_know(copy: RunFolder) -> None:
    change(copy, "result.json", after=None)
    found = report_of(copy)
    assert found.verdict.endswith("no model was trained without them.")
    assert "what removal does is not known" in to_html(found)


def test_hostile_class_names_stay_text(copy: RunFolder) -> None:
    names = [f"<b>{name}</b></script>" for name in copy.result["classes"]]
    change(copy, "result.json", classes=names, goal=names[5], victims=names[0])
    page = to_html(report_of(copy))
    assert "<b>" not in page
    assert "&lt;b&gt;stop&lt;/b&gt;" in page


def test_a_large_class_is_thinned_and_keeps_poison_and_removals(
    copy: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.experiment.reporting.POINTS", 300)
    scatter = section(report_of(copy), "What the features show").blocks[0]
    assert isinstance(scatter, Scatter)
    assert len(scatter.rows) == 300
    assert scatter.caption.startswith("Showing 300 of 1,050 rows")
    scores = copy.load_scores()
    kept = scores["id"][(scores["is_poison"] | scores["removed_spectre"])].to_numpy()
    assert np.isin(kept, scatter.rows).all()


def test_an_unfinished_run_is_refused(copy: RunFolder) -> None:
    copy.write_status(Status("cancelled"))
    with pytest.raises(InputError, match="is cancelled; a report is of what is finished"):
        report_of(copy)
