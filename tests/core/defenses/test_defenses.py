"""The defenses as scikit-learn estimators."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from core.defenses import DEFENSES, Defense, SpectralSignatures, Spectre, shared_components
from core.foundation.errors import InputError
from tests import reference
from tests.helpers import anisotropic, contaminated, gaussian, global_generators

every_defense = pytest.mark.parametrize("defense", DEFENSES.values(), ids=lambda d: d.__name__)


def on_cpu(defense: type, **parameters: object) -> object:
    return defense(device="cpu", **parameters)


# ---- the interface ------------------------------------------------------------------------------------------------


@every_defense
def test_fit_gives_scores_and_a_mask(defense: type) -> None:
    data = contaminated(200, 12, 15, strength=9.0, seed=1)
    fitted = on_cpu(defense, n_poisons=15).fit(data.rows)
    assert fitted.scores_.shape == (200,)
    assert fitted.scores_.dtype == np.float64
    assert fitted.removed_.shape == (200,)
    assert fitted.removed_.dtype == np.bool_
    assert fitted.removed_[data.poison].all()


@every_defense
def test_higher_scores_are_more_suspicious(defense: type) -> None:
    data = contaminated(200, 12, 15, strength=9.0, seed=2)
    fitted = on_cpu(defense, n_poisons=15).fit(data.rows)
    assert fitted.scores_[fitted.removed_].min() >= fitted.scores_[~fitted.removed_].max()
    assert fitted.scores_[data.poison].min() > np.median(fitted.scores_)


@every_defense
def test_score_samples_is_the_negative_and_predict_follows_the_mask(defense: type) -> None:
    data = contaminated(200, 12, 15, strength=6.0, spread=True, seed=3)
    fitted = on_cpu(defense, n_poisons=15).fit(data.rows)
    np.testing.assert_allclose(fitted.score_samples(data.rows), -fitted.scores_, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(fitted.predict(data.rows), np.where(fitted.removed_, -1, 1))
    np.testing.assert_array_equal(
        on_cpu(defense, n_poisons=15).fit_predict(data.rows), np.where(fitted.removed_, -1, 1)
    )


@every_defense
def test_new_rows_are_judged_without_a_new_fit(defense: type) -> None:
    data = contaminated(300, 12, 20, strength=9.0, seed=4)
    fitted = on_cpu(defense, n_poisons=20).fit(data.rows)
    poison = data.rows[data.poison][:3]
    assert (fitted.predict(poison) == -1).all()
    assert (fitted.predict(np.zeros((1, 12))) == 1).all()


@every_defense
def test_nothing_is_drawn_from_the_global_generators(defense: type) -> None:
    before = global_generators()
    on_cpu(defense, n_poisons=15).fit(contaminated(200, 12, 15, strength=4.0, seed=1).rows)
    assert global_generators() == before


@every_defense
def test_parameters_survive_a_clone(defense: type) -> None:
    original = on_cpu(defense, n_poisons=7)
    assert original.get_params()["n_poisons"] == 7
    assert clone(original).get_params() == original.get_params()
    assert clone(original.set_params(n_poisons=9)).n_poisons == 9


@every_defense
def test_ground_truth_cannot_reach_a_filter(defense: type) -> None:
    """`y` is accepted for scikit-learn's sake and ignored: the poison's identity as `y` changes nothing."""
    data = contaminated(150, 10, 12, strength=4.0, spread=True, seed=5)
    blind = on_cpu(defense, n_poisons=12).fit(data.rows)
    told = on_cpu(defense, n_poisons=12).fit(data.rows, data.poison)
    np.testing.assert_array_equal(blind.removed_, told.removed_)
    np.testing.assert_array_equal(blind.scores_, told.scores_)
    words = ("truth", "mask", "label", "target", "poisoned", "backdoor")
    for parameter in (*inspect.signature(defense).parameters, *inspect.signature(defense.fit).parameters):
        assert not any(word in parameter.lower() for word in words)


@every_defense
def test_budget_zero_removes_nothing(defense: type) -> None:
    data = contaminated(120, 10, 8, strength=9.0, seed=6)
    fitted = on_cpu(defense, n_poisons=0).fit(data.rows)
    assert not fitted.removed_.any()
    assert (fitted.predict(data.rows) == 1).all()


@every_defense
def test_scaling_features_by_a_hundredth_changes_nothing(defense: type) -> None:
    data = contaminated(200, 12, 15, strength=7.0, seed=7)
    first = on_cpu(defense, n_poisons=15).fit(data.rows)
    second = on_cpu(defense, n_poisons=15).fit(data.rows * 0.01)
    np.testing.assert_array_equal(first.removed_, second.removed_)


@every_defense
def test_far_from_the_origin_changes_nothing(defense: type) -> None:
    """Several public versions forget to centre the scores; on activations, which are positive, that ruins them."""
    data = contaminated(200, 12, 15, strength=7.0, seed=8)
    first = on_cpu(defense, n_poisons=15).fit(data.rows)
    second = on_cpu(defense, n_poisons=15).fit(data.rows + 1000.0)
    np.testing.assert_array_equal(first.removed_, second.removed_)
    np.testing.assert_allclose(first.scores_, second.scores_, rtol=1e-6, atol=1e-8)


# ---- the defenses of the paper ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_spectre_equals_the_reference(seed: int) -> None:
    data = anisotropic(160, 16, 12, strength=7.0, seed=seed)
    fitted = on_cpu(Spectre, n_poisons=12).fit(data.rows)
    slow = reference.spectre(data.rows, 12)
    np.testing.assert_array_equal(fitted.removed_, slow["removed"])
    np.testing.assert_allclose(fitted.scores_, slow["scores"], rtol=1e-6)


@pytest.mark.parametrize("m", [1, 5, 12])
def test_spectral_signatures_equals_the_reference(m: int) -> None:
    data = contaminated(150, 30, 12, strength=4.0, seed=9)
    fitted = on_cpu(SpectralSignatures, n_poisons=m).fit(data.rows + 50.0)
    slow = reference.spectral_signatures(data.rows, m)
    np.testing.assert_allclose(fitted.scores_, slow["scores"], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(fitted.removed_, slow["removed"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_spectre_finds_what_spectral_signatures_miss(seed: int) -> None:
    """Of 20 poisons along the weakest axis: at most 4 by the baseline, at least 19 by SPECTRE."""
    data = anisotropic(300, 20, 20, strength=7.0, seed=seed)
    assert on_cpu(SpectralSignatures, n_poisons=20).fit(data.rows).removed_[data.poison].sum() <= 4
    assert on_cpu(Spectre, n_poisons=20).fit(data.rows).removed_[data.poison].sum() >= 19


# ---- principal components that are at hand ------------------------------------------------------------------------


@every_defense
@pytest.mark.parametrize(("n", "d"), [(300, 20), (60, 200), (1500, 40)])
def test_shared_components_change_nothing_but_the_time(
    defense: type[Defense], n: int, d: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = contaminated(n, d, n // 20, strength=8.0, seed=n)
    new = gaussian(10, d, seed=3)
    alone = on_cpu(defense, n_poisons=n // 20).fit(data.rows)
    shared = shared_components(data.rows, [on_cpu(entry, n_poisons=n // 20) for entry in DEFENSES.values()])
    for module in ("core.defenses.base", "core.robust.spectre"):
        monkeypatch.setattr(f"{module}.principal_components", lambda *_: pytest.fail("computed again"))
    together = on_cpu(defense, n_poisons=n // 20).fit(data.rows, components=shared)
    np.testing.assert_array_equal(together.removed_, alone.removed_)
    np.testing.assert_allclose(together.scores_, alone.scores_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(together.score_samples(new), alone.score_samples(new), rtol=1e-6, atol=1e-9)


@every_defense
def test_components_of_other_rows_are_refused(defense: type[Defense]) -> None:
    rows = gaussian(60, 8, seed=1)
    for others in (rows[:59], rows[:, :7]):
        shared = shared_components(others, [on_cpu(defense)])
        with pytest.raises(InputError, match="the principal components are those of other rows"):
            on_cpu(defense, n_poisons=3).fit(rows, components=shared)


@every_defense
def test_fewer_components_than_a_defense_looks_at_are_computed_anew(defense: type[Defense]) -> None:
    data = contaminated(300, 20, 15, strength=8.0, seed=5)
    few = shared_components(data.rows, [on_cpu(SpectralSignatures)])
    found = on_cpu(defense, n_poisons=15).fit(data.rows, components=few)
    np.testing.assert_array_equal(found.removed_, on_cpu(defense, n_poisons=15).fit(data.rows).removed_)


# ---- bad input ----------------------------------------------------------------------------------------------------


def message_of(defense: type, rows: np.ndarray, n_poisons: int) -> str:
    with pytest.raises(InputError) as caught:
        on_cpu(defense, n_poisons=n_poisons).fit(rows)
    assert isinstance(caught.value, ValueError)
    message = str(caught.value)
    assert "\n" not in message
    return message


@every_defense
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_non_finite_value_is_an_error_that_names_the_row(defense: type, bad: float, dtype: type) -> None:
    rows = gaussian(40, 6, seed=13).astype(dtype)
    rows[17, 3] = bad
    assert "17" in message_of(defense, rows, 3)


@every_defense
def test_infinities_of_both_signs_are_an_error_and_no_warning(defense: type) -> None:
    rows = gaussian(40, 6, seed=14)
    rows[17, 3], rows[20, 2] = np.inf, -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "17" in message_of(defense, rows, 3)


@every_defense
def test_values_too_large_to_square_are_an_error_or_work(defense: type) -> None:
    """Finite, but their squares are not: never a LinAlgError, and never scores that are not numbers."""
    try:
        fitted = on_cpu(defense, n_poisons=3).fit(1e160 * gaussian(40, 6, seed=15))
    except InputError:
        return
    assert np.isfinite(fitted.scores_).all()
    assert fitted.removed_.sum() < 40


@every_defense
def test_one_row_is_refused(defense: type) -> None:
    assert "2 rows" in message_of(defense, gaussian(1, 6, seed=16), 0)


@every_defense
def test_two_rows_are_enough(defense: type) -> None:
    fitted = on_cpu(defense, n_poisons=0).fit(gaussian(2, 6, seed=17))
    assert fitted.scores_.shape == (2,)
    assert not fitted.removed_.any()


@every_defense
def test_negative_count_is_refused(defense: type) -> None:
    assert "-1" in message_of(defense, gaussian(40, 6, seed=18), -1)


@every_defense
@pytest.mark.parametrize(("n", "m"), [(40, 21), (41, 21)])
def test_more_than_half_is_refused(defense: type, n: int, m: int) -> None:
    assert str(m) in message_of(defense, gaussian(n, 6, seed=19), m)


@every_defense
def test_exactly_half_is_accepted(defense: type) -> None:
    assert np.isfinite(on_cpu(defense, n_poisons=20).fit(gaussian(40, 30, seed=20)).scores_).all()


@every_defense
@pytest.mark.parametrize("rows", [np.zeros(5), np.zeros((3, 2, 2)), np.zeros((0, 4)), np.zeros((4, 0))])
def test_wrong_shapes_are_refused(defense: type, rows: np.ndarray) -> None:
    message_of(defense, rows, 0)


@every_defense
@pytest.mark.parametrize("value", [1.0, 0.7])
def test_equal_rows_are_never_all_removed(defense: type, value: float) -> None:
    """Every row ties for the largest score: an error, or nothing removed, but never the whole class."""
    try:
        fitted = on_cpu(defense, n_poisons=5).fit(np.full((47, 6), value))
    except InputError:
        return
    assert fitted.removed_.sum() <= 8


@every_defense
def test_scores_before_a_fit_are_refused(defense: type) -> None:
    with pytest.raises(InputError, match="fit"):
        on_cpu(defense, n_poisons=1).score_samples(gaussian(5, 3, seed=21))


@every_defense
def test_other_number_of_features_is_refused(defense: type) -> None:
    fitted = on_cpu(defense, n_poisons=3).fit(gaussian(40, 6, seed=22))
    with pytest.raises(InputError, match="6"):
        fitted.predict(gaussian(5, 4, seed=23))


def test_too_many_components_are_refused_with_the_mend() -> None:
    with pytest.raises(InputError, match="lower k"):
        on_cpu(Spectre, n_poisons=3, n_components=7).fit(gaussian(40, 6, seed=24))


def test_a_rescore_is_a_copy() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 6))
    fitted = Spectre(n_poisons=3).fit(rows)
    before = fitted.scores_.copy()
    fitted.rescore()[:] = 0
    np.testing.assert_array_equal(fitted.scores_, before)
