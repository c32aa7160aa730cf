"""Two runs at once in a real Chromium: the queue, cancel, go on, duplicate with one change, delete."""

import re

import pytest
from playwright.sync_api import TimeoutError

from tests.browser.test_journey import enter


def start(page, epochs):
    """Start what the Lab holds, for so many epochs; returns the id of the run."""
    enter(page, "Epochs", epochs)
    page.get_by_text(f"trains for {epochs} epoch").wait_for()
    before = watched(page)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_function("b => new URL(location).searchParams.get('watch') != b", arg=before)
    page.locator(".st-key-watched").get_by_text(watched(page)).wait_for()
    return watched(page)


def watched(page):
    return page.evaluate("new URL(location).searchParams.get('watch')")


def choose_run(page, run_id):
    """From the menu; the page refreshes itself while runs work, which may close a menu that was just opened."""
    menu = page.get_by_role("combobox", name=re.compile("^(Selected .*)?Run$"))
    option = page.get_by_role("option", name=run_id)
    for _ in range(20):
        menu.click()
        menu.fill(run_id)
        try:
            option.click(timeout=5_000)
            break
        except TimeoutError:
            page.keyboard.press("Escape")
    page.locator(".st-key-details h4", has_text=run_id).wait_for()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_runs_wait_for_each_other_and_one_is_cancelled_continued_copied_and_deleted(page, workshop):
    page.goto(f"{workshop}/lab")
    page.get_by_text("Options of the training").click()
    page.get_by_text("Retrain after").click()
    page.get_by_text("looks for the poison.").wait_for()
    long = start(page, "200")
    short = start(page, "3")
    assert long != short
    page.get_by_text(re.compile("2nd in the queue, 1 run before it; about .+ until it starts")).wait_for()

    page.get_by_role("link", name="Runs").click()
    count = page.get_by_text(re.compile(r"Showing \d+ of \d+ runs"))
    count.wait_for()
    there = int(re.search(r"of (\d+) runs", count.inner_text()).group(1))  # other tests leave theirs
    details = page.locator(".st-key-details")
    told = details.get_by_test_id("stAlert")  # the log, folded, has the same words
    choose_run(page, short)
    assert page.url.endswith(f"run={short}")
    details.get_by_text("2nd in the queue, 1 run before it").wait_for()
    details.get_by_role("button", name="Cancel").click()
    told.get_by_text("Cancelled while waiting").wait_for()
    details.get_by_role("button", name="Go on").click()
    details.get_by_text("2nd in the queue, 1 run before it").wait_for()

    choose_run(page, long)
    details.locator(".js-plotly-plot").first.wait_for()  # an epoch is over
    details.get_by_role("button", name="Cancel").click()
    told.get_by_text("Cancelled; finished stages are kept").wait_for()
    choose_run(page, short)
    told.get_by_text("SPECTRE removed").wait_for()

    details.get_by_role("link", name="Duplicate").click()
    page.get_by_text("nothing is changed yet").wait_for()
    assert f"like={short}" in page.url
    page.get_by_text("trains for 3 epochs").wait_for()
    enter(page, "Poisons (images)", "15")
    page.get_by_text("poisons 10 → 15").wait_for()

    page.get_by_role("link", name="Runs").click()
    choose_run(page, short)
    details.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("dialog").wait_for(state="detached")
    details.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text(f"Showing {there - 1} of {there - 1} runs").wait_for()
    page.reload()
    page.get_by_text(f"Showing {there - 1} of {there - 1} runs").wait_for()
    assert short not in page.url
