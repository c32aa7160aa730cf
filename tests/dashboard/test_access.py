"""Who may do what where a dashboard is served: settings, visitors, quotas, the switch; and alone, nothing changes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.cases import Cases
from core.foundation.errors import InputError
from core.runs import RunFolder, Runs, Status, belongs_to, note_visitor
from core.studies import store
from dashboard import access, data
from dashboard.access import visitors as visiting
from dashboard.access.owner import NAMES, Settings
from dashboard.access.visitors import HELD, NOBODY, OWNER, Visitor, hashed
from dashboard.audit import bring, choice, shelf
from dashboard.runs import deletion, listing, live

ANNA, BERT = (Visitor(hashed("browser", name * 32), False) for name in "ab")
LAB, RUNS = (str(data.ROOT / "dashboard" / "screens" / f"{name}.py") for name in ("lab", "runs"))


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        monkeypatch.delenv(f"SPECTRE_LENS_{name}", raising=False)
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SPECTRE_LENS_AUDITS", str(tmp_path / "audits"))
    listing._figures.clear()
    return tmp_path


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch):
    """Says who is there: `there(ANNA)`."""

    def say(who: Visitor) -> None:
        for module in ("visitors", "quotas", "kept", "paths"):
            monkeypatch.setattr(f"dashboard.access.{module}.visitor", lambda: who, raising=False)

    return say


def run_of(who: Visitor, house: Path, name: str = "one", state: str = "finished") -> RunFolder:
    run = RunFolder(house / "runs" / name)
    run.path.mkdir(parents=True)
    run.write_json("config.json", {"dataset": "signs", "attack": "patch", "poisons": 5, "source": 0, "target": 1})
    run.write_status(Status(state, heartbeat=time.time(), started=time.time()))
    if who.key:
        note_visitor(run, who.key)
    return run


# Settings


def test_what_the_owner_sets_is_read() -> None:
    given = {
        "SERVED": "on", "TRAINING": "off", "VISITOR_JOBS": "3", "VISITOR_UPLOADS": "1.5 GB", "VISITOR_DISK": "200mb",
        "OWNERS": "Ada@example.org, bob", "USER_HEADER": "X-Remote-User", "FOLDERS": "/data",
    }  # fmt: skip
    read = Settings.read({f"SPECTRE_LENS_{name}": value for name, value in given.items()})
    assert (read.served, read.training, read.jobs, read.uploads, read.disk) == (
        True,
        False,
        3,
        1_500_000_000,
        200_000_000,
    )
    assert read.owners == {"ada@example.org", "bob"}
    assert (read.header, read.folders) == ("X-Remote-User", (Path("/data"),))
    assert Settings.read({}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"), [("TRAINING", "no"), ("SERVED", "1"), ("VISITOR_JOBS", "-1"), ("VISITOR_DISK", "5")]
)
def test_a_setting_that_is_no_value_opens_nothing(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SPECTRE_LENS_{name}", value)
    with pytest.raises(InputError, match=f"SPECTRE_LENS_{name}"):
        access.settings()
    app = AppTest.from_function(_admitted, default_timeout=30).run()
    assert "not set up rightly" in app.error[0].value
    assert name in app.error[0].value.replace("\\", "")
    assert not app.success


def _admitted() -> None:
    import streamlit

    from dashboard import access

    access.admit()
    streamlit.success("in")


# Who is there


@pytest.mark.parametrize(
    ("address", "served"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("", True), (None, True)],
)
def test_only_this_machine_is_the_owner_alone(address, served: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: address)
    assert access.is_served() == served
    assert access.visitor() == (NOBODY if served else OWNER)
    monkeypatch.setenv("SPECTRE_LENS_SERVED", "off")
    assert not access.is_served()


def test_behind_a_proxy_its_word_counts_and_who_comes_without_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_SERVED", "on")
    monkeypatch.setenv("SPECTRE_LENS_USER_HEADER", "X-Remote-User")
    monkeypatch.setenv("SPECTRE_LENS_OWNERS", "ada")
    context = type("Context", (), {"headers": {"X-Remote-User": "bob"}})
    monkeypatch.setattr(st, "context", context)
    bob = access.visitor()
    assert (bob.is_owner, len(bob.key)) == (False, 32)
    assert "bob" not in bob.key
    context.headers = {"X-Remote-User": "Ada"}
    assert access.visitor() == OWNER
    context.headers = {}
    assert access.visitor() == NOBODY
    app = AppTest.from_function(_admitted, default_timeout=30).run()
    assert "does not say who you are" in app.error[0].value
    assert not app.success


@pytest.mark.parametrize(("vouched", "is_owner"), [(True, True), (False, False), (None, False)])
def test_a_login_is_known_by_its_account_and_an_address_needs_the_providers_word(
    vouched, is_owner: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECTRE_LENS_SERVED", "on")
    monkeypatch.setenv("SPECTRE_LENS_OWNERS", "ada@example.org, account-7")
    monkeypatch.setattr(visiting, "has_login", lambda: True)
    user = {"is_logged_in": True, "iss": "https://login.example.org", "sub": "1", "email": "ada@example.org"}

    class User(dict):
        to_dict = dict.copy

    monkeypatch.setattr(st, "user", User(user | {"email_verified": vouched}))
    assert access.visitor().is_owner == is_owner
    monkeypatch.setattr(st, "user", User(user | {"sub": "account-7", "email": ""}))
    assert access.visitor().is_owner
    monkeypatch.setattr(st, "user", User({"is_logged_in": False}))
    assert access.visitor() == NOBODY


def test_a_browser_is_known_by_the_first_secret_that_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_SERVED", "on")
    session: dict = {}
    monkeypatch.setattr(st, "session_state", session)
    context = type("Context", (), {"cookies": {}})
    monkeypatch.setattr(st, "context", context)
    for sent in ("../../etc", "A" * 32, "", "a" * 33):
        session["visitor"] = {"secret": sent}
        visiting._take_secret()
        assert HELD not in session
    session["visitor"] = {"secret": "a" * 32}
    visiting._take_secret()
    assert access.visitor() == ANNA
    session["visitor"] = {"secret": "b" * 32}
    visiting._take_secret()
    assert access.visitor() == ANNA
    assert hashed("name", "a" * 32) != ANNA.key
    session.clear()
    context.cookies = {"spectre_lens_visitor": "b" * 32}
    assert access.visitor() == BERT
    context.cookies = {"spectre_lens_visitor": "b" * 31}
    assert access.visitor() == NOBODY


# Whose runs


def test_a_run_is_changed_by_who_started_it_or_the_owner_alone(house: Path, there) -> None:
    run, old = run_of(ANNA, house), run_of(OWNER, house, "old")
    for who, may in ((ANNA, True), (BERT, False), (NOBODY, False), (OWNER, True)):
        there(who)
        assert access.may_change(run) == may
        assert access.may_change(old) == who.is_owner
        if not may:
            deletion.delete(run, "run")
            live._cancel(run)
            assert run.path.exists()
            assert not run.cancel_requested
            with pytest.raises(InputError, match="somebody else"):
                access.begin(lambda: pytest.fail("started"), of=run, trains=True)
    there(ANNA)
    deletion.delete(run, "run")
    assert not run.path.exists()


@pytest.mark.parametrize("note", ["", "{", "[]", '{"visitor": 3}', '{"visitor": "../x"}'])
def test_a_note_that_cannot_be_read_is_the_owners(house: Path, note: str) -> None:
    run = run_of(ANNA, house)
    run.file("visitor.json").write_text(note, encoding="utf-8")
    assert belongs_to(run) == ""


def test_the_page_of_runs_lets_a_visitor_delete_his_own_alone(house: Path, there, monkeypatch) -> None:
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)
    run_of(ANNA, house, "annas", "cancelled"), run_of(BERT, house, "berts", "cancelled")
    there(ANNA)
    for name, is_hers in (("annas", True), ("berts", False)):
        app = AppTest.from_file(RUNS, default_timeout=60)
        app.query_params["run"] = name
        app.run()
        assert not app.exception
        buttons = {button.key: button.disabled for button in app.button}
        assert (buttons[f"delete-{name}"], buttons[f"resume-{name}"]) == (not is_hers, not is_hers)


def test_decisions_on_somebody_elses_audit_stay_in_the_session(house: Path, there, monkeypatch) -> None:
    view = shelf.open_case(shelf.everything()["signs-ordinary"])
    monkeypatch.setattr(shelf, "is_bundled", lambda case: False)
    there(BERT)
    assert choice.is_for_the_session(view)
    there(OWNER)
    assert not choice.is_for_the_session(view)


# Quotas


def test_so_many_jobs_at_once_and_a_study_is_one(house: Path, there, monkeypatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_VISITOR_JOBS", "2")
    there(ANNA)
    made = access.begin(lambda: run_of(OWNER, house, "first", "running"), trains=True)
    assert belongs_to(made) == ANNA.key
    second = access.begin(lambda: run_of(OWNER, house, "second"), trains=True)
    second.write_json(store.STATUS, vars(Status("running", heartbeat=time.time())))
    with pytest.raises(InputError, match="2 jobs of yours wait or work, and 2 at once"):
        access.begin(lambda: pytest.fail("started"), trains=True)
    there(BERT)
    access.begin(lambda: run_of(OWNER, house, "berts"), trains=True)
    there(OWNER)
    assert not belongs_to(access.begin(lambda: run_of(OWNER, house, "owners"), trains=True))
    there(NOBODY)
    with pytest.raises(InputError, match="not known yet who you are"):
        access.begin(lambda: pytest.fail("started"), trains=False)


def test_so_much_disk_audits_with_what_lies_below_them(house: Path, there, monkeypatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_VISITOR_DISK", "1 MB")
    there(ANNA)
    case = Cases(house / "audits").make("set", {})
    note_visitor(case, ANNA.key)
    case.write_status(Status("finished"))
    access.begin(lambda: run_of(OWNER, house), trains=False)
    case.file("look-1").mkdir()
    case.file("look-1/features.npy").write_bytes(bytes(10**6))
    with pytest.raises(InputError, match=r"take 1\.0 MB, and 1\.0 MB are yours"):
        access.begin(lambda: pytest.fail("started"), trains=False)


def test_so_much_in_uploads_which_can_be_deleted_but_for_what_others_have(house: Path, there, monkeypatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_VISITOR_UPLOADS", "1 MB")
    root = house / "audits"

    def upload(name: str, size: int) -> Path:
        def keep() -> Path:
            path = root / ".uploads" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(size))
            return path

        return access.keep_upload(keep, size, root)

    there(OWNER)
    owners = upload("owners.npy", 10)
    there(ANNA)
    upload("owners.npy", 10)
    both, hers = upload("both.npy", 500_000), upload("hers.npy", 400_000)
    with pytest.raises(InputError, match=r"would take 1.1 MB, and 1.0 MB are yours"):
        upload("more.npy", 200_000)
    assert not (root / ".uploads" / "more.npy").exists()
    there(BERT)
    upload("both.npy", 500_000)
    there(ANNA)
    assert access.uploaded(ANNA) == 900_010
    access.forget_uploads()
    assert access.uploaded(ANNA) == 0
    assert owners.exists()
    assert both.exists()
    assert not hers.exists()


def test_a_visitor_names_no_path_of_the_server(house: Path, there, monkeypatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_FOLDERS", str(house / "shared"))
    (house / "shared").mkdir()
    (house / "shared" / "way-out").symlink_to("/etc")
    allowed = (house / "shared" / "set.npz", house / "audits" / ".uploads" / "1.npy", house / "runs" / "one")
    refused = ("/etc/passwd", house / "shared" / ".." / "x", house / "shared" / "way-out" / "passwd", "~", "set\0.npy")
    there(BERT)
    for path in allowed:
        access.check_path(str(path))
    for path in refused:
        with pytest.raises(InputError, match="upload the file instead"):
            access.check_path(str(path))
    with pytest.raises(InputError, match="upload the file instead"):
        bring.start(bring.CaseConfig("/etc"), trains=True)
    with pytest.raises(InputError, match="owner alone"):
        access.check_copies()
    there(OWNER)
    for path in refused:
        access.check_path(str(path))
    access.check_copies()


# The switch


def test_with_training_off_the_lab_shows_all_and_starts_nothing(house: Path, monkeypatch) -> None:
    monkeypatch.setenv("SPECTRE_LENS_TRAINING", "off")
    app = AppTest.from_file(LAB, default_timeout=60).run()
    assert not app.exception
    assert app.button(key="start").disabled
    assert any("Training is switched off on this server" in caption.value for caption in app.caption)
    with pytest.raises(InputError, match="switched off"):
        access.begin(lambda: pytest.fail("started"), trains=True)
    assert access.begin(lambda: "looked", trains=False) == "looked"
    with pytest.raises(InputError, match="switched off"):
        bring.start(bring.CaseConfig(str(house)), trains=True)
    assert not list(Runs(house / "runs"))
    assert not list(Cases(house / "audits"))
