"""What the defenses that need labels share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.defenses import DEFENSES, LABELLED_DEFENSES, Defense
from core.foundation.errors import InputError
from tests.core.defenses.labelled import classes
from tests.helpers import global_generators

every_defense = pytest.mark.parametrize("defense", LABELLED_DEFENSES.values(), ids=list(LABELLED_DEFENSES))
DATA = classes((100,) * 6, 15, 15, stay=0.9, seed=1)


def fitted(defense: type[Defense], rows: object, labels: object, n_poisons: int = 15) -> Defense:
    return defense(n_poisons=n_poisons, device="cpu").fit(rows, labels)


@every_defense
def test_poison_that_looks_like_its_true_class_is_found(defense: type[Defense]) -> None:
    found = fitted(defense, DATA.rows, DATA.labels)
    assert found.removed_[DATA.poison].all()
    assert found.removed_[~DATA.poison].sum() <= 8  # half as many again, at most
    assert (found.scores_.shape, found.scores_.dtype) == ((600,), np.float64)
    assert found.scores_[found.removed_].min() > found.scores_[~found.removed_].max()


@every_defense
def test_nothing_is_drawn_from_the_global_generators(defense: type[Defense]) -> None:
    before = global_generators()
    fitted(defense, DATA.rows, DATA.labels)
    assert global_generators() == before


@every_defense
def test_the_names_of_the_classes_and_the_order_of_rows_do_not_matter(defense: type[Defense]) -> None:
    expected = fitted(defense, DATA.rows, DATA.labels)
    names = np.array([7, -3, 1000, 12, 5, 6])
    order = np.random.default_rng(2).permutation(600)
    found = fitted(defense, DATA.rows[order], names[DATA.labels][order])
    np.testing.assert_array_equal(found.removed_, expected.removed_[order])
    np.testing.assert_allclose(found.scores_, expected.scores_[order], rtol=1e-6, atol=1e-6)


@every_defense
@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (1.0, 1000.0)])
def test_scale_and_origin_do_not_matter(defense: type[Defense], scale: float, offset: float) -> None:
    expected = fitted(defense, DATA.rows, DATA.labels)
    found = fitted(defense, DATA.rows * scale + offset, DATA.labels)
    np.testing.assert_array_equal(found.removed_, expected.removed_)


@every_defense
@pytest.mark.parametrize("dtype", ["int16", "float16", "float32", ">f4", "longdouble"])
def test_every_type_of_number_gives_the_scores_of_float64(defense: type[Defense], dtype: str) -> None:
    coarse = np.round(DATA.rows * 8)
    expected = fitted(defense, coarse, DATA.labels)
    np.testing.assert_array_equal(fitted(defense, coarse.astype(dtype), DATA.labels).scores_, expected.scores_)


@every_defense
def test_layouts_and_kinds_of_labels_do_not_matter(defense: type[Defense], tmp_path: Path) -> None:
    expected = fitted(defense, DATA.rows, DATA.labels)
    np.save(tmp_path / "wide.npy", np.repeat(DATA.rows, 2, axis=1))
    gaps = np.load(tmp_path / "wide.npy", mmap_mode="r")[:, ::2]
    for rows in (np.asfortranarray(DATA.rows), gaps, DATA.rows.tolist()):
        for labels in (DATA.labels.astype(float), DATA.labels.tolist(), DATA.labels.astype(np.uint8)):
            np.testing.assert_array_equal(fitted(defense, rows, labels).scores_, expected.scores_)


@every_defense
def test_budget_zero_removes_nothing(defense: type[Defense]) -> None:
    found = fitted(defense, DATA.rows, DATA.labels, 0)
    assert not found.removed_.any()
    assert found.scores_[DATA.poison].min() > np.median(found.scores_)


BAD_LABELS = {
    "none": (None, "requires y"),
    "too few": (DATA.labels[:-1], "600 rows"),
    "two columns": (np.stack([DATA.labels, DATA.labels], 1), "600 rows"),
    "words": (DATA.labels.astype(str), "whole numbers"),
    "objects": (DATA.labels.astype(object), "whole numbers"),
    "truth values": (DATA.poison, "whole numbers"),
    "halves": (DATA.labels / 2, "label 0.5 of row 100 is not a whole number"),
    "not a number": (np.where(np.arange(600) == 7, np.nan, DATA.labels), "label nan of row 7"),
    "infinite": (np.where(np.arange(600) == 7, np.inf, DATA.labels), "label inf of row 7"),
    "too large to be exact": (
        np.where(np.arange(600) == 7, 2.0**53, DATA.labels),
        "row 7 is not a whole number below 2\\*\\*53",
    ),
    "beyond signed": (np.full(600, 2**64 - 1, np.uint64), "row 0 is not a whole number below 2\\*\\*63"),
    "one class": (np.ones(600, int), "at least 2 classes"),
}


@every_defense
@pytest.mark.parametrize(("labels", "words"), BAD_LABELS.values(), ids=BAD_LABELS.keys())
def test_bad_labels_are_refused_in_one_line(defense: type[Defense], labels: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        fitted(defense, DATA.rows, labels)
    assert "\n" not in str(caught.value)


@every_defense
def test_a_bad_value_is_named_by_row(defense: type[Defense]) -> None:
    rows = DATA.rows.copy()
    rows[431, 2] = np.inf
    with pytest.raises(InputError, match="row 431"):
        fitted(defense, rows, DATA.labels)


@every_defense
def test_it_judges_the_rows_of_its_fit_only(defense: type[Defense]) -> None:
    found = fitted(defense, DATA.rows, DATA.labels)
    for method in ("predict", "score_samples", "decision_function"):
        assert not hasattr(found, method)
    verdict = defense(n_poisons=15, device="cpu").fit_predict(DATA.rows, DATA.labels)
    np.testing.assert_array_equal(verdict == -1, found.removed_)


DEGENERATE = {
    "a class of one row": (DATA.rows[:31], [0] * 15 + [1] * 15 + [2]),
    "many duplicates": (np.repeat(DATA.rows[:20], 10, axis=0), np.arange(200) % 7),
    "low rank": (DATA.rows[:, :2] @ np.ones((2, 40)), DATA.labels),
    "one column": (DATA.rows[:, :1], DATA.labels),
}


@every_defense
@pytest.mark.parametrize(("rows", "labels"), DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_rows_are_scored(defense: type[Defense], rows: np.ndarray, labels: object) -> None:
    found = fitted(defense, rows, labels, 1)
    assert np.isfinite(found.scores_).all()
    assert not found.removed_.all()


@every_defense
@pytest.mark.parametrize("rows", [np.ones((40, 3)), np.eye(2)], ids=["equal rows", "two rows"])
def test_nothing_to_compare_is_an_error_of_one_line_or_scores(defense: type[Defense], rows: np.ndarray) -> None:
    try:
        assert np.isfinite(fitted(defense, rows, np.arange(len(rows)) % 2, 0).scores_).all()
    except InputError as problem:
        said = str(problem)
        assert said == "all rows of each class are equal, so there is nothing to tell them apart by"


def test_the_two_catalogues_hold_each_kind() -> None:
    """The pipeline hands the rows of one class, without labels, to whatever is in DEFENSES."""
    assert not any(defense.needs_labels for defense in DEFENSES.values())
    assert all(defense.needs_labels for defense in LABELLED_DEFENSES.values())
    assert not set(DEFENSES) & set(LABELLED_DEFENSES)
