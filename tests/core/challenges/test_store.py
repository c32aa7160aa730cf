"""Forty answers at once into one file, none lost and none twice."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.challenges import ATTEMPTS, Store, clean_name, score, team_key
from core.foundation.errors import InputError

SEAL, OTHER = "a" * 64, "b" * 64


def judged(rows=(1, 2), label=3):
    return score(label, rows, true_label=3, poison=[1, 2, 5], assumed=4)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "folder" / "answers.sqlite3")


def answer(store, name, token, rows=(1, 2), seal=SEAL):
    return store.submit(seal, name, 3, rows, judged(rows), token)


def test_forty_at_once_each_exactly_once(store):
    """On a file that is not there yet: the hardest moment, for all want to make it."""
    ready = threading.Barrier(40)

    def one(i):
        ready.wait()
        store.has_hint(SEAL, f"team {i}")  # a reader must never meet a file that is half made
        return answer(store, f"team {i}", f"token {i}")

    with ThreadPoolExecutor(40) as pool:
        attempts = list(pool.map(one, range(40)))
    assert attempts == [1] * 40
    assert sorted(e.name for e in store.board(SEAL)) == sorted(f"team {i}" for i in range(40))


def test_one_team_from_forty_computers_has_no_more_attempts_than_any_other(store):
    ready = threading.Barrier(40)

    def one(i):
        ready.wait()
        try:
            return answer(store, "We", f"token {i}")
        except InputError:
            return None

    with ThreadPoolExecutor(40) as pool:
        taken = [a for a in pool.map(one, range(40)) if a]
    assert sorted(taken) == list(range(1, ATTEMPTS + 1))


def test_boards_can_be_read_while_answers_come_in(store):
    answer(store, "first", "0")
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(len(store.board(SEAL)))

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(30):
        answer(store, f"team {i}", f"token {i}")
    stop.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(store.board(SEAL)) == 31


def test_the_same_form_sent_twice_is_one_answer(store):
    assert answer(store, "Ada", "t") == answer(store, "Ada", "t") == 1
    assert [e.attempt for e in store.board(SEAL)] == [1]


def test_the_last_answer_counts_and_names_that_differ_in_capitals_are_one_team(store):
    answer(store, "Ada", "1", rows=(1,))
    answer(store, " ADA ", "2", rows=(1, 2, 5))
    [entry] = store.board(SEAL)
    assert (entry.name, entry.attempt, entry.rows) == ("ADA", 2, (1, 2, 5))
    assert entry.score.total == 100
    assert store.last(SEAL, "ada") == entry


def test_challenges_have_boards_of_their_own(store):
    answer(store, "Ada", "1")
    assert store.board(OTHER) == []
    assert store.last(OTHER, "Ada") is None


def test_where_a_team_stands_is_what_the_single_questions_say(store):
    def questions(name):
        return store.is_revealed(SEAL, name), store.last(SEAL, name), store.has_hint(SEAL, name)

    assert store.standing(SEAL, "Ada") == (False, None, False)  # no file yet
    answer(store, "Ada", "1")
    store.open_hint(SEAL, "Ada")
    store.reveal(SEAL, "Ada")
    for name in ("ada", "Bob"):
        assert store.standing(SEAL, name) == questions(name)
    revealed, last, hinted = store.standing(SEAL, "Ada")
    assert (revealed, last.name, hinted) == (True, "Ada", True)
    assert store.standing(SEAL, "") == (False, None, False)  # somebody without a name
    assert store.standing(OTHER, "Ada") == (False, None, False)
    store.reveal(SEAL)
    assert store.standing(SEAL, "") == (True, None, False)


def test_a_hint_is_noted_for_the_team_and_no_other(store):
    assert not store.has_hint(SEAL, "Ada")
    store.open_hint(SEAL, "Ada")
    store.open_hint(SEAL, "ada")
    assert store.has_hint(SEAL, "ADA")
    assert not store.has_hint(SEAL, "Bo")
    assert not store.has_hint(OTHER, "Ada")


def test_after_a_reveal_to_everyone_nothing_is_taken(store):
    answer(store, "Ada", "1")
    store.reveal(SEAL)
    assert store.is_revealed(SEAL)
    assert store.is_revealed(SEAL, "somebody new")
    with pytest.raises(InputError, match="revealed"):
        answer(store, "Ada", "2")
    assert not store.is_revealed(OTHER)


def test_a_team_reveals_to_itself_after_it_has_answered(store):
    with pytest.raises(InputError, match="answer first"):
        store.reveal(SEAL, "Ada")
    answer(store, "Ada", "1")
    store.reveal(SEAL, "Ada")
    assert store.is_revealed(SEAL, "Ada")
    assert not store.is_revealed(SEAL, "Bo")
    assert not store.is_revealed(SEAL)
    with pytest.raises(InputError, match="revealed"):
        answer(store, "ada", "2")
    assert answer(store, "Bo", "3") == 1


def test_reset_forgets_one_challenge(store):
    answer(store, "Ada", "1")
    answer(store, "Ada", "2", seal=OTHER)
    store.open_hint(SEAL, "Ada")
    store.reveal(SEAL)
    assert store.round(SEAL) == 0
    assert store.reset(SEAL) == 1
    assert (store.round(SEAL), store.round(OTHER)) == (1, 0)
    assert store.board(SEAL) == []
    assert not store.is_revealed(SEAL)
    assert not store.has_hint(SEAL, "Ada")
    assert len(store.board(OTHER)) == 1


def test_reading_makes_no_file(store):
    assert store.board(SEAL) == []
    assert not store.is_revealed(SEAL, "Ada")
    assert not store.path.exists()


def test_a_damaged_file_is_said_in_a_line(store):
    store.path.parent.mkdir()
    store.path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 40)
    with pytest.raises(InputError, match="damaged"):
        store.board(SEAL)
    with pytest.raises(InputError, match="damaged"):
        answer(store, "Ada", "1")


def test_a_locked_file_is_said_in_a_line(store, monkeypatch):
    answer(store, "Ada", "1")
    monkeypatch.setattr("core.challenges.store.WAIT", 0.05)
    with sqlite3.connect(store.path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match="busy"):
            answer(store, "Bo", "2")
        assert len(store.board(SEAL)) == 1
        holder.execute("ROLLBACK")
    assert answer(store, "Bo", "2") == 1


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be kept"):
        answer(Store(tmp_path / "file" / "answers.sqlite3"), "Ada", "1")


def test_a_file_of_another_version_is_left_alone(store):
    answer(store, "Ada", "1")
    with sqlite3.connect(store.path) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(InputError, match="another version"):
        answer(store, "Bo", "2")


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" Ada ", "Ada"), ("Team  9", "Team 9"), ("Ｚoë", "Zoë"), ("<b>x</b>", "<b>x</b>"), ("a" * 40, "a" * 40)],
)
def test_names_are_trimmed_and_kept(given, kept):
    assert clean_name(given) == kept


@pytest.mark.parametrize("given", ["", "  ", "a" * 41, "a\x00b", "a‮b"])
def test_names_that_cannot_be_shown_are_refused(given):
    with pytest.raises(InputError):
        clean_name(given)


def test_a_team_is_known_whatever_its_capitals():
    assert team_key("STRASSE") == team_key("straße")


# Names that are taken

ANNA, BERT = "a" * 32, "b" * 32


def test_a_name_is_taken_by_who_claims_it_first_whatever_its_capitals(store):
    assert not store.is_taken("Foxes", ANNA)
    store.claim("Foxes", ANNA)
    store.claim("FOXES", ANNA)
    assert not store.is_taken("foxes", ANNA)
    for visitor in (BERT, ""):
        assert store.is_taken("foxes", visitor)
        with pytest.raises(InputError, match="the name foxes is taken"):
            store.claim("foxes", visitor, "guess")
    store.claim("Owls", BERT)


def test_the_teams_password_lets_its_others_in_and_is_kept_as_a_hash(store):
    store.claim("Foxes", ANNA)
    store.claim("Foxes", ANNA, "hollow tree")
    store.claim("Foxes", ANNA, "a second one changes nothing")
    with pytest.raises(InputError, match="taken"):
        store.claim("Foxes", BERT, "Hollow tree")
    store.claim("Foxes", BERT, "hollow tree")
    assert not store.is_taken("Foxes", BERT)
    assert b"hollow tree" not in store.path.read_bytes()
    assert store.release("foxes")
    assert not store.release("foxes")
    assert not store.is_taken("Foxes", "c" * 32)


def test_of_forty_at_once_one_has_the_name(store):
    ready = threading.Barrier(40)

    def one(i):
        ready.wait()
        try:
            store.claim("We", f"{i:032x}")
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(one, range(40))) == 1


def test_a_file_of_before_takes_claims(store):
    answer(store, "Foxes", "1")
    assert not store.is_taken("Foxes", ANNA)
    assert not store.release("Foxes")
    store.claim("Foxes", ANNA)
    assert store.is_taken("Foxes", BERT)


def test_the_command_line_frees_a_name(store, cli):
    home = store.path.parent
    Store(home / "submissions.sqlite3").claim("Foxes", ANNA)
    assert cli("challenge", "release", "foxes", "--challenges", home).status == 0
    again = cli("challenge", "release", "foxes", "--challenges", home)
    assert again.status == 2
    assert "no visitor has taken the name 'foxes'" in again.err
