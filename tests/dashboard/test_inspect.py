"""The page Inspect driven through Streamlit's own test harness, on the bundled runs."""

import base64
import json
import re
import shutil
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.runs import Runs
from dashboard import address, data
from dashboard.inspection import more, state
from tests.dashboard.sent import codes, components
from tests.dashboard.test_lens import unpack
from tests.dashboard.test_screens import open_page, own_runs, texts

__all__ = ["own_runs"]

SIGNS = "signs-patch-50"


def component(app: AppTest, name: str, place: int = 0):
    """What a canvas was given: a mapping, or (head, arrays)."""
    proto = components(app, name)[place]
    return json.loads(proto.json) if proto.json else unpack(proto.bytes)


def mask(app: AppTest, name: str, place: int = 0):
    told = component(app, "sync", place)
    if told[name] is None:
        return None
    raw = np.frombuffer(base64.b64decode(told[name]), np.uint8)
    return np.unpackbits(raw, bitorder="little", count=told["n"]).astype(bool)


def shown(app: AppTest) -> list[int]:
    return [tile["id"] for tile in component(app, "tiles", -1)["tiles"]]


@pytest.fixture
def run():
    return data.open_run(data.bundled()[SIGNS])


def by_address(**query: str) -> AppTest:
    app = AppTest.from_file(str(data.ROOT / "dashboard" / "screens" / "inspect.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def test_the_truth_reaches_the_browser_only_when_it_is_asked_for(run):
    app = open_page("inspect")
    assert "truth is hidden" in texts(app)
    assert "Poison removed" not in texts(app)
    assert component(app, "sync")["truth"] is None
    sent = [e.proto.json.encode() or e.proto.bytes for e in app.get("bidi_component")]
    assert len(sent) == 4
    assert not any(b"poison" in message.replace(SIGNS.encode(), b"") for message in sent)
    app.toggle(key="truth").set_value(True).run()
    assert "Poison removed 100 %" in texts(app)
    np.testing.assert_array_equal(mask(app, "truth"), run.truth)


def test_at_first_what_the_run_removed_is_removed(run):
    np.testing.assert_array_equal(mask(open_page("inspect"), "removed"), run.frame["removed_spectre"])


def test_slider_number_and_dragged_line_move_one_cut(run):
    app = open_page("inspect", truth=True)
    app.slider(key="cut-slider").set_value(0).run()
    assert "Poison removed 0 %" in texts(app)
    assert app.number_input(key="cut-number").value == 0
    app.number_input(key="cut-number").set_value(len(run.frame)).run()
    assert "Clean removed 100" in texts(app)
    assert app.slider(key="cut-slider").value == len(run.frame)
    assert app.query_params["cut"] == str(len(run.frame))
    next(b for b in app.button if b.label == "Reset").click().run()
    np.testing.assert_array_equal(mask(app, "removed"), run.frame["removed_spectre"])
    assert "cut" not in app.query_params


def test_the_pictures_are_not_sent_anew_when_the_cut_moves():
    app = open_page("inspect")
    before = [proto.bytes for proto in components(app, "cloud")]
    app.slider(key="cut-slider").set_value(3).run()
    after = [proto.bytes for proto in components(app, "cloud")]
    assert before == after


def test_a_selection_fills_the_gallery_with_those_examples_and_no_others(run):
    ids = run.ids[[3, 40, 77]].tolist()
    app = open_page("inspect", inspected=SIGNS, selected=ids, guessed=[], which="selected")
    assert sorted(shown(app)) == ids
    np.testing.assert_array_equal(np.flatnonzero(mask(app, "selected")), [3, 40, 77])
    next(b for b in app.button if b.label == "Clear the selection").click().run()
    assert not mask(app, "selected").any()


def test_the_gallery_shows_the_most_suspicious_first_and_turns_pages(run):
    app = open_page("inspect")
    order = run.ids[np.argsort(-run.frame["score_spectre"].to_numpy(), kind="stable")]
    assert shown(app) == order[:24].tolist()
    assert next(b for b in app.button if b.label == "Previous").disabled
    next(b for b in app.button if b.label == "Next").click().run()
    assert shown(app) == order[24:48].tolist()


def test_the_card_says_what_every_defense_says_and_hides_the_truth(run):
    row = int(np.flatnonzero(run.truth)[0])
    app = open_page("inspect", inspected=SIGNS, selected=[], guessed=[], focus=int(run.ids[row]))
    said = texts(app)
    assert f"Example {run.ids[row]}" in said
    for key, about in run.result["defenses"].items():
        title = f"**{about['title']}**" if key == "spectre" else about["title"]
        verdict = "removed" if run.frame[f"removed_{key}"].iat[row] else "kept"
        where = "at this cut" if key == "spectre" else "in the run"
        assert re.search(rf"\| {re.escape(title)} \| \S+ \| {run.ranks[key][row]:,} \| {verdict} {where} \|", said)
    assert "true label" not in said
    assert component(app, "sync")["focus"] == row
    app.toggle(key="truth").set_value(True).run()
    assert f"true label: *{run.classes[int(run.frame['true_label'].iat[row])]}*" in texts(app)


def test_the_file_of_an_image_is_told_with_the_truth_alone(run, own_runs):
    """Its folder is the true class."""
    shutil.copytree(run.path, own_runs / "named")
    files = [f"{run.classes[int(label)]}/*{i}*.png" for i, label in enumerate(run.frame["true_label"])]
    run.frame.assign(source=files).to_parquet(own_runs / "named" / "scores.parquet", index=False)
    app = open_page("inspect", inspected="named", selected=[], guessed=[], focus=int(run.ids[3]))
    assert ".png" not in texts(app)
    assert not any(".png" in str(tile) for place in (0, 1) for tile in component(app, "tiles", place)["tiles"])
    app.toggle(key="truth").set_value(True).run()
    assert r"\*3\*.png" in texts(app)
    for place in (0, 1):  # the nearest examples and the gallery
        for tile in component(app, "tiles", place)["tiles"]:
            row = run.row_of[tile["id"]]
            assert (tile["caption"][-1], tile["title"]) == (f"*{row}*.png", files[row])


def test_a_plain_number_is_not_told_beside_the_id(run, own_runs):
    shutil.copytree(run.path, own_runs / "numbered")
    frame = run.frame.assign(source=[str(7000 + i) for i in range(len(run.frame))])
    frame.to_parquet(own_runs / "numbered" / "scores.parquet", index=False)
    app = open_page("inspect", run="numbered", truth=True)
    assert all("title" not in tile or tile["title"] == "" for tile in component(app, "tiles", -1)["tiles"])
    assert all(len(tile["caption"]) == 3 for tile in component(app, "tiles", -1)["tiles"])


@pytest.mark.parametrize("revealed", [False, True])
def test_the_table_to_download_has_the_files_with_the_truth_and_no_formulas(run, own_runs, monkeypatch, revealed):
    shutil.copytree(run.path, own_runs / "formulas")
    files = [f"=HYPERLINK({i})" for i in range(len(run.frame))]
    run.frame.assign(source=files).to_parquet(own_runs / "formulas" / "scores.parquet", index=False)
    saved = []
    monkeypatch.setattr(more.st, "download_button", lambda _label, make, *_args, **_options: saved.append(make()))
    read = data.open_run(Runs(own_runs).open("formulas"))
    nothing = np.zeros(len(run.frame), bool)
    scores = run.frame["score_spectre"].to_numpy()
    more.table(state.Shown(read, "spectre", scores, nothing, revealed, nothing, nothing, None, ""))
    lines = saved[0].decode().splitlines()
    assert ("source" in lines[0]) == revealed
    assert all((",'=HYPERLINK(" in line) == revealed and ",=" not in line for line in lines[1:])


def test_the_card_follows_the_cut_and_the_sharpness(run):
    row = int(np.argmax(run.frame["score_spectre"]))
    app = open_page("inspect", inspected=SIGNS, selected=[], guessed=[], focus=int(run.ids[row]))
    assert "| 1 | removed at this cut |" in texts(app)
    app.number_input(key="cut-number").set_value(0).run()
    assert "| 1 | kept at this cut |" in texts(app)
    app = open_page("inspect", inspected=SIGNS, selected=[], guessed=[], focus=int(run.ids[row]), alpha="∞")
    rank = int((run.grid[-1, run.result["grid"]["ks"].index(run.result["defenses"]["spectre"]["record"]["k"])] > run.grid[-1, run.result["grid"]["ks"].index(run.result["defenses"]["spectre"]["record"]["k"])][row]).sum()) + 1  # fmt: skip
    assert re.search(rf"\| \*\*SPECTRE, α = ∞, k = \d+\*\* \| \S+ \| {rank:,} \|", texts(app))


def test_a_slider_that_was_moved_on_is_not_set_back():
    app = open_page("inspect")
    app.slider(key="cut-slider").set_value(40).run()
    told = next(e.proto for e in app.slider if e.key == "cut-slider")
    assert not told.set_value  # else the browser takes 40, whatever was pressed meanwhile


def test_the_number_of_before_may_be_typed_again(run):
    own = run.result["defenses"]["spectre"]["removed"]
    app = open_page("inspect")
    app.slider(key="cut-slider").set_value(own + 5).run()
    time.sleep(state.BRIEF)
    app.number_input(key="cut-number").set_value(own).run()
    assert app.session_state["cut"] == own


def test_a_slow_server_does_not_take_the_number_of_before_for_a_new_one(run, monkeypatch):
    monkeypatch.setattr(address, "lag", lambda: 0.0)  # as if every answer had taken longer than the longest wait
    monkeypatch.setattr(state, "BRIEF", 0.0)
    own = run.result["defenses"]["spectre"]["removed"]
    app = open_page("inspect")
    for cut in (own + 5, own + 9, own + 14):
        app.slider(key="cut-slider").set_value(cut)
        app.number_input(key="cut-number").set_value(own)  # the browser has heard nothing yet
        app.query_params.pop("cut", None)
        app.run()
        assert app.session_state["cut"] == cut
    app.number_input(key="cut-number").set_value(own).run()  # heard, and typed by hand
    assert app.session_state["cut"] == own


def test_an_address_that_lags_behind_does_not_win_over_the_widget():
    app = by_address(run=SIGNS, alpha="8")
    app.select_slider(key="alpha").set_value("16").run()
    app.query_params["alpha"] = "8"  # as a browser sends it that has not heard of 16 yet
    app.select_slider(key="alpha").set_value("32").run()
    assert app.session_state["alpha"] == "32"


def test_a_guess_is_in_the_address_and_comes_back(run):
    from dashboard.address import ids_to_text

    text = ids_to_text(run.ids[:3].tolist())
    app = by_address(guess=text)
    assert app.session_state["guessed"] == run.ids[:3].tolist()
    assert app.query_params["guess"] == text


def test_the_way_back_from_a_neighbour(run):
    one, other = int(run.ids[5]), int(run.ids[9])
    app = open_page("inspect", inspected=SIGNS, selected=[], guessed=[], focus=one, trail=[other])
    app.button(key="card-back").click().run()
    assert app.session_state["focus"] == other
    assert not [b for b in app.button if b.key == "card-back"]


def test_while_the_truth_is_hidden_neither_menu_nor_command_tells_it(run):
    app = open_page("inspect")
    assert app.selectbox(key="run").options[0] == SIGNS
    assert run.result["command"] not in "".join(codes(app))
    app.toggle(key="truth").set_value(True).run()
    assert "50 poisons" in app.selectbox(key="run").options[0]
    assert run.result["command"] in "".join(codes(app))


def test_a_guess_is_recorded_and_shown_beside_the_truth(run):
    poison, clean = run.ids[run.truth][:2], run.ids[~run.truth][:1]
    picked = [*map(int, poison), *map(int, clean)]
    app = open_page("inspect", inspected=SIGNS, selected=picked, guessed=[])
    next(b for b in app.button if b.label == "Add the 3 selected").click().run()
    assert app.session_state["guessed"] == sorted(picked)
    assert "**Your guess**: 3 images" in texts(app)
    app.toggle(key="truth").set_value(True).run()
    assert f"| poison found | 4 % (2 of {int(run.truth.sum())}) |" in texts(app)
    assert "| precision | 67 % (2 of 3) |" in texts(app)
    assert not [b for b in app.button if b.label.startswith("Add the")]  # nobody guesses with the answer in sight


def test_the_address_restores_run_defense_cut_selection_example_and_truth():
    run = data.open_run(data.bundled()["digits-patch-10"])
    from dashboard.address import ids_to_text

    app = by_address(
        run=run.id, defense="spectral", cut="7", selected=ids_to_text(run.ids[:4].tolist()),
        look=ids_to_text([int(run.ids[9])]), truth="true",
    )  # fmt: skip
    assert mask(app, "removed").sum() == 7
    assert mask(app, "selected").sum() == 4
    assert component(app, "sync")["focus"] == 9
    assert app.session_state["defense"] == "spectral"
    assert mask(app, "truth") is not None


@pytest.mark.parametrize(
    "query",
    [
        {"run": "../../etc/passwd"}, {"cut": "-1"}, {"cut": "99999999"}, {"cut": "1e9"}, {"cut": "<b>"},
        {"selected": "zzzzzz"}, {"selected": "<script>"}, {"look": "1-2"}, {"look": "%00"}, {"defense": "magic"},
        {"truth": "maybe"}, {"alpha": "nan"}, {"k": "-3"}, {"which": "all"}, {"decision": "x"},
    ],
)  # fmt: skip
def test_nonsense_in_the_address_gives_way_to_the_default(query, run):
    app = by_address(**query)
    np.testing.assert_array_equal(mask(app, "removed"), run.frame["removed_spectre"])
    assert not mask(app, "selected").any()
    assert component(app, "sync")["focus"] is None
    assert f"run {SIGNS}" in texts(app)


@pytest.mark.parametrize("key", sorted(data.open_run(data.bundled()[SIGNS]).result["defenses"]))
def test_every_defense_can_be_inspected(key, run):
    app = open_page("inspect", defense=key, truth=True)
    assert "Precision" in texts(app)
    np.testing.assert_array_equal(mask(app, "removed"), run.frame[f"removed_{key}"])


def test_another_run_starts_without_the_selection_of_the_last(run):
    app = open_page("inspect", inspected="other", selected=run.ids[:5].tolist(), guessed=[1], focus=int(run.ids[0]))
    assert not mask(app, "selected").any()
    assert component(app, "sync")["focus"] is None


def test_a_link_to_a_run_that_is_not_here_shows_nothing_of_that_run(run):
    """Least of all the truth of another one, to somebody who has not guessed."""
    app = by_address(run="my-run-17", selected="2s-2z", look="4f", cut="70", truth="true", defense="spectral")
    assert f"run {SIGNS}" in texts(app)
    assert "truth is hidden" in texts(app)
    assert mask(app, "selected").sum() == 0
    assert component(app, "sync")["focus"] is None
    np.testing.assert_array_equal(mask(app, "removed"), run.frame["removed_spectre"])


def test_a_selection_of_which_the_run_has_a_part_is_refused(run):
    text = address.ids_to_text([int(run.ids[0]), int(run.ids.max()) + 1])
    assert mask(by_address(run=run.id, selected=text), "selected").sum() == 0


def test_the_truth_of_the_next_run_is_hidden_and_who_has_seen_one_is_told_so(run):
    app = open_page("inspect", truth=True)
    app.selectbox(key="run").set_value("digits-patch-10").run()
    assert not app.exception, app.exception
    assert "run digits-patch-10" in texts(app)
    assert "truth is hidden" in texts(app)
    assert "You have seen the truth of this run" not in texts(app)
    app.selectbox(key="run").set_value(SIGNS).run()
    assert "truth is hidden" in texts(app)
    assert "You have seen the truth of this run" in texts(app)


def test_alpha_and_k_answer_from_what_the_run_holds(run):
    about = run.result["grid"]
    app = open_page("inspect", alpha="∞", k=str(about["ks"][-1]))
    _, arrays = component(app, "histogram")
    np.testing.assert_array_equal(arrays["scores"].astype(np.float32), run.grid[-1, -1])
    assert app.query_params["alpha"] == "∞"


def test_the_stops_of_alpha_and_k_are_in_order_with_the_fits_own_among_them(run):
    own = run.result["defenses"]["spectre"]["record"]
    app = by_address(run=run.id, alpha=f"{own['alpha']:g}", k=str(own["k"]))
    for key, fitted in (("alpha", own["alpha"]), ("k", own["k"])):
        slider = app.select_slider(key=key)
        values = [float(text.removeprefix("as fitted: ").replace("∞", "inf")) for text in slider.options]
        assert values == sorted(set(values))
        assert slider.value == "as fitted", "a link that names the fit's own"
        assert f"as fitted: {fitted:g}" in slider.options
    assert not app.warning


def test_how_spectre_decided_is_drawn_only_where_it_is_open(run):
    app = open_page("inspect")
    assert not components(app, "film")
    app = open_page("inspect", decision=True)
    meta, arrays = component(app, "film")
    record = run.result["defenses"]["spectre"]["record"]
    rounds = record["candidates"][record["chosen"]]["rounds"]
    assert len(meta["rounds"]) == len(rounds) + 1
    for number, one in enumerate(rounds, 1):
        assert sorted(np.flatnonzero(arrays["dropped"] == number)) == sorted(one["dropped"])
    assert not len(arrays["truth"])


@pytest.mark.slow
def test_umap_is_drawn_on_demand_only_and_says_what_it_is_not():
    app = open_page("inspect", run="digits-patch-10", map=True)
    assert "not evidence" in texts(app)
    app.toggle(key="umap-digits-patch-10").set_value(True).run(timeout=180)  # numba compiles, once
    assert not app.exception
    meta, _ = component(app, "cloud", -1)
    assert re.search(
        r"UMAP of \d+ principal components · 15 neighbours · minimum distance 0.1", meta["views"][0]["title"]
    )


def test_a_damaged_run_is_a_message_not_a_crash(own_runs):
    source = next(iter(data.bundled().values()))
    shutil.copytree(source.path, own_runs / "broken")
    (own_runs / "broken" / "scores.parquet").write_bytes(b"not parquet")
    assert "cannot be shown" in texts(open_page("inspect", run="broken"))


def test_without_any_run_inspect_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "BUNDLED", Runs(tmp_path))
    assert "Start one in the Lab" in texts(open_page("inspect"))
