"""The Challenge page played through Streamlit's own harness, and by five real sessions at once."""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.sessions import Session, wait_for_server
from core.challenges import ATTEMPTS, open_challenge, read_truth
from core.foundation.errors import InputError
from dashboard import data
from dashboard.access.visitors import HELD, Visitor
from dashboard.challenge import answer, board, gallery, game, keeping, look, pictures, teacher, truth
from dashboard.charts.labels import scores_by_label
from dashboard.theme import LIGHT
from tests.dashboard.sent import figures
from tests.dashboard.test_inspect import component, mask

PAGE = data.ROOT / "dashboard" / "screens" / "challenge.py"
PLAYED = game.BUNDLED / "a-digits"
INFINITE = '{"basket": [], "choice": "x", "seen": [], "sent": {"a": Infinity}}'


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Runs, challenges and answers of this test alone; no teacher."""
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("SPECTRE_LENS_CHALLENGES", raising=False)
    monkeypatch.delenv("SPECTRE_LENS_TEACHER", raising=False)
    return tmp_path / "challenges"


@pytest.fixture
def challenge():
    return open_challenge(PLAYED)


def open_page(played="a-digits", name="") -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["challenge"] = played
    app.run()
    assert not app.exception, app.exception
    if name:
        app.text_input(key="name typed").set_value(name).run()
    return app


def said(app: AppTest) -> str:
    pieces = [
        *app.markdown,
        *app.caption,
        *app.info,
        *app.warning,
        *app.error,
        *app.success,
        *app.get("html"),
        *app.subheader,
    ]
    return "\n".join(str(piece.value) for piece in pieces) + "\n".join(f"{m.label} {m.value}" for m in app.metric)


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception, app.exception


def look_at(app: AppTest, label: int) -> None:
    app.session_state["label"] = str(label)
    app.run()


def name_label(app: AppTest, choice: str) -> None:
    next(box for box in app.selectbox if box.label == "Which label looks poisoned?").set_value(choice).run()


def play_right(app: AppTest, challenge) -> None:
    label = read_truth(challenge).label
    look_at(app, label)
    press(app, "take")
    name_label(app, str(label))
    press(app, "submit")


def test_three_challenges_come_with_the_program_and_their_names_tell_nothing():
    assert list(game.available()) == ["a-digits", "b-signs", "c-signs"]


def test_a_game_from_the_first_look_to_the_reveal(challenge):
    app = open_page(name="Ada")
    play_right(app, challenge)
    assert f"Taken: answer 1 of {ATTEMPTS} of Ada" in said(app)
    before = said(app)
    assert "Your score" not in before
    assert "white square" not in before  # nothing of the truth before the reveal
    assert "put what you would remove" in before
    press(app, "reveal-me")
    after = said(app)
    assert "put what you would remove" not in after
    assert "The truth is told." in after
    assert "Your score 100" in after
    assert "14 images labelled 8 were poisoned" in after
    assert "14 of 14 poisons removed" in after
    assert '<td class="n">14 of 14</td>' in after  # the board has scores now
    assert not any(b.key == "submit" for b in app.button)


def test_nothing_of_the_truth_reaches_the_page_before_the_reveal(challenge):
    """The seal, yes; the truth's file, its salt and its ids in a row, no."""
    app = open_page(name="Ada")
    name_label(app, "nothing")
    press(app, "submit")
    secret = json.loads((PLAYED / "truth.json").read_text())
    everything = said(app) + str(app.main)
    assert challenge.seal in everything
    assert secret["salt"] not in everything
    assert secret["story"]["in_words"] not in everything


def test_submit_says_what_is_missing_until_nothing_is():
    app = open_page()
    assert "Say who you are" in said(app)
    app.text_input(key="name typed").set_value("Ada").run()
    assert "Choose a label, or" in said(app)
    name_label(app, "3")
    assert "Put the images that you would remove into the basket" in said(app)
    assert app.button(key="submit").disabled
    press(app, "take")
    assert not app.button(key="submit").disabled


