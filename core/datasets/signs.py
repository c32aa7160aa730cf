"""Traffic signs drawn by the program: any number of them, from a seed, with no files to fetch.

Each class is drawn once; a batch of images is then made at once by warping the drawings onto invented backgrounds and
passing the result through invented light, dirt and optics. 12,000 images take about 4 s on one core.

Pixels do not depend on the number of torch threads: pictures see only operations that round each element by itself
(+, *, clamp, bilinear sampling); sines and exponentials, whose last bit may depend on how a tensor is cut among
threads, are taken of a few hundred numbers at a time, which torch never cuts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core.datasets._sign_shapes import SHAPES, templates
from core.datasets.base import Dataset, Report, tell
from core.foundation.cache import cached_arrays
from core.foundation.images import ImageData, Split
from core.foundation.params import param

CLASS_NAMES = tuple(SHAPES)
SIDE = 32  # pixels

_RENDERER = 1  # raise whenever the pixels of a seed change, so that cached images are drawn again
_CHUNK = 250  # images at a time: the largest tensor takes 25 MB and mostly stays in the processor's cache
_FINE = 2  # samples per pixel and direction, averaged, when a sign is warped
_TEMPLATE = 80  # pixels: a sign is sampled at up to 60 across, so a finer drawing would only alias
_PAPER = 224  # grey level behind a portrait, dark enough to show white rims

# What stands behind a sign: darkest and lightest colour, strength of the noise at 4, 8 and 16 cells across, of mortar.
_SCENES = torch.tensor([
    [0.40, 0.60, 0.85, 0.72, 0.84, 0.97, 0.05, 0.02, 0.00, 0.0],  # clear sky
    [0.62, 0.65, 0.70, 0.90, 0.92, 0.94, 0.07, 0.03, 0.00, 0.0],  # clouds
    [0.10, 0.22, 0.06, 0.42, 0.52, 0.20, 0.08, 0.10, 0.10, 0.0],  # foliage
    [0.28, 0.28, 0.29, 0.55, 0.54, 0.52, 0.04, 0.03, 0.05, 0.0],  # asphalt
    [0.42, 0.20, 0.14, 0.70, 0.44, 0.34, 0.03, 0.03, 0.04, 1.0],  # brick
    [0.55, 0.48, 0.38, 0.88, 0.82, 0.70, 0.05, 0.03, 0.02, 0.0],  # plaster
    [0.20, 0.15, 0.10, 0.45, 0.36, 0.26, 0.06, 0.08, 0.07, 0.0],  # soil and bark
])  # fmt: skip
_LEAVES_AND_POSTS = torch.tensor([
    [0.20, 0.34, 0.10], [0.42, 0.48, 0.16], [0.34, 0.24, 0.15], [0.20, 0.20, 0.21], [0.55, 0.55, 0.54],
])  # fmt: skip


@dataclass(frozen=True)
class Signs(Dataset):
    """Ten kinds of traffic sign, 32x32 in colour."""

    key: ClassVar[str] = "signs"
    title: ClassVar[str] = "Traffic signs (drawn)"
    summary: ClassVar[str] = (
        "Ten European traffic signs drawn by the program, with varied background, light, pose, blur, noise and "
        "occlusion. 32x32 colour, any number of images, nothing to download."
    )
    training: ClassVar = {"epochs": 12, "batch_size": 64, "crop": 1}
    source: ClassVar[int] = 0  # stop
    target: ClassVar[int] = 5  # speed 80
    poisons: ClassVar[int] = 50

    per_class: int = param(1000, "Training images of each class", unit="images", low=20, high=20_000)
    test_per_class: int = param(200, "Test images of each class", unit="images", low=10, high=5_000)

    def load(self, seed: int, report: Report | None = None) -> Split:
        """Training and test images from independent random streams of the seed, classes in a shuffled order."""
        tell(report, "Drawing the signs for training", 0.0)
        train = _images("train", self.per_class, seed)
        tell(report, "Drawing the signs for the test", self.per_class / (self.per_class + self.test_per_class))
        test = _images("test", self.test_per_class, seed)
        return Split(train, test, flip=False)  # a mirrored "turn left" is a "turn right"


def portraits(size: int = 96) -> np.ndarray:
    """One clean, front-facing drawing per class on a light background: (10, size, size, 3) uint8, for icons."""
    margin = max(size // 24, 1)
    drawn = np.pad(templates(size - 2 * margin), ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    pictures = drawn[:, :3] * 255 + (1 - drawn[:, 3:]) * _PAPER
    return pictures.transpose(0, 2, 3, 1).round().astype(np.uint8)


def _images(part: str, per_class: int, seed: int) -> ImageData:
    """One part of the data set. Each part is cached by itself, so another test size keeps the training images."""

    def build() -> dict[str, np.ndarray]:
        stream = np.random.SeedSequence([seed, ("train", "test").index(part)])
        dice = torch.Generator().manual_seed(int(stream.generate_state(1, np.uint64)[0] >> np.uint64(1)))
        rows = torch.randperm(per_class * len(CLASS_NAMES), generator=dice)
        labels = rows % len(CLASS_NAMES)
        return {"images": _render(labels, dice), "labels": labels.numpy()}

    stored = cached_arrays(f"signs v{_RENDERER} {part} per_class={per_class} seed={seed}", build)
    return ImageData(stored["images"], stored["labels"], CLASS_NAMES)


def _render(labels: Tensor, dice: Generator) -> np.ndarray:
    """labels: (n,) int64. Returns (n, 32, 32, 3) uint8."""
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for start in range(0, len(labels), _CHUNK):
        chunk = labels[start : start + _CHUNK]
        images[start : start + len(chunk)] = _photograph(_scene(chunk, dice), dice).permute(0, 2, 3, 1).numpy()
    return images


def _scene(labels: Tensor, dice: Generator) -> Tensor:
    """Signs before their backgrounds, partly hidden and shaded, in the light of a plain day: (n, 3, 32, 32) in 0..1."""
    n = len(labels)
    sign, post = _signs_and_posts(labels, dice)
    picture = _background(n, dice)
    picture = _over(picture, post, _uniform(n, 0.25, 0.6, dice))
    picture = picture * (1 - sign[:, 3:]) + sign[:, :3]
    picture = _over(picture, _leaf(n, dice), _pick(_LEAVES_AND_POSTS, n, dice))
    picture = _over(picture, _branch(n, dice), _pick(_LEAVES_AND_POSTS, n, dice))
    edge = _distance(n, dice, reach=0.6)
    shadow = (edge * 8 + 0.5).clamp(0, 1) * _uniform(n, 0.2, 0.55, dice) * _chance(n, 0.25, dice)
    return picture * (1 - shadow)


def _photograph(picture: Tensor, dice: Generator) -> Tensor:
    """What a cheap camera makes of a scene. picture: (n, 3, 32, 32) in 0..1. Returns the same shape, uint8."""
    n = len(picture)
    picture = _blur(_blur(picture, _uniform(n, 0.0, 0.75, dice), 2), _uniform(n, 0.0, 0.75, dice), 3)
    contrast = _uniform(n, 0.55, 1.1, dice)
    cast = 1 + 0.07 * _normal((n, 3, 1, 1), dice)
    brightness = _uniform(n, 0.5, 1.2, dice)
    picture = ((picture - 0.5) * contrast + 0.5) * (cast * brightness)
    picture = picture + _normal((n, 3, SIDE, SIDE), dice) * _uniform(n, 0.0, 0.06, dice)
    return (picture * 255).round().clamp(0, 255).to(torch.uint8)


def _signs_and_posts(labels: Tensor, dice: Generator) -> tuple[Tensor, Tensor]:
    """The sign of each label in a random pose, and the post that carries some of them.

    Returns (n, 4, 32, 32), colours times opacity and opacity, and (n, 1, 32, 32), opacity.
    """
    n = len(labels)
    u, v = _pose(n, dice)  # where each sample falls in the drawing
    sign = F.grid_sample(_templates()[labels], torch.stack((u, v), dim=3), align_corners=False)
    sign = F.avg_pool2d(sign, _FINE)
    fading = _uniform(n, 0.0, 0.45, dice)
    grey = (sign[:, :1] + sign[:, 1:2] + sign[:, 2:3]) / 3
    colours = sign[:, :3] * (1 - fading) + grey * fading
    width = _uniform(n, 0.05, 0.11, dice)[:, 0]
    post = ((width - u.abs()) * 30).clamp(0, 1) * (v > 0)
    post = F.avg_pool2d(post[:, None], _FINE) * _chance(n, 0.6, dice)
    return torch.cat((colours, sign[:, 3:]), dim=1), post


def _pose(n: int, dice: Generator) -> tuple[Tensor, Tensor]:
    """Coordinates in the drawing (-1..1 is the sign's box) of each sample of the picture: two (n, 64, 64)."""
    x, y = _coordinates(SIDE * _FINE)
    half = _uniform(n, 0.66, 0.92, dice)[:, 0]  # half the sign's width, the picture's being 1
    across, down = half * _uniform(n, 0.86, 1.0, dice)[:, 0], half * _uniform(n, 0.9, 1.0, dice)[:, 0]
    angle = 0.13 * _normal((n, 1, 1), dice).clamp(-2, 2)
    room = 1.04 - half
    x = x - room * _uniform(n, -1, 1, dice)[:, 0]
    y = y - room * _uniform(n, -1, 1, dice)[:, 0]
    cos, sin = angle.cos(), angle.sin()
    u = x * (cos / across) + y * (sin / across)
    v = y * (cos / down) - x * (sin / down)
    depth = 1 + u * _uniform(n, -0.12, 0.12, dice)[:, 0] + v * _uniform(n, -0.12, 0.12, dice)[:, 0]
    return u / depth, v / depth


def _background(n: int, dice: Generator) -> Tensor:
    """Two materials that meet at a slanted edge, with noise of several grains and bricks: (n, 3, 32, 32) in 0..1."""
    side = (_distance(n, dice, reach=0.8) * _uniform(n, 1, 10, dice) + 0.5).clamp(0, 1)
    scene = _material(n, dice) * (1 - side) + _material(n, dice) * side
    colour, strength, mortar = scene[:, :3], scene[:, 3:6], scene[:, 6:]
    for band, cells in enumerate((4, 8, 16)):
        colour = colour + _enlarge(_normal((n, 1, cells, cells), dice)) * strength[:, band : band + 1]
    tint = _enlarge(0.04 * _normal((n, 3, 3, 3), dice))
    return (colour + tint + _bricks(n, dice) * mortar * 0.2).clamp(0, 1)


def _material(n: int, dice: Generator) -> Tensor:
    """Random surfaces: (n, 7, 1, 1), a colour, the strengths of three grains of noise, and of mortar."""
    scene = _pick(_SCENES, n, dice)
    shade = _uniform(n, 0, 1, dice)
    colour = scene[:, :3] * (1 - shade) + scene[:, 3:6] * shade + 0.03 * _normal((n, 3, 1, 1), dice)
    return torch.cat((colour, scene[:, 6:]), dim=1)


def _bricks(n: int, dice: Generator) -> Tensor:
    """1 on mortar, 0 on bricks: (n, 1, 32, 32)."""
    x, y = _coordinates(SIDE)
    height = _uniform(n, 0.2, 0.4, dice)
    row = (y + _uniform(n, 2, 3, dice)) / height
    column = (x + _uniform(n, 2, 3, dice)) / (2.2 * height) + row.floor() * 0.5
    return (((row - row.floor()) < 0.22) | ((column - column.floor()) < 0.1)).float()


def _leaf(n: int, dice: Generator) -> Tensor:
    """An ellipse in one picture of six: opacity (n, 1, 32, 32)."""
    x, y = _coordinates(SIDE)
    x, y = x - _uniform(n, -0.8, 0.8, dice), y - _uniform(n, -0.8, 0.8, dice)
    angle = _uniform(n, 0, np.pi, dice)
    cos, sin = angle.cos(), angle.sin()
    along = (x * cos + y * sin) / _uniform(n, 0.16, 0.34, dice)
    across = (y * cos - x * sin) / _uniform(n, 0.1, 0.2, dice)
    return ((1 - along * along - across * across) * 2).clamp(0, 1) * _chance(n, 1 / 6, dice)


def _branch(n: int, dice: Generator) -> Tensor:
    """A straight stripe, 1 to 3 pixels wide, through one picture of eight: opacity (n, 1, 32, 32)."""
    inside = _uniform(n, 0.03, 0.09, dice) - _distance(n, dice, reach=0.9).abs()
    return (inside * 16 + 0.5).clamp(0, 1) * _chance(n, 1 / 8, dice)


def _blur(picture: Tensor, sigma: Tensor, axis: int) -> Tensor:
    """Gaussian blur along one axis. picture: (n, c, h, w). sigma: (n, 1, 1, 1) in pixels, at most 1 (five taps)."""
    steps = torch.arange(3.0)
    taps = (-0.5 * (steps / sigma.clamp(min=1e-3)) ** 2).exp()  # (n, 1, 1, 3): centre, one and two pixels away
    taps = taps / (taps[..., :1] + 2 * (taps[..., 1:2] + taps[..., 2:]))
    size = picture.shape[axis]
    padded = F.pad(picture, (2, 2, 0, 0) if axis == 3 else (0, 0, 2, 2), mode="replicate")
    shifted = [padded.narrow(axis, start, size) for start in range(5)]
    near, far = shifted[1] + shifted[3], shifted[0] + shifted[4]
    return picture * taps[..., :1] + near * taps[..., 1:2] + far * taps[..., 2:]


def _enlarge(cells: Tensor) -> Tensor:
    """Values on a coarse grid, spread over the picture by straight lines: (n, c, k, k) -> (n, c, 32, 32)."""
    at = torch.linspace(0, cells.shape[3] - 1, SIDE)
    low = at.floor().long().clamp(max=cells.shape[3] - 2)
    share = at - low
    cells = cells[..., low] * (1 - share) + cells[..., low + 1] * share
    share = share[:, None]
    return cells[:, :, low] * (1 - share) + cells[:, :, low + 1] * share


def _distance(n: int, dice: Generator, reach: float) -> Tensor:
    """Signed distance of each pixel from a random line that passes within `reach` of the middle: (n, 1, 32, 32)."""
    x, y = _coordinates(SIDE)
    angle = _uniform(n, 0, 2 * np.pi, dice)
    return x * angle.cos() + y * angle.sin() - _uniform(n, -reach, reach, dice)


def _over(picture: Tensor, opacity: Tensor, colour: Tensor) -> Tensor:
    return picture * (1 - opacity) + colour * opacity


def _coordinates(size: int) -> tuple[Tensor, Tensor]:
    """x (1, size) and y (size, 1) of pixel centres, the picture reaching from -1 to 1."""
    middle = (2 * torch.arange(size) + 1) / size - 1
    return middle[None], middle[:, None]


def _uniform(n: int, low: float, high: float, dice: Generator) -> Tensor:
    """One number per image, shaped (n, 1, 1, 1) to spread over its pixels."""
    return torch.rand((n, 1, 1, 1), generator=dice) * (high - low) + low


def _normal(shape: tuple[int, ...], dice: Generator) -> Tensor:
    return torch.randn(shape, generator=dice)


def _chance(n: int, share: float, dice: Generator) -> Tensor:
    return (_uniform(n, 0, 1, dice) < share).float()


def _pick(table: Tensor, n: int, dice: Generator) -> Tensor:
    """A random row of the table for each image: (n, columns, 1, 1)."""
    return table[torch.randint(len(table), (n,), generator=dice)][:, :, None, None]


@cache
def _templates() -> Tensor:
    return torch.from_numpy(templates(_TEMPLATE))
