"""What an attack gives is checked: a mistake of its author is one line, never a wrong picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from core.attacks import Attack, Goal, Poisoning, Resources, poison
from core.foundation.errors import InputError
from tests.makers import coloured

Stamp = Callable[[np.ndarray], Any]
IMAGES = np.full((6, 8, 8, 3), 40, np.uint8)


def changed_in_place(images: np.ndarray) -> np.ndarray:
    images[:, 0] = 255
    return images


CARELESS: dict[str, tuple[Stamp, str]] = {
    "of 0 to 1": (lambda images: images / 255.0, "gives float64 in place of uint8"),
    "whole numbers of another type": (lambda images: images.astype(np.int64), "gives int64 in place of uint8"),
    "the first alone": (lambda images: images[:1].copy(), r"makes \(1, 8, 8, 3\) out of \(6, 8, 8, 3\)"),
    "one without its axis": (lambda images: images[0].copy(), r"makes \(8, 8, 3\) out of \(6, 8, 8, 3\)"),
    "channels first": (
        lambda images: images.transpose(0, 3, 1, 2).copy(),
        r"makes \(6, 3, 8, 8\) out of \(6, 8, 8, 3\)",
    ),
    "nothing": (lambda images: None, "gives NoneType in place of images"),
    "in place": (changed_in_place, r"changes the images that it is given; let it work on images.copy\(\)"),
}


@dataclass(frozen=True)
class Careless(Attack):
    key: ClassVar[str] = "careless"
    does: ClassVar[Stamp]

    def in_words(self) -> str:
        return "something"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return type(self).does(images)  # type: ignore[no-any-return]


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize(("stamp", "message"), CARELESS.values(), ids=list(CARELESS))
def test_a_mistake_is_one_line_and_the_images_stay(
    stamp: Stamp, message: str, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Careless, "does", staticmethod(stamp), raising=False)
    images, attack = IMAGES.copy(), Careless()
    for put in (
        lambda: attack.apply(images, np.zeros(6, np.int64), strength),
        lambda: attack.apply_all(images, strength),
        lambda: attack.cover(images, strength, np.random.default_rng(0)),
    ):
        with pytest.raises(InputError, match=f"attack careless {message}"):
            put()
    np.testing.assert_array_equal(images, IMAGES)


@dataclass(frozen=True)
class CarelessElsewhere(Careless):
    """Its stamp is right; what else it may do is not."""

    key: ClassVar[str] = "careless-elsewhere"
    prepares: ClassVar[bool] = True
    what: ClassVar[str] = ""

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return images.copy()

    def draw_ways(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(count) if self.what == "ways" else np.zeros(count, np.int64)

    def prepare(self, images: np.ndarray, labels: np.ndarray, resources: Resources, seed: int) -> np.ndarray:
        return images / 255 if self.what == "prepare" else images.copy()

    def cover(self, images: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
        return changed_in_place(images) if self.what == "cover" else images.copy()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("ways", r"draws no 4 ways; let draw_ways return whole numbers of shape \(4,\)"),
        ("prepare", "gives float64 in place of uint8"),
        ("cover", "changes the images that it is given"),
    ],
)
def test_what_else_an_attack_does_is_checked_too(what: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = coloured(10, classes=3)
    monkeypatch.setattr(CarelessElsewhere, "what", what)
    with pytest.raises(InputError, match=f"attack careless-elsewhere {message}"):
        poison(
            data,
            CarelessElsewhere(),
            Goal((0,), 1),
            count=4,
            seed=0,
            options=Poisoning(cover_rate=1.0),
            resources=cast(Resources, object()),
        )
