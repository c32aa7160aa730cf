"""The moving picture at the head of the README: the whitening slider on the real points, then the truth.

    python -m tests.browser.movie --out assets/readme/lens.webp

Real screens of the bundled run, played in Chromium; nothing is drawn by hand.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import CHROMIUM, FLAGS, open_view
from tests.browser.pictures import dashboard

RUN = "signs-patch-50"
SIZE = {"width": 1440, "height": 960}
WIDTH = 1000  # pixels of the finished picture
STEPS = 14  # pictures between two views
Film = list[tuple[Image.Image, int]]  # pictures, each with how long it stands, in ms


def shoot(tab: Page, film: Film, stands: int) -> None:
    picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    film.append(
        (picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS), stands)
    )


def whitening(tab: Page, address: str, film: Film) -> None:
    """The slider of the Story from raw over naive to robust."""
    open_view(tab, address, f"?step=Whiten&run={RUN}")
    slider = tab.locator("input[type=range]").first
    slider.wait_for()
    tab.wait_for_timeout(1000)
    shoot(tab, film, 1400)
    last = float(slider.get_attribute("max") or 2)
    for step in range(1, 2 * STEPS + 1):
        slider.evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }",
            last * step / (2 * STEPS),
        )
        tab.wait_for_timeout(80)
        shoot(tab, film, 1100 if step == STEPS else 2200 if step == 2 * STEPS else 60)


def inspecting(tab: Page, address: str, film: Film) -> None:
    """Inspect: a dragged cut, and the truth revealed."""
    open_view(tab, address, f"inspect?run={RUN}")
    tab.locator(".tiles button").first.wait_for()
    tab.wait_for_timeout(1000)
    shoot(tab, film, 1600)
    box = tab.locator(".grip").bounding_box()
    if box is None:
        raise RuntimeError("the histogram has no cut to drag")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    for step in [*range(1, 9), *range(7, -1, -1)]:
        tab.mouse.move(x + 12 * step, y)
        tab.wait_for_timeout(80)
        shoot(tab, film, 90)
    tab.mouse.up()
    tab.wait_for_timeout(1200)
    shoot(tab, film, 900)
    tab.get_by_text("Reveal the truth").click()
    tab.get_by_text("Poison removed", exact=True).wait_for()
    tab.wait_for_timeout(1500)
    shoot(tab, film, 3000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the picture, a .webp")
    parser.add_argument("--url", help="a dashboard that is running; without it one is started")
    asked = parser.parse_args()
    film: Film = []
    with dashboard(asked.url) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.set_default_timeout(60_000)
        whitening(tab, address, film)
        inspecting(tab, address, film)
        browser.close()
    first, *rest = [picture for picture, _ in film]
    stands = [milliseconds for _, milliseconds in film]
    first.save(asked.out, save_all=True, append_images=rest, duration=stands, loop=0, quality=70, method=6)
    print(f"{asked.out}: {len(film)} pictures, {asked.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
