"""What the network is shown: shifts and mirror images."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

from core.foundation.tensors import to_device
from core.training.batches import Batches
from tests.makers import noise_images

CPU = torch.device("cpu")
N, SIZE = 40, 8
IMAGES = noise_images(N, size=SIZE, low=1)  # no pixel is 0, so that the padding shows


def shown(crop: int, flip: bool, seed: int = 0, batch_size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """One epoch: the images (n, h, w, c) as the network sees them, and the row of each."""
    rows = torch.arange(N)  # the row number stands in for the label
    batches = list(Batches(to_device(IMAGES, CPU), rows, size=batch_size, crop=crop, flip=flip, seed=seed))
    return torch.cat([x for x, _ in batches]).permute(0, 2, 3, 1).numpy(), torch.cat([y for _, y in batches]).numpy()


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """The image moved by whole pixels with 0 where it came from, pixel by pixel."""
    moved = np.zeros_like(image)
    for y, x in itertools.product(range(SIZE), repeat=2):
        if 0 <= y - down < SIZE and 0 <= x - right < SIZE:
            moved[y, x] = image[y - down, x - right]
    return moved


def explain(image: np.ndarray, original: np.ndarray, crop: int) -> list[tuple[int, int, bool]]:
    """All (down, right, mirrored) that make `image` of `original`."""
    spans = itertools.product(range(-crop, crop + 1), range(-crop, crop + 1), (False, True))
    return [
        (down, right, mirrored)
        for down, right, mirrored in spans
        if np.array_equal(
            shifted(original, down, right)[:, ::-1] if mirrored else shifted(original, down, right), image
        )
    ]


@pytest.mark.parametrize("flip", [False, True])
def test_every_image_is_shown_once_shifted_within_the_bound_and_mirrored_only_when_asked(flip: bool) -> None:
    seen: Counter[tuple[int, int]] = Counter()
    mirrored = 0
    for seed in range(4):
        images, rows = shown(crop=1, flip=flip, seed=seed)
        assert sorted(rows) == list(range(N))
        for image, row in zip(images, rows, strict=True):
            (how,) = explain(image, IMAGES[row], crop=1)
            seen[how[:2]] += 1
            mirrored += how[2]
    assert set(seen) == set(itertools.product((-1, 0, 1), repeat=2)), "some shifts never occur"
    if flip:
        assert abs(mirrored / (4 * N) - 0.5) < 4 * math.sqrt(0.25 / (4 * N))
    else:
        assert mirrored == 0


def test_without_crop_and_flip_images_are_shown_as_they_are() -> None:
    images, rows = shown(crop=0, flip=False)
    np.testing.assert_array_equal(images, IMAGES[rows])


def test_order_and_shifts_differ_from_epoch_to_epoch_and_follow_the_seed() -> None:
    def fresh() -> Batches:
        return Batches(to_device(IMAGES, CPU), torch.arange(N), size=10, crop=2, flip=False, seed=0)

    batches = fresh()
    first, second = (torch.cat([x for x, _ in batches]) for _ in range(2))
    assert not torch.equal(first, second)
    again = torch.cat([x for x, _ in fresh()])
    assert torch.equal(first, again)


def test_an_incomplete_batch_is_left_out_but_a_small_set_is_one_batch() -> None:
    assert len(shown(crop=0, flip=False, batch_size=16)[1]) == 32
    assert len(shown(crop=0, flip=False, batch_size=1000)[1]) == N


def test_the_example_batch_is_the_first_images_untouched_and_draws_nothing() -> None:
    images, labels = to_device(IMAGES, CPU), torch.arange(N)
    batches = Batches(images, labels, size=10, crop=2, flip=True, seed=0)
    x, y = batches.example()
    assert torch.equal(x, images[:10])
    assert torch.equal(y, labels[:10])
    other = Batches(images, labels, size=10, crop=2, flip=True, seed=0)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(batches, other, strict=True))
    assert x.stride() == next(iter(other))[0].stride(), "another memory layout would be compiled for once more"
