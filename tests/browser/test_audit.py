"""A bundled audit in a real browser: a row is looked at, a finding decided on, and the lists taken away."""

from __future__ import annotations

import csv

from tests.browser.chromium import open_view, still_box, wait_until_drawn

TWO = "audit?audit=signs-two-poisoned"


def test_from_a_finding_to_the_list_of_files_to_delete(page, address, tmp_path):
    open_view(page, address, TWO)
    page.get_by_text("2 classes look poisoned").wait_for()
    tiles = page.locator('[data-testid="stBidiComponentRegular"] .tiles button, .tiles button')
    tiles.first.click()
    page.get_by_text("Nearest in", exact=False).first.wait_for()
    assert "row=" in page.url
    page.locator(".st-key-decide-remove-finding-1 button").click()
    page.get_by_text("to be removed").first.wait_for()
    page.get_by_role("radio", name="4 Decide").click()
    wait_until_drawn(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Decisions").click()
    taken.value.save_as(tmp_path / "decisions.csv")
    with (tmp_path / "decisions.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    gone = [line["file"] for line in lines if line["decision"] == "remove"]
    assert len(gone) == 21
    assert all(name.startswith("speed 80/img_") for name in gone)


def test_the_arrow_keys_turn_the_pages_of_the_gallery(page, address):
    open_view(page, address, f"{TWO}&finding=1")
    page.get_by_text("others (", exact=False).click()
    page.get_by_text("showing 1–24", exact=False).wait_for()
    page.get_by_text("Every other class").click()  # arrows belong to whatever has the focus first
    page.keyboard.press("ArrowRight")
    page.get_by_text("showing 25–48", exact=False).wait_for(timeout=30_000)


def test_the_arrow_keys_stay_with_the_table_of_decisions(page, address):
    open_view(page, address, f"{TWO}&part=decide")
    table = page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    box = still_box(table)
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 60)
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    page.wait_for_timeout(1500)  # a step would be on its way by now
    assert page.get_by_role("radio", name="4 Decide").is_checked()
    assert "part=decide" in page.url


def test_one_click_rings_one_picture_also_of_rows_that_no_projection_shows(page, address):
    open_view(page, address, f"{TWO}&kind=copy")
    tiles = page.locator(".tiles button")
    tiles.nth(1).click()
    page.wait_for_timeout(500)
    assert [tile.get_attribute("aria-pressed") for tile in tiles.all()].count("true") == 1
