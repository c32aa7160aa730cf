"""SPECTRE as a whole: against the reference, its invariances, its limits, and the mistakes others made."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import core.robust
from core.robust import Candidate, candidate_ks, fit_spectre, principal_components
from tests import reference
from tests.helpers import Contaminated, anisotropic, as_tensor, contaminated, gaussian, rotation, tight_cluster

TRUTH_WORDS = ("truth", "poisoned", "is_poison", "poison_mask", "label", "target", "backdoor", "flag")


def make(kind: str, n: int, d: int, m: int, seed: int) -> Contaminated:
    if kind == "anisotropic":
        return anisotropic(n, d, m, strength=7.0, seed=seed)
    return contaminated(n, d, m, strength=8.0, spread=kind == "spread", seed=seed)


def assert_fit_matches(data: Contaminated, m: int) -> None:
    """The chosen k, and every candidate, equal the reference's."""
    fit, slow = fit_spectre(data.tensor, m), reference.spectre(data.rows, m)
    assert [c.k for c in fit.candidates] == slow["ks"]
    np.testing.assert_allclose([c.objective for c in fit.candidates], slow["objectives"], rtol=1e-8)
    assert fit.k == slow["k"]
    np.testing.assert_array_equal(fit.removed.numpy(), slow["removed"])
    np.testing.assert_allclose(fit.scores.numpy(), slow["scores"], rtol=1e-6)
    for ours, theirs in zip(fit.candidates, slow["candidates"], strict=True):
        assert_candidate_matches(ours, theirs)


def assert_candidate_matches(ours: Candidate, theirs: dict) -> None:
    np.testing.assert_array_equal(ours.removed.numpy(), theirs["removed"])
    np.testing.assert_array_equal(ours.trusted.numpy(), theirs["trusted"])
    np.testing.assert_allclose(ours.scores.numpy(), theirs["scores"], rtol=1e-6)


# ---- against the reference ----------------------------------------------------------------------------------------


SHAPES = [(61, 9, 7), (160, 40, 13), (300, 50, 21), (90, 200, 9)]


@pytest.mark.parametrize("kind", ["coherent", "spread", "anisotropic"])
@pytest.mark.parametrize(
    ("n", "d", "m", "k"),
    [(*shape, k) for shape in SHAPES for k in (1, 2, 4, 9, 16, 36) if k <= min(shape[1], shape[0] // 4)],
)
def test_fixed_k_removes_the_reference_rows(kind: str, n: int, d: int, m: int, k: int) -> None:
    data = make(kind, n, d, m, seed=n + k)
    fit = fit_spectre(data.tensor, m, k=k)
    assert fit.k == k
    assert_candidate_matches(fit.candidates[0], reference.spectre_fixed_k(data.rows, m, k))
    G = reference.pca_scores(data.rows, reference.largest_k(data.rows))
    assert fit.candidates[0].objective == pytest.approx(reference.mean_que(G, fit.removed.numpy()), rel=1e-8)


@pytest.mark.parametrize(("n", "d", "m", "k"), [(300, 90, 12, 64), (800, 64, 20, 64), (410, 110, 8, 100)])
def test_k_is_not_capped_at_64(n: int, d: int, m: int, k: int) -> None:
    data = contaminated(n, d, m, strength=10.0, spread=k == 100, seed=1)
    fit = fit_spectre(data.tensor, m, k=k)
    assert fit.k == k
    assert_candidate_matches(fit.candidates[0], reference.spectre_fixed_k(data.rows, m, k))


@pytest.mark.parametrize("kind", ["coherent", "spread", "anisotropic"])
@pytest.mark.parametrize(("n", "d", "m"), [(61, 9, 7), (80, 100, 8), (144, 36, 12), (200, 20, 15)])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_chosen_k_matches_the_reference(kind: str, n: int, d: int, m: int, seed: int) -> None:
    assert_fit_matches(make(kind, n, d, m, seed), m)


def test_all_ten_candidates_up_to_a_hundred_match_the_reference() -> None:
    """The smallest class that carries the paper's K = 100; few assumed poisons keep the reference quick."""
    data = contaminated(400, 120, 3, strength=15.0, seed=30)
    assert reference.largest_k(data.rows) == 100
    assert_fit_matches(data, 3)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 50.0])