def test_a_name_is_checked_and_shown_as_text():
    app = open_page(name="a\u200bb")
    assert "characters that can be seen" in said(app)
    app.text_input(key="name typed").set_value("<img src=x onerror=alert(1)>").run()
    name_label(app, "nothing")
    press(app, "submit")
    html = "".join(str(h.value) for h in app.get("html"))
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html


def test_the_basket_fills_by_the_cut_by_images_and_by_ids(challenge):
    app = open_page()
    basket = app.session_state[f"basket {challenge.seal}"]
    press(app, "take")
    assert len(basket) == challenge.assumed
    assert set(basket) <= set(challenge.of_label(0).tolist())
    press(app, "untake")
    assert not basket
    app.text_input(key="ids").set_value("3, 10-12").run()
    press(app, "add-ids")
    assert basket == {3, 10, 11, 12}
    app.text_input(key="ids").set_value("11").run()
    press(app, "remove-ids")
    assert basket == {3, 10, 12}
    press(app, "empty")
    assert not basket


def test_what_is_selected_goes_into_the_basket_and_out_again_and_is_ringed(challenge):
    picked = {int(i) for i in challenge.of_label(0)[[2, 5, 9]]}
    app = open_page()
    assert app.button(key="put").disabled
    app.session_state[f"selected {challenge.seal}"].update(picked)
    app.run()
    assert np.flatnonzero(mask(app, "selected")).tolist() == [2, 5, 9]
    assert not mask(app, "removed").any()
    assert app.button(key="put").label == "Put the 3 selected into the basket"
    press(app, "put")
    assert app.session_state[f"basket {challenge.seal}"] == picked
    assert np.flatnonzero(mask(app, "removed")).tolist() == [2, 5, 9]
    press(app, "take-out")
    assert app.session_state[f"basket {challenge.seal}"] == set()
    press(app, "unselect")
    assert not mask(app, "selected").any()


def test_a_cut_that_is_typed_selects_what_lies_above_it_and_takes_nothing(challenge):
    app = open_page()
    app.number_input[0].set_value(5).run()
    order = np.argsort(-challenge.rows["que"].to_numpy()[challenge.of_label(0)], kind="stable")
    assert sorted(order[:5]) == np.flatnonzero(mask(app, "selected")).tolist()
    assert app.session_state[f"basket {challenge.seal}"] == set()
    assert [tile["row"] for tile in component(app, "tiles")["tiles"]] == order[:5].tolist()
    assert app.button(key="take").label == "Put these 5 in the basket"


def test_the_gallery_shows_the_highest_scores_first_and_only_the_set_that_is_asked_for(challenge):
    ids = challenge.of_label(0)
    order = ids[np.argsort(-challenge.rows["que"].to_numpy()[ids], kind="stable")]
    app = open_page()
    assert [tile["id"] for tile in component(app, "tiles")["tiles"]] == order[:24].tolist()
    press(app, "take")
    app.session_state[f"which {challenge.seal}"] = "basket"
    app.run()
    assert [tile["id"] for tile in component(app, "tiles")["tiles"]] == order[: challenge.assumed].tolist()
    app.session_state[f"which {challenge.seal}"] = "selected"
    app.run()
    assert "Nothing of this label is selected" in said(app)


def test_the_files_of_the_images_are_told_after_the_reveal_and_by_no_page_before(home):
    shutil.copytree(PLAYED, home / "named")
    about, secret = (json.loads((home / "named" / f"{name}.json").read_text()) for name in ("challenge", "truth"))
    secret["sources"] = [f"true class/<i>{i}.png" for i in range(about["rows"])]
    (home / "named" / "truth.json").write_text(json.dumps(secret))
    about["seal"] = hashlib.sha256((home / "named" / "truth.json").read_bytes()).hexdigest()
    (home / "named" / "challenge.json").write_text(json.dumps(about))
    app = open_page("named", name="Ada")
    play_right(app, open_challenge(home / "named"))
    sent = [e.proto.json.encode() or e.proto.bytes for e in app.get("bidi_component")]
    assert not any(b".png" in message for message in sent)
    assert ".png" not in said(app)
    press(app, "reveal-me")
    tiles = component(app, "tiles")["tiles"]
    assert [(tile["caption"][-1], tile["title"]) for tile in tiles] == [
        (f"<i>{tile['id']}.png", f"true class/<i>{tile['id']}.png") for tile in tiles
    ]
    first = secret["poison"][0]
    assert f'title="true class/&lt;i&gt;{first}.png"' in said(app)
    assert f"<br>&lt;i&gt;{first}.png</figcaption>" in said(app)


