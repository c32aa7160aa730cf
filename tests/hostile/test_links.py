"""Door: deep links into the pages of the dashboard, and the paths that are typed there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import address, data
from tests.cases import snapshot
from tests.dashboard.conftest import installed_components  # noqa: F401 - a fixture
from tests.hostile import conftest
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, TURNED, check_line

PAGES = ("story", "lab", "inspect", "compare", "audit", "runs", "challenge")
KEYS = ("run", "runs", "audit", "challenge", "story", "step", "defense", "label", "cut", "guess", "score", "alpha", "like", "present", "watch", "k", "sel", "page", "q", "finding", "look", "view")  # fmt: skip
SAID = {
    "paths that climb": "../../etc/passwd",
    "markup": MARKUP,
    "numbers without end": "9" * 5000,
    "escapes": f"{ESCAPE}{BROKEN}{TURNED}\0{FORMULA}",
}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("runs", "audits", "challenges", "cache"):
        monkeypatch.setenv(f"SPECTRE_LENS_{name.upper()}", str(tmp_path / name))
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)  # knows the pages of the whole app alone
    yield
    if (
        conftest.seen is not None
    ):  # Streamlit unpickles what it has cached itself, and its test harness writes the script
        own = ("'streamlit.", f"writes {tempfile.gettempdir()}/tmp", "socket.", "subprocess.")
        conftest.seen[:] = [one for one in conftest.seen if not any(word in one for word in own)]


def opened(page: str, /, **said: str) -> AppTest:
    app = AppTest.from_file(str(data.ROOT / "dashboard" / "screens" / f"{page}.py"), default_timeout=60)
    for key, value in said.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
def test_a_hostile_link_opens_the_page_as_it_is(page: str, said: str, tmp_path: Path) -> None:
    app = opened(page, **dict.fromkeys(KEYS, said))
    for piece in (*app.error, *app.warning):
        check_line(piece.value)
    shown = "\n".join(str(piece.value) for piece in (*app.markdown, *app.caption, *app.error, *app.warning, *app.info))
    assert MARKUP not in shown
    assert "root:" not in shown
    assert not snapshot(tmp_path)


@pytest.mark.parametrize("text", ["0-zzzzzz", "1." * 5000 + "1", "0-9999" + ".0-9999" * 99, "\0", "-", "１", "1-2-3"])
def test_a_selection_of_nonsense_selects_nothing(text: str) -> None:
    assert address.ids_from_text(text) == []


def bringing() -> None:
    from dashboard.audit import bring, shelf

    bring.bring(shelf.user_audits().root)


PATHS = ("~nobody-of-that-name/x", "n" * 5000, "a\0b", "/etc/passwd", "/proc/self/mem", MARKUP, "/dev/zero")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_nonsense_is_answered_beside_its_field(path: str, tmp_path: Path) -> None:
    app = AppTest.from_function(bringing, default_timeout=60)
    app.session_state["part"], app.session_state["bring path"] = "read", path
    app.run()
    assert not app.exception, app.exception
    for piece in app.error:
        check_line(piece.value)
    assert not [name for name in snapshot(tmp_path) if not name.startswith("cache/")]