def test_alpha_matches_the_reference(alpha: float) -> None:
    data = contaminated(200, 20, 15, strength=6.0, spread=True, seed=2)
    fit = fit_spectre(data.tensor, 15, k=9, alpha=alpha)
    assert_candidate_matches(fit.candidates[0], reference.spectre_fixed_k(data.rows, 15, 9, alpha=alpha))


def test_literal_tail_reaches_the_filter() -> None:
    data = contaminated(300, 20, 20, strength=9.0, seed=3)
    fit = fit_spectre(data.tensor, 20, k=9, tail="upper")
    assert_candidate_matches(fit.candidates[0], reference.spectre_fixed_k(data.rows, 20, 9, tail="upper"))
    assert not torch.equal(fit.candidates[0].trusted, fit_spectre(data.tensor, 20, k=9).candidates[0].trusted)


# ---- does it work? ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_spectre_finds_what_spectral_signatures_miss(seed: int) -> None:
    """Poison 7 clean deviations along the weakest of 20 axes: 0 of 20 among the PCA removals, at least 19 by SPECTRE."""
    data = anisotropic(300, 20, 20, strength=7.0, seed=seed)
    by_pca = reference.spectral_signatures(data.rows, 20)["removed"]
    fit = fit_spectre(data.tensor, 20)
    assert by_pca[data.poison].sum() <= 4
    assert fit.removed.numpy()[data.poison].sum() >= 19
    assert fit.k > 1


def test_k_capped_at_two_would_miss_the_weak_axis() -> None:
    data = anisotropic(300, 20, 20, strength=7.0, seed=4)
    assert fit_spectre(data.tensor, 20, max_k=2).removed.numpy()[data.poison].sum() <= 4
    assert fit_spectre(data.tensor, 20).removed.numpy()[data.poison].sum() >= 19


@pytest.mark.parametrize(("strength", "least"), [(5.0, 0.9), (7.0, 0.97), (10.0, 0.99)])
def test_recall_grows_with_the_strength_of_the_shift(strength: float, least: float) -> None:
    """Mean recall over three seeds; 50 poisons in 1,000 rows of 12 dimensions."""
    recalls = []
    for seed in range(3):
        data = contaminated(1000, 12, 50, strength=strength, seed=seed)
        recalls.append(fit_spectre(data.tensor, 50, k=9).removed.numpy()[data.poison].mean())
    assert np.mean(recalls) >= least


def test_tight_cluster_is_found_in_full() -> None:
    data = tight_cluster()
    published = fit_spectre(data.tensor, 200, k=16)
    literal = fit_spectre(data.tensor, 200, k=16, tail="upper")
    assert published.removed.numpy()[data.poison].all()
    assert not published.candidates[0].trusted.numpy()[data.poison].any()
    assert literal.candidates[0].trusted.all()
    assert literal.candidates[0].stopped == "no threshold"


def test_poisoned_class_stands_out_by_its_objective() -> None:
    """The filter is not for every class: the objective says which one. Six clean classes, one poisoned."""
    clean = [max(c.objective for c in fit_spectre(as_tensor(gaussian(400, 12, s)), 24).candidates) for s in range(6)]
    data = contaminated(400, 12, 24, strength=6.0, seed=6)
    poisoned = max(c.objective for c in fit_spectre(data.tensor, 24).candidates)
    assert poisoned > 1.5 * max(clean)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clean_rows_do_not_crash_and_scores_stay_near_one(seed: int) -> None:
    fit = fit_spectre(as_tensor(gaussian(400, 12, seed)), 20)
    assert torch.isfinite(fit.scores).all()
    assert int(fit.removed.sum()) == 30
    whitened = [c for c in fit.candidates if c.k > 1]
    assert all(0.8 < float(c.scores.mean()) < 2 for c in whitened)
    assert all(1 < c.objective < 2 for c in fit.candidates)


