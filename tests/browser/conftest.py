"""A real Chromium and a dashboard of its own for the tests in this folder; without a Chromium they are skipped.

`page` is a tab, and no test may leave an error in its console. `address` is where the dashboard answers; tests that start
runs ask the `workshop` instead, for a page without a run in its address shows the newest. What they start ends with them.

A test waits for what it needs as long as the suite lets it, however slow the machine: the limit is the test's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving import end_jobs, serve
from tests.browser.chromium import CHROMIUM, FLAGS, WIDE, faults_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"))


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """A dashboard that all browser tests share, with the bundled runs alone."""
    with serve(tmp_path_factory.mktemp("dashboard")) as server:
        yield server.url


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    """A dashboard of one file's own, and the folder of its runs."""
    folder = tmp_path_factory.mktemp("workshop")
    with serve(folder) as server:
        yield server.url, folder / "runs"


@pytest.fixture
def workshop(yard):
    """Where that dashboard answers. Whatever a test starts there ends with the test, passed or failed."""
    url, runs = yard
    yield url
    end_jobs(runs)


# One for each file, not for all: while Playwright is open, asyncio.run() fails in the same process.
@pytest.fixture(scope="module")
def chromium():
    """A browser; its tabs share a cache, so that only the first one has to load Streamlit."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_context(viewport=WIDE, color_scheme="light")
        browser.close()


@pytest.fixture
def patience(request, chromium) -> None:
    """Tabs wait until shortly before the test's own limit, when pytest would end it without saying for what it waited."""
    marker = request.node.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else request.config.getini("timeout"))
    chromium.set_default_timeout(1000 * max(seconds - 20, 1))


@pytest.fixture
def page(chromium, patience) -> Iterator:
    """A wide tab of its own; the test fails if something went wrong in the browser."""
    tab = chromium.new_page()
    faults = faults_of(tab)
    yield tab
    tab.close()
    assert not faults, "the browser's console says:\n" + "\n".join(faults)
