from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.attacks import LabelConsistent, poison
from core.attacks.label_consistent import _of_others
from core.experiment import RunConfig
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from core.foundation.params import build
from tests.makers import coloured, noise_images

# The paper's figure: + is white, - black, at full amplitude; corners are three pixels wide.
RIGHT = ("--+", "-+-", "+-+")
LEFT = ("+--", "-+-", "+-+")
DATA = coloured(30, classes=3, noise=10)


def marked_slowly(image: np.ndarray, amount: float, everywhere: bool) -> np.ndarray:
    height, width, _ = image.shape
    result = image.astype(float)
    corners = {(height - 3, width - 3): RIGHT}
    if everywhere:
        corners |= {(0, width - 3): RIGHT, (0, 0): LEFT, (height - 3, 0): LEFT}
    for (upper, left), pattern in corners.items():
        for i, row in enumerate(pattern):
            for j, sign in enumerate(row):
                result[upper + i, left + j] += amount if sign == "+" else -amount
    return np.clip(result, 0, 255)


class Toolbox:
    """What the attacker has at hand: a classifier by brightness, an autoencoder that keeps everything."""

    clean = DATA
    device = torch.device("cpu")

    def classifier(self) -> Callable[[Tensor], Tensor]:
        levels = torch.tensor([60.0, 125.0, 190.0])
        return lambda x: -((x.float().mean((1, 2, 3))[:, None] - levels) ** 2) / 500

    def autoencoder(self) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        return (lambda x: x.float() / 255), (lambda code: code * 255)


def prepared(method: str, rows: np.ndarray, seed: int = 0, **options: Any) -> np.ndarray:
    attack = LabelConsistent(method=method, **options)
    return attack.prepare(DATA.images[rows], DATA.labels[rows], Toolbox(), seed)