# ---- invariances --------------------------------------------------------------------------------------------------

FEW = settings(max_examples=6, deadline=None, derandomize=True)


@FEW
@given(seed=st.integers(0, 1000), k=st.sampled_from([None, 1, 2, 6]), spread=st.booleans())
def test_rotation_and_translation_change_nothing(seed: int, k: int | None, spread: bool) -> None:
    data = contaminated(160, 10, 12, strength=8.0, spread=spread, seed=seed)
    moved = data.rows @ rotation(10, seed) + 30 * gaussian(1, 10, seed)
    first, second = fit_spectre(data.tensor, 12, k=k), fit_spectre(as_tensor(moved), 12, k=k)
    assert first.k == second.k
    torch.testing.assert_close(first.scores, second.scores, rtol=1e-6, atol=0)
    assert torch.equal(first.removed, second.removed)


@pytest.mark.parametrize("scale", [0.01, 1e-5, 1000.0])
@pytest.mark.parametrize("k", [None, 4, 9])
def test_scaling_features_by_a_hundredth_changes_nothing(scale: float, k: int | None) -> None:
    data = anisotropic(200, 12, 15, seed=7)
    first, second = fit_spectre(data.tensor, 15, k=k), fit_spectre(as_tensor(data.rows * scale), 15, k=k)
    assert first.k == second.k > 1
    torch.testing.assert_close(first.scores, second.scores, rtol=1e-6, atol=0)
    assert torch.equal(first.removed, second.removed)
    assert first.warnings == second.warnings
    for ours, theirs in zip(first.candidates, second.candidates, strict=True):
        assert ours.objective == pytest.approx(theirs.objective, rel=1e-7)
        assert torch.equal(ours.removed, theirs.removed)


