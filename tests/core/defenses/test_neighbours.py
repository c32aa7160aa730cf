from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from core.defenses import NeighbourLabels, nearest, neighbours
from tests.core.defenses.labelled import classes
from tests.helpers import as_tensor, gaussian


def on_cpu(n_poisons: int = 20, **parameters: object) -> NeighbourLabels:
    return NeighbourLabels(n_poisons=n_poisons, device="cpu", **parameters)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 60), d=st.integers(1, 8), seed=st.integers(0, 1000), data=st.data())
def test_nearest_rows_are_those_of_scikit_learn(n: int, d: int, seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n - 1))
    rows = gaussian(n, d, seed)
    expected = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows).kneighbors(return_distance=False)
    np.testing.assert_array_equal(nearest(as_tensor(rows), k).numpy(), expected)


def test_batches_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = as_tensor(gaussian(101, 5, seed=1))
    expected = nearest(rows, 7)
    monkeypatch.setattr(neighbours, "PAIRS_AT_ONCE", 101 * 10)
    assert torch.equal(nearest(rows, 7), expected)


def test_scores_order_rows_by_share_first_and_nearness_second() -> None:
    differs = torch.tensor([[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 1], [1, 1, 0], [1, 1, 1]], dtype=torch.bool)
    scores = neighbours._disagreement(differs)
    assert (scores[0], scores[-1]) == (0, 1)
    assert torch.equal(scores.argsort(), torch.arange(6))
    assert (scores - differs.to(torch.float64).mean(1)).abs().max() < 1 / 3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_dense_cluster_needs_k_above_twice_its_size(seed: int) -> None:
    """The limit that the docstring states: 20 poisons among their own kind, near class 1 and labelled 0."""
    data = classes((150,) * 5, 20, 20, stay=0.9, noise=0.1, seed=seed)
    small = on_cpu(n_neighbors=10).fit(data.rows, data.labels)
    assert small.removed_[data.poison].sum() == 0
    default = on_cpu().fit(data.rows, data.labels)
    assert default.record_["k"] == 41
    assert default.removed_[data.poison].all()


def test_a_cluster_in_the_midst_of_its_own_label_is_never_found() -> None:
    data = classes((150,) * 5, 20, 20, shift=2.0, noise=0.1, seed=3)
    for k in (10, 41, 100):
        assert on_cpu(n_neighbors=k).fit(data.rows, data.labels).removed_[data.poison].sum() == 0


def test_clean_classes_far_apart_lose_nothing_even_with_a_budget() -> None:
    data = classes((100,) * 4, 20, apart=14.0, seed=4)
    assert not on_cpu(10).fit(data.rows, data.labels).removed_.any()


def test_plurality_removes_who_is_outvoted_and_not_who_is_tied() -> None:
    """On a line: neighbours of the row at 0 vote 1 : 1, those of the row at 10 vote 0 : 2."""
    rows = np.array([[0.0], [1.0], [-1.5], [10.0], [11.0], [9.1], [10.9]])
    labels = np.array([0, 0, 1, 0, 1, 1, 1])
    found = on_cpu(1, n_neighbors=2, rule="plurality").fit(rows, labels)
    assert not found.removed_[0]
    assert found.removed_[3]
    assert not on_cpu(0, n_neighbors=2, rule="plurality").fit(rows, labels).removed_.any()


def test_plurality_is_not_majority() -> None:
    """Two of five neighbours agree and no other label has two: outnumbered, but not outvoted."""
    rows = np.array([[0.0], [1.0], [-1.1], [1.2], [-1.3], [1.4], [50.0], [51.0]])
    labels = np.array([0, 0, 0, 1, 2, 3, 1, 1])
    found = on_cpu(1, n_neighbors=5, rule="plurality").fit(rows, labels)
    assert found.scores_[0] > 0.5
    assert not found.removed_[0]


def test_a_k_that_cannot_be_or_says_little_is_told() -> None:
    data = classes((30, 30, 8), 5, seed=5)
    assert on_cpu(1, n_neighbors=5).fit(data.rows, data.labels).record_["warnings"] == []
    (small,) = on_cpu(1, n_neighbors=8).fit(data.rows, data.labels).record_["warnings"]
    assert "smallest class has 8 rows" in small
    capped = on_cpu(1, n_neighbors=500).fit(data.rows, data.labels)
    assert capped.record_["k"] == 67
    assert "lowered from 500 to 67" in capped.record_["warnings"][0]


def test_duplicates_are_neighbours_of_each_other_and_a_row_is_none_of_itself() -> None:
    rows = np.repeat(gaussian(10, 3, seed=6), 2, axis=0)
    labels = np.tile([0, 1], 10)
    assert (on_cpu(1, n_neighbors=1).fit(rows, labels).scores_ == 1).all()
    assert (on_cpu(1, n_neighbors=1).fit(rows, np.repeat([0, 1], 10)).scores_ == 0).all()
