"""The Challenge in a real Chromium: a student plays one from the first look to the reveal, and another tab's board follows."""

import re

from core.challenges import open_challenge, read_truth
from dashboard.challenge.game import BUNDLED
from tests.browser.chromium import drag, still_box, wait_until_drawn
from tests.browser.test_access import GRAVE, scan

PLAYED = "a-digits"
ROBUST = 2  # the third of the three pictures


def open_challenge_page(page, address, label):
    page.goto(f"{address}/challenge?challenge={PLAYED}&label={label}")
    page.locator("canvas[role=img]").nth(ROBUST).wait_for()
    page.locator(".tiles button").first.wait_for()
    page.locator(".histogram .note", has_text="above the cut").wait_for()


def lasso(page, canvas, places):
    """Around places given as shares of a picture."""
    wait_until_drawn(page)
    drag(page, still_box(canvas), places)


def said_of(page, place=ROBUST) -> str:
    return page.locator("canvas[role=img]").nth(place).get_attribute("aria-label")


def grave_faults(page) -> list[dict[str, str]]:
    """What axe-core finds in states that have no address of their own."""
    return [fault for fault in scan(page) if fault["impact"] in GRAVE]


def wait_for_picture(page, words):
    """Until the description of the third picture holds these words."""
    page.wait_for_function(
        """words => {
          const found = (root) => [...root.querySelectorAll('*')].flatMap((e) =>
            [...(e.matches('canvas[role=img]') ? [e] : []), ...(e.shadowRoot ? found(e.shadowRoot) : [])]);
          return found(document)[2]?.getAttribute('aria-label').includes(words);
        }""",
        arg=words,
    )


def choose_label(page, name):
    page.get_by_role("combobox", name=re.compile("Which label looks poisoned")).click()
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def test_a_label_and_a_score_are_chosen_on_a_fresh_page(page, address):
    page.goto(f"{address}/challenge?challenge={PLAYED}")
    page.get_by_role("radio", name="3", exact=True).click()
    page.wait_for_function("() => new URL(location).searchParams.get('label') === '3'")
    page.get_by_text("The highest of label 3").wait_for()
    page.get_by_role("radio", name="PCA").click()
    page.wait_for_function("() => new URL(location).searchParams.get('score') === 'pca'")
    page.wait_for_timeout(1000)  # it stays
    assert "label=3&score=pca" in page.url


def test_a_reload_gives_back_name_basket_and_label(page, address):
    page.goto(f"{address}/challenge?challenge={PLAYED}&label=3")
    name = page.get_by_role("textbox", name="Your name, or your team's")
    name.fill("Grace")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile(r"^\W*(add)?\s*Put these 14")).click()
    page.get_by_text("14 in the basket", exact=True).wait_for()
    wait_until_drawn(page)
    choose_label(page, "3")
    page.get_by_text("You may answer 5 times").wait_for()
    wait_until_drawn(page)  # the last thing on the page is what keeps all of it in the tab
    page.wait_for_timeout(500)
    page.reload()
    page.get_by_text("14 in the basket", exact=True).wait_for()
    page.get_by_text("You may answer 5 times").wait_for()  # name and label are there
    assert name.input_value() == "Grace"
    page.get_by_role("button", name=re.compile("Empty the basket")).click()
    page.get_by_text("The basket is empty").wait_for()
    page.wait_for_timeout(500)
    page.reload()
    page.get_by_text("The basket is empty").wait_for()
    page.get_by_text("in the basket (0)").wait_for()


def test_a_student_plays_and_another_tab_sees_the_board_change(page, chromium, address):
    challenge = open_challenge(BUNDLED / PLAYED)
    truth = read_truth(challenge)
    name = challenge.classes[truth.label]
    other = chromium.new_page()
    other.goto(f"{address}/challenge?challenge={PLAYED}")
    other.get_by_text("Nobody has answered yet").wait_for()

    page.bring_to_front()  # a tab behind another one hears the mouse late
    open_challenge_page(page, address, truth.label)
    page.get_by_role("textbox", name="Your name, or your team's").fill("Ada")
    page.keyboard.press("Enter")
    lasso(
        page,
        page.locator("canvas[role=img]").nth(ROBUST),
        [(0.6, 0.02), (0.99, 0.02), (0.99, 0.86), (0.6, 0.86), (0.6, 0.05)],
    )
    put = page.get_by_role("button", name=re.compile(r"Put the \d+ selected into the basket"))
    put.wait_for()
    picked = int(re.search(r"\d+", put.inner_text()).group())
    assert picked >= len(truth.poison)
    put.click()
    page.get_by_text(f"{picked} in the basket", exact=True).wait_for()
    wait_for_picture(page, f"{picked} removed")
    assert page.locator(".tiles button[aria-pressed=true]").count() == picked
    assert grave_faults(page) == []
    choose_label(page, name)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text("Taken: answer 1").wait_for()
    assert "poison" not in said_of(page)
    other.locator(".sl-board td", has_text="Ada").wait_for()  # by itself

    page.get_by_role("button", name="Reveal the truth to me").click()
    page.get_by_text("Your score", exact=True).wait_for()
    wait_for_picture(page, f"{len(truth.poison)} of them poison, {picked} removed")
    page.locator(".tiles button.poison").first.wait_for()
    assert page.get_by_role("button", name="Submit", exact=True).count() == 0
    assert grave_faults(page) == []
    assert other.get_by_text("Your score", exact=True).count() == 0  # she revealed it to herself alone
    other.close()


def test_clicks_and_the_dragged_cut_answer_before_the_server_does(page, address):
    open_challenge_page(page, address, 0)
    tiles = page.locator(".tiles button")
    for place in (0, 2, 3):  # in a hurry: none is lost
        tiles.nth(place).click()
    assert [tiles.nth(i).get_attribute("aria-pressed") for i in range(4)] == ["true", "false", "true", "true"]
    page.get_by_text("3 in the basket").wait_for()
    tiles.nth(2).press("Enter")  # by keyboard, out again
    page.get_by_text("2 in the basket").wait_for()

    grip = page.locator(".grip")
    box = still_box(grip)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 40, middle[1], steps=8)
    page.wait_for_timeout(300)
    above = int(re.search(r"above the cut: (\d+)", page.locator(".histogram .note").inner_text()).group(1))
    assert f"2 removed, {above} selected" in said_of(page)  # the basket keeps its rings
    assert page.get_by_role("button", name=f"Put these {above} in the basket").count() == 0  # not heard of yet
    page.mouse.up()
    page.get_by_role("button", name=f"Put these {above} in the basket").click()
    page.get_by_role("button", name="Take all of 0 out").click()
    page.get_by_text("The basket is empty").wait_for()
    wait_for_picture(page, "0 removed")
