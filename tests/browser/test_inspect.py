"""Inspect in a real Chromium: one selection, one cut and one example, shared by every picture and by the address."""

import re
from pathlib import Path

import pytest

from tests.browser.chromium import drag, still_box, wait_until_drawn

pytestmark = pytest.mark.browser
RUN = "signs-patch-50"
ROBUST = 2  # the third of the three pictures


def open_inspect(page, address, query=""):
    page.goto(f"{address}/inspect?run={RUN}{query}")
    page.locator("canvas[role=img]").nth(ROBUST).wait_for()
    page.locator(".tiles button").first.wait_for()


def wait_for_address(page, pattern):
    """Until the address bar matches; it changes without a navigation."""
    page.wait_for_function("pattern => new RegExp(pattern).test(location.search)", arg=pattern)


def removed(page) -> int:
    said = page.locator(".histogram .note").inner_text()
    return int(re.match(r"removed: ([\d,]+)", said).group(1).replace(",", ""))


def test_a_lasso_fills_the_gallery_and_the_address_and_a_link_brings_it_back(page, address):
    open_inspect(page, address)
    box = still_box(page.locator("canvas[role=img]").first)
    drag(page, box, [(0.3, 0.3), (0.5, 0.3), (0.5, 0.5), (0.3, 0.5), (0.3, 0.35)])
    page.get_by_text(re.compile(r"selected \([1-9][\d,]*\)")).wait_for()
    wait_for_address(page, "selected=")
    label = page.get_by_text(re.compile(r"selected \([1-9]")).inner_text()
    assert f"{re.search('[0-9,]+', label).group()} selected" in page.locator("canvas[role=img]").first.get_attribute(
        "aria-label"
    )
    link = page.url
    page.goto(link)
    page.get_by_text(label).wait_for()
    page.get_by_role("button", name="Clear the selection").click()
    page.get_by_text("selected (0)").wait_for()
    wait_for_address(page, "^((?!selected=).)*$")


def test_box_selects_too_and_tap_looks_at_one_point(page, address):
    open_inspect(page, address)
    page.get_by_role("radio", name="Box").click()
    box = still_box(page.locator("canvas[role=img]").first)
    drag(page, box, [(0.3, 0.1), (0.9, 0.6)])
    page.get_by_text(re.compile(r"selected \([1-9]")).wait_for()
    page.get_by_role("radio", name="Tap").click()
    page.get_by_text("Click a point or an image").wait_for()
    for across in (0.4, 0.45, 0.5, 0.55, 0.6):
        page.mouse.click(box["x"] + across * box["width"], box["y"] + 0.5 * box["height"])
        page.wait_for_timeout(600)
        if "look=" in page.url:
            break
    page.get_by_text(re.compile(r"^Example \d+$")).wait_for()


def test_an_image_is_ringed_in_every_picture_and_its_neighbours_can_be_followed(page, address):
    open_inspect(page, address)
    first = page.get_by_role("list", name=re.compile("^removed images")).locator("button").nth(1)
    example = re.search(r"id (\d+)", first.inner_text()).group(1)
    first.click()
    page.get_by_text(f"Example {example}", exact=True).wait_for()
    assert first.get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowRight")  # the next image, by keyboard
    page.get_by_text(f"Example {example}", exact=True).wait_for(state="detached")
    wait_until_drawn(page)  # its neighbours too
    near = page.get_by_role("list", name="nearest examples").locator("button").first
    follow = re.search(r"id (\d+)", near.inner_text()).group(1)
    near.click()
    page.get_by_text(f"Example {follow}", exact=True).wait_for()


def test_the_cut_is_dragged_and_moved_by_keys_and_everything_follows(page, address):
    open_inspect(page, address)
    before = removed(page)
    grip = page.locator(".grip")
    box = still_box(grip)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 40, middle[1], steps=8)
    page.wait_for_timeout(200)
    while_dragged = removed(page)
    assert while_dragged > before  # answered before the server heard of it
    assert "cut=" not in page.url
    page.mouse.up()
    wait_for_address(page, rf"cut={while_dragged}(&|$)")
    page.get_by_text(f"removed ({while_dragged:,})").wait_for()
    grip.focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text(f"removed ({while_dragged - 1:,})").wait_for()
    assert grip.get_attribute("aria-valuenow") == str(while_dragged - 1)
    page.keyboard.press("Home")
    page.get_by_text("Nothing is removed at this cut").wait_for()


