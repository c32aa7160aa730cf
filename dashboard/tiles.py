"""Small images as crisp HTML tiles."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.foundation.pictures import viewable


def png(image: np.ndarray) -> bytes:
    """One image (h, w, c) uint8 as PNG bytes, at its own size."""
    buffer = io.BytesIO()
    image = viewable(image)
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def source(image: np.ndarray) -> str:
    """One image (h, w, c) uint8 as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"


def grid(
    images: np.ndarray | Sequence[str],
    captions: Sequence[str],
    *,
    kinds: Sequence[str] | None = None,
    side: int = 96,
    describe: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
) -> str:
    """Tiles with captions as HTML; enlarged by nearest neighbour, so pixels stay pixels.

    images: (n, h, w, c) uint8, or what `source` made of each. captions: plain text, newlines kept. kinds: classes "poison",
    "clean", "focus" or "".
    describe: what a screen reader says; the captions unless given. titles: what the mouse is told of each; "" for nothing.
    """
    tiles = []
    for i, image in enumerate(images):
        alt = html.escape((describe or captions)[i].replace("\n", ", "), quote=True)
        kind = "".join(f" sl-{k}" for k in (kinds[i].split() if kinds else []))
        text = html.escape(captions[i]).replace("\n", "<br>")
        title = f' title="{html.escape(titles[i], quote=True)}"' if titles and titles[i] else ""
        tiles.append(
            f'<figure class="sl-tile{kind}"{title}><img alt="{alt}" src="{image if isinstance(image, str) else source(image)}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return f'<div class="sl-grid" style="--side:{side}px">{"".join(tiles)}</div>'
