"""A picture of every page, wide and on a phone, light and dark, to be looked at.

    python -m tests.browser.pictures --out DIR                         a server of its own, on the bundled runs
    python -m tests.browser.pictures --out DIR --url http://127.0.0.1:8501 --only inspect story --unfold

    python -m tests.browser.pictures --out DIR --first-screen --sheets docs    and all of a dress on one sheet, pages-*.webp

DIR/<page>-<state>-<wide|phone>-<light|dark>.png, and what the browser's console said on standard output.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.serving import pages, serve
from tests.browser.chromium import CHROMIUM, FLAGS, PHONE, VIEWS, WIDE, faults_of, open_view, unfold

SIZES = {"wide": WIDE, "phone": PHONE}
GAP = 8  # pixels between the pictures of a sheet
TALLEST = 6000  # pixels: beyond that a picture is cut


def name_of(view: str) -> str:
    """ "inspect?truth=true" -> "inspect-truth-true", the first page by its title."""
    path, _, query = view.partition("?")
    title = next(page.title.lower() for page in pages() if page.path == path)
    return "-".join(re.findall(r"[\w.]+", f"{path or title} {query}"))


@contextmanager
def dashboard(url: str | None) -> Iterator[str]:
    """The address of the dashboard to be pictured: the given one, or one of its own."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as server:
        yield server.url


def take(browser: Browser, address: str, views: list[str], folder: Path, *, whole: bool, folds: bool) -> int:
    """Picture all views in every dress; returns the number of errors in the console."""
    errors = 0
    for width, size in SIZES.items():
        for scheme in ("light", "dark"):
            phone = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if width == "phone" else {}
            context = browser.new_context(viewport=size, color_scheme=scheme, **phone)
            context.set_default_timeout(60_000)
            for view in views:
                tab = context.new_page()
                faults = faults_of(tab)
                open_view(tab, address, view)
                if folds:
                    unfold(tab)
                if whole:  # the page scrolls inside a box of its own, so a picture of it all needs a tall window
                    inside = "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight + 80"
                    tab.set_viewport_size({**size, "height": min(max(tab.evaluate(inside), size["height"]), TALLEST)})
                tab.wait_for_timeout(600)
                file = folder / f"{name_of(view)}-{width}-{scheme}.png"
                tab.screenshot(path=file)
                tab.close()
                print(file, *faults, sep="\n    ")
                errors += len(faults)
            context.close()
    return errors


def sheets(folder: Path, names: list[str], into: Path) -> None:
    """All pictures of one dress side by side: into/pages-<wide|phone>-<light|dark>.webp."""
    for width, (columns, across) in {"wide": (3, 708), "phone": (7, 292)}.items():
        for scheme in ("light", "dark"):
            tiles = [Image.open(folder / f"{name}-{width}-{scheme}.png").convert("RGB") for name in names]
            tiles = [tile.resize((across, round(across * tile.height / tile.width)), Image.LANCZOS) for tile in tiles]
            high = max(tile.height for tile in tiles)
            rows = -(-len(tiles) // columns)
            sheet = Image.new("RGB", (columns * (across + GAP) + GAP, rows * (high + GAP) + GAP), "#808080")
            for i, tile in enumerate(tiles):
                sheet.paste(tile, (GAP + i % columns * (across + GAP), GAP + i // columns * (high + GAP)))
            sheet.save(into / f"pages-{width}-{scheme}.webp", quality=80, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the pictures")
    parser.add_argument("--url", help="a dashboard that is running; without it one is started")
    parser.add_argument("--only", nargs="*", help="pages or views, such as inspect or 'story?step=Model'")
    parser.add_argument("--first-screen", action="store_true", help="only what is seen without scrolling")
    parser.add_argument("--unfold", action="store_true", help="open everything that is folded")
    parser.add_argument("--sheets", type=Path, help="a folder for all pictures of each dress on one sheet")
    asked = parser.parse_args()
    views = VIEWS
    if asked.only:
        first = pages()[0].title.lower()
        wanted = [re.sub(rf"^{first}\b", "", name) for name in asked.only]
        views = [v for v in VIEWS if v.partition("?")[0] in wanted] + [w for w in wanted if "?" in w]
    asked.out.mkdir(parents=True, exist_ok=True)
    with dashboard(asked.url) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        errors = take(browser, address, views, asked.out, whole=not asked.first_screen, folds=asked.unfold)
        browser.close()
    if asked.sheets:
        sheets(asked.out, [name_of(view) for view in views], asked.sheets)
    print(f"{len(views) * 4} pictures, {errors} errors in the console")


if __name__ == "__main__":
    main()
