"""Images as eyes can see them. No torch here: pages that only show results use it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from core.foundation.errors import InputError

GAP = 8  # pixels between parts of a sheet
LINE = 16  # pixels of a line of text


def difference(clean: np.ndarray, changed: np.ndarray, factor: float) -> np.ndarray:
    """What a trigger changed, made visible: `factor` times the absolute difference, uint8."""
    change = np.abs(changed.astype(np.int16) - clean.astype(np.int16)) * factor
    return np.clip(change, 0, 255).astype(np.uint8)


def viewable(images: np.ndarray) -> np.ndarray:
    """Images (..., h, w, c) as eyes can see them, with 1 or 3 channels: of others the first three, or the first."""
    channels = images.shape[-1]
    return images if channels in (1, 3) else images[..., : 3 if channels > 3 else 1]


def sheet(parts: Sequence[tuple[str, Sequence[np.ndarray]]], *, scale: int = 2) -> Image.Image:
    """Named sets of images under each other: for each a line of text, then its stacks (n, h, w, c) side by side.

    Raises InputError where there are no images to show.
    """
    if not parts or not len(parts[0][1][0]):
        raise InputError("there are no images that this attack could poison")
    blocks = [(name, [_strip(images, scale) for images in stacks]) for name, stacks in parts]
    width = max(sum(strip.width + GAP for strip in strips) for _, strips in blocks) + GAP
    height = sum(strips[0].height + LINE + 2 * GAP for _, strips in blocks) + GAP
    paper = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(paper)
    y = GAP
    for name, strips in blocks:
        pen.text((GAP, y), name, fill="black")
        x, y = GAP, y + LINE
        for strip in strips:
            paper.paste(strip, (x, y))
            x += strip.width + GAP
        y += strips[0].height + 2 * GAP
    return paper


def _strip(images: np.ndarray, scale: int) -> Image.Image:
    """Images beside each other, enlarged by nearest neighbour."""
    row = np.concatenate(list(viewable(images)), axis=1)
    picture = Image.fromarray(row[..., 0] if row.shape[2] == 1 else row).convert("RGB")
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