@FEW
@given(seed=st.integers(0, 1000), k=st.sampled_from([None, 1, 4, 10]), power=st.floats(-8, 8), spread=st.booleans())
def test_the_unit_of_the_features_changes_nothing(seed: int, k: int | None, power: float, spread: bool) -> None:
    """Also not the objectives, which compare one k = 1 that is not whitened with others that are."""
    data = contaminated(160, 10, 12, strength=8.0, spread=spread, seed=seed)
    first, second = fit_spectre(data.tensor, 12, k=k), fit_spectre(data.tensor * 10**power, 12, k=k)
    assert first.k == second.k
    assert torch.equal(first.removed, second.removed)
    for ours, theirs in zip(first.candidates, second.candidates, strict=True):
        assert ours.objective == pytest.approx(theirs.objective, rel=1e-7)
        assert torch.equal(ours.trusted, theirs.trusted)
        unit = 1 if ours.k > 1 else 100**power
        torch.testing.assert_close(unit * ours.scores, theirs.scores, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_k_one_reports_no_missing_excess_whatever_the_units(scale: float) -> None:
    """Without whitening a variance below 1 says nothing: it is in the units of the features."""
    fit = fit_spectre(as_tensor(scale * contaminated(200, 10, 12, seed=8).rows), 12, k=1)
    assert fit.candidates[0].has_excess
    assert fit.warnings == ()


@FEW
@given(seed=st.integers(0, 1000), k=st.sampled_from([None, 1, 3, 8]))
def test_permuting_rows_permutes_the_mask_and_nothing_else(seed: int, k: int | None) -> None:
    data = contaminated(160, 10, 12, strength=8.0, spread=seed % 2 == 0, seed=seed)
    order = np.random.default_rng(seed).permutation(160)
    first, second = fit_spectre(data.tensor, 12, k=k), fit_spectre(as_tensor(data.rows[order]), 12, k=k)
    assert first.k == second.k
    torch.testing.assert_close(first.scores[order], second.scores, rtol=1e-6, atol=0)
    assert torch.equal(first.removed[order], second.removed)
    assert torch.equal(first.candidates[-1].trusted[order], second.candidates[-1].trusted)


def test_same_rows_give_the_same_bits() -> None:
    data = contaminated(200, 30, 15, seed=9)
    first, second = fit_spectre(data.tensor, 15), fit_spectre(data.tensor, 15)
    assert torch.equal(first.scores, second.scores)
    assert [c.objective for c in first.candidates] == [c.objective for c in second.candidates]


def test_features_are_not_changed() -> None:
    rows = contaminated(100, 10, 8, seed=10).tensor
    before = rows.clone()
    fit_spectre(rows, 8)
    assert torch.equal(rows, before)


# ---- the two limits of alpha --------------------------------------------------------------------------------------


def test_alpha_zero_is_the_whitened_norm() -> None:
    data = contaminated(200, 12, 15, strength=8.0, seed=11)
    fit = fit_spectre(data.tensor, 15, k=6, alpha=0.0)
    z = reference.pca_scores(data.rows, 6)
    trusted = z[fit.candidates[0].trusted.numpy()]
    precision = np.linalg.inv(np.cov(trusted, rowvar=False, ddof=0))
    np.testing.assert_allclose(fit.scores.numpy(), np.einsum("ni,ij,nj->n", z, precision, z) / 6, rtol=1e-8)


def test_large_alpha_is_the_top_direction_alone() -> None:
    data = contaminated(200, 12, 15, strength=8.0, seed=12)
    fit = fit_spectre(data.tensor, 15, k=6, alpha=1e6)
    z = reference.pca_scores(data.rows, 6)
    w = z @ reference.inverse_root(np.cov(z[fit.candidates[0].trusted.numpy()], rowvar=False, ddof=0))
    top = np.linalg.eigh(np.cov(w, rowvar=False))[1][:, -1]
    np.testing.assert_allclose(fit.scores.numpy(), (w @ top) ** 2, rtol=1e-6, atol=1e-9)


def test_unguarded_sign_of_excess_would_favour_the_smallest_direction() -> None:
    """Three tenths of the rows lie at the centre, the filter drops a part of them, and what is left has more variance.

    So no direction of all rows has any in excess: alpha counts as 0, the scores are plain norms, and the fit says so.
    """
    rows = gaussian(3000, 20, seed=32)
    rows *= np.sqrt(20) / np.linalg.norm(rows, axis=1, keepdims=True)
    rows[:900] *= 0.01
    fit = fit_spectre(as_tensor(rows), 150, k=20)
    best = fit.best
    assert not best.trusted[:900].all()
    assert float(best.que.variances.max()) < 1
    assert not best.has_excess
    assert any("plain norms" in warning for warning in fit.warnings)
    whitened = fit.components.scores @ best.transform
    torch.testing.assert_close(fit.scores, whitened.square().mean(1), rtol=1e-9, atol=1e-12)


# ---- budgets and the choice of k ----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [None, 1, 5])
def test_budget_zero_removes_nothing(k: int | None) -> None:
    fit = fit_spectre(contaminated(120, 10, 8, strength=9.0, seed=13).tensor, 0, k=k)
    assert all(not c.removed.any() for c in fit.candidates)
    assert all(c.trusted.all() for c in fit.candidates)
    assert torch.isfinite(fit.scores).all()


@pytest.mark.parametrize(("m", "removed"), [(1, 2), (2, 3), (3, 4), (5, 8), (7, 10), (25, 38)])
def test_fixed_one_percent_budget_would_cap_recall(m: int, removed: int) -> None:
    """1.5 m rows go, half rounded to even as in Julia (4.5 -> 4, 7.5 -> 8), not a share of the class."""
    data = contaminated(200, 8, m, strength=9.0, seed=14)
    assert int(fit_spectre(data.tensor, m, k=4).removed.sum()) == removed


@pytest.mark.parametrize(("factor", "removed"), [(1.0, 10), (1.5, 15), (3.0, 30), (0.0, 0)])
def test_removal_factor_sets_the_number_removed(factor: float, removed: int) -> None:
    data = contaminated(200, 8, 10, strength=9.0, seed=15)
    assert int(fit_spectre(data.tensor, 10, k=4, removal_factor=factor).removed.sum()) == removed


@pytest.mark.parametrize(("factor", "most"), [(0.0, 0), (0.5, 10), (2.0, 40)])
def test_allowance_factor_bounds_the_filter(factor: float, most: int) -> None:
    data = contaminated(300, 40, 20, strength=9.0, spread=True, seed=16)
    distrusted = int((~fit_spectre(data.tensor, 20, k=25, allowance_factor=factor).candidates[0].trusted).sum())
    assert distrusted == most


def test_candidates_are_the_squares_up_to_a_hundred() -> None:
    assert candidate_ks(100) == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10, 15, 36, 64, 99])
