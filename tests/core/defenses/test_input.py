"""Features as they come: other number types, layouts and files, names of columns, degenerate tables."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ml_dtypes import bfloat16
from scipy import sparse
from sklearn.exceptions import NotFittedError

from core.defenses import DEFENSES, Defense, Spectre
from core.foundation.errors import InputError
from tests.helpers import contaminated, gaussian

every_defense = pytest.mark.parametrize("defense", DEFENSES.values(), ids=list(DEFENSES))
DATA = contaminated(90, 8, 8, strength=8.0, seed=1)
COARSE = np.round(DATA.rows * 4)  # whole numbers that every type below holds exactly


def fitted(defense: type[Defense], rows: object, n_poisons: int = 8) -> Defense:
    return defense(n_poisons=n_poisons, device="cpu").fit(rows)


def same_verdict(one: Defense, other: Defense) -> None:
    np.testing.assert_array_equal(one.scores_, other.scores_)
    np.testing.assert_array_equal(one.removed_, other.removed_)


@every_defense
@pytest.mark.parametrize("dtype", ["int8", "int16", "int64", "float16", "float32", "longdouble", ">f4", object])
def test_every_type_of_number_gives_the_scores_of_float64(defense: type[Defense], dtype: object) -> None:
    same_verdict(fitted(defense, COARSE), fitted(defense, COARSE.astype(dtype)))


@every_defense
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.int32])
def test_tensors_give_the_scores_of_arrays(defense: type[Defense], kind: torch.dtype) -> None:
    """As they come out of a network: with a gradient, in half precision or bfloat16, which NumPy does not know."""
    rows = torch.from_numpy(np.clip(COARSE, -128, 127)).to(
        kind
    )  # whole numbers up to 2**7: bfloat16 holds them exactly
    if kind.is_floating_point:
        rows.requires_grad_()
    same_verdict(fitted(defense, np.clip(COARSE, -128, 127)), fitted(defense, rows))


@every_defense
def test_arrays_in_bfloat16_are_numbers(defense: type[Defense]) -> None:
    rows = np.clip(COARSE, -128, 127)
    same_verdict(fitted(defense, rows), fitted(defense, rows.astype(bfloat16)))


def test_new_rows_may_be_tensors() -> None:
    spectre = fitted(DEFENSES["spectre"], COARSE)
    rows = torch.from_numpy(COARSE).requires_grad_()
    np.testing.assert_array_equal(spectre.score_samples(rows), spectre.score_samples(COARSE))


def test_a_sparse_tensor_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="sparse features are not supported"):
        fitted(DEFENSES["spectre"], torch.from_numpy(COARSE).to_sparse())


def layouts(rows: np.ndarray, folder: Path) -> dict[str, object]:
    wide = np.zeros((2 * len(rows), 2 * rows.shape[1]), rows.dtype)
    wide[::2, ::2] = rows
    np.save(folder / "wide.npy", wide)
    return {
        "Fortran order": np.asfortranarray(rows),
        "every other row and column": wide[::2, ::2],
        "reversed twice": rows[::-1].copy()[::-1],
        "read-only memmap with gaps": np.load(folder / "wide.npy", mmap_mode="r")[::2, ::2],
        "lists": rows.tolist(),
        "data frame": pd.DataFrame(rows),
    }


@every_defense
def test_the_layout_in_memory_does_not_matter(defense: type[Defense], tmp_path: Path) -> None:
    expected = fitted(defense, DATA.rows)
    for rows in layouts(DATA.rows, tmp_path).values():
        same_verdict(expected, fitted(defense, rows))


@every_defense
def test_the_input_is_left_as_it_was(defense: type[Defense]) -> None:
    rows = DATA.rows.copy()
    fitted(defense, rows).score_samples(rows)
    np.testing.assert_array_equal(rows, DATA.rows)


@every_defense
def test_constant_columns_change_nothing(defense: type[Defense]) -> None:
    plain = fitted(defense, DATA.rows)
    padded = fitted(defense, np.hstack([np.zeros((90, 3)), DATA.rows, np.full((90, 2), 7.5)]))
    np.testing.assert_array_equal(plain.removed_, padded.removed_)
    np.testing.assert_allclose(plain.scores_, padded.scores_, rtol=1e-6, atol=1e-8)


@every_defense
@pytest.mark.parametrize("copies", [2, 5])
def test_duplicated_rows_are_scored_alike(defense: type[Defense], copies: int) -> None:
    rows = np.repeat(contaminated(60, 8, 5, strength=9.0, seed=2).rows, copies, axis=0)
    scores = fitted(defense, rows, 5 * copies).scores_.reshape(60, copies)
    np.testing.assert_allclose(scores, scores[:, :1].repeat(copies, 1), rtol=1e-6, atol=1e-8)


@every_defense
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_many_equal_rows_are_no_crash(defense: type[Defense], share: float) -> None:
    """Dead units make equal rows; where they are the majority, robust covariances do not exist."""
    rows = gaussian(100, 10, seed=3)
    rows[: round(100 * share)] = rows[0]
    found = fitted(defense, rows, 5)
    assert np.isfinite(found.scores_).all()
    assert not found.removed_.all()


@every_defense
def test_rows_of_low_rank_are_scored(defense: type[Defense]) -> None:
    rows = gaussian(80, 2, seed=4) @ gaussian(2, 30, seed=5)
    found = fitted(defense, rows, 4)
    assert np.isfinite(found.scores_).all()
    assert found.removed_.sum() < 40


@every_defense
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (sparse.csr_array(np.eye(5)), "sparse"),
        (np.eye(5) * 1j, "Complex"),
        (np.array([["a", "b"], ["c", "d"]]), "must be numbers, not <U1"),
        (np.array([["a", "b"], ["c", "d"]], object), "must be numbers, not object"),
        (np.array([[1, 2], [None, 3]], object), "row 1 has a value that is not finite"),
        (np.zeros(5), "Reshape"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused_in_one_line(defense: type[Defense], rows: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        fitted(defense, rows, 1)
    assert "\n" not in str(caught.value)


@every_defense
def test_a_bad_value_is_named_by_row_in_predict_too(defense: type[Defense]) -> None:
    rows = DATA.rows.copy()
    rows[33, 2] = np.nan
    with pytest.raises(InputError, match=r"row 33 .*NaN or inf"):
        fitted(defense, DATA.rows).predict(rows)


@every_defense
def test_before_the_fit_both_kinds_of_error_fit(defense: type[Defense]) -> None:
    for error in (InputError, NotFittedError):
        with pytest.raises(error, match="call fit first"):
            defense().decision_function(DATA.rows)


@every_defense
def test_names_of_columns_are_remembered_and_held_against_others(defense: type[Defense]) -> None:
    frame = pd.DataFrame(DATA.rows, columns=[f"unit {i}" for i in range(8)])
    found = fitted(defense, frame)
    assert list(found.feature_names_in_) == list(frame.columns)
    with pytest.raises(InputError, match="feature names") as caught:
        found.predict(frame.rename(columns={"unit 3": "other"}))
    assert "\n" not in str(caught.value)


@every_defense
def test_parameters_are_checked_at_the_fit(defense: type[Defense]) -> None:
    """Not in the constructor, as scikit-learn has it: set_params must be able to mend them."""
    with pytest.raises(InputError, match=r"n_poisons = 2.5 is not a whole number"):
        fitted(defense, DATA.rows, 2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("strange", ["8", torch.tensor(8), True, [8]])
@every_defense
def test_what_is_no_number_is_said_to_be_none(defense: type[Defense], strange: object) -> None:
    """A command gets words, a program has types: what works by chance at the check does not in the fit."""
    with pytest.raises(InputError, match=r"n_poisons = .* is not a number"):
        fitted(defense, DATA.rows, strange)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [8, np.int64(8), np.float32(8)])
def test_numbers_of_numpy_are_numbers(number: object) -> None:
    same_verdict(fitted(Spectre, DATA.rows, number), fitted(Spectre, DATA.rows, 8))  # type: ignore[arg-type]


@pytest.mark.parametrize("alpha", [float("nan"), -1.0, 101.0, float("inf"), "x"])
def test_scores_at_another_alpha_are_asked_for_within_its_limits(alpha: float) -> None:
    found = fitted(Spectre, DATA.rows)
    with pytest.raises(InputError, match="alpha"):
        found.rescore(alpha=alpha)
    assert np.isfinite(found.rescore(alpha=0.0)).all()


@every_defense
def test_a_second_fit_forgets_the_first(defense: type[Defense]) -> None:
    again = fitted(defense, gaussian(60, 5, seed=6), 3).set_params(n_poisons=8).fit(DATA.rows)
    same_verdict(again, fitted(defense, DATA.rows))
    assert again.n_features_in_ == 8


@every_defense
def test_decision_function_is_score_samples_moved_by_the_offset(defense: type[Defense]) -> None:
    found = fitted(defense, DATA.rows)
    decision = found.decision_function(DATA.rows)
    np.testing.assert_allclose(decision, found.score_samples(DATA.rows) - found.offset_)
    np.testing.assert_array_equal(decision < 0, found.removed_)


@every_defense
def test_a_fitted_defense_survives_pickling(defense: type[Defense]) -> None:
    found = fitted(defense, DATA.rows)
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own object, made a line above
    np.testing.assert_array_equal(again.predict(DATA.rows), found.predict(DATA.rows))