@pytest.fixture
def playing(monkeypatch, challenge):
    """A game outside of a page, with what the browser sends put into `state`."""
    state = {}
    monkeypatch.setattr(game.st, "session_state", state)
    return game.open_game(challenge), state


def test_images_that_are_clicked_go_into_the_basket_and_out_again(playing):
    mine, state = playing
    state["challenge-tiles"] = {"put": {"in": [3, 7], "out": [], "at": 1}}
    gallery.take_clicks(mine)
    state["challenge-tiles"] = {"put": {"in": [7, 8, -1, 10**6], "out": [3], "at": 2}}  # two of these are no images
    gallery.take_clicks(mine)
    assert mine.basket == {7, 8}
    state["challenge-tiles"] = {"put": None}
    gallery.take_clicks(mine)
    assert mine.basket == {7, 8}


def test_only_images_of_the_label_can_be_selected(playing, challenge):
    mine, state = playing
    label = pictures.label_of(challenge, 0, "que")
    stranger = int(challenge.of_label(1)[0])
    state["challenge-clouds"] = {"selected": [*label.ids[:2].tolist(), stranger, -4]}
    look._brush(mine, label)
    assert mine.selected == set(label.ids[:2].tolist())
    state["challenge-clouds"] = {"focus": int(label.ids[6])}
    look._touch(mine, label)
    assert mine.selected == {label.ids[6]}
    key = f"cut {challenge.seal} 0 que"
    state["challenge-cut"] = {"cut": {"count": 10**6, "at": 3}}
    look._drag(mine, label, key)
    assert state[key] == len(label.ids)
    assert mine.selected == set(label.ids.tolist())


def test_the_truth_reaches_the_browser_only_after_the_reveal(challenge):
    """Not as a mask, nor as a word, in any message to any picture; afterwards the points turn."""
    known = read_truth(challenge)
    app = open_page(name="Ada")
    play_right(app, challenge)
    sent = [e.proto.json.encode() or e.proto.bytes for e in app.get("bidi_component")]
    assert (
        len(sent) == 8
    )  # the figure of all labels, two words of what holds, the histogram, the clouds, the tiles, what is kept
    assert not any(b"poison" in message for message in sent)
    told = [json.loads(m) for m in sent if m.startswith(b"{") and b'"removed"' in m]
    assert [t["truth"] for t in told] == [None, None]
    assert "poison" not in "".join(figures(app))
    press(app, "reveal-me")
    assert challenge.of_label(known.label)[mask(app, "truth")].tolist() == list(known.poison)
    assert challenge.of_label(known.label)[mask(app, "truth", 1)].tolist() == list(known.poison)
    kinds = {tile["id"]: tile["kind"] for tile in component(app, "tiles")["tiles"]}
    assert all((kind == "poison") == (i in known.poison) for i, kind in kinds.items())
    assert "poison" in "".join(figures(app))


def test_the_pictures_are_not_sent_anew_when_the_basket_or_the_selection_changes(challenge):
    app = open_page()
    before = [e.proto.bytes for e in app.get("bidi_component")]
    press(app, "take")
    app.session_state[f"selected {challenge.seal}"].add(int(challenge.of_label(0)[0]))
    app.run()
    assert [e.proto.bytes for e in app.get("bidi_component")] == before


@pytest.mark.parametrize("text", ["", "x", "3,", "1-", "-4", "9-3", "99999", "1;2", "1" * 30, "1," * 3000 + "1"])
def test_ids_that_are_none_are_refused(text):
    with pytest.raises(InputError):
        answer.parse_ids(text, 100)


def test_ids_are_read_with_ranges():
    assert answer.parse_ids("1, 4-6 ,9", 10) == {1, 4, 5, 6, 9}