@pytest.mark.parametrize("pause", [0, *(pytest.param(p, marks=pytest.mark.slow) for p in (40, 120))])
def test_no_press_of_the_slider_is_lost_in_a_hurry(page, address, pause):
    open_inspect(page, address)
    slider = page.get_by_role("slider", name="Remove the highest")
    wanted = int(slider.get_attribute("aria-valuenow") or slider.input_value()) + 25
    slider.focus()
    for _ in range(25):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause)
    wait_for_address(page, rf"cut={wanted}(&|$)")
    page.get_by_text(f"removed ({wanted})").wait_for()
    page.locator(".histogram .note", has_text=f"removed: {wanted} of").wait_for()
    wait_until_drawn(page)
    assert removed(page) == wanted  # and stays
    assert page.get_by_role("spinbutton", name="Images removed").input_value() == str(wanted)


# A key every third of a second lets the server answer in between.
@pytest.mark.parametrize("pause", [40, pytest.param(330, marks=pytest.mark.slow)])
def test_no_press_of_the_cut_in_the_histogram_is_lost(page, address, pause):
    open_inspect(page, address)
    wanted = removed(page) + 12
    page.locator(".grip").focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(pause)
    wait_for_address(page, rf"cut={wanted}(&|$)")
    page.locator(".histogram .note", has_text=f"removed: {wanted} of").wait_for()
    wait_until_drawn(page)
    assert removed(page) == wanted


def test_the_keyboard_stays_on_a_neighbour_that_was_followed(page, address):
    open_inspect(page, address)
    page.locator(".tiles button").first.click()
    near = page.get_by_role("list", name="nearest examples").locator("button")
    near.nth(1).focus()
    before = near.nth(1).inner_text()
    page.keyboard.press("Enter")
    page.get_by_text(f"Example {re.search(r'id ([0-9]+)', before).group(1)}", exact=True).wait_for()
    wait_until_drawn(page)
    held = "() => { let at = document.activeElement; while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; return at.tagName; }"
    assert page.evaluate(held) == "BUTTON"


def test_figures_and_legends_follow_when_the_page_turns_dark(page, address):
    open_inspect(page, address, "&truth=true")
    ink = "() => ['.xtitle', '.sl-legend i.ring'].map((where) => { const s = getComputedStyle(document.querySelector(where)); return where === '.xtitle' ? s.fill : s.borderTopColor; })"
    page.locator(".xtitle").first.wait_for()
    assert page.evaluate(ink) == ["rgb(15, 23, 32)"] * 2
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({ink})().every((colour) => colour === 'rgb(231, 235, 240)')")


def test_guess_then_reveal_then_compare(page, address):
    open_inspect(page, address)
    page.locator(".tiles button").first.click()
    page.get_by_role("button", name="Looks poisoned", exact=True).click()
    page.get_by_text("Your guess: 1 image").wait_for()
    assert page.locator(".tiles button.poison").count() == 0
    page.get_by_text("Reveal the truth").click()
    page.get_by_text("Poison removed", exact=True).wait_for()
    page.locator(".tiles button.poison").first.wait_for()
    page.get_by_role("columnheader", name="you").wait_for()


def test_the_film_of_the_filter_plays_and_steps(page, address):
    open_inspect(page, address, "&decision=true")
    film = page.locator(".film")
    film.get_by_role("button", name="Step").click()
    page.get_by_text(re.compile(r"^round 1 of \d+: drops")).wait_for()
    film.get_by_role("slider").press("End")
    page.get_by_text(re.compile(r"^round (\d+) of \1: drops")).wait_for()
    film.get_by_role("button", name="First").click()
    page.get_by_text("before the first of").wait_for()
    film.get_by_role("button", name="Play").click()
    page.get_by_text(re.compile(r"^round [1-9]\d* of")).wait_for()


def test_the_projections_are_saved(page, address):
    open_inspect(page, address)
    for kind, start in {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"id,raw_1,raw_2"}.items():
        with page.expect_download() as waiting:
            page.get_by_role("button", name=re.compile(f"as {kind}")).first.click()
        content = Path(waiting.value.path()).read_bytes()
        assert content.startswith(start)
        assert RUN in waiting.value.suggested_filename
