"""A new audit in a real Chromium: a path, what was read of it, what looks at it, cancel, go on, and its findings."""

import numpy as np
import pytest

from benchmarks.serving import serve
from core.cases import Cases
from tests.browser.chromium import wait_until_drawn


@pytest.fixture
def bench(tmp_path):
    """A dashboard of its own, a table of features, and the folder of its audits; what is at work ends with the test."""
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 4
    centres = 8 * rng.standard_normal((4, 24))
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "rows.npy", (centres[labels] + rng.standard_normal((600, 24))).astype(np.float32))
    audits = tmp_path / "audits"
    with serve(tmp_path, SPECTRE_LENS_AUDITS=str(audits)) as server:
        yield server.url, tmp_path / "rows.npy", audits
        for case in Cases(audits):
            if case.status.active:
                case.request_cancel()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_table_is_brought_read_audited_cancelled_continued_and_opened(bench, page):
    url, table, audits = bench
    page.goto(f"{url}/audit?audit=new&part=read")
    page.get_by_label("Path", exact=True).fill(str(table))
    page.keyboard.press("Enter")
    page.get_by_text("600 rows of 24 features in 4 classes of 150").wait_for()
    page.get_by_role("button", name="Next: what looks at it").click()
    page.get_by_text("The features as they are.").wait_for()
    page.get_by_text("on this computer").wait_for()  # measured
    page.get_by_role("button", name="Start the audit").click()
    page.wait_for_function("() => !location.search.includes('audit=new')")
    page.get_by_text("The page may be closed; the audit goes on by itself.").wait_for()
    (case,) = Cases(audits)
    assert f"audit={case.id}" in page.url

    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("The page may be closed; the audit goes on by itself.").wait_for()
    page.wait_for_function("() => location.search.includes('part=findings')")  # by itself, once it has finished
    assert case.status.state == "finished"

    page.get_by_text("1 What was read").click()
    page.get_by_text("600 rows of 24 features").wait_for()
    page.get_by_role("button", name="Read it differently").click()
    page.wait_for_function("() => location.search.includes('audit=new')")
    wait_until_drawn(page)
    assert page.get_by_label("Path", exact=True).input_value() == str(table)
