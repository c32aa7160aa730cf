from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from core.cases import CaseConfig, CaseFolder, execute
from core.cases.decisions import Decision, Decisions, write_decisions
from core.cases.reporting import HTML, report_of, write_report
from core.cases.reporting.charts import POINTS, room_for
from core.cases.reporting.wording import listed, p_text, rows, share
from core.foundation.errors import InputError
from core.foundation.visible import visible
from core.reports import to_html, to_pdf
from core.reports.content import Bars, Facts, Gallery, Histogram, Passages, Report, Scatter, Section, Table
from core.runs import Status
from tests.core.cases.audits import KINDS, NAMES, make_audit


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    return make_audit(tmp_path_factory.mktemp("audits") / "made")


@pytest.fixture(scope="module")
def report(case: CaseFolder) -> Report:
    return report_of(case)


def section(report: Report, title: str) -> Section:
    return next(one for one in report.sections if one.title == title)


def of(kind: type, part: Section) -> list:
    return [block for block in part.blocks if isinstance(block, kind)]


# --- content


def test_the_verdict_names_classes_and_rows_and_a_doubt(report: Report) -> None:
    assert report.verdict == f"1 of 4 classes looks poisoned: {NAMES[0]} (8 rows)."
    assert "not a proof" in report.after[0]


def test_where_nothing_stands_out_it_says_what_would_have_been_seen(tmp_path: Path) -> None:
    report = report_of(make_audit(tmp_path / "calm", kinds=()))
    assert report.verdict == "No class looks poisoned, and nothing else stands out."
    assert report.after[0] == "A group of 5 or more can be seen."
    assert not section(report, "Findings").parts


def test_lesser_findings_are_in_the_verdict_too(tmp_path: Path) -> None:
    report = report_of(make_audit(tmp_path / "some", kinds=("label-error", "copy", "second-group")))
    expected = (
        "No class looks poisoned; 8 rows form a second group, 8 rows may carry a wrong label and 8 rows are copies."
    )
    assert report.verdict == expected


def test_where_nothing_could_be_judged_it_says_so(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "few", kinds=("label-error",), marked=1)
    classes = [record | {"p_value": None} for record in case.summary["classes"]]
    case.write_json("summary.json", case.summary | {"classes": classes})
    assert report_of(case).verdict == "No class could be judged; 1 row may carry a wrong label."


def test_every_finding_has_its_part_worst_first(report: Report) -> None:
    parts = section(report, "Findings").parts
    assert [part.title.split(".")[0] for part in parts] == ["1", "2", "3", "4", "5"]
    for kind, part in zip(KINDS, parts, strict=True):
        facts = dict(of(Facts, part)[0].pairs)
        assert facts["Rows"] == "8 of 60 of the class (13 %)"
        assert facts["Decided"] == "nothing yet"
        assert ("AML.T0020" in facts["Filed under"]) == (kind == "poison")
        assert [block.title for block in part.blocks if getattr(block, "title", "").startswith("What ")] == [
            "What to do.", "What this cannot tell.", "What would settle it."
        ]  # fmt: skip


def test_the_nearest_class_is_told_with_the_rows_it_is_of(case: CaseFolder, tmp_path: Path) -> None:
    made = make_audit(tmp_path / "own")
    found = made.load_findings()
    errors = next(one for one in made.summary["findings"] if one["kind"] == "label-error")
    label, number = int(errors["nearest_label"]), int(errors["finding"])

    def told() -> str:
        return dict(of(Facts, section(report_of(made), "Findings").parts[number - 1])[0].pairs)["Nearest other class"]

    assert told() == NAMES[label]
    own = found.index[found["finding"] == number]
    found["nearest_label"] = found["nearest_label"].astype("Int64")
    found.loc[own[:3], "nearest_label"] = next(other for other in range(4) if other not in (label, errors["label"]))
    found.to_csv(made.file("findings.csv"), index=False)
    assert told() == f"{NAMES[label]} for 5 of 8 rows"


