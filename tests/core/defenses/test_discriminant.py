from __future__ import annotations

import numpy as np
import pytest

from core.defenses import RobustDiscriminant
from tests.core.defenses.labelled import classes


def on_cpu(n_poisons: int = 20, **parameters: object) -> RobustDiscriminant:
    return RobustDiscriminant(n_poisons=n_poisons, device="cpu", **parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_label_errors_of_every_class_are_found_with_the_class_they_are_of(seed: int) -> None:
    data = classes((150,) * 5, seed=seed)
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(data.labels), 30, replace=False)
    labels = data.labels.copy()
    labels[wrong] = (data.labels[wrong] + rng.integers(1, 5, 30)) % 5
    found = on_cpu(30, rule="nearest").fit(data.rows, labels)
    np.testing.assert_array_equal(np.flatnonzero(found.removed_), np.sort(wrong))
    np.testing.assert_array_equal(found.sources_[wrong], data.labels[wrong])
    np.testing.assert_array_equal(found.scores_ > 0, found.removed_)


def test_by_budget_no_row_goes_that_lies_with_its_own_class() -> None:
    data = classes((150,) * 5, 10, 10, stay=0.9, seed=4)
    found = on_cpu(100).fit(data.rows, data.labels)
    np.testing.assert_array_equal(found.removed_, data.poison)
    assert found.record_["nearer_to_another"] == 10
    few = on_cpu(4).fit(data.rows, data.labels)
    assert few.removed_.sum() == 6
    assert few.removed_[~data.poison].sum() == 0


def test_poison_in_the_midst_of_its_own_label_is_never_found() -> None:
    data = classes((150,) * 5, 20, 20, shift=2.0, noise=0.1, seed=3)
    assert on_cpu(20).fit(data.rows, data.labels).removed_[data.poison].sum() == 0


def test_one_row_a_thousand_times_too_large_moves_no_other_verdict() -> None:
    data = classes((150,) * 5, 20, 20, stay=0.9, seed=5)
    rows = data.rows.copy()
    clean = int(np.flatnonzero(~data.poison)[0])
    rows[clean] *= 50
    expected, found = (on_cpu(rule="nearest").fit(x, data.labels) for x in (data.rows, rows))
    others = np.arange(len(rows)) != clean
    np.testing.assert_array_equal(found.removed_[others], expected.removed_[others])


def test_few_rows_lower_the_number_of_components_and_say_so() -> None:
    data = classes((20,) * 3, 3, 3, seed=6)
    found = on_cpu(3).fit(np.hstack([data.rows] * 8), data.labels)
    assert "lowered from 128 to 14" in found.record_["warnings"][0]
