"""The map of a grid in a real Chromium: a click on a line shows its cell, and the address keeps it."""

from __future__ import annotations

from tests.browser.chromium import still_box, wait_until_drawn
from tests.dashboard.drawn_grid import draw_grid


def test_a_click_on_the_map_shows_that_cell(page, yard):
    url, runs = yard
    draw_grid(runs)
    page.goto(f"{url}/evidence?grid=drawn")
    wait_until_drawn(page)
    plot = page.locator(".st-key-evidence-map .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    box = still_box(plot.locator(".nsewdrag").first)
    row = 4  # of nine: Periodic, 2 ways, 50
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + (row + 0.5) / 9 * box["height"])
    page.get_by_text("Periodic, 2 ways, 50 poisons: the attack turns").first.wait_for()
    page.wait_for_url("**cell=Periodic*")
    wait_until_drawn(page)
    page.reload()
    page.get_by_text("Periodic, 2 ways, 50 poisons: the attack turns").first.wait_for()
