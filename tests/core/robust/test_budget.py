"""The estimate of the number of poisons."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.robust import estimate_poisons
from tests.helpers import as_tensor, contaminated, gaussian, global_generators


@pytest.mark.parametrize("m", [8, 90, *(pytest.param(m, marks=pytest.mark.slow) for m in (20, 45))])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_distinct_cluster_is_counted(m: int, seed: int) -> None:
    data = contaminated(600, 16, m, strength=9.0, seed=seed)
    found = estimate_poisons(data.tensor)
    assert found.poisons == pytest.approx(m, abs=max(2, 0.1 * m))
    assert found.low <= m <= found.high


def test_a_tenfold_wrong_start_does_not_matter() -> None:
    """The trials assume from 6 to 150 poisons; the answer is that of the one whose groups are the farthest apart."""
    found = estimate_poisons(contaminated(600, 16, 40, strength=9.0, seed=3).tensor)
    assert [t.poisons for t in found.trials] == [2, 6, 12, 24, 48, 96, 150]
    best = max(found.trials, key=lambda t: t.separation)
    assert found.trials[found.chosen] == best
    assert found.fit.poisons == best.poisons
    assert found.poisons == round(best.second_group)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_a_clean_gaussian_has_no_second_group(seed: int) -> None:
    found = estimate_poisons(as_tensor(gaussian(600, 16, seed)))
    assert found.poisons is None
    assert found.low is None
    assert found.high is None


def test_the_interval_is_wider_where_the_groups_overlap() -> None:
    near = estimate_poisons(contaminated(600, 16, 60, strength=4.0, seed=5).tensor)
    far = estimate_poisons(contaminated(600, 16, 60, strength=12.0, seed=5).tensor)
    assert far.high - far.low <= 8  # of which 6 are the tenth for poison that looks clean
    assert near.poisons is None or near.high - near.low > far.high - far.low


@pytest.mark.parametrize("strength", [4.0, *(pytest.param(size, marks=pytest.mark.slow) for size in (0.0, 9.0))])
def test_every_call_gives_the_same(strength: float) -> None:
    rows = contaminated(300, 10, 30, strength=strength, seed=6).tensor
    before = global_generators()
    first = estimate_poisons(rows)
    assert global_generators() == before
    assert estimate_poisons(rows).as_json() == first.as_json()


def test_scale_place_and_order_of_the_rows_do_not_matter() -> None:
    data = contaminated(300, 10, 30, strength=9.0, seed=6)
    order = np.random.default_rng(0).permutation(300)
    plain = estimate_poisons(data.tensor)
    moved = estimate_poisons(as_tensor(data.rows[order] * 0.01 + 5))
    assert moved.poisons == plain.poisons
    assert [t.poisons for t in moved.trials] == [t.poisons for t in plain.trials]


def test_the_story_is_json() -> None:
    found = estimate_poisons(contaminated(200, 8, 20, strength=9.0, seed=7).tensor)
    assert json.loads(json.dumps(found.as_json()))["trials"][0]["poisons"] == 2


def test_progress_is_told_and_tiny_classes_work() -> None:
    told: list[tuple[int, int]] = []
    found = estimate_poisons(as_tensor(gaussian(5, 3, 0)), on_trial=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(found.trials), len(found.trials))
    with pytest.raises(ValueError, match="1 row"):
        estimate_poisons(as_tensor(gaussian(1, 3, 0)))