def test_smaller_limits_give_ascending_candidates_from_one_to_the_limit(limit: int) -> None:
    ks = candidate_ks(limit)
    assert ks == reference.candidate_ks(limit)
    assert ks[0] == 1
    assert ks[-1] == limit
    assert ks == sorted(set(ks))


def test_objective_is_judged_in_all_dimensions_and_by_the_trace_of_the_product() -> None:
    """Not in the k of the candidate, and not by an element-wise product."""
    data = anisotropic(200, 12, 15, seed=17)
    fit = fit_spectre(data.tensor, 15)
    G = reference.pca_scores(data.rows, 12)
    for candidate in fit.candidates:
        kept = ~candidate.removed.numpy()
        w = G @ reference.inverse_root(np.cov(G[kept], rowvar=False))
        t = np.cov(w, rowvar=False)
        q = reference.que_matrix(t, 4.0)
        mean_score = np.mean([row @ q @ row for row in w - w.mean(0)]) * 200 / 199
        assert candidate.objective == pytest.approx(mean_score, rel=1e-8)
        assert candidate.objective != pytest.approx(np.trace(t * q), rel=1e-3)


def test_largest_objective_wins_and_the_first_of_equals() -> None:
    data = anisotropic(200, 12, 15, seed=18)
    fit = fit_spectre(data.tensor, 15)
    best = max(c.objective for c in fit.candidates)
    assert fit.k == next(c.k for c in fit.candidates if c.objective == best)
    nothing_removed = fit_spectre(data.tensor, 0)  # all candidates keep everything, so all objectives are equal
    assert nothing_removed.k == 1


def test_small_class_caps_k_at_a_quarter_and_says_so() -> None:
    fit = fit_spectre(contaminated(48, 60, 4, seed=19).tensor, 4)
    assert fit.candidates[-1].k == 12
    assert any("12" in w for w in fit.warnings)
    assert fit_spectre(contaminated(300, 8, 10, seed=19).tensor, 10).warnings == ()


# ---- hard shapes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [7, 8])
def test_k_equal_n_does_not_crash(k: int) -> None:
    """8 rows carry 7 directions: k = 7 runs, k = 8 is refused with the mend."""
    x = as_tensor(gaussian(8, 20, seed=20))
    if k == 7:
        assert fit_spectre(x, 1, k=k).k == 7
    else:
        with pytest.raises(ValueError, match="lower k"):
            fit_spectre(x, 1, k=k)


def test_fewer_rows_than_features() -> None:
    data = contaminated(60, 300, 6, strength=40.0, seed=21)
    assert fit_spectre(data.tensor, 6).removed.numpy()[data.poison].all()


def test_rank_deficient_rows_cap_k_at_the_rank() -> None:
    x = as_tensor(contaminated(120, 3, 9, strength=9.0, seed=22).rows @ gaussian(3, 40, seed=23))
    fit = fit_spectre(x, 9)
    assert [c.k for c in fit.candidates] == [1, 2, 3]
    assert torch.isfinite(fit.scores).all()
    with pytest.raises(ValueError, match="3 directions"):
        fit_spectre(x, 9, k=5)


