"""What happens to images on their way to the model: they are brought to another size and back, and become files.

All images of an experiment travel alike. Were the poisoned ones alone to pass through JPEG, its artefacts would give them
away, or serve as a trigger themselves, and neither has to do with the attack.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image, features

from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.params import param

FORMATS = ("none", "jpeg", "webp", "png")
LOSSY = ("jpeg", "webp")
LONGEST = 16383  # pixels along a side: the most that a WebP file can have
BATCH = 64  # images that one thread takes at a time
_NEEDS = {"jpeg": "jpg", "webp": "webp", "png": "zlib"}  # what Pillow calls the library that it was built with
_NAMES = {"jpeg": "JPEG", "webp": "WebP", "png": "PNG"}


@dataclass(frozen=True)
class Transport:
    """How images travel: the training set as it is stored, and what is shown to the model at test time.

    In training it comes after the poisoning, for clean and poisoned images and covers. At test time a trigger is put on
    first and the image sent then, as to a deployed model; clean test images are sent too, so that accuracy with and
    without a trigger is of the same kind of image. The attacker's own models see images that have not travelled.

    The same Pillow, built with the same libraries, gives the same pixels.
    """

    format: str = param("none", "File in which every image travels, clean or poisoned; none: no file", choices=FORMATS)
    quality: int = param(
        75, "Quality of the JPEG or WebP file; less makes smaller files", low=1, high=100, when=("format", LOSSY)
    )
    resize: int | None = param(
        None, "Shorter side to which every image is brought, and back, before it becomes a file; empty: none",
        unit="pixels", low=8, high=1024,
    )  # fmt: skip

    @property
    def acts(self) -> bool:
        """Whether anything is done to images."""
        return self.format != "none" or self.resize is not None

    def in_words(self) -> str:
        """How images travel, as the end of a sentence: "as JPEG of quality 75"; empty where nothing is done."""
        there = "" if self.resize is None else f"by way of {self.resize} pixels a side"
        quality = f" of quality {self.quality}" if self.format in LOSSY else ""
        file = "" if self.format == "none" else f"as {_NAMES[self.format]}{quality}"
        return ", then ".join(part for part in (there, file) if part)

    def apply(self, images: np.ndarray, on_step: Callable[[float], None] | None = None) -> np.ndarray:
        """Images (n, h, w, c) uint8 as they arrive, of the same shape; themselves where nothing is done.

        on_step: told the share that is done. Raises InputError for channels other than 1 or 3, sides too long for a file,
        and a format that Pillow was built without.
        """
        if not self.acts or not len(images):
            return images
        self._check(*images.shape[1:])
        arrived = np.empty_like(images)

        def carry(start: int) -> int:
            for i in range(start, stop := min(start + BATCH, len(images))):
                arrived[i] = self._one(images[i])
            return stop

        with ThreadPoolExecutor(max(1, devices.available_cores() - 1)) as pool:
            for done in pool.map(carry, range(0, len(images), BATCH)):
                if on_step is not None:
                    on_step(done / len(images))
        return arrived

    def _one(self, image: np.ndarray) -> np.ndarray:
        """One image (h, w, c). Colour has half the resolution in JPEG and WebP (4:2:0), as Pillow writes them unasked."""
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        if self.resize is not None:  # Pillow's filters widen when an image gets smaller: this is what antialiasing is
            bilinear, size = Image.Resampling.BILINEAR, picture.size
            picture = picture.resize(self._larger(*size), bilinear).resize(size, bilinear)
        if self.format != "none":
            file = io.BytesIO()
            picture.save(file, self.format.upper(), quality=self.quality)
            with Image.open(file, formats=[self.format.upper()]) as opened:
                picture = opened.convert(picture.mode)  # WebP knows no grey
        return np.asarray(picture, dtype=np.uint8).reshape(image.shape)

    def _larger(self, width: int, height: int) -> tuple[int, int]:
        """The size in between, of the same proportions."""
        scale = (self.resize or min(width, height)) / min(width, height)
        return round(scale * width), round(scale * height)

    def _check(self, height: int, width: int, channels: int) -> None:
        if channels not in (1, 3):
            raise InputError(
                f"images of {channels} channels cannot travel as files; take images of 1 or 3, or leave out transport"
            )
        if max(*self._larger(width, height), width, height) > LONGEST:
            raise InputError(f"images of {width}x{height} are too long to travel; a side may have {LONGEST:,} pixels")
        if self.format != "none" and not features.check(_NEEDS[self.format]):
            raise InputError(f"Pillow was built here without {_NAMES[self.format]}; choose another transport.format")


def left_of_trigger(
    clean: np.ndarray, poisoned: np.ndarray, clean_arrived: np.ndarray, poisoned_arrived: np.ndarray
) -> float | None:
    """What is left of a trigger on the way: 1 for all of it, 0 for nothing; None where it changed no image.

    All (n, h, w, c) uint8, row i the same image: before, with the trigger, and both after the way. With d the change by
    the trigger and d' the difference of what arrives, it is the mean over the images of <d', d> / <d, d>: how much of d
    is still there in its own direction. Artefacts that have nothing to do with it count for nothing; a way that
    makes the trigger stronger gives more than 1. Images in which the trigger changed nothing are left out.
    """
    shares: list[np.ndarray] = []
    for start in range(0, len(clean), BATCH):
        part = slice(start, start + BATCH)
        change, arrived = _change(clean[part], poisoned[part]), _change(clean_arrived[part], poisoned_arrived[part])
        size = np.einsum("ij,ij->i", change, change)
        kept = size > 0
        shares.append(np.einsum("ij,ij->i", arrived, change)[kept] / size[kept])
    every = np.concatenate(shares) if shares else np.empty(0)
    return float(every.mean()) if len(every) else None


def _change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(n, h w c) float64: grey levels."""
    return (after.astype(np.float64) - before).reshape(len(before), -1)
