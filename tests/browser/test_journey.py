"""A visitor's way through the dashboard in a real Chromium: a run of one's own, and what it removed."""

import re

import pytest


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_visitor_starts_a_run_on_digits_and_sees_what_spectre_removed(page, workshop):
    page.goto(f"{workshop}/lab")
    page.get_by_text("Options of the training").click()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("12")
    epochs.press("Enter")
    page.get_by_text("Retrain after").click()
    page.get_by_text("The same on the command line").click()
    page.get_by_text("training.epochs=12").wait_for()
    page.get_by_text("--no-retrain").wait_for()
    page.get_by_role("button", name="Start the run").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_text("SPECTRE removed").wait_for()
    page.get_by_role("link", name="Look inside").click()
    page.get_by_text("Above the cut").wait_for()
    assert "run=digits-patch-10" in page.url
    page.locator(".tiles button").nth(14).wait_for()
    assert page.locator(".tiles button").count() == 15
    page.get_by_text("Reveal the truth").click()
    page.get_by_text("Poison removed", exact=True).wait_for()
    page.locator(".tiles button.poison").first.wait_for()  # the gallery is redrawn after the tiles beside it
    assert page.locator(".tiles button.poison").count() >= 8


@pytest.fixture
def sticker(tmp_path):
    """A small picture, half of it transparent."""
    from PIL import Image

    picture = Image.new("RGBA", (12, 12))
    picture.paste((220, 30, 60, 255), (0, 0, 6, 12))
    picture.save(tmp_path / "sticker.png")
    return tmp_path / "sticker.png"


def choose(page, box, option):
    page.get_by_role("combobox", name=box, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def enter(page, name, value):
    field = page.get_by_role("spinbutton", name=name)
    field.fill(value)
    field.press("Enter")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_picture_of_ones_own_a_budget_in_percent_and_the_cost_beside_the_truth(page, workshop, sticker):
    page.goto(f"{workshop}/lab")
    page.get_by_text("a white square of 3x3 pixels").wait_for()
    choose(page, "Attack", "Blended")
    page.get_by_text("a noise pattern blended in at 20 %").wait_for()
    assert page.locator('img[alt^="difference"]').count() == 6
    choose(page, "Attack", "Patch (BadNets)")
    page.get_by_text("a white square of 3x3 pixels").wait_for()
    page.locator('input[type="file"]').first.set_input_files(sticker)
    page.get_by_text("a picture of 3x3 pixels").wait_for()
    page.get_by_role("button", name="Remove picture").wait_for()
    page.get_by_text("% of the class").click()
    page.get_by_role("spinbutton", name="Poisons (% of the target class)").wait_for()
    enter(page, "Poisons (% of the target class)", "5")
    page.get_by_text("8 of 143 images").wait_for()
    page.get_by_text("5 % becomes 5.2 %").wait_for()
    page.get_by_text("Options of the training").click()
    enter(page, "Epochs", "2")
    page.get_by_text("Retrain after").click()
    page.get_by_text("looks for the poison.").wait_for()
    page.get_by_role("link", name="Inspect").click()  # what was set up is still there afterwards
    page.get_by_text("Above the cut").wait_for()
    page.get_by_role("link", name="Lab").click()
    page.get_by_text("8 of 143 images").wait_for()
    page.get_by_text("a picture of 3x3 pixels").wait_for()
    page.get_by_role("button", name="What will it cost?").click()
    page.get_by_text(re.compile(r"\d+ (s|min|h) on this computer")).wait_for()
    page.get_by_role("button", name="Start the run").click()
    page.get_by_text("s in all,").wait_for()
    assert re.search(r"\d+ s in all, \d+ s expected", page.get_by_text("s in all,").inner_text())
    page.get_by_text("SPECTRE removed").wait_for()
    page.locator('[data-testid="stDataFrame"]').first.wait_for()
