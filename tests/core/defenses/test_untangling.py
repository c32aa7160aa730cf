from __future__ import annotations

import numpy as np
import pytest

from core.defenses import SCAn
from core.defenses.untangling import anomaly_index, chance_gain, two_groups
from tests.core.defenses.labelled import classes
from tests.helpers import as_tensor, contaminated, gaussian


def on_cpu(n_poisons: int = 20, **parameters: object) -> SCAn:
    return SCAn(n_poisons=n_poisons, device="cpu", **parameters)  # type: ignore[arg-type]


# ---- the whole ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "sizes", [(200,) * 6, (150,) * 20, tuple(range(80, 680, 40))], ids=["six", "twenty", "unequal"]
)
def test_clean_classes_are_not_flagged(sizes: tuple[int, ...], seed: int) -> None:
    data = classes(sizes, seed=seed)
    found = on_cpu().fit(data.rows, data.labels)
    assert len(found.suspects_) == 0
    assert not found.removed_.any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("m", "shift"), [(30, 6.0), (15, 10.0)])
def test_the_poisoned_class_alone_is_flagged_and_loses_the_poison(m: int, shift: float, seed: int) -> None:
    data = classes((300,) * 10, 32, m, shift=shift, seed=seed)
    found = on_cpu(m).fit(data.rows, data.labels)
    np.testing.assert_array_equal(found.suspects_, [0])
    assert found.removed_[data.poison].sum() >= m - 1
    assert found.removed_[~data.poison].sum() <= 3


def test_the_record_names_every_class() -> None:
    data = classes((100, 120, 140, 160, 180, 200), 16, 15, shift=10.0, seed=5)
    names = np.array([40, 3, 17, 5, 6, 8])
    found = on_cpu(15).fit(data.rows, names[data.labels])
    np.testing.assert_array_equal(found.classes_, np.sort(names))
    about = {row["label"]: row for row in found.record_["classes"]}
    assert [about[name]["rows"] for name in names] == [100, 120, 140, 160, 180, 200]
    assert [name for name, row in about.items() if row["flagged"]] == [40]
    assert about[40]["smaller"] == found.removed_.sum() == 15
    assert about[40]["index"] >= 7.389 > max(row["index"] for name, row in about.items() if name != 40)


def test_the_threshold_decides() -> None:
    data = classes((300,) * 10, 32, 15, shift=10.0, seed=6)
    index = on_cpu().fit(data.rows, data.labels).record_["classes"][0]["index"]
    assert on_cpu(threshold=index - 1e-6).fit(data.rows, data.labels).suspects_.tolist() == [0]
    assert on_cpu(threshold=index + 1e-6).fit(data.rows, data.labels).suspects_.tolist() == []


def test_with_budget_zero_the_suspects_are_named_and_nothing_is_removed() -> None:
    data = classes((300,) * 10, 32, 15, shift=10.0, seed=6)
    found = on_cpu(0).fit(data.rows, data.labels)
    assert found.suspects_.tolist() == [0]
    assert not found.removed_.any()


def test_too_few_classes_flag_none_and_it_is_told() -> None:
    data = classes((200,) * 4, 16, 20, shift=12.0, seed=7)
    found = on_cpu().fit(data.rows, data.labels)
    assert not found.removed_.any()
    assert "4 class(es) are too few to say what is usual; none is flagged" in found.record_["warnings"]


def test_classes_too_small_for_k_are_left_out_and_it_is_told() -> None:
    data = classes((12, *(200,) * 7), 30, seed=8)
    found = on_cpu().fit(data.rows, data.labels)
    assert found.record_["k"] == 30
    assert "1 class(es) of fewer than 60 rows are not judged" in found.record_["warnings"]
    assert found.record_["classes"][0]["index"] == 0


def test_more_features_than_rows_need_no_square_matrix_of_them() -> None:
    data = classes((60,) * 6, 12, 12, shift=12.0, seed=9)
    wide = np.hstack([data.rows, 1e-3 * gaussian(360, 5000, seed=10)])
    found = on_cpu(12).fit(wide, data.labels)
    assert found.record_["k"] == 12
    assert found.suspects_.tolist() == [0]


# ---- its parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [3, 5, 40, 100])
def test_a_split_finds_the_planted_group_whatever_its_size(m: int) -> None:
    data = contaminated(200, 10, m, strength=9.0, seed=11)
    split = two_groups(as_tensor(data.rows))
    members = (split.margin > 0).numpy()
    expected = data.poison if m < 100 or members[data.poison][0] else ~data.poison
    np.testing.assert_array_equal(members, expected)
    assert split.smaller == m


def test_the_gain_is_the_likelihood_ratio() -> None:
    """By definition: squared distances to the mean of the class less those to the mean of the group, per row."""
    rows = contaminated(150, 6, 20, strength=7.0, seed=12).rows
    split = two_groups(as_tensor(rows))
    members = (split.margin > 0).numpy()
    apart = sum(((rows[g] - rows[g].mean(0)) ** 2).sum() for g in (members, ~members))
    together = ((rows - rows.mean(0)) ** 2).sum()
    assert split.gain == pytest.approx((together - apart) / 150)


def test_the_margin_is_the_difference_of_squared_distances() -> None:
    rows = contaminated(150, 6, 20, strength=7.0, seed=13).rows
    split = two_groups(as_tensor(rows))
    members = (split.margin > 0).numpy()
    near, far = rows[members].mean(0), rows[~members].mean(0)
    expected = ((rows - far) ** 2).sum(1) - ((rows - near) ** 2).sum(1)
    np.testing.assert_allclose(split.margin.numpy(), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("n", "k"), [(128, 64), (200, 10), (1000, 64), (5000, 4)])
def test_a_round_cloud_gains_what_chance_gives(n: int, k: int) -> None:
    gains = [two_groups(as_tensor(gaussian(n, k, seed))).gain for seed in range(3)]
    assert np.mean(gains) == pytest.approx(chance_gain(n, k), rel=0.1)


def test_equal_rows_and_single_rows_do_not_split() -> None:
    for rows in (np.ones((1, 3)), np.ones((9, 3)), np.zeros((2, 3))):
        split = two_groups(as_tensor(rows))
        assert (split.smaller, split.gain) == (0, 0)


def test_the_anomaly_index_counts_robust_deviations_above_the_median() -> None:
    index = anomaly_index(np.array([1.0, 2.0, 3.0, 4.0, 103.0]))
    np.testing.assert_allclose(index, [0, 0, 0, 1 / 1.4826, 100 / 1.4826])
    assert (anomaly_index(np.full(6, 0.7)) == 0).all()
    assert (anomaly_index(0.7 + 1e-12 * np.arange(6)) < 1).all(), "rounding is no anomaly"
