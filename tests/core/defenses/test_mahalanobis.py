from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.covariance import EmpiricalCovariance, MinCovDet

from core.defenses import Mahalanobis
from core.foundation.errors import InputError
from tests.helpers import contaminated, gaussian, rotation


def on_cpu(n_poisons: int = 20, **parameters: object) -> Mahalanobis:
    return Mahalanobis(n_poisons=n_poisons, device="cpu", **parameters)  # type: ignore[arg-type]


def test_plain_scores_are_the_squared_distances_of_scikit_learn() -> None:
    rows = gaussian(200, 6, 1, np.geomspace(5, 0.2, 6)) @ rotation(6, 2) + 40
    found = on_cpu(estimator="plain").fit(rows)
    expected = EmpiricalCovariance().fit(rows).mahalanobis(rows) * 199 / 200  # it divides by n, we by n - 1
    np.testing.assert_allclose(found.scores_, expected, rtol=1e-8)


def test_robust_scores_are_those_of_mincovdet_on_the_scaled_components() -> None:
    data = contaminated(300, 6, 20, strength=8.0, seed=3)
    found = on_cpu().fit(data.rows)
    points = (found.components_.scores / found.scale_).numpy()
    expected = MinCovDet(random_state=0).fit(points).mahalanobis(points)
    np.testing.assert_allclose(found.scores_, expected, rtol=1e-8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_robust_distance_finds_the_poison_that_masks_itself_from_the_plain_one(seed: int) -> None:
    """A tenth of the rows, alike and far off, stretch the plain covariance until they look near."""
    data = contaminated(300, 6, 30, strength=7.0, seed=seed)
    assert on_cpu(30, estimator="mcd").fit(data.rows).removed_[data.poison].all()
    assert on_cpu(30, estimator="plain").fit(data.rows).removed_[data.poison].sum() <= 3


@pytest.mark.parametrize("k", [2, 5])
def test_clean_rows_have_distances_like_chi_squared(k: int) -> None:
    found = on_cpu(0, n_components=k).fit(gaussian(800, 5, seed=4))
    for share in (0.5, 0.8, 0.95):
        assert np.quantile(found.scores_, share) == pytest.approx(chi2.ppf(share, k), rel=0.2)


def test_it_removes_as_many_rows_as_asked() -> None:
    rows = gaussian(120, 4, seed=5)
    for m, factor, expected in ((20, 1.5, 30), (20, 1.0, 20), (7, 1.5, 10), (20, 0.0, 0)):
        assert on_cpu(m, removal_factor=factor).fit(rows).removed_.sum() == expected


def test_few_rows_cap_k_and_it_is_told() -> None:
    found = on_cpu(3).fit(gaussian(30, 20, seed=6))
    assert found.record_["k"] == 6
    assert found.record_["warnings"] == ["k was lowered from 10 to 6: 30 rows carry a fifth as many components"]
    assert on_cpu(3).fit(gaussian(200, 20, seed=6)).record_["warnings"] == []


def test_low_rank_caps_k_and_it_is_told() -> None:
    found = on_cpu(3).fit(gaussian(100, 3, seed=7) @ gaussian(3, 20, seed=8))
    assert found.record_["k"] == 3
    assert found.record_["warnings"] == ["k was lowered from 10 to 3: the rows span 3 directions"]


def test_where_most_rows_are_equal_the_plain_covariance_takes_over_and_it_is_told() -> None:
    rows = gaussian(100, 4, seed=9)
    rows[:70] = 0
    found = on_cpu(5).fit(rows)
    assert any("singular" in note for note in found.record_["warnings"])
    np.testing.assert_allclose(found.scores_, on_cpu(5, estimator="plain").fit(rows).scores_)


def test_equal_rows_are_an_error() -> None:
    with pytest.raises(InputError, match="all rows are equal"):
        on_cpu(1).fit(np.full((30, 4), 0.7))


def test_the_seed_makes_it_repeatable() -> None:
    rows = gaussian(150, 8, seed=10)
    np.testing.assert_array_equal(on_cpu(seed=3).fit(rows).scores_, on_cpu(seed=3).fit(rows).scores_)
