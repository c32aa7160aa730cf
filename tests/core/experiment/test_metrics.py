from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from core.attacks import Attack, Goal, Transport
from core.experiment.metrics import evaluate
from core.foundation.images import ImageData

CPU = torch.device("cpu")
NAMES = ("a", "b", "c")


class Reader(torch.nn.Module):
    """Reads the class off the first pixel: the level is the class it says."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(images[:, 0, 0, 0].long(), 3).float()


@dataclass(frozen=True)
class Toggle(Attack):
    """Two ways. The first turns the reading to 1, the second to 2; both: 2."""

    key: ClassVar[str] = "toggle"

    @property
    def number_of_ways(self) -> int:
        return 2

    def in_words(self) -> str:
        return "a reading"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        stamped = images.copy()
        stamped[:, 0, 0] = way + 1
        return stamped


def readable(readings: list[int], labels: list[int]) -> ImageData:
    images = np.zeros((len(readings), 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = readings
    return ImageData(images, np.array(labels, dtype=np.int64), NAMES)


def judged(
    test: ImageData, source: int | None, target: int, seed: int = 0, labels: str = "dirty"
) -> dict[str, tuple[int, int]]:
    goal = Goal(() if source is None else (source,), target, labels)
    shares = evaluate(Reader(), test, Toggle(), goal, seed=seed, device=CPU)  # type: ignore[arg-type]
    return {name: (share.count, share.total) for name, share in vars(shares).items()}


def test_counts_made_by_hand() -> None:
    # Seven images: classes 0, 0, 0, 0, 1, 2, 2; the first two and the last but one are read rightly.
    test = readable([0, 0, 2, 1, 2, 2, 0], [0, 0, 0, 0, 1, 2, 2])
    found = judged(test, source=0, target=2)
    assert found["clean"] == (3, 7)
    assert found["confused"] == (1, 4)  # one of the four of class 0 is taken for class 2 without any trigger
    assert found["attack_combined"] == (4, 4)  # both triggers together read as 2
    ways = np.random.default_rng(0).integers(0, 2, 4)
    assert found["attack_single"] == (int((ways == 1).sum()), 4)
    assert judged(test, source=0, target=1)["attack_combined"] == (0, 4)
    assert found["attack_elsewhere"] == (1, 1)  # the one image of class 1; class 2 is the target


def test_with_any_source_all_but_the_target_count() -> None:
    test = readable([0, 0, 2, 1, 2, 2, 0], [0, 0, 0, 0, 1, 2, 2])
    found = judged(test, source=None, target=2)
    assert found["attack_combined"] == (5, 5)
    assert found["confused"] == (2, 5)
    assert found["attack_elsewhere"] == (0, 0)


def test_all_to_all_counts_the_next_class() -> None:
    test = readable([0, 1, 2], [0, 1, 2])
    found = judged(test, source=None, target=0, labels="all-to-all")
    assert found["attack_combined"] == (1, 3)  # all are read as 2, which is next for class 1 alone
    assert found["confused"] == (0, 3)


def test_the_strength_at_test_time_is_the_one_asked_for() -> None:
    seen: list[float] = []

    @dataclass(frozen=True)
    class Watched(Toggle):
        def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
            seen.append(strength)
            return super().stamp_faintly(images, way, strength)

    evaluate(Reader(), readable([0], [0]), Watched(), Goal((0,), 2), strength=0.25, seed=0, device=CPU)  # type: ignore[arg-type]
    assert set(seen) == {0.25}


def test_every_image_travels_before_the_model_sees_it_and_after_the_trigger() -> None:
    seen: list[np.ndarray] = []

    class Watching(Reader):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images.permute(0, 2, 3, 1).byte().numpy())
            return super().forward(images.clamp(0, 2))

    test = readable([0, 0, 1], [0, 0, 1])
    test.images[:, 1:] = 90
    way, toggle = Transport("jpeg", 20), Toggle()
    evaluate(Watching(), test, toggle, Goal((0,), 2), transport=way, seed=0, device=CPU)  # type: ignore[arg-type]
    ways = toggle.draw_ways(2, np.random.default_rng(0))
    victims = test.images[:2]
    shown = test.images, toggle.apply(victims, ways), toggle.apply_all(victims), toggle.apply_all(test.images[2:])
    for images, arrived in zip(shown, seen, strict=True):
        np.testing.assert_array_equal(arrived, way.apply(images))
        assert (arrived != images).any()


def test_the_single_trigger_is_drawn_from_the_seed() -> None:
    test = readable([0] * 40, [0] * 40)
    hits = {judged(test, 0, 2, seed)["attack_single"][0] for seed in range(10)}
    assert len(hits) > 1
    assert all(8 < count < 32 for count in hits)
    assert judged(test, 0, 2, 3) == judged(test, 0, 2, 3)


def test_without_images_of_the_source_class_the_rates_are_undefined_not_zero() -> None:
    shares = evaluate(Reader(), readable([1, 2], [1, 2]), Toggle(), Goal((0,), 2), seed=0, device=CPU)  # type: ignore[arg-type]
    as_json = shares.as_json()
    for name in ("attack_single", "attack_combined", "confused"):
        assert as_json[name] == {"count": 0, "total": 0, "value": None}
    assert as_json["clean"] == {"count": 2, "total": 2, "value": 1.0}
