from __future__ import annotations

import numpy as np
import pytest

from core.datasets import Sampling
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import build


def split_of(*counts: int) -> Split:
    """A shuffled training set with counts[i] images of class i, each with its row number in its pixels; 2 test images."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    pixels = np.stack([np.arange(len(labels)) // 256, np.arange(len(labels)) % 256], axis=1).astype(np.uint8)
    names = tuple(f"c{i}" for i in range(len(counts)))
    train = ImageData(pixels[:, None, :, None], labels, names)
    return Split(train, train.take(np.arange(2)), True, ("before",))


def rows(split: Split) -> list[int]:
    """The row numbers in the pixels."""
    return [int(high) * 256 + int(low) for high, low in split.train.images[:, 0, :, 0]]


def counts(split: Split) -> list[int]:
    return np.bincount(split.train.labels).tolist()


def test_without_a_wish_nothing_changes() -> None:
    split = split_of(5, 9)
    assert Sampling().apply(split, 0) is split
    assert Sampling(per_class=9).apply(split, 0) is split


@pytest.mark.parametrize(("per_class", "kept"), [(100, [40, 100, 7]), (10, [10, 10, 7]), (1, [1, 1, 1])])
def test_no_class_keeps_more_than_asked_for(per_class: int, kept: list[int]) -> None:
    split = split_of(40, 200, 7)
    sampled = Sampling(per_class=per_class).apply(split, 0)
    assert counts(sampled) == kept
    assert len(sampled.test) == 2
    assert sampled.flip is True
    drawn = rows(sampled)
    assert drawn == sorted(set(drawn)), "some image twice, or another order"
    np.testing.assert_array_equal(sampled.train.labels, split.train.labels[drawn])


@pytest.mark.parametrize(
    ("sizes", "sampling", "kept"),
    [
        ([500] * 5, Sampling(imbalance=16), [500, 250, 125, 62, 31]),
        ([500] * 3, Sampling(per_class=100, imbalance=100), [100, 10, 1]),
        ([500] * 2, Sampling(imbalance=1.5), [500, 333]),
        ([500] * 3, Sampling(imbalance=500), [500, 22, 1]),
        ([500, 500, 25], Sampling(imbalance=4), [100, 50, 25]),  # the last class sets the scale
        ([40, 500, 500], Sampling(imbalance=4), [40, 20, 10]),
    ],
)
def test_a_long_tail_falls_exponentially_and_as_high_as_the_classes_allow(
    sizes: list[int], sampling: Sampling, kept: list[int]
) -> None:
    assert counts(sampling.apply(split_of(*sizes), 0)) == kept


def test_the_long_tail_of_cifar10_is_the_published_one() -> None:
    """Factor 100 in the literature: 5,000 down to 50, 12,406 images in all."""
    kept = Sampling(imbalance=100)._wanted(np.full(10, 5000), tuple("abcdefghij"))
    assert (kept[0], kept[-1], kept.sum()) == (5000, 50, 12_406)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (
            Sampling(imbalance=101),
            r"imbalance 101 needs 101 images in the largest class, but the 100 of class 'c0' allow only 100; "
            r"lower sampling.imbalance to 100 or less$",
        ),
        (Sampling(per_class=9, imbalance=10), r"the 9 of class 'c0' allow only 9; .* or raise sampling.per_class$"),
    ],
)
def test_a_tail_that_would_end_in_nothing_is_refused(sampling: Sampling, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampling.apply(split_of(100, 100, 100), 0)


def test_the_seed_draws_the_images_and_a_smaller_wish_draws_some_of_them() -> None:
    split = split_of(60, 60)
    some, fewer, others = (rows(Sampling(per_class=n).apply(split, seed)) for n, seed in ((20, 5), (10, 5), (20, 6)))
    assert some == rows(Sampling(per_class=20).apply(split, 5))
    assert some != others
    assert set(fewer) < set(some)


def test_the_note_says_what_is_left() -> None:
    assert Sampling(per_class=2).apply(split_of(9, 1), 0).notes == (
        "before", "3 of 10 training images are used: c0 2, c1 1.",
    )  # fmt: skip
    many = Sampling(imbalance=2).apply(split_of(*[8] * 13), 0).notes[1]
    assert many.endswith("training images are used: from 8 (c0) down to 4 (c9) a class.")


@pytest.mark.parametrize("values", [{"per_class": 0}, {"imbalance": 0.5}, {"imbalance": "nan"}])
def test_limits_are_kept(values: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build(Sampling, values)