def test_weak_directions_are_not_taken_for_rounding() -> None:
    """Deviations from 1 to 1e-4: variances eight powers of ten apart, and the poison lies along the weakest."""
    data = contaminated(300, 6, 20, strength=8.0, deviations=np.geomspace(1, 1e-4, 6), direction=5, seed=31)
    fit = fit_spectre(data.tensor, 20, k=6)
    assert_candidate_matches(fit.candidates[0], reference.spectre_fixed_k(data.rows, 20, 6))
    assert fit.removed.numpy()[data.poison].all()


def test_constant_features_among_others_change_nothing() -> None:
    data = contaminated(120, 8, 9, strength=9.0, seed=24)
    padded = np.hstack([data.rows, np.full((120, 5), 3.7), np.zeros((120, 2))])
    first, second = fit_spectre(data.tensor, 9), fit_spectre(as_tensor(padded), 9)
    torch.testing.assert_close(first.scores, second.scores, rtol=1e-6, atol=0)
    assert first.k == second.k


@pytest.mark.parametrize("value", [1.0, 0.1, 0.7])
def test_equal_rows_are_refused_and_never_all_removed(value: float) -> None:
    """0.7 has no exact mean of 47: rounding leaves a 'direction', and every row would tie for the largest score."""
    with pytest.raises(ValueError, match="rows are equal"):
        fit_spectre(as_tensor(np.full((47, 6), value)), 5)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-4])
@pytest.mark.parametrize("k", [None, 4, 12])
def test_poison_where_clean_rows_have_nothing_is_found(noise: float, k: int | None) -> None:
    """A unit that only the trigger switches on: the clearest poison there is must not end in a singular covariance."""
    rows = gaussian(400, 12, seed=31)
    rows[:, 3] *= noise
    rows[:10, 3] = 40 + gaussian(10, 1, seed=32)[:, 0]
    fit = fit_spectre(as_tensor(rows), 10, k=k)
    assert fit.removed.numpy()[:10].all()
    assert int(fit.removed.sum()) == 15
    assert torch.isfinite(fit.scores).all()
    assert all(np.isfinite(c.objective) for c in fit.candidates)
    assert (fit.k < 12 and k is None) or noise > 1e-6 or k == 4 or any("ill-cond" in w for w in fit.warnings)


def test_duplicated_rows_score_alike() -> None:
    data = contaminated(90, 10, 8, strength=9.0, seed=25)
    fit = fit_spectre(as_tensor(np.vstack([data.rows, data.rows])), 16)
    torch.testing.assert_close(fit.scores[:90], fit.scores[90:], rtol=1e-9, atol=0)
    assert fit.removed.numpy()[:90][data.poison].all()
    assert fit.removed.numpy()[90:][data.poison].all()


def test_one_class_of_two_rows() -> None:
    fit = fit_spectre(as_tensor(gaussian(2, 5, seed=26)), 0)
    assert fit.k == 1
    assert not fit.removed.any()


def test_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        fit_spectre(as_tensor(gaussian(1, 5, seed=27)), 0)


@pytest.mark.parametrize("poisons", [31, 60])
def test_impossible_counts_are_refused(poisons: int) -> None:
    with pytest.raises(ValueError, match="half of the 60 rows"):
        fit_spectre(as_tensor(gaussian(60, 5, seed=28)), poisons)


def test_half_of_the_rows_is_the_largest_count_and_works() -> None:
    """The kept quarter must still span the K dimensions in which the candidates are compared."""
    fit = fit_spectre(contaminated(60, 40, 30, strength=9.0, seed=29).tensor, 30)
    assert int(fit.removed.sum()) == 45
    assert torch.isfinite(fit.scores).all()