def test_the_ranking_costs_points_and_is_noted(challenge):
    app = open_page(name="Ada")
    assert "stands out" not in said(app)
    press(app, "hint")
    assert "Label 8 stands out" in said(app)
    play_right(app, challenge)
    press(app, "reveal-me")
    assert "Your score 85" in said(app)


def rename(app: AppTest, name: str) -> None:
    app.text_input(key="name typed").set_value(name).run()


def test_the_ranking_costs_points_under_another_name_too(challenge):
    app = open_page(name="spy")
    press(app, "hint")
    rename(app, "Ada")
    assert "Label 8 stands out" in said(app)
    play_right(app, challenge)
    press(app, "reveal-me")
    assert "Your score 85" in said(app)


def test_who_has_seen_the_truth_answers_under_no_name(challenge):
    app = open_page(name="spy")
    play_right(app, challenge)
    press(app, "reveal-me")
    rename(app, "Ada")
    assert "You have not answered this one" in said(app)
    assert not any(b.key == "submit" for b in app.button)
    assert [e.name for e in game.store().board(challenge.seal)] == ["spy"]


def test_who_was_shown_the_truth_under_anothers_name_answers_under_no_name(challenge):
    app, other = open_page(name="Ada"), open_page(name="Ada")
    play_right(app, challenge)
    press(app, "reveal-me")
    other.run()
    assert "images labelled 8 were poisoned" in said(other)
    rename(other, "Bob")
    assert "The poison (" in " ".join(str(control.options) for control in other.segmented_control)
    assert not any(b.key == "submit" for b in other.button)
    assert [e.name for e in game.store().board(challenge.seal)] == ["Ada"]


def test_what_was_clicked_and_chosen_last_is_submitted(playing, challenge):
    """The form may be older than both: the browser rings an image at once, and the button is there already."""
    mine, state = playing
    mine.basket.update({3, 4})
    state[game.NAME], state[f"answer {challenge.seal}"] = "Ada", "2"
    state["challenge-tiles"] = {"put": {"in": [7], "out": [4], "at": 5}}
    answer._submit(mine)
    (entry,) = game.store().board(challenge.seal)
    assert (entry.label, entry.rows) == (2, (3, 7))
    state[f"answer {challenge.seal}"] = "open"
    answer._submit(mine)
    assert len(game.store().board(challenge.seal)) == 1
    assert state["message answer"][0] == "error"


def test_a_menu_of_many_challenges_reads_no_images(home, monkeypatch, challenge):
    monkeypatch.setattr(game, "open_challenge", lambda path: pytest.fail("all of it was read"))
    assert game.titles({"a": challenge.path}) == {"a": challenge.title}


def test_answers_run_out_and_the_last_one_counts(challenge):
    app = open_page(name="Ada")
    for _ in range(ATTEMPTS):
        name_label(app, "nothing")
        press(app, "submit")
    assert app.button(key="submit").disabled
    assert f"You have answered {ATTEMPTS} times" in said(app)
    assert [e.attempt for e in game.store().board(challenge.seal)] == [ATTEMPTS]


def test_on_the_clean_set_nothing_is_right():
    app = open_page("c-signs", name="Ada")
    name_label(app, "nothing")
    press(app, "submit")
    press(app, "reveal-me")
    assert "Nothing was poisoned" in said(app)
    assert "Your score 100" in said(app)


def test_with_a_teacher_nobody_reveals_to_himself_and_the_teacher_reveals_to_all(monkeypatch, challenge):
    monkeypatch.setenv("SPECTRE_LENS_TEACHER", "Blaise")
    student, teacher = open_page(name="Ada"), open_page()
    play_right(student, challenge)
    assert not any(b.key == "reveal-me" for b in student.button)
    assert not any(b.key == "reveal-all" for b in teacher.button)
    teacher.text_input(key="code").set_value("wrong").run()
    assert "not the teacher's code" in said(teacher)
    teacher.text_input(key="code").set_value("Blaise").run()
    press(teacher, "reveal-all")
    student.run()
    assert "Your score 100" in said(student)
    late = open_page(name="Late")
    assert "You have not answered this one" in said(late)
    teacher.checkbox(key="sure").set_value(True).run()
    press(teacher, "reset")
    assert game.store().board(challenge.seal) == []
    assert "Your score" not in said(open_page(name="Ada"))