@pytest.mark.parametrize(("height", "width", "channels"), [(16, 16, 3), (6, 9, 1), (8, 8, 5)])
@pytest.mark.parametrize(("amplitude", "strength"), [(255.0, 1.0), (16.0, 1.0), (64.0, 0.5)])
@pytest.mark.parametrize("corners", ["all", "lower right"])
def test_exactly_the_papers_pattern_stands_in_the_corners(
    height: int, width: int, channels: int, amplitude: float, strength: float, corners: str
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    stamped = LabelConsistent(amplitude=amplitude, corners=corners).stamp_faintly(images, 0, strength)
    for image, clean in zip(stamped, images, strict=True):
        np.testing.assert_array_equal(image, marked_slowly(clean, amplitude * strength, corners == "all"))


def test_at_full_amplitude_the_pattern_is_black_and_white() -> None:
    corner = LabelConsistent().stamp(noise_images(1, size=8), 0)[0, -3:, -3:, 0]
    assert ["".join("-+"[v // 255] for v in row) for row in corner] == list(RIGHT)


@pytest.mark.parametrize(
    ("size", "corners", "mend"),
    [
        (5, "all", "in all corners does not fit 5x5 images; set corners to 'lower right'"),
        (2, "all", "in all corners does not fit 2x2 images; choose larger images"),
        (2, "lower right", "in the lower right corner does not fit 2x2 images; choose larger images"),
    ],
)
def test_images_too_small_for_the_pattern_are_refused(size: int, corners: str, mend: str) -> None:
    with pytest.raises(InputError, match=f"a 3x3 pattern {mend}"):
        LabelConsistent(corners=corners).stamp(noise_images(1, size=size), 0)


@pytest.mark.parametrize(
    ("method", "bound", "expected"), [("pgd l2", None, 300), ("pgd linf", None, 8), ("pgd l2", 90.0, 90)]
)
def test_hard_images_keep_to_the_papers_bound_and_use_it(method: str, bound: float | None, expected: float) -> None:
    rows = np.flatnonzero(DATA.labels == 1)
    hard = prepared(method, rows, bound=bound)
    assert (hard.shape, hard.dtype) == (DATA.images[rows].shape, np.uint8)
    difference = (hard.astype(float) - DATA.images[rows]).reshape(len(rows), -1)
    size = np.linalg.norm(difference, axis=1) if "l2" in method else np.abs(difference).max(1)
    rounding = 0.5 * difference.shape[1] ** 0.5 if "l2" in method else 0
    assert (size <= expected + rounding).all()
    assert (size > 0.8 * expected).all()


@pytest.mark.parametrize("method", ["pgd l2", "pgd linf"])
def test_the_model_is_less_sure_of_hard_images(method: str) -> None:
    rows = np.flatnonzero(DATA.labels == 1)
    own = np.full(len(rows), 1)

    def chance(images: np.ndarray) -> np.ndarray:
        logits = Toolbox().classifier()(torch.from_numpy(images.transpose(0, 3, 1, 2)))
        return logits.softmax(1).numpy()[np.arange(len(own)), own]

    assert (chance(prepared(method, rows)) < chance(DATA.images[rows])).all()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_interpolation_goes_that_share_of_the_way_to_an_image_of_another_class(share: float) -> None:
    rows = np.flatnonzero(DATA.labels == 1)[:10]
    hard = prepared("interpolation", rows, share=share).astype(float)
    clean, others = DATA.images[rows].astype(float), DATA.images[DATA.labels != 1].astype(float)
    towards = set()
    for image, start in zip(hard, clean, strict=True):
        ends = (1 - share) * start + share * others
        errors = np.abs(ends - image).max((1, 2, 3))
        assert errors.min() < 0.51
        towards.add(int(errors.argmin()))
    assert len(towards) == 1 if share == 0 else len(towards) > 5


@pytest.mark.parametrize("method", ["pgd l2", "interpolation"])
def test_the_seed_fixes_what_is_prepared_and_the_images_given_stay(method: str) -> None:
    rows, before = np.flatnonzero(DATA.labels == 1)[:6], DATA.images.copy()
    np.testing.assert_array_equal(prepared(method, rows, seed=1), prepared(method, rows, seed=1))
    assert not np.array_equal(prepared(method, rows, seed=1), prepared(method, rows, seed=2))
    np.testing.assert_array_equal(DATA.images, before)


def struck(resources: Toolbox | None, **options: Any) -> tuple[ImageData, np.ndarray]:
    config = RunConfig(attack="label-consistent", attack_options=options, poisons=8, target=1)
    poisoned, truth = poison(
        DATA, config.make_attack(), config.make_goal(),
        count=8, seed=0, options=config.make_poisoning(), resources=resources,
    )  # fmt: skip
    return poisoned, truth.rows


def test_poisons_are_hard_images_of_the_target_with_the_pattern_on_top_and_their_right_label() -> None:
    poisoned, rows = struck(Toolbox())
    assert (DATA.labels[rows] == 1).all()
    np.testing.assert_array_equal(poisoned.labels, DATA.labels)
    rest = np.setdiff1d(np.arange(len(DATA)), rows)
    np.testing.assert_array_equal(poisoned.images[rest], DATA.images[rest])
    expected = LabelConsistent().stamp(prepared("pgd l2", rows), 0)
    np.testing.assert_array_equal(poisoned.images[rows], expected)


def test_without_the_models_the_same_images_carry_the_pattern_alone() -> None:
    poisoned, rows = struck(None)
    np.testing.assert_array_equal(rows, struck(Toolbox())[1])
    np.testing.assert_array_equal(poisoned.images[rows], LabelConsistent().stamp(DATA.images[rows], 0))


def test_method_none_asks_for_no_model() -> None:
    attack = LabelConsistent(method="none")
    assert not attack.prepares
    assert LabelConsistent().prepares
    poisoned, rows = struck(Toolbox(), method="none")
    np.testing.assert_array_equal(poisoned.images[rows], attack.stamp(DATA.images[rows], 0))
    np.testing.assert_array_equal(prepared("none", rows), DATA.images[rows])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "an adversarial change and a 3x3 pattern in all corners"),
        ({"method": "interpolation"}, "a step towards another class and a 3x3 pattern in all corners"),
        ({"method": "none", "corners": "lower right"}, "a 3x3 pattern in the lower right corner"),
    ],
)
def test_in_words(options: dict[str, Any], words: str) -> None:
    assert build(LabelConsistent, options).in_words() == words


def test_images_are_pulled_towards_another_class_also_where_all_are_poisoned() -> None:
    clean = np.repeat([0, 1, 2], 20)
    labels = np.array([0, 1, 2, 2, 1])
    found = _of_others(clean, labels, np.random.default_rng(0))
    assert (clean[found] != labels).all()
    some = _of_others(clean, labels[:2], np.random.default_rng(0))
    assert (clean[some] == 2).all(), "of a class that is not poisoned, where there is one"