def test_a_finding_shows_its_rows_their_scores_and_every_other_class(report: Report) -> None:
    poison, errors, copies, _, _ = section(report, "Findings").parts
    (figure,) = of(Scatter, poison)
    assert figure.rows[figure.group == 2].tolist() == list(range(8))
    assert [view.name for view in figure.views] == ["raw", "naive", "robust"]
    scores, control = of(Histogram, poison)[0], of(Bars, poison)[0]
    assert scores.cut is not None
    assert (scores.values >= scores.cut[0]).sum() == 12
    assert [bar.name for bar in control.bars if bar.marked] == [NAMES[0]]
    assert control.line is not None
    assert len(control.bars) == len(NAMES)
    assert of(Histogram, errors)[0].title == "How far each lies towards another class"
    assert not of(Scatter, copies), "copies were set aside before anything was fitted"


def test_what_was_seen_across_classes_is_controlled_across_classes_first(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "across", kinds=("poison",), images=False)
    classes = [
        {**one, "misfits": 8, "separation": 2.0} if one["label"] == 0 else one for one in case.summary["classes"]
    ]
    case.write_json("summary.json", case.summary | {"classes": classes})
    controls = of(Bars, section(report_of(case), "Findings").parts[0])
    assert [bars.axis for bars in controls] == ["% of the class", "separation (Ashman's D)"]
    assert next(bar.told for bar in controls[0].bars if bar.marked) == "8 of 60"


def test_pictures_come_most_suspicious_first_beside_what_they_are_compared_with(report: Report) -> None:
    poison, _, copies, _, _ = section(report, "Findings").parts
    (gallery,) = of(Gallery, poison)
    assert [one.picture.row for one in gallery.shown] == list(range(8))
    assert [len(one.beside) for one in gallery.shown] == [4, 4, 4, 4, 0, 0, 0, 0]
    assert all(60 <= other.row < 120 for one in gallery.shown for other in one.beside)
    assert [other.row for other in of(Gallery, copies)[0].shown[0].beside] == [150]


def test_text_is_shown_where_there_are_no_pictures_and_rows_where_there_is_neither(tmp_path: Path) -> None:
    words = section(report_of(make_audit(tmp_path / "words", images=False, text=True)), "Findings").parts[0]
    assert of(Passages, words)[0].shown[0].text == "<i>text</i> of row 0"
    bare = section(report_of(make_audit(tmp_path / "bare", images=False)), "Findings").parts[0]
    assert of(Table, bare)[0].rows[0][:2] == ["0", f"{NAMES[0]}/img_0.png"]


def test_decisions_are_counted_and_signed(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "decided")
    write_decisions(case, Decisions({1: Decision("remove")}, {0: Decision("keep"), 60: Decision("relabel")}, "<Ada>"))
    report = report_of(case)
    facts = dict(of(Facts, section(report, "Decisions"))[0].pairs)
    assert facts["To be removed"] == "7 rows"
    assert facts["To be kept"] == "1 row"
    assert facts["Decided by"] == "<Ada>"
    poison = dict(of(Facts, section(report, "Findings").parts[0])[0].pairs)
    assert poison["Decided"] == "7 to be removed, 1 to be kept"


def test_what_was_read_left_out_and_not_looked_at_is_told(report: Report) -> None:
    text = re.sub(r"<[^>]*>", " ", to_html(report)).replace("&lt;", "<").replace("&gt;", ">")
    for wanted in ("a group of 5 or more can be seen", "3x files *.<b>: no images", "A <note>.", "<marks>", "ab" * 32, "three <rows>",
                   "The level is 0.05."):  # fmt: skip
        assert wanted in text.replace("Three", "three")


# --- large and damaged