# ---- options and the record ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 1.0, 4.0, 50.0])
def test_rescoring_equals_a_new_fit_with_that_alpha(alpha: float) -> None:
    data = contaminated(300, 20, 15, strength=6.0, seed=41)
    fit = fit_spectre(data.tensor, 15)
    for candidate in fit.candidates:
        fresh = fit_spectre(data.tensor, 15, k=candidate.k, alpha=alpha)
        torch.testing.assert_close(fit.rescore(alpha, candidate.k), fresh.scores, rtol=1e-9, atol=1e-12)


def test_rescoring_knows_only_the_fitted_k() -> None:
    fit = fit_spectre(contaminated(300, 20, 15, seed=42).tensor, 15)
    torch.testing.assert_close(fit.rescore(), fit.scores)
    with pytest.raises(ValueError, match="k = 19 was not fitted; there are: 1, "):
        fit.rescore(k=19)


def test_robust_mean_measures_from_the_trusted_rows() -> None:
    """A lopsided cluster drags the plain mean; clean rows then score from the wrong place."""
    data = contaminated(300, 10, 40, strength=12.0, seed=43)
    plain = fit_spectre(data.tensor, 40, k=6)
    robust = fit_spectre(data.tensor, 40, k=6, robust_mean=True)
    z = plain.components.scores[:, :6].numpy()
    trusted = plain.best.trusted.numpy()
    np.testing.assert_array_equal(robust.best.trusted.numpy(), trusted)
    w = (z - z[trusted].mean(0)) @ reference.inverse_root(reference.covariance(z[trusted], trusted.sum()))
    q = reference.que_matrix(reference.covariance(w, len(w) - 1), 4.0)
    np.testing.assert_allclose(robust.scores.numpy(), np.einsum("ij,jk,ik->i", w, q, w), rtol=1e-8)
    clean = ~data.poison
    assert robust.scores.numpy()[clean].mean() < plain.scores.numpy()[clean].mean()


def test_ill_conditioned_covariance_is_told() -> None:
    rows = gaussian(400, 8, seed=44) * np.array([1e6, 1, 1, 1, 1, 1, 1, 1])
    assert any("ill-conditioned" in w for w in fit_spectre(as_tensor(rows), 10, k=4).warnings)
    assert not fit_spectre(as_tensor(gaussian(400, 8, seed=44)), 10, k=4).warnings


def test_candidates_on_several_threads_are_those_on_one() -> None:
    data = anisotropic(400, 60, 30, strength=8.0, seed=45)
    one = fit_spectre(data.tensor, 30)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        several = fit_spectre(data.tensor, 30)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    for a, b in zip(one.candidates, several.candidates, strict=True):
        assert a.k == b.k
        assert torch.equal(a.removed, b.removed)
        assert torch.equal(a.trusted, b.trusted)


def test_earlier_components_serve_another_fit() -> None:
    data = contaminated(200, 30, 10, strength=8.0, seed=46)
    first = fit_spectre(data.tensor, 10)
    again = fit_spectre(data.tensor, 20, components=first.components)
    assert again.components is first.components
    assert torch.equal(again.removed, fit_spectre(data.tensor, 20).removed)


# ---- no ground truth ----------------------------------------------------------------------------------------------


def test_ground_truth_cannot_reach_a_filter() -> None:
    """No parameter of any public function of core.robust could carry the poison's identity."""
    for name in core.robust.__all__:
        member = getattr(core.robust, name)
        if inspect.isfunction(member):
            for parameter in inspect.signature(member).parameters:
                assert not any(word in parameter for word in TRUTH_WORDS), f"{name}({parameter})"
    assert set(inspect.signature(fit_spectre).parameters) == {"x", "poisons", "components", "options"}
    options = {"alpha", "k", "max_k", "removal_factor", "allowance_factor", "tail", "robust_mean"}
    assert set(inspect.signature(core.robust.Settings).parameters) == options
    assert set(inspect.signature(core.robust.trusted_rows).parameters) == {"z", "eps", "allowance", "tail"}
    assert set(inspect.signature(principal_components).parameters) == {"x", "k"}
