"""The page Audit on a small finished audit, through Streamlit's own harness."""

import base64
import json
import shutil
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.cases import CaseFolder
from core.cases.decisions import Decision, Decisions, read_decisions, write_decisions
from dashboard import address, data
from dashboard.audit import choice, copying, evidence, gallery, listing, shelf, state
from dashboard.audit.shelf import CaseView
from tests.dashboard.audits import POISONS, draw, make_audit
from tests.dashboard.sent import components, figures
from tests.dashboard.test_lens import unpack
from tests.dashboard.test_screens import texts

Opened = Callable[..., AppTest]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    root = tmp_path_factory.mktemp("audit")
    _, images = draw(root / "data")
    return make_audit(root / "data", root / "audits", "trees", images=str(images), text="caption")


@pytest.fixture
def audits(made: CaseFolder, tmp_path, monkeypatch: pytest.MonkeyPatch) -> CaseFolder:
    """A copy of it that may be written to."""
    shutil.copytree(made.path, tmp_path / "audits" / made.id)
    monkeypatch.setenv("SPECTRE_LENS_AUDITS", str(tmp_path / "audits"))
    return CaseFolder(tmp_path / "audits" / made.id)


@pytest.fixture
def opened(audits: CaseFolder) -> Opened:
    def open_it(**query: str) -> AppTest:
        app = AppTest.from_file(str(data.ROOT / "dashboard" / "screens" / "audit.py"), default_timeout=120)
        for name, value in {"audit": audits.id, **query}.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return open_it


def sent(app: AppTest, name: str, place: int = 0):
    proto = components(app, name)[place]
    return json.loads(proto.json) if proto.json else unpack(proto.bytes)


def mask(app: AppTest, name: str, place: int = 0) -> np.ndarray:
    told = sent(app, "sync", place)
    raw = np.frombuffer(base64.b64decode(told[name]), np.uint8)
    return np.unpackbits(raw, bitorder="little", count=told["n"]).astype(bool)


def test_the_worst_finding_is_open_with_all_it_rests_on(opened: Opened, audits: CaseFolder) -> None:
    app = opened()
    said = texts(app)
    assert "1 class looks poisoned" in said
    assert "looks poisoned" in said
    assert "Limitation" in said
    assert "What would settle it" in said
    assert "AML.T0020" in said
    assert "NISTAML.023" in said
    assert mask(app, "removed").sum() == POISONS
    tiles = sent(app, "tiles")["tiles"]
    assert {tile["id"] for tile in tiles} == set(np.flatnonzero(audits.load_rows()["label"] == 0)[:POISONS])
    assert all(tile["src"].startswith("data:image/png") for tile in tiles)
    assert all(tile["caption"][-1].startswith("img_") for tile in tiles)


def test_every_other_class_is_the_control(opened: Opened) -> None:
    figure = json.loads(figures(opened())[0])
    assert len(figure["data"][0]["y"]) == 5
    assert sum("◂" in line for line in figure["data"][0]["y"]) == 1
    assert figure["layout"]["xaxis"]["title"]["text"] == "rows that lie with another class, % of the class"
    here = next(i for i, line in enumerate(figure["data"][0]["y"]) if "◂" in line)
    assert here == 0, "a poison that is told by the class that its rows lie with is first by that"


def test_names_of_classes_are_shown_as_they_are(opened: Opened) -> None:
    app = opened()
    assert "\\<b\\>oak\\</b\\>" in texts(app)
    assert "&lt;b&gt;oak" in figures(app)[0]


def test_another_number_of_poisons_is_answered_by_the_pictures_at_hand(opened: Opened) -> None:
    app = opened(ring="what SPECTRE removes")
    counts = app.select_slider(key="poisons").options
    assert len(counts) > 2
    for value in (counts[-1], counts[0]):
        app.select_slider(key="poisons").set_value(value).run()
        removed = int(mask(app, "removed").sum())
        assert removed == round(1.5 * int(value.split()[0]))
        assert f"removes {removed:,} of" in texts(app)
    assert app.session_state["poisons said"][0] == counts[0]  # what was written into the address


