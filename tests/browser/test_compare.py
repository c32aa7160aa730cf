"""Plotly figures that are clicked and brushed."""

from __future__ import annotations

import re

from tests.browser.chromium import drag, open_view, still_box, wait_until_drawn


def test_a_bar_shows_its_images_and_a_lasso_those_inside_it(page, address):
    open_view(page, address, "compare")
    upset = page.locator(".st-key-upset .js-plotly-plot")
    counts = upset.evaluate("gd => Array.from(gd._fullData[0].y)")
    box = still_box(upset.locator(".point path").nth(1))
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text(re.compile(rf"showing \d+ of {counts[1]}, most suspicious")).wait_for()
    wait_until_drawn(page)

    pair = page.locator(".st-key-pair-plot-signs-patch-50 .js-plotly-plot")
    pair.scroll_into_view_if_needed()
    trail = [(0.3, 0.05), (0.95, 0.05), (0.95, 0.7), (0.3, 0.7), (0.3, 0.05)]
    drag(page, still_box(pair.locator(".nsewdrag").first), trail)
    ringed = page.wait_for_function(  # the figure rings them, and the trail is gone
        """() => { const gd = document.querySelector('.st-key-pair-plot-signs-patch-50 .js-plotly-plot');
        const rings = gd._fullData.find(trace => trace.name.startsWith('selected'));
        return rings && !gd._fullLayout.selections.length && rings.x.length; }"""
    )
    chosen = ringed.json_value()
    assert 5 < chosen < 500
    page.get_by_text(re.compile(rf"showing \d+ of {chosen}, most suspicious")).wait_for()
    page.get_by_role("link", name="Inspect").click()
    page.get_by_text(f"selected ({chosen})").wait_for()
