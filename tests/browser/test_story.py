"""The Story in a real Chromium: told with the keyboard, its sliders and its toy answer in the browser, and a presenter's screen."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import MinCovDet

from dashboard.story.steps import STEPS
from tests.browser.chromium import PHONE, WIDE, open_view, wait_until_drawn

LENS = Path(__file__).resolve().parents[2] / "dashboard" / "lens"
RUN = "signs-patch-50"


def open_step(page, address, step, query=""):
    page.set_viewport_size(WIDE)
    open_view(page, address, f"?step={step}&run={RUN}{query}")
    page.locator(".sl-claim").wait_for()


def wait_for_step(page, step):
    page.wait_for_url(lambda url: f"step={step}" in url)
    wait_until_drawn(page)


def test_the_keyboard_leads_through_all_steps_and_back_and_each_has_an_address(page, address):
    open_view(page, address)
    page.locator(".sl-claim").wait_for()
    claims = [page.locator(".sl-claim").inner_text()]
    for i, step in enumerate(STEPS[1:]):
        page.keyboard.press("ArrowRight" if i % 2 else "PageDown")
        wait_for_step(page, step)
        page.wait_for_function("was => document.querySelector('.sl-claim')?.innerText !== was", arg=claims[-1])
        claims.append(page.locator(".sl-claim").inner_text())
    assert len(set(claims)) == len(STEPS) == 7
    page.keyboard.press("ArrowRight")  # the last step stays
    page.keyboard.press("ArrowLeft")
    wait_for_step(page, STEPS[-2])
    page.keyboard.press("PageUp")
    wait_for_step(page, STEPS[-3])
    page.goto(page.url)
    page.locator(".sl-claim").wait_for()
    assert page.locator(".sl-claim").inner_text() == claims[-3]


@pytest.mark.parametrize("pause", [60, *(pytest.param(p, marks=pytest.mark.slow) for p in (0, 150))])
def test_steps_in_a_hurry_all_count(page, address, pause):
    open_step(page, address, "Trigger")
    for _ in range(4):
        page.keyboard.press("PageDown")
        page.wait_for_timeout(pause)
    wait_for_step(page, STEPS[4])
    page.keyboard.press("PageUp")
    wait_for_step(page, STEPS[3])
    page.locator(
        ".st-key-story-bar button", has_text="Back"
    ).click()  # what the keys led to is not held against the mouse
    wait_for_step(page, STEPS[2])
    page.keyboard.press("PageDown")
    wait_for_step(page, STEPS[3])


def test_the_difference_is_amplified_in_the_browser(page, address):
    open_step(page, address, "Trigger")
    slider = page.get_by_role("slider", name="Amplify the difference")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    page.get_by_text("Difference that the mark makes × 5").wait_for()
    assert page.locator(".marks .row").last.evaluate("row => getComputedStyle(row).filter") == "brightness(5)"
    assert "step=Trigger" in page.url  # the key was the slider's


def test_the_whitening_slider_answers_to_keyboard_and_mouse(page, address):
    open_step(page, address, "Whiten")
    slider = page.get_by_role("slider", name="From raw over naive to robust whitening")
    note = page.locator(".slider .note")
    assert note.inner_text() == "Raw: finds 0 of 50 poisons"
    slider.focus()
    slider.press("ArrowRight")
    assert note.inner_text() == "between Raw and Naive"
    slider.press("End")
    assert note.inner_text() == "Robust: finds 50 of 50 poisons"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    assert note.inner_text().startswith("Raw")
    page.get_by_role("button", name="Naive").click()
    page.get_by_text("Naive: finds 18 of 50 poisons").wait_for()
    assert "step=Whiten" in page.url


def sigmas(page) -> tuple[float, float]:
    """How far the poison lies, by all points and by the trusted ones."""
    told = [text.removesuffix(" σ") for text in page.locator(".readout b:not(.verdict)").all_inner_texts()]
    return float(told[0]), float(told[1])


def test_the_hand_wins_over_a_slider_that_glides(page, address):
    open_step(page, address, "Whiten")
    slider = page.get_by_role("slider", name="From raw over naive to robust whitening")
    page.get_by_role("button", name="Robust", exact=True).click()
    slider.press("Home")
    page.wait_for_timeout(2500)  # the glide would take 1.8 s
    assert float(slider.input_value()) == 0


def test_dragging_the_poison_changes_both_measures_and_the_robust_one_more(page, address):
    open_step(page, address, "Why")
    naive, robust = sigmas(page)
    assert naive < 3 < robust
    assert page.locator(".verdict").all_inner_texts() == ["hidden", "stands out"]
    box = page.locator(".handle").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 90, steps=5)
    page.mouse.up()
    farther = sigmas(page)
    assert farther[1] > robust + 1
    assert naive < farther[0] < 2.6  # what the words of the step promise
    page.locator(".handle").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowUp")
    assert sigmas(page)[1] < farther[1]
    assert "step=Why" in page.url
    page.get_by_role("button", name="put it back").click()
    page.wait_for_timeout(600)  # it glides
    assert sigmas(page) == (naive, robust)


def test_the_toy_whitens_what_it_shows(page, address):
    open_step(page, address, "Why")
    place = page.locator(".handle").bounding_box()
    page.get_by_role("button", name="whitened by the trusted").click()
    page.wait_for_timeout(900)
    assert page.locator(".handle").bounding_box() != place
    assert page.get_by_role("button", name="whitened by the trusted").get_attribute("aria-pressed") == "true"


def test_the_ellipses_are_those_that_slow_and_well_known_code_finds(page):
    rng = np.random.default_rng(0)
    clean = rng.multivariate_normal([0, 0], [[9, 3], [3, 2]], size=200)
    points = np.vstack([clean, rng.normal([3, -6], 0.2, size=(30, 2))])
    script = (LENS / "spread.js").read_text("utf-8")
    got = page.evaluate(
        "([script, points]) => { const f = new Function(script + '; return {spreadOf, robustSpread, whitener}')();"
        " const all = f.spreadOf(points), robust = f.robustSpread(points, points.length - 60);"
        " return {all, robust, root: f.whitener(all)}; }",
        [script, points.tolist()],
    )

    def matrix(cov):
        return np.array([[cov[0], cov[1]], [cov[1], cov[2]]])

    np.testing.assert_allclose(got["all"]["mean"], points.mean(0))
    np.testing.assert_allclose(matrix(got["all"]["cov"]), np.cov(points.T, bias=True), rtol=1e-6)
    root = matrix(got["root"])
    np.testing.assert_allclose(root @ np.cov(points.T, bias=True) @ root, np.eye(2), atol=1e-6)
    assert all(row < 200 for row in got["robust"]["trusted"])
    reference = MinCovDet(support_fraction=170 / 230, random_state=0).fit(points)
    np.testing.assert_allclose(got["robust"]["mean"], reference.location_, atol=0.15)
    np.testing.assert_allclose(matrix(got["robust"]["cov"]), reference.covariance_, rtol=0.25)
    np.testing.assert_allclose(matrix(got["robust"]["cov"]), np.cov(clean.T), rtol=0.25)


def test_alpha_answers_in_the_browser(page, address):
    open_step(page, address, "Score")
    slider = page.get_by_role("slider", name="α, from distance after whitening to the top direction")
    note = page.locator(".histogram .note")
    page.get_by_text("α = 4: finds 50 of 50 poisons among 75 removed").wait_for()
    slider.focus()
    slider.press("Home")
    page.get_by_text("α = 0: finds 49 of 50 poisons").wait_for()
    assert "the first bar also counts" not in note.inner_text()
    plain = note.inner_text()
    slider.press("End")
    page.get_by_text("α = ∞: finds").wait_for()
    assert note.inner_text() != plain
    assert "the first bar also counts" in note.inner_text()
    assert "the top direction alone" in slider.get_attribute("aria-valuetext")
    assert "step=Score" in page.url


def type_size(page) -> float:
    return page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)")


def test_a_presenters_screen_is_large_and_bare_and_esc_leaves_it(page, address):
    open_step(page, address, "Features")
    usual = type_size(page)
    points = page.locator("canvas[role=img]").bounding_box()
    page.locator(".sl-claim").click()
    page.keyboard.press("p")
    page.wait_for_url(lambda url: "present=1" in url)
    page.get_by_role("button", name="Leave").wait_for()
    wait_until_drawn(page)
    assert type_size(page) >= 1.2 * usual
    assert not page.get_by_test_id("stHeader").is_visible()
    assert not page.get_by_text("Tell it with another run").is_visible()
    page.wait_for_function(
        "low => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('canvas[role=img]')?.clientWidth > low)",
        arg=points["width"],
    )
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight <= innerHeight")
    page.keyboard.press("PageDown")
    wait_for_step(page, "Why")
    assert "present=1" in page.url
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "present" not in url)
    page.get_by_role("button", name="Present").wait_for()
    wait_until_drawn(page)
    assert type_size(page) == usual


def test_the_last_step_leads_on_to_the_same_run(page, address):
    open_step(page, address, "Remove")
    page.get_by_role("link", name="Look inside this run").click()
    page.wait_for_url(lambda url: "/inspect" in url and f"run={RUN}" in url)


# The first picture of each kind, and the end; the others are laid out alike.
ON_A_PHONE = ("Trigger", "Why", "Remove")


@pytest.mark.parametrize(
    "step", [step if step in ON_A_PHONE else pytest.param(step, marks=pytest.mark.slow) for step in STEPS]
)
def test_a_phone_shows_claim_picture_and_further_words_in_this_order_and_never_scrolls_sideways(page, address, step):
    page.set_viewport_size(PHONE)
    open_view(page, address, f"?step={step}&run={RUN}")
    page.locator(".sl-claim").wait_for()
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= PHONE["width"]
    claim, picture = (page.locator(f).first for f in (".sl-claim", ".marks, .sl-grid, canvas"))
    tops = [place.bounding_box()["y"] for place in (claim, picture, page.locator(".st-key-story-words"))]
    assert tops == sorted(tops)
    assert tops[1] < PHONE["height"]  # the picture begins on the first screen
    onward = page.locator(".st-key-story-onward button")
    assert onward.is_visible() == (step != STEPS[-1])


def test_a_phone_leads_on_at_the_end_and_shows_the_very_last_images(page, address):
    page.set_viewport_size(PHONE)
    open_view(page, address, f"?step=Score&run={RUN}")
    page.get_by_role("button", name="Next: 7 Remove").click()
    wait_for_step(page, "Remove")
    captions = page.locator(".st-key-story-last-set figcaption:visible")
    captions.first.wait_for()
    assert [text.split()[0] for text in captions.all_inner_texts()] == [f"#{rank}" for rank in range(70, 76)]


def test_the_number_of_images_shown_is_that_of_the_width(page, address):
    open_step(page, address, "Model")
    caption = page.locator(".sl-small", has_text="such test images")
    for width in (WIDE, PHONE):
        page.set_viewport_size(width)
        shown = page.locator(".st-key-story-answers figure:visible").count()
        assert caption.inner_text() == f"Showing {shown} of 200 such test images."
    assert shown == 12


def press_after(page, key, step):
    page.keyboard.press(key)
    wait_for_step(page, step)


@pytest.mark.parametrize("query", ["", pytest.param("&present=1", marks=pytest.mark.slow)])
def test_page_keys_step_from_switches_sliders_and_the_canvas(page, address, query):
    open_step(page, address, "Trigger", query)
    page.get_by_role("slider", name="Amplify the difference").press("ArrowRight")
    press_after(page, "PageDown", "Model")
    page.locator(".st-key-mark label").click()
    wait_until_drawn(page)
    press_after(page, "PageDown", "Features")
    page.locator(".st-key-reveal label").click()
    wait_until_drawn(page)
    press_after(page, "ArrowRight", "Why")  # arrows mean nothing to a switch
    page.locator(".handle").focus()
    page.keyboard.press("ArrowRight")  # but much to the cluster
    assert "step=Why" in page.url
    press_after(page, "PageDown", "Whiten")
    page.get_by_role("slider", name="From raw over naive to robust whitening").press("End")
    press_after(page, "PageDown", "Score")
    page.get_by_role("slider", name="α, from distance").press("Home")
    press_after(page, "PageUp", "Whiten")
    page.locator("canvas[role=img]").click(position={"x": 200, "y": 100})
    press_after(page, "PageUp", "Why")
    frame = "() => { const s = getComputedStyle(document.querySelector('[data-testid=stMain]')); return [s.outlineStyle, s.boxShadow]; }"
    page.locator("[data-testid=stMain]").focus()
    page.keyboard.press("Shift")
    assert page.evaluate(frame) == ["none", "none"]


def test_p_and_esc_work_from_a_slider_and_a_text_field_keeps_its_keys(page, address):
    open_step(page, address, "Trigger")
    slider = page.get_by_role("slider", name="Amplify the difference")
    slider.press("p")
    page.wait_for_url(lambda url: "present=1" in url)
    page.get_by_role("button", name="Leave").wait_for()
    wait_until_drawn(page)
    slider.press("Escape")
    page.wait_for_url(lambda url: "present" not in url)
    page.get_by_role("button", name="Present").wait_for()
    wait_until_drawn(page)
    page.get_by_text("Tell it with another run").click()
    field = page.get_by_role("combobox")
    field.focus()
    page.wait_for_timeout(500)  # the menu takes no letter in the moment it is focused
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("p")  # the menu opens and looks for it
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("PageDown")
    page.wait_for_timeout(500)
    assert "present" not in page.url
    assert "step=Trigger" in page.url
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.getAttribute('aria-expanded') === 'false'")
    press_after(page, "PageDown", "Model")  # a closed menu leaves page keys alone


def ringed(page) -> int:
    """How many rings the picture has, by its own words."""
    label = page.locator("canvas[role=img]").get_attribute("aria-label")
    return int(label.split(" removed")[0].rsplit(" ", 1)[-1])


def test_every_stop_of_the_whitening_rings_what_it_removes(page, address):
    open_step(page, address, "Whiten")
    slider = page.get_by_role("slider", name="From raw over naive to robust whitening")
    state = "() => { const s = window.spectreLens.channels.get('story-path/signs-patch-50').state; return s.removed.reduce((n, r, i) => n + (r && s.truth[i] ? 1 : 0), 0); }"
    found = []
    for name in ("Raw", "Naive", "Robust"):
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_text(f"{name}: finds").wait_for()
        found.append(page.evaluate(state))
        assert ringed(page) == 75
    assert found == [0, 18, 50]
    slider.focus()


@pytest.mark.parametrize(
    "view", ["as it is", pytest.param("whitened by all", marks=pytest.mark.slow), "whitened by the trusted"]
)
def test_the_cluster_stays_under_the_pointer_in_every_view(page, address, view):
    open_step(page, address, "Why")
    page.get_by_role("button", name=view).click()
    page.wait_for_timeout(900)
    box = page.locator(".handle").bounding_box()
    start = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] - 40, start[1] - 50, steps=6)
    held = page.locator(".handle").bounding_box()
    assert held["x"] - box["x"] == pytest.approx(-40, abs=1)
    assert held["y"] - box["y"] == pytest.approx(-50, abs=1)
    page.mouse.up()
    page.wait_for_timeout(700)
    assert (page.locator(".handle").bounding_box() == held) == (
        view == "as it is"
    )  # whitening follows when it is let go


def test_the_cluster_is_never_cut_by_the_frame_and_plain_distance_is_judged_live(page, address):
    open_step(page, address, "Why")
    line = page.locator(".readout .line").last
    assert "79 of 200 clean points lie farther out than the poison; not enough" in line.inner_text()
    page.locator(".handle").focus()
    for key in ("ArrowRight", "ArrowDown"):
        for _ in range(14):
            page.keyboard.press(f"Shift+{key}")
    assert "here that would be enough" in line.inner_text()
    ring, stage = page.locator(".handle").bounding_box(), page.locator(".stage.toy").bounding_box()
    assert ring["x"] + ring["width"] <= stage["x"] + stage["width"]
    assert ring["y"] + ring["height"] <= stage["y"] + stage["height"]
