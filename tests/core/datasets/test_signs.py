from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets import Signs, signs
from core.datasets.base import ImageData, Split
from core.datasets.signs import CLASS_NAMES, portraits
from core.foundation.errors import InputError
from core.foundation.params import build, describe

SMALL = Signs(per_class=30, test_per_class=20)  # 300 and 200 images: more and less than one chunk of the renderer


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every load draws its images anew."""
    monkeypatch.setattr(signs, "cached_arrays", lambda key, build: build())


@pytest.fixture
def renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An empty cache; the list grows by the number of images each time some are drawn."""
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path))
    drawn: list[int] = []
    render: Callable[..., np.ndarray] = signs._render

    def counted(labels: torch.Tensor, dice: torch.Generator) -> np.ndarray:
        drawn.append(len(labels))
        return render(labels, dice)

    monkeypatch.setattr(signs, "_render", counted)
    return drawn


@pytest.fixture
def restore_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def pictures(data: ImageData) -> set[bytes]:
    return {image.tobytes() for image in data.images}


def same(left: Split, right: Split) -> bool:
    return all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
        for a, b in ((left.train, right.train), (left.test, right.test))
    )


def test_shapes_names_and_counts(no_cache: None) -> None:
    split = SMALL.load(0)
    assert split.flip is False
    for data, per_class in ((split.train, 30), (split.test, 20)):
        assert data.images.shape == (10 * per_class, 32, 32, 3)
        assert data.images.dtype == np.uint8
        assert data.labels.dtype == np.int64
        assert np.bincount(data.labels, minlength=10).tolist() == [per_class] * 10
        assert data.class_names == (
            "stop", "yield", "no entry", "speed 30", "speed 50", "speed 80",
            "priority", "turn left", "turn right", "pedestrians",
        )  # fmt: skip


def test_limits_of_the_parameters() -> None:
    limits = {p.name: (p.default, p.low, p.high) for p in describe(Signs)}
    assert limits == {"per_class": (1000, 20, 20_000), "test_per_class": (200, 10, 5_000)}
    with pytest.raises(InputError, match="per_class = 19"):
        build(Signs, {"per_class": 19})


def test_rows_are_shuffled(no_cache: None) -> None:
    labels = SMALL.load(0).train.labels
    # In random order a neighbour has the same class one time in ten; sorted it nearly always has, in turns never.
    assert 0.05 < (labels[1:] == labels[:-1]).mean() < 0.16
    assert not np.array_equal(labels, SMALL.load(1).train.labels)


def test_seed_fixes_every_pixel(no_cache: None) -> None:
    assert same(SMALL.load(3), SMALL.load(3))


def test_other_seed_shares_no_image(no_cache: None) -> None:
    assert not pictures(SMALL.load(3).train) & pictures(SMALL.load(4).train)


def test_pixels_do_not_depend_on_the_number_of_threads(no_cache: None, restore_threads: None) -> None:
    loaded = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        loaded.append(SMALL.load(0))
    assert same(loaded[0], loaded[1])
    assert same(loaded[0], loaded[2])


def test_training_and_test_images_come_from_independent_streams(no_cache: None) -> None:
    split = Signs(per_class=50, test_per_class=50).load(0)
    assert len(pictures(split.train) | pictures(split.test)) == 1000
    assert not np.array_equal(split.train.labels, split.test.labels)
    other = Signs(per_class=50, test_per_class=20).load(0)
    np.testing.assert_array_equal(split.train.images, other.train.images)


def test_labels_name_the_sign_that_is_drawn(no_cache: None) -> None:
    """The mean colour of the middle tells blue, black-on-white and warm signs apart, in every chunk of the batch."""
    split = SMALL.load(0)
    for images, labels in ((split.train.images, split.train.labels), (split.test.images, split.test.labels)):
        middle = images[:, 10:22, 10:22].astype(float).mean((1, 2))  # (n, 3)
        warmth = (middle[:, 0] - middle[:, 2]) / middle.sum(1)
        mean = {name: warmth[labels == label].mean() for label, name in enumerate(CLASS_NAMES)}
        assert max(mean[name] for name in ("turn left", "turn right", "pedestrians")) < -0.03
        assert max(abs(mean[name]) for name in ("speed 30", "speed 50", "speed 80")) < 0.06
        assert min(mean[name] for name in ("stop", "yield", "no entry", "priority")) > 0.07


