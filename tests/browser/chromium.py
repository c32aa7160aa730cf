"""What the browser tests, the screenshots and the benchmarks know of Chromium and of a page that is ready."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.serving import pages

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}
# More states of a page that have an address of their own: page -> what follows the question mark.
MORE = {
    "": [f"step={step}" for step in ("Model", "Features", "Why", "Whiten", "Score", "Remove")],
    "inspect": ["truth=true"],
    "audit": [*(f"part={part}" for part in ("read", "looks", "decide")), "audit=signs-two-poisoned", "audit=new"],
}
VIEWS = [
    path for page in pages() for path in (page.path, *(f"{page.path}?{query}" for query in MORE.get(page.path, [])))
]

# Streamlit's page asks for these below its own address first, in case the app lives in a folder, and then at the root.
# The order is fixed in its script (it takes the page's path for a possible base) and no setting reaches it.
LOOKS_FOR_THE_SERVER = re.compile(r"(/[a-z0-9_-]+){1,2}/_stcore/(health|host-config)")
READY = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid="stMainBlockContainer"] [data-testid="stElementContainer"]')
    && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"]')
    && [...document.querySelectorAll('.sl-plot')].every((figure) => !figure.clientWidth || figure.querySelector('.main-svg'));
}"""
OPEN_ALL = "() => document.querySelectorAll('details:not([open]) > summary').forEach((summary) => summary.click())"


def faults_of(tab: Page) -> list[str]:
    """A list that grows with every error in the console and every uncaught exception of the tab from now on."""
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        source = urlsplit(message.location["url"])
        expected = "404" in message.text and LOOKS_FOR_THE_SERVER.fullmatch(source.path)
        if message.type == "error" and not expected:
            faults.append(f"{message.text} ({message.location['url']})")

    tab.on("console", hear)
    tab.on("pageerror", lambda problem: faults.append(f"uncaught: {problem}"))
    return faults


def wait_until_drawn(tab: Page) -> None:
    """Return when the page has run, and every figure of it is drawn."""
    tab.wait_for_function(READY, polling=50)


def open_view(tab: Page, address: str, view: str = "") -> None:
    """Open a page by its address ("inspect?truth=true") and wait until it is drawn."""
    tab.goto(f"{address}/{view}")
    wait_until_drawn(tab)


def wait_for_a_picture(tab: Page) -> None:
    """Return when the first canvas, figure or image of the page is drawn; on a page without one, when it is all there."""
    pictures = tab.locator('[data-testid="stMainBlockContainer"] :is(canvas, .main-svg, img):visible')
    while not pictures.count() and not tab.evaluate(READY):
        tab.wait_for_timeout(10)


def dress(tab: Page, size: Mapping[str, int], scheme: str) -> None:
    """Give the tab a size and a light or dark theme, and wait until the page has followed."""
    tab.set_viewport_size({"width": size["width"], "height": size["height"]})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.wait_for_function(
        "s => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === s", arg=scheme
    )
    tab.wait_for_timeout(400)  # a changed theme makes the page run again, a changed width its figures
    wait_until_drawn(tab)


def unfold(tab: Page) -> None:
    """Open everything that is folded."""
    tab.evaluate(OPEN_ALL)
    tab.wait_for_timeout(300)  # they glide open
    wait_until_drawn(tab)


def still_box(element: Locator) -> Mapping[str, float]:
    """Where an element is, once it has been in sight and in one place for a third of a second.

    A page that is still being filled moves what is on it, as lines above it come late. A hand waits for that; a script has to be
    told to.
    """
    box, since = None, 0
    while since < 3:
        element.scroll_into_view_if_needed()
        seen = element.bounding_box()
        since, box = (since + 1 if seen is not None and seen == box else 0), seen
        element.page.wait_for_timeout(100)
    assert box is not None
    return box


def drag(tab: Page, box: Mapping[str, float], places: Sequence[tuple[float, float]]) -> None:
    """Press, move and let go over places given as shares of a box."""
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=5)
    tab.mouse.up()
