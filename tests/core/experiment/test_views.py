from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.defenses import Spectre
from core.experiment.views import make_views
from core.runs import scores_at
from tests.helpers import anisotropic, gaussian

DATA = anisotropic(400, 24, 20, strength=7.0)


def fitted(**changes: float | int | None) -> Spectre:
    return Spectre(**{"n_poisons": 20, **changes}).fit(DATA.rows)  # type: ignore[arg-type, return-value]


SPECTRE = fitted(n_components=24)
VIEWS, ABOUT = make_views(SPECTRE)


@pytest.mark.parametrize("name", ["raw", "naive", "robust"])
def test_each_picture_is_a_plane_of_the_same_rows(name: str) -> None:
    assert (VIEWS[name].shape, VIEWS[name].dtype) == ((400, 2), np.float32)
    assert np.isfinite(VIEWS[name]).all()


def test_raw_is_in_units_of_the_first_components_deviation() -> None:
    centred = DATA.rows - DATA.rows.mean(0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    expected = (left * singular)[:, :2] / (singular[0] / np.sqrt(399))
    np.testing.assert_allclose(np.abs(VIEWS["raw"]), np.abs(expected), rtol=1e-3, atol=1e-4)
    assert VIEWS["raw"][:, 0].var(ddof=1) == pytest.approx(1, rel=1e-5)
    assert VIEWS["raw"][:, 1].var() < 0.9


def test_naive_has_variance_one_along_both_axes_and_no_correlation() -> None:
    np.testing.assert_allclose(np.cov(VIEWS["naive"].T), np.eye(2), atol=1e-5)


def test_robust_has_variance_one_for_the_trusted_rows_and_shows_the_poison() -> None:
    trusted = VIEWS["trusted"]
    np.testing.assert_allclose(np.cov(VIEWS["robust"][trusted].T, ddof=0), np.eye(2), atol=1e-5)
    assert VIEWS["robust"][:, 0].var() > 1.5
    # the point of it all: along the first axis of the robust view poison and clean come apart, in the raw view not
    assert separation("robust") > 3 > 0.5 > separation("raw")


def separation(name: str) -> float:
    """Distance of the means of poison and clean along the first axis, in deviations of the clean."""
    first, poison = VIEWS[name][:, 0], DATA.poison
    return abs(first[poison].mean() - first[~poison].mean()) / first[~poison].std()


def test_whitened_rows_and_trusted_rows_are_the_fits() -> None:
    candidate = SPECTRE.fit_.best
    np.testing.assert_array_equal(VIEWS["trusted"], candidate.trusted.numpy())
    np.testing.assert_array_equal(VIEWS["robust"], VIEWS["whitened"][:, :2])
    np.testing.assert_allclose(VIEWS["whitened"].var(0, ddof=1), candidate.que.variances.numpy(), rtol=1e-4)
    np.testing.assert_allclose(VIEWS["components"], SPECTRE.fit_.components.scores.numpy(), rtol=1e-5, atol=1e-5)


def test_scores_at_the_alpha_of_the_fit_are_the_fits_scores() -> None:
    for alpha in (4.0, 0.0, 1.5):
        spectre = fitted(alpha=alpha, n_components=24)
        views, _ = make_views(spectre)
        variances = spectre.fit_.best.que.variances.numpy()
        np.testing.assert_allclose(scores_at(views["whitened"], variances, alpha), spectre.scores_, rtol=1e-4)


def test_alpha_zero_is_the_norm_and_infinity_the_first_axis_of_the_robust_view() -> None:
    variances = SPECTRE.fit_.best.que.variances.numpy()
    whitened = VIEWS["whitened"].astype(np.float64)
    np.testing.assert_allclose(scores_at(VIEWS["whitened"], variances, 0.0), (whitened**2).mean(1))
    np.testing.assert_allclose(scores_at(VIEWS["whitened"], variances, np.inf), VIEWS["robust"][:, 0] ** 2, rtol=1e-5)
    huge = fitted(alpha=100.0, n_components=24).scores_
    np.testing.assert_allclose(scores_at(VIEWS["whitened"], variances, 100.0), huge, rtol=1e-4)


def test_naive_removal_takes_the_rows_of_largest_whitened_norm() -> None:
    removed = VIEWS["naive_removed"]
    assert removed.sum() == 30  # 1.5 times the poisons
    centred = DATA.rows - DATA.rows.mean(0)
    norms = (centred @ np.linalg.inv(np.cov(centred.T)) * centred).sum(1)
    np.testing.assert_array_equal(removed, norms >= np.sort(norms)[-30])


def test_without_poisons_the_naive_view_removes_nothing() -> None:
    views, _ = make_views(fitted(n_poisons=0))
    assert not views["naive_removed"].any()
    assert views["trusted"].all()


def test_the_record_says_which_candidate_is_pictured() -> None:
    assert ABOUT == {"k": 24, "candidate": 0, "is_chosen": True}
    free = fitted()
    views, about = make_views(free)
    assert about["k"] == free.fit_.candidates[about["candidate"]].k == views["whitened"].shape[1]
    assert about["is_chosen"] == (about["candidate"] == free.fit_.chosen)


def test_a_choice_of_one_component_is_pictured_with_the_best_wider_candidate() -> None:
    spectre = fitted()
    assert spectre.fit_.candidates[0].k == 1
    spectre.fit_ = replace(spectre.fit_, chosen=0)
    _, about = make_views(spectre)
    wider = [c for c in spectre.fit_.candidates if c.k > 1]
    assert about["k"] == max(wider, key=lambda c: c.objective).k
    assert about["is_chosen"] is False


def test_one_single_component_makes_a_flat_picture() -> None:
    views, about = make_views(Spectre(n_poisons=3).fit(gaussian(60, 1, 0)))
    assert about["k"] == 1
    for name in ("raw", "naive", "robust"):
        assert views[name].shape == (60, 2)
        assert (views[name][:, 1] == 0).all()
        assert views[name][:, 0].std() > 0
    assert views["naive"][:, 0].var(ddof=1) == pytest.approx(1, rel=1e-5)