def test_nonsense_in_the_address_gives_way_to_the_default():
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["challenge"], app.query_params["label"], app.query_params["score"] = "../../etc", "99", "<b>"
    app.run()
    assert not app.exception
    assert (app.session_state["challenge"], app.session_state["label"], app.session_state["score"]) == (
        "a-digits",
        "0",
        "que",
    )


def test_without_a_challenge_the_page_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(game, "BUNDLED", tmp_path / "none")
    app = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert not app.exception
    assert "python -m core challenge make" in said(app)


def test_a_damaged_challenge_is_a_message_and_the_others_stay(home):
    shutil.copytree(PLAYED, home / "broken")
    (home / "broken" / "rows.parquet").write_bytes(b"not parquet")
    app = open_page("broken")
    assert "This challenge cannot be shown" in said(app)
    assert len(app.selectbox(key="challenge").options) == 4


def test_a_truth_that_was_tampered_with_takes_no_answer(home):
    shutil.copytree(PLAYED, home / "own")
    (home / "own" / "truth.json").write_text("{}")
    app = open_page("own", name="Ada")
    name_label(app, "nothing")
    press(app, "submit")
    assert "not the one that was sealed" in said(app)


def test_challenges_of_one_title_can_be_told_apart(home):
    """Streamlit knows options by what they show: two alike would be one."""
    shutil.copytree(PLAYED, home / "own")
    app = open_page("own")
    assert len(set(app.selectbox(key="challenge").options)) == 4
    app.text_input(key="name typed").set_value("Ada").run()
    assert app.session_state["challenge"] == "own"


