"""A report is opened as a file, without a network: points answer to the pointer and to keys, and nothing is missing at 390 px."""

from __future__ import annotations

import io

import pytest

from core.cases.reporting import report_of
from core.reports import to_html
from tests.browser.chromium import PHONE, WIDE, faults_of
from tests.core.cases.audits import NAMES, make_audit


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The file of a report whose classes have hostile names."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    path.write_text(to_html(report_of(make_audit(folder / "made", per_class=40))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def tab(chromium, report, request):
    """The report in a tab without a network; nothing may go wrong in it, and nothing may be asked for."""
    size = getattr(request, "param", WIDE)
    context = chromium.browser.new_context(viewport=size, offline=True, color_scheme="light")
    page = context.new_page()
    faults, asked = faults_of(page), []
    page.on("request", lambda one: asked.append(one.url) if not one.url.startswith("data:") else None)
    page.goto(report)
    yield page
    context.close()
    assert not faults
    assert asked == [report]


def centre_of_last_point(tab):
    """Where the last point of the first scatter lies on the screen."""
    return tab.evaluate("""() => {
      const svg = document.querySelector('figure.scatter svg');
      const last = [...svg.querySelectorAll('.g2 path')].at(-1).getAttribute('d').match(/M([\\d.]+) ([\\d.]+)/);
      svg.scrollIntoView({block: 'center'});
      const matrix = svg.getScreenCTM();
      return [matrix.a * last[1] + matrix.e, matrix.d * last[2] + matrix.f];
    }""")


def test_a_point_shows_its_row_its_file_and_its_picture(tab):
    first = tab.locator("figure.scatter").first
    tab.mouse.move(*centre_of_last_point(tab))
    said = first.locator(".readout p").inner_text()
    assert said.startswith("row ")
    assert "img_" in said
    assert NAMES[0] in said
    assert first.locator("canvas").is_visible()
    drawn = first.locator("canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 < 3 && v > 0)"
    )
    assert drawn, "the picture is empty"
    assert tab.locator(".thumb.lit").count() == 1


def test_keys_go_from_row_to_row_and_back(tab):
    plot = tab.locator(".plot").first
    words = tab.locator(".readout p").first
    plot.focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        plot.press(key)
        seen.append(words.inner_text())
    assert seen[0] != seen[1]
    assert seen[0] == seen[2] == seen[4]
    assert seen[3] not in seen[:3]


def test_the_views_are_switched_by_keys_and_keep_the_row(tab):
    figure = tab.locator("figure.scatter").first
    assert figure.locator(".g2").is_visible()
    figure.locator(".plot").focus()
    figure.locator(".plot").press("ArrowRight")
    said = figure.locator(".readout p").inner_text()
    figure.locator("input.v2").focus()
    figure.locator("input.v2").press("ArrowLeft")
    assert figure.locator(".g1").is_visible()
    assert not figure.locator(".g2").is_visible()
    assert figure.locator(".readout p").inner_text() == said


def test_the_tab_key_reaches_the_contents_the_figures_and_the_tables(tab):
    reached = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert {"skip", "A", "plot"} <= reached


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_a_phone_shows_all_of_it(tab):
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not tab.locator("nav ol").first.is_visible(), "the contents are folded, so that the verdict comes first"
    beyond = tab.evaluate("""() => [...document.querySelectorAll('main *, header *')].filter((one) => {
      if (one.closest('.scroll') || one.closest('svg') || one.closest('[hidden]')) return false;
      const box = one.getBoundingClientRect();
      return box.width && box.right > innerWidth + 1;
    }).map((one) => one.outerHTML.slice(0, 80))""")
    assert beyond == []
    tab.mouse.click(*centre_of_last_point(tab))
    assert tab.locator(".readout p").first.inner_text().startswith("row ")


@pytest.mark.slow
def test_it_prints_without_what_only_moves_and_with_all_that_is_folded(tab):
    from pypdf import PdfReader

    for paper in ("A4", "Letter"):
        pages = PdfReader(io.BytesIO(tab.pdf(format=paper))).pages
        text = " ".join(page.extract_text() for page in pages)
        assert "arrow keys" not in text
        for wanted in ("Findings", "What was not looked at", "To make it again", "What would settle it"):
            assert wanted in text
        assert all(page.extract_text().strip() for page in pages)


@pytest.mark.parametrize("tab", [WIDE, PHONE], indirect=True, ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab.emulate_media(color_scheme=scheme)
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in ("serious", "critical")]
    assert not found, [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