def test_a_large_audit_stays_bounded(tmp_path: Path) -> None:
    names = [f"class number {i}" for i in range(1000)]
    case = make_audit(tmp_path / "large", per_class=12, names=names, kinds=("poison",) * 400, marked=6)
    report = report_of(case)
    findings = section(report, "Findings")
    assert len(findings.parts) == 30
    assert len(of(Table, findings)[0].rows) == 370
    control = of(Histogram, findings.parts[0])[-1]
    assert (control.counted, len(control.values)) == ("classes", 999)
    page = to_html(report)
    assert len(page) < 8e6, "bytes"
    assert "All 1,000 classes" in page


def test_a_thinned_figure_says_so_and_keeps_every_row_of_the_finding(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "many", per_class=9000, names=("a", "b"), kinds=("poison",), images=False, marked=700)
    (figure,) = of(Scatter, section(report_of(case), "Findings").parts[0])
    assert len(figure.rows) == POINTS
    assert (figure.group == 2).sum() == 700
    assert figure.caption.startswith("Showing 6,000 of 9,000 rows")


def test_points_and_pictures_are_shared_among_many_figures() -> None:
    assert room_for(1).points == POINTS
    assert 30 * room_for(30).points <= 40_000
    assert 30 * room_for(30).thumbnails <= 6_000


def test_an_audit_without_findings_yet_is_refused(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "young")
    case.file("summary.json").unlink()
    case.write_status(Status("cancelled"))
    with pytest.raises(InputError, match="no findings yet"):
        report_of(case)


def test_damaged_pictures_of_a_class_cost_its_figures_alone(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "torn")
    case.file("look-0/class-0.npz").write_bytes(b"torn")
    part = section(report_of(case), "Findings").parts[0]
    assert not of(Scatter, part)
    assert of(Bars, part)


def test_findings_beyond_the_rows_are_refused(tmp_path: Path) -> None:
    case = make_audit(tmp_path / "beyond")
    text = case.file("findings.csv").read_text().replace("\n0,0,poison", "\n99999,0,poison")
    case.file("findings.csv").write_text(text)
    with pytest.raises(InputError, match=r"rows that rows\.parquet does not have"):
        report_of(case)


# --- files


def test_it_is_written_beside_the_audit_and_holds_every_name_as_text(case: CaseFolder) -> None:
    assert write_report(case) == [case.file(HTML)]
    page = case.file(HTML).read_text(encoding="utf-8")
    assert len(page) < 2e6
    assert "<b>stop" not in page
    assert "\u202e" not in page
    for told in re.findall(r'<script type="application/json">(.*?)</script>', page):
        assert all(name == visible(name) for name in json.loads(told)["names"])


def test_the_pdf_mentions_each_finding(report: Report) -> None:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(report))).pages)
    for i, kind in enumerate(("looks poisoned", "label errors", "copies", "broken rows", "a second group"), 1):
        assert re.search(rf"{i}\. .*{kind}", text)


# --- words


def test_numbers_in_words() -> None:
    assert (p_text(1e-9), p_text(0.0042), p_text(None)) == ("p < 0.001", "p = 0.0042", "")
    assert (share(1, 3), share(1, 600), share(0, 0)) == ("33 %", "0.2 %", "-")
    assert (rows(1), rows(2000)) == ("1 row", "2,000 rows")
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefghi"), 3) == "a, b, c and 6 more"


def test_an_audit_ends_with_its_report(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((120, 4)).astype(np.float32)
    labels = np.repeat([0, 1, 2], 40)
    rows[np.arange(120), labels] += 6
    np.save(tmp_path / "features.npy", rows)
    np.save(tmp_path / "labels.npy", labels)
    (tmp_path / "audit").mkdir()
    case = CaseFolder(tmp_path / "audit")
    case.write_json("config.json", CaseConfig(str(tmp_path / "features.npy"), workers=1).checked().as_json())
    execute(case)
    assert "No class looks poisoned" in case.file(HTML).read_text(encoding="utf-8")
