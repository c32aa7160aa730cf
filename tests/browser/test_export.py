"""The buttons under a figure save what is shown: a picture on the theme's ground, a drawing, a table of every point."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from tests.browser.chromium import PHONE, dress, open_view, wait_until_drawn

POINTS = "gd => gd._fullData.filter(t => t.visible === true).reduce((sum, t) => sum + t.x.length, 0)"


@pytest.fixture
def figure(page, address):
    """A Plotly figure of Inspect."""
    open_view(page, address, "inspect?truth=true")
    first = page.locator(".js-plotly-plot").first
    first.wait_for()
    return first


def save(page, figure, kind: str):
    """(name, bytes) of the file that the figure's button of that kind gives."""
    with page.expect_download() as saved:
        figure.locator("xpath=..").get_by_role("button", name=f"{kind}: save as a").click()
    return saved.value.suggested_filename, saved.value.path().read_bytes()


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_every_figure_has_three_buttons_that_the_keyboard_reaches(page, address, figure):
    open_view(page, address, "inspect?truth=true&decision=true")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length > 1")
    wait_until_drawn(page)
    count = page.locator(".js-plotly-plot").count()
    assert page.locator(".sl-plot > .sl-export").count() == count
    for group in page.locator(".sl-export").all():
        labels = [button.get_attribute("aria-label") for button in group.get_by_role("button").all()]
        assert ["save as a" in label for label in labels] == [True, True, True, False]
        assert labels[3].startswith("Fill the screen with ")
    button = figure.locator("xpath=..").get_by_role("button", name="CSV: save as a")
    button.focus()
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename.startswith("signs-patch-50-")
    box, drawn = button.bounding_box(), figure.bounding_box()
    assert box["y"] >= drawn["y"] + drawn["height"] - 1, "the buttons cover the figure"


def test_no_figure_offers_to_send_itself_anywhere(page, figure):
    titles = figure.locator(".modebar-btn").evaluate_all("all => all.map(one => one.dataset.title)")
    assert "Zoom" in titles
    assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]


def test_a_figure_fills_the_screen_and_comes_back(page, figure):
    small = figure.bounding_box()
    figure.locator("xpath=..").get_by_role("button", name="Fill the screen").click()
    page.wait_for_function("document.fullscreenElement?.querySelector('.main-svg')?.clientHeight > 0.8 * innerHeight")
    page.evaluate("document.exitFullscreen()")
    page.wait_for_function(
        "height => Math.abs(document.querySelector('.js-plotly-plot .main-svg').clientHeight - height) < 2",
        arg=small["height"],
    )


def test_a_picture_has_the_figures_size_and_the_themes_ground(page, figure):
    for scheme, ground in (("light", (255, 255, 255)), ("dark", (0x11, 0x15, 0x1A))):
        dress(page, page.viewport_size, scheme)
        name, content = save(page, figure, "PNG")
        assert name.endswith(".png")
        picture = Image.open(io.BytesIO(content)).convert("RGBA")
        box = figure.bounding_box()
        assert picture.width == pytest.approx(2 * box["width"], abs=4)
        assert picture.height == pytest.approx(2 * box["height"], abs=4)
        assert picture.getpixel((2, 2)) == (*ground, 255)
        assert len(picture.getcolors(1 << 24)) > 50, "there is nothing in the picture"
        # the figure on the page stays transparent
        assert figure.evaluate("gd => gd.layout.paper_bgcolor") == "rgba(0,0,0,0)"


def test_a_drawing_is_svg_with_its_words_and_a_table_has_a_row_for_every_point_unrounded(page, figure):
    name, content = save(page, figure, "SVG")
    assert name.endswith(".svg")
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    title = figure.evaluate("gd => gd.layout.xaxis.title.text")
    assert title in "".join(root.itertext())

    name, content = save(page, figure, "CSV")
    assert name.endswith(".csv")
    head, *rows = rows_of(content)
    assert head[0] == "series"
    assert len(rows) == figure.evaluate(POINTS)
    shown = figure.evaluate("gd => Array.from(gd._fullData[0].y)")
    assert [float(row[2]) for row in rows[: len(shown)]] == pytest.approx(shown, rel=0, abs=0)


def test_maps_names_and_formulas(page, figure):
    """Heat maps become rows by columns; a text that a spreadsheet would run is defused; columns have their own names."""
    figure.evaluate(
        """gd => {
          const series = (name, more) => ({name, visible: true, xaxis: 'x', yaxis: 'y', ...more});
          gd._fullLayout = {...gd._fullLayout, meta: {columns: {customdata: 'example id'}}};
          gd._fullData = [
            series('map', {type: 'heatmap', x: ['a', '=b<br><b>c</b>'], y: [10, 20], z: [new Float32Array([1, 2.5]), [3, NaN]]}),
            series('=HYPERLINK("x")', {x: [1, 2], y: new Float64Array([0.1, -0.2]), customdata: [[7], [8]], text: ['-3', '@a']}),
            series('hidden', {x: [1], y: [1], visible: 'legendonly'}),
            {...series('trace 3', {x: [1], y: [1], hoverinfo: 'skip'}), _input: {}},
          ];
        }"""
    )
    rows = rows_of(save(page, figure, "CSV")[1])
    assert rows[0][1:] == ["a", "'=b c"]
    assert rows[1:3] == [["10", "1", "2.5"], ["20", "3", ""]]
    assert rows[3] == []
    head, first, second = rows[4:]
    assert head[0] == "series"
    assert head[3:] == ["text", "example id"]
    assert first == ['\'=HYPERLINK("x")', "1", "0.1", "-3", "7"]
    assert second == ['\'=HYPERLINK("x")', "2", "-0.2", "'@a", "8"]


def test_a_phone_zooms_and_saves_the_picture_that_it_shows(page, address):
    """The other projections are folded there, and have no size yet."""
    page.set_viewport_size(PHONE)
    open_view(page, address, "inspect")
    cloud = page.locator(".cloud", has=page.get_by_role("button", name="Zoom in", exact=True)).first
    canvas = cloud.locator("figure.lead canvas").first
    pixels = "canvas => canvas.toDataURL()"
    before = canvas.evaluate(pixels)
    cloud.get_by_role("button", name="Zoom in", exact=True).click()
    page.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas.element_handle(), before])
    cloud.get_by_role("button", name="Reset the zoom").click()
    with page.expect_download() as picture:
        cloud.get_by_role("button", name="Save the pictures as PNG").click()
    with Image.open(picture.value.path()) as shown:
        assert shown.width > 400
    with page.expect_download() as drawing:
        cloud.get_by_role("button", name="Save the pictures as SVG").click()
    assert drawing.value.suggested_filename.endswith("-robust.svg")
    assert ElementTree.parse(drawing.value.path()).getroot().tag.endswith("svg")