def test_of_a_large_class_every_flagged_row_is_drawn_and_some_of_the_others_and_it_says_so(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = opened(ring="what SPECTRE removes")
    assert "Showing every row of the class" in texts(whole)
    ids, flagged = sent(whole, "cloud")[1]["ids"], mask(whole, "removed")
    monkeypatch.setattr(evidence, "DRAWN", 30)
    app = opened(ring="what SPECTRE removes", rows=address.ids_to_text(range(140, 160)))
    drawn, ringed = sent(app, "cloud")[1], mask(app, "removed", 0)
    assert len(drawn["ids"]) == 30 < len(ids)
    assert set(ids[flagged]) == set(drawn["ids"][ringed])
    kept = np.isin(ids, drawn["ids"])
    assert (drawn["robust"].reshape(-1, 2) == sent(whole, "cloud")[1]["robust"].reshape(-1, 2)[kept]).all()
    assert f"show 30 of the {len(ids)} rows" in texts(app)
    assert f"{(~np.isin(np.arange(140, 160), drawn['ids'])).sum()} of the 20 selected are not drawn" in texts(app)
    assert mask(app, "removed", 1).sum() == flagged.sum()  # the gallery and the scores have them all
    assert len(mask(app, "removed", 1)) == len(ids)


def test_another_k_draws_the_class_anew(opened: Opened) -> None:
    app = opened()
    before = sent(app, "cloud")[1]["robust"]
    options = app.select_slider(key="k").options
    other = next(option for option in options if "first" not in option)
    app.select_slider(key="k").set_value(other).run()
    assert not np.array_equal(sent(app, "cloud")[1]["robust"], before)


def test_a_link_brings_the_finding_the_selection_and_the_row_back(opened: Opened, audits: CaseFolder) -> None:
    rows = np.flatnonzero(audits.load_rows()["label"] == 0)[20:23].tolist()
    app = opened(rows=address.ids_to_text(rows), row=address.ids_to_text(rows[:1]))
    assert mask(app, "selected").sum() == 3
    assert f"Row {rows[0]}" in texts(app)
    assert "Nearest in" in texts(app)


@pytest.mark.parametrize(
    "nonsense", [{"rows": "!!"}, {"row": "zzzzzz"}, {"finding": "99"}, {"k": "x"}, {"part": "nowhere"}]
)
def test_nonsense_in_the_address_is_put_right(opened: Opened, nonsense: dict[str, str]) -> None:
    assert "looks poisoned" in texts(opened(**nonsense))


def test_an_audit_that_is_not_here_is_said_to_be_missing_until_one_is_chosen(
    opened: Opened, audits: CaseFolder
) -> None:
    app = opened(audit="gone-since")
    assert "There is no audit “gone-since” here" in texts(app)
    assert "There is no audit" in texts(app.run())
    app.selectbox(key="audit").set_value(next(o for o in shelf.everything() if o != audits.id)).run()
    assert "There is no audit" not in texts(app)


def test_what_bears_on_the_verdict_stands_beside_the_findings(opened: Opened, audits: CaseFolder) -> None:
    summary = audits.read_object("summary.json")
    summary["notes"] = ["35 rows lie <nearer> to another class than to their own"]
    audits.write_json("summary.json", summary)
    assert "35 rows lie \\<nearer\\> to another class than to their own" in texts(opened())


def test_nothing_is_relabelled_before_a_class_is_chosen(opened: Opened) -> None:
    app = opened(kind="poison")
    nearest = choice.NEAREST in app.selectbox(key="decide-to-finding-1").options
    assert app.button(key="decide-relabel-finding-1").disabled is not nearest
    app = opened(kind="copy")
    number = next(box.key for box in app.selectbox if str(box.key).startswith("decide-to-finding-")).split("-")[-1]
    box = app.selectbox(key=f"decide-to-finding-{number}")
    assert box.value is None
    assert app.button(key=f"decide-relabel-finding-{number}").disabled
    app = box.select_index(0).run()
    assert not app.button(key=f"decide-relabel-finding-{number}").disabled


def test_rows_of_a_finding_that_are_decided_on_alone_are_told_with_it(opened: Opened, audits: CaseFolder) -> None:
    rows = audits.load_findings().query("finding == 1")["row"].astype(int).tolist()
    assert "decided on alone" not in texts(opened())
    write_decisions(audits, Decisions(rows={rows[0]: Decision("keep"), rows[1]: Decision("remove")}))
    assert f"**Decide** · open · proposed: remove · 2 of its {len(rows)} rows decided on alone" in texts(opened())


def test_copies_stand_beside_the_row_that_is_kept(opened: Opened) -> None:
    tiles = sent(opened(kind="copy"), "tiles")["tiles"]
    assert [tile["caption"][0] for tile in tiles] == ["kept", "copy of row 6"]
    assert [tile["id"] for tile in tiles] == [6, 7]


def test_label_errors_say_which_class_they_lie_with(opened: Opened) -> None:
    tiles = sent(opened(kind="label-error"), "tiles")["tiles"]
    assert [tile["caption"][0] for tile in tiles] == ["→ pine"]


def test_neighbours_stand_beside_each_row(opened: Opened) -> None:
    app = opened()
    app.toggle(key="audit-beside").set_value(True).run()
    html = " ".join(element.proto.body for element in app.get("html"))
    assert "nearest of another class: yew" in html
    assert html.count("this row:") == 6


def test_buttons_decide_and_the_folder_keeps_it(opened: Opened, audits: CaseFolder) -> None:
    app = opened()
    app.button(key="decide-remove-finding-1").click().run()
    assert read_decisions(audits).findings == {1: Decision("remove")}
    assert "to be removed" in texts(app)
    app.button(key="decide-open-finding-1").click().run()
    assert read_decisions(audits).findings == {}


def test_the_proposals_are_taken_but_not_over_what_was_decided(opened: Opened, audits: CaseFolder) -> None:
    app = opened()
    app.button(key="decide-keep-finding-1").click().run()
    app = opened(part="decide")
    assert "3 open" not in texts(app)
    next(button for button in app.button if "proposals" in button.label).click().run()
    assert {number: one.do for number, one in read_decisions(audits).findings.items()} == {
        1: "keep",
        2: "relabel",
        3: "remove",
    }


def test_the_number_that_was_assumed_is_there_again_after_another_step(opened: Opened) -> None:
    app = opened()
    own = app.select_slider(key="poisons").value
    assert own != app.select_slider(key="poisons").options[0]
    for step in ("decide", "findings"):
        app.segmented_control(key="part").set_value(step).run()
        assert not app.exception, app.exception
    assert app.select_slider(key="poisons").value == own
    assert "poisons" not in app.query_params


def test_a_row_that_no_finding_places_is_not_relabelled_as_its_nearest_class(
    opened: Opened, audits: CaseFolder
) -> None:
    """Nobody would know which that is, and the decision would come to nothing."""
    found = audits.load_findings()
    known = set(found.loc[found["nearest_label"] >= 0, "row"])
    plain = next(row for row in range(10, 40) if row not in set(found["row"]))
    for row, offered in ((plain, False), (min(known), True)):
        label = int(audits.load_rows()["label"].iloc[row])
        finding = found.loc[found["label"] == label, "finding"].min()
        app = opened(row=address.ids_to_text([row]), finding=str(finding))
        options = app.selectbox(key="decide-to-rows-one").options
        assert (choice.NEAREST in options) == offered, row
    assert choice.NEAREST not in app.selectbox(key="decide-to-finding-3").options if finding == 3 else True


def test_what_cannot_be_removed_is_not_proposed_to_be(opened: Opened, audits: CaseFolder) -> None:
    summary = audits.read_object("summary.json")
    summary["findings"][0]["removable"] = False
    audits.write_json("summary.json", summary)
    app = opened()
    assert "proposed: keep" in texts(app)
    app = opened(part="decide")
    (frame,) = (one.value for one in app.dataframe if "proposed" in one.value)
    assert frame["proposed"].iloc[0] == "keep"


def test_pictures_are_kept_by_the_number_that_is_assumed_not_by_its_place(opened: Opened) -> None:
    """A wider look puts smaller numbers before those that were there."""

    def shown(poisons: int, scores: float) -> state.Shown:
        view = SimpleNamespace(id="an audit", stamp=1)
        pictures = SimpleNamespace(
            poisons=np.array([poisons]), ks=np.array([3]), label=0, rows=np.arange(4), scores=np.full((1, 1, 4), scores)
        )
        return cast(
            state.Shown,
            state.Shown(view, {}, SimpleNamespace(number=0), pictures, 0, 0, *[np.zeros(4, bool)] * 3, None),
        )  # type: ignore[arg-type]

    two, one = shown(2, 0.5), shown(1, 0.7)
    first, second = (evidence.scores_of(s.channel, s.view.stamp, s.asked, s) for s in (two, one))
    assert first != second
    assert evidence.scores_of(two.channel, 1, two.asked, two) == first


def test_a_line_of_a_table_is_looked_at_when_it_is_clicked_and_not_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line stays marked; that must not bring its card back once another row is looked at."""
    placed: dict[str, object] = {}
    monkeypatch.setattr(gallery.st, "dataframe", lambda frame, **options: placed.update(options))
    monkeypatch.setattr(gallery.st, "session_state", session := {state.ROW: None})
    view = SimpleNamespace(rows={}, file=lambda row: "")
    rows = np.array([11, 12, 13])
    gallery.table(cast(CaseView, view), rows, ["a", "b", "c"])
    session[placed["key"]] = {"selection": {"rows": [2]}}
    cast(Callable[[], None], placed["on_select"])()
    assert session[state.ROW] == 13
    session[state.ROW] = 7  # a point in a picture
    gallery.table(cast(CaseView, view), rows, ["a", "b", "c"])
    assert session[state.ROW] == 7


def test_a_damaged_file_of_decisions_is_one_line(opened: Opened, audits: CaseFolder) -> None:
    audits.file("decisions.json").write_text("[]", encoding="utf-8")
    app = opened()
    assert any("damaged" in error.value for error in app.error)


def test_a_decision_that_a_damaged_audit_cannot_take_is_said(
    audits: CaseFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(choice.st, "toast", lambda words, **how: said.append(words))
    view = cast(CaseView, SimpleNamespace(case=audits, id=audits.id))
    choice.keep(view, Decisions())
    assert not said
    audits.file("findings.csv").write_text("row\nx\n", encoding="utf-8")
    choice.keep(view, Decisions())
    (words,) = said
    assert words.startswith("The decision could not be kept: ")
    assert "findings.csv cannot be read" in words


def test_a_damaged_audit_is_one_line_and_the_menu_stays(opened: Opened, audits: CaseFolder) -> None:
    audits.file("summary.json").write_text("{", encoding="utf-8")
    app = opened()
    assert any("cannot be shown" in error.value for error in app.error)
    assert app.selectbox(key="audit").options


@pytest.mark.parametrize(("p", "said"), [(None, ""), (0.0, "p < 0.001"), (0.004, "p = 0.004"), (0.2, "p = 0.2")])
def test_p_values_are_said_as_people_read_them(p: float | None, said: str) -> None:
    assert listing.p_text(p) == said


def test_long_names_are_cut_in_the_middle() -> None:
    name = gallery.short("a/" + "x" * 30 + "_the_end.png")
    assert len(name) <= 27
    assert name.startswith("xxx")
    assert name.endswith("end.png")


def test_what_is_decided_on_a_bundled_audit_is_said_to_be_kept_for_a_while(
    opened: Opened, audits: CaseFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "until the page is loaded anew" not in texts(opened(part="decide"))
    monkeypatch.setattr("dashboard.audit.shelf.is_bundled", lambda case: True)
    assert "until the page is loaded anew" in texts(opened(part="decide"))


def test_a_cleaned_copy_counts_the_rows_without_a_label_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    told = {"path": "x", "removed": 2, "relabelled": 1, "per_class": {"a": 40, "b": 50}, "notes": []}
    monkeypatch.setattr(copying.st, "success", said.append)
    for rows, words in ((99, "97 in all, 7 of them without a label"), (92, "90 in all.")):
        view = SimpleNamespace(id="one", read={"what": "features", "rows": rows, "per_class": [41, 51]})
        monkeypatch.setattr(copying.st, "session_state", {copying.DONE: ("one", told, "")})
        copying._say(cast(CaseView, view))
        assert words in said[-1]
