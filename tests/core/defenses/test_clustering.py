from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import FastICA
from sklearn.metrics import adjusted_rand_score, silhouette_score

from core.defenses import ActivationClustering, clustering
from tests.helpers import contaminated, gaussian


def on_cpu(n_poisons: int = 30, **parameters: object) -> ActivationClustering:
    return ActivationClustering(n_poisons=n_poisons, device="cpu", **parameters)  # type: ignore[arg-type]


# ---- the smaller cluster, always ----------------------------------------------------------------------------------


def test_clustering_picks_the_smaller_cluster_even_where_the_poison_is_the_larger() -> None:
    """Choosing the cluster that holds the poison would need the ground truth: here it is the wrong, larger one."""
    rng = np.random.default_rng(10)
    rows = rng.standard_normal((100, 6))
    rows[:60, 0] += 30.0  # call these the poison
    fitted = on_cpu(n_poisons=50).fit(rows)
    np.testing.assert_array_equal(fitted.removed_, np.arange(100) >= 60)


def test_clustering_does_not_depend_on_the_order_of_rows() -> None:
    data = contaminated(200, 12, 30, strength=9.0, seed=11)
    order = np.random.default_rng(12).permutation(200)
    first = on_cpu(n_poisons=30).fit(data.rows)
    second = on_cpu(n_poisons=30).fit(data.rows[order])
    np.testing.assert_array_equal(first.removed_[order], second.removed_)


# ---- the rules of the paper ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["size", "silhouette"])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [300, 1000])
def test_a_clean_cloud_loses_nothing_by_either_rule(rule: str, seed: int, n: int) -> None:
    found = on_cpu(rule=rule).fit(gaussian(n, 10, seed))
    assert not found.removed_.any()
    assert not found.record_["suspicious"]
    assert found.record_["share"] > 0.35
    assert 0.05 < found.record_["silhouette"] < 0.1
    assert (found.predict(gaussian(5, 10, 9)) == 1).all()


@pytest.mark.parametrize("rule", ["smaller", "size", "silhouette"])
@pytest.mark.parametrize("m", [15, 60])
def test_a_planted_cluster_is_removed_whole_by_every_rule(rule: str, m: int) -> None:
    data = contaminated(300, 10, m, strength=9.0, seed=3)
    found = on_cpu(m, rule=rule).fit(data.rows)
    np.testing.assert_array_equal(found.removed_, data.poison)
    assert found.record_["suspicious"]
    assert found.record_["rule"] == rule
    np.testing.assert_array_equal(found.predict(data.rows) == -1, data.poison)


@pytest.mark.parametrize(("rule", "removes"), [("smaller", True), ("size", False), ("silhouette", True)])
def test_the_rules_differ_on_two_halves_far_apart(rule: str, removes: bool) -> None:
    """A class of two equal parts: well split, but no part is small."""
    rows = gaussian(100, 6, seed=4)
    rows[:45, 0] += 20
    assert on_cpu(rule=rule).fit(rows).removed_.sum() == (45 if removes else 0)


def test_the_thresholds_decide_and_their_own_value_counts_as_suspicious() -> None:
    data = contaminated(200, 8, 50, strength=9.0, seed=5)
    silhouette = on_cpu().fit(data.rows).record_["silhouette"]
    assert on_cpu(rule="size", size_threshold=0.25).fit(data.rows).removed_.sum() == 50
    assert not on_cpu(rule="size", size_threshold=0.24).fit(data.rows).removed_.any()
    assert on_cpu(rule="silhouette", silhouette_threshold=silhouette).fit(data.rows).removed_.sum() == 50
    assert not on_cpu(rule="silhouette", silhouette_threshold=silhouette + 1e-6).fit(data.rows).removed_.any()


def test_the_silhouette_is_that_of_scikit_learn_and_a_sample_comes_close(monkeypatch: pytest.MonkeyPatch) -> None:
    data = contaminated(600, 10, 60, strength=7.0, seed=6)
    found = on_cpu(60).fit(data.rows)
    exact = silhouette_score(data.rows, data.poison)
    assert found.record_["silhouette"] == pytest.approx(exact, rel=1e-9)
    monkeypatch.setattr(clustering, "SILHOUETTE_ROWS", 300)
    sampled = on_cpu(60).fit(data.rows).record_["silhouette"]
    assert sampled != exact
    assert sampled == pytest.approx(exact, abs=0.05)
    assert on_cpu(60).fit(data.rows).record_["silhouette"] == sampled


def test_a_silhouette_that_is_not_defined_finds_nothing() -> None:
    for rows in (np.ones((20, 3)), gaussian(2, 3, seed=7)):
        found = on_cpu(1, rule="silhouette").fit(rows)
        assert found.record_["silhouette"] is None
        assert not found.removed_.any()


# ---- reduction ----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one more reason not to use it
@pytest.mark.parametrize("seed", [0, 1])
def test_scaling_the_components_gives_the_clusters_of_ica(seed: int) -> None:
    """ICA is that scaling and a rotation, which 2-means does not see."""
    data = contaminated(400, 20, 60, strength=9.0, deviations=np.geomspace(3, 1, 20), seed=seed)
    found = on_cpu(60, reduction="ica", n_components=5).fit(data.rows)
    sources = FastICA(5, whiten="unit-variance", random_state=0, max_iter=2000).fit_transform(data.rows)
    expected = KMeans(2, n_init=10, random_state=0).fit_predict(sources)
    assert adjusted_rand_score(found.scores_ > 0, expected) == pytest.approx(1)
    assert found.record_["silhouette"] == pytest.approx(silhouette_score(sources, expected), rel=1e-6)


def test_scaling_finds_a_cluster_along_a_narrow_direction() -> None:
    """The wide direction would be cut in half."""
    data = contaminated(400, 4, 80, strength=8.0, deviations=np.array([40.0, 2, 2, 2]), direction=1, seed=8)
    np.testing.assert_array_equal(on_cpu(80, reduction="ica").fit(data.rows).removed_, data.poison)
    assert on_cpu(80, reduction="pca").fit(data.rows).removed_[~data.poison].sum() > 100


@pytest.mark.parametrize("reduction", ["pca", "ica"])
def test_directions_without_variance_are_not_scaled_up(reduction: str) -> None:
    rows = gaussian(80, 3, seed=9) @ gaussian(3, 20, seed=10)
    rows[:10] += 50
    np.testing.assert_array_equal(on_cpu(10, reduction=reduction).fit(rows).removed_, np.arange(80) < 10)