def test_a_busy_file_of_answers_is_a_message_and_the_basket_stays(monkeypatch, challenge):
    app = open_page(name="Ada")
    press(app, "take")
    name_label(app, "0")
    game.store().open_hint(challenge.seal, "somebody")  # the file is there now
    monkeypatch.setattr("core.challenges.store.WAIT", 0.05)
    with sqlite3.connect(game.store().path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        press(app, "submit")
        assert "busy; try again" in said(app)
        holder.execute("ROLLBACK")
    assert len(app.session_state[f"basket {challenge.seal}"]) == challenge.assumed
    press(app, "submit")
    assert "Taken: answer 1" in said(app)


def test_a_file_of_answers_that_is_none_is_a_message(home):
    home.mkdir()
    (home / "submissions.sqlite3").write_bytes(b"no database at all" * 100)
    assert "damaged" in said(open_page(name="Ada"))


def test_the_points_are_explained_line_by_line(challenge):
    known = read_truth(challenge)
    wrong = next(i for i in range(10) if i != known.label)
    judged = game.score(
        wrong, [*known.poison[:7], 0], true_label=known.label, poison=known.poison, assumed=challenge.assumed, hint=True
    )
    lines = truth.explain(game.Entry("Ada", 1, wrong, (), 0.0, judged), challenge, known)
    assert [what for what, _, _ in lines] == ["label", "images", "ranking seen", "total"]
    assert f"right was {challenge.classes[known.label]}" in lines[0][2]
    assert "7 of 14 poisons removed, 7 of your 8" in lines[1][2]


def test_the_board_before_the_reveal_has_no_scores(challenge):
    known = read_truth(challenge)
    judged = game.score(known.label, known.poison, true_label=known.label, poison=known.poison, assumed=14)
    entry = game.Entry("Ada", 2, known.label, known.poison, 0.0, judged)
    hidden = board.waiting([entry], "ada")
    assert "100" not in hidden
    assert 'class="me"' in hidden
    assert "100" in board.table([entry], challenge.classes, "")


def test_the_chart_of_all_labels_counts_its_dots_and_shows_the_truth_only_when_told():
    draw = np.random.default_rng(0)
    scores = [draw.lognormal(size=50) for _ in range(3)]
    marked = scores_by_label(scores, ["<b>a</b>", "b", "c"], LIGHT, shown=1, top=5, name="QUE")
    assert marked.data[0].y[0] == "&lt;b&gt;a&lt;/b&gt;"
    hidden = scores_by_label(scores, ["a", "b", "c"], LIGHT, shown=1, top=5, name="QUE")
    assert len(hidden.data[1].x) == 15
    assert {trace.name for trace in hidden.data} == {"the middle 90 % of the images", "one of its 5 highest"}
    flags = [s >= np.sort(s)[-2] for s in scores]
    told = scores_by_label(scores, ["a", "b", "c"], LIGHT, shown=1, top=5, name="QUE", truth=flags)
    assert [len(trace.x) for trace in told.data[1:]] == [9, 6]


@pytest.fixture
def server(home):
    """A dashboard of its own, with an empty file of answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/classroom.py", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=data.ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_server(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.slow
def test_five_real_sessions_at_once_are_each_kept_exactly_once(server, challenge):
    """All press at the same moment, on a file of answers that is not there yet."""
    name = challenge.classes[8]

    async def play(i: int) -> list[str]:
        async with Session(server) as player:
            problems = (await player.open("", "challenge=a-digits")).exceptions
            for change in (
                {"name typed": f"team {i}"},
                {"label": [name]},
                {"take": True},
                {"Which label looks poisoned?": name},
            ):
                problems += (await player.rerun(change)).exceptions
            await everybody.wait()
            problems += (await player.rerun({"submit": True})).exceptions
            assert f"Taken: answer 1 of {ATTEMPTS} of team {i}" in player.texts()
            [seen] = await player.tick()
            return problems + seen.exceptions

    async def class_of_five() -> list[list[str]]:
        return await asyncio.gather(*(play(i) for i in range(5)))

    everybody = asyncio.Barrier(5)
    assert asyncio.run(class_of_five()) == [[]] * 5
    entries = game.store().board(challenge.seal)
    assert sorted((e.name, e.attempt, e.score.total) for e in entries) == [(f"team {i}", 1, 100.0) for i in range(5)]


def test_what_the_tab_kept_comes_back_and_nonsense_does_not(playing, challenge):
    mine, state = playing
    options, where = answer.choices(mine), f"keep-challenge-{challenge.seal}"
    for nonsense in (
        "",
        "[]",
        "{",
        '{"basket": 3}',
        '{"basket": ["1"], "choice": "x", "seen": 0}',
        INFINITE,
        "[" * 100_000,
    ):
        state[where] = {"kept": nonsense}
        keeping._take_answer(mine, options)
        assert mine.basket == set()
        assert not game.has_seen("hint", challenge.seal)
    state[where] = {
        "kept": '{"basket": [3, -1, 4, true, 999999999], "choice": "2", "seen": ["hint", "basket changed"], "sent": {"ada": 2}}'
    }
    keeping._take_answer(mine, options)
    assert mine.basket == {3, 4}
    assert state[f"answer {challenge.seal}"] == "2"
    assert game.has_seen("hint", challenge.seal)
    assert mine.sent == {"ada": 2}
    state["keep-challenge-name"] = {"kept": "x" * 41}
    keeping._take_name()
    assert keeping.TYPED not in state
    state["keep-challenge-name"] = {"kept": " Ada "}
    keeping._take_name()
    assert state[keeping.TYPED] == "Ada"


def test_an_answer_from_another_browser_under_the_same_name_is_told(challenge):
    ada, other = open_page(name="Ada"), open_page(name="ada")
    play_right(ada, challenge)
    assert "another browser" not in said(ada) + warned(ada)
    name_label(other, "nothing")  # the page finds the answer of the first
    assert "came from another browser" in warned(other)
    press(other, "submit")
    assert "another browser" not in warned(other)
    ada.run()
    assert "came from another browser" in warned(ada)


@pytest.fixture
def guest(monkeypatch):
    """The page of a visitor where others are served: `guest("a", "Foxes")`."""
    monkeypatch.setenv("SPECTRE_LENS_SERVED", "on")

    def come(letter: str, name: str) -> AppTest:
        app = AppTest.from_file(str(PAGE), default_timeout=60)
        app.query_params["challenge"] = "a-digits"
        app.session_state[HELD] = letter * 32
        app.run()
        return app.text_input(key="name typed").set_value(name).run()

    return come


def test_a_name_that_was_claimed_answers_for_its_team_alone(guest, challenge):
    first, other = guest("a", "Foxes"), guest("b", "foxes")
    play_right(first, challenge)
    assert "Taken: answer 1" in said(first)
    other.run()
    assert "“foxes” is another team's" in said(other)
    assert other.button(key="submit").disabled
    assert other.button(key="hint").disabled
    assert not any(b.key == "reveal-me" for b in other.button)
    # a page that is older than the claim
    held = game.Game(challenge, game.store(), "foxes", False, None, False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(game.access, "known_visitor", lambda: Visitor("b" * 32, False))
        patch.setattr(game.st, "session_state", {})
        for act in (lambda: held.submit(None, set()), lambda: answer._open_hint(held), lambda: teacher._reveal(held)):
            with contextlib.suppress(InputError):
                act()
    (entry,) = game.store().board(challenge.seal)
    assert (entry.name, entry.attempt) == ("Foxes", 1)
    assert not game.store().has_hint(challenge.seal, "foxes")
    assert not game.store().is_revealed(challenge.seal, "foxes")


def test_the_teams_password_opens_its_name_on_another_device(guest, challenge, monkeypatch):
    monkeypatch.setattr(keeping.time, "sleep", lambda seconds: None)
    first, other = guest("a", "Foxes"), guest("b", "Foxes")
    first.text_input(key="team password").set_value("hollow tree").run()
    play_right(first, challenge)
    other.run()
    other.text_input(key="team password").set_value("hollow").run()
    assert "The name Foxes is taken" in said(other)
    other.text_input(key="team password").set_value("hollow tree").run()
    assert "another team's" not in said(other)
    play_right(other, challenge)
    (entry,) = game.store().board(challenge.seal)
    assert entry.attempt == 2
    first.run()
    assert "came from another tab or device of your team" in " ".join(str(i.value) for i in first.info)
    assert not first.warning


def test_alone_at_ones_own_machine_names_are_not_claimed(challenge):
    app = open_page(name="Foxes")
    assert not any(field.key == "team password" for field in app.text_input)
    play_right(app, challenge)
    assert not game.store().is_taken("Foxes", "b" * 32)


def warned(app: AppTest) -> str:
    return " ".join(str(w.value) for w in app.warning)


def test_starting_anew_empties_every_basket_and_forgets_what_was_seen(monkeypatch, challenge):
    monkeypatch.setenv("SPECTRE_LENS_TEACHER", "Blaise")
    student, teacher_ = open_page(name="Ada"), open_page()
    press(student, "hint")
    play_right(student, challenge)
    teacher_.text_input(key="code").set_value("Blaise").run()
    teacher_.checkbox(key="sure").set_value(True).run()
    press(teacher_, "reset")
    student.run()
    assert "The basket is empty" in " ".join(str(i.value) for i in student.info)
    assert "stands out" not in said(student)
    assert student.session_state["label"] == "0"
    play_right(student, challenge)
    (entry,) = game.store().board(challenge.seal)
    assert (entry.attempt, entry.score.hint) == (1, 0)


def test_an_answer_of_the_round_before_is_not_taken(challenge):
    """Pages look every few seconds, and a sleeping phone not at all."""
    app, label = open_page(name="Ada"), read_truth(challenge).label
    look_at(app, label)
    press(app, "take")
    name_label(app, str(label))
    game.store().reset(challenge.seal)
    press(app, "submit")
    assert game.store().board(challenge.seal) == []
    assert "begun anew" in said(app)


def test_the_label_that_was_chosen_is_there_again_after_another_challenge():
    app = open_page(name="Ada")
    name_label(app, "3")
    for played in ("b-signs", "a-digits"):
        app.selectbox(key="challenge").set_value(played).run()
        assert not app.exception, app.exception
    assert next(box for box in app.selectbox if box.label == "Which label looks poisoned?").value == "3"


def test_the_board_is_saved_as_it_is_when_the_button_is_pressed(challenge):
    from dashboard.challenge import teacher

    mine = game.Game(challenge, game.store(), "", False, None, False)
    assert len(teacher._table(mine).splitlines()) == 1
    play_right(open_page(name="Ada"), challenge)
    assert b"Ada" in teacher._table(mine)
