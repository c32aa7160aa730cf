"""Served to others below a path of its own, as behind a proxy: figures, links and downloads work, and whose run it is counts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.serving import serve
from core.runs import RunFolder, note_visitor
from dashboard import data
from dashboard.access.visitors import COOKIE, hashed
from tests.browser.chromium import open_view, wait_until_drawn
from tests.browser.test_runs import choose_run

SECRETS = {"annas": "a" * 32, "berts": "b" * 32}


@pytest.fixture(scope="module")
def lens(tmp_path_factory):
    """A server at /lens that others may reach, with a run of Anna's and one of Bert's."""
    folder = tmp_path_factory.mktemp("served")
    for name, secret in SECRETS.items():
        run = RunFolder(folder / "runs" / name)
        shutil.copytree(data.bundled()["digits-patch-10"].path, run.path)
        note_visitor(run, hashed("browser", secret))
    with serve(folder, "lens", SPECTRE_LENS_SERVED="on") as server:
        yield server.url


def test_below_a_path_figures_links_and_downloads_work_and_a_run_of_another_stays(page, lens):
    cookie = {"name": COOKIE, "value": SECRETS["annas"], "url": lens}
    page.context.add_cookies([cookie])
    open_view(page, lens, "runs?run=annas")
    assert page.get_by_role("button", name="Delete").is_enabled()
    with page.expect_download() as export:
        page.get_by_role("button", name="Export").click()
    assert export.value.suggested_filename == "annas.zip"
    assert Path(export.value.path()).stat().st_size > 10_000
    choose_run(page, "berts")
    assert page.get_by_role("button", name="Delete").is_disabled()

    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(f"{lens}/compare?*")
    wait_until_drawn(page)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()  # the parts of Plotly come from below the path too
    open_view(page, lens, "inspect?run=annas&truth=true")
    page.locator("canvas").first.wait_for()
    assert "run=annas" in page.url


def test_a_browser_that_is_new_gets_a_cookie_below_the_path_and_is_known_by_it(page, lens):
    page.context.clear_cookies()
    open_view(page, lens, "challenge")
    page.wait_for_function(f"() => document.cookie.includes('{COOKIE}')")
    (cookie,) = [c for c in page.context.cookies() if c["name"] == COOKIE]
    assert (cookie["path"], len(cookie["value"]), cookie["sameSite"]) == ("/lens", 32, "Strict")