def test_classes_differ_by_the_sign_alone() -> None:
    """With the same dice, images of two classes share pose, background and light, so they differ by the sign."""
    drawn = [
        signs._render(torch.full((40,), label), torch.Generator().manual_seed(0)).astype(float) for label in range(10)
    ]
    distance = {(a, b): _typical_distance(drawn[a], drawn[b]) for a, b in combinations(range(10), 2)}
    closest = min(distance, key=distance.__getitem__)
    assert distance[closest] > 5, f"{CLASS_NAMES[closest[0]]} looks like {CLASS_NAMES[closest[1]]}"
    assert np.median(list(distance.values())) > 20


def _typical_distance(left: np.ndarray, right: np.ndarray) -> float:
    """Median over pairs of images of their root mean square difference, in grey levels."""
    return float(np.median(np.sqrt(((left - right) ** 2).mean((1, 2, 3)))))


def test_turns_mirror_each_other() -> None:
    left, right = (portraits(96)[CLASS_NAMES.index(name)].astype(int) for name in ("turn left", "turn right"))
    assert np.abs(left - right).mean() > 10
    assert np.abs(left - right[:, ::-1]).mean() < 2  # half a pixel of rounding along the edges


def test_images_of_a_class_vary(no_cache: None) -> None:
    data = SMALL.load(0).train
    stop = data.images[data.labels == 0].astype(float)
    assert stop.mean((1, 2, 3)).std() > 15, "light"
    corners = stop[:, [0, 0, -1, -1], [0, -1, 0, -1]]  # (n, 4, 3): background in most pictures
    assert corners.std(0).min() > 30, "background"


def test_signs_vary_in_place_and_size() -> None:
    """Two classes drawn with the same dice differ only where the sign is, which gives its centre and its reach."""
    stop, priority = (
        signs._render(torch.full((100,), label), torch.Generator().manual_seed(1)).astype(float) for label in (0, 6)
    )
    where = np.abs(stop - priority).sum(-1)
    where /= where.sum((1, 2), keepdims=True)  # (n, 32, 32), a distribution over pixels
    pixels = np.arange(32)
    for profile in (where.sum(1), where.sum(2)):  # columns, rows
        centre = profile @ pixels
        reach = np.sqrt((profile * (pixels - centre[:, None]) ** 2).sum(1))
        assert centre.std() > 1.8  # tilt alone makes about 1
        assert reach.std() / reach.mean() > 0.07


def test_second_load_comes_from_the_cache(renders: list[int]) -> None:
    first = SMALL.load(0)
    assert renders == [300, 200]
    assert same(SMALL.load(0), first)
    assert renders == [300, 200]


def test_cache_keeps_seeds_sizes_and_versions_apart(renders: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    SMALL.load(0)
    SMALL.load(1)
    Signs(per_class=20, test_per_class=20).load(0)  # the test images of seed 0 are there already
    assert renders == [300, 200, 300, 200, 200]
    monkeypatch.setattr(signs, "_RENDERER", signs._RENDERER + 1)
    SMALL.load(0)
    assert renders[5:] == [300, 200]


def test_damaged_cache_is_drawn_again(renders: list[int], tmp_path: Path) -> None:
    first = SMALL.load(0)
    for path in tmp_path.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:1000])
    assert same(SMALL.load(0), first)
    assert renders == [300, 200, 300, 200]


@pytest.mark.parametrize("size", [24, 96, 200])
def test_portraits_are_clean_drawings_on_a_light_ground(size: int) -> None:
    drawn = portraits(size)
    assert drawn.shape == (10, size, size, 3)
    assert drawn.dtype == np.uint8
    corner = drawn[:, 0, 0]
    assert (corner == corner[0, 0]).all()
    assert corner[0, 0] > 200
    assert len({picture.tobytes() for picture in drawn}) == 10
    red, blue = drawn[CLASS_NAMES.index("no entry")], drawn[CLASS_NAMES.index("turn left")]
    x, y = size // 2, size // 4
    assert red[y, x, 0] > red[y, x, 2] + 100
    assert blue[y, x, 2] > blue[y, x, 0] + 100
