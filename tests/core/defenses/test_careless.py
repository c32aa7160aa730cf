"""What a new defense gives is checked: a mistake of its author is one line, and a fit that failed leaves no halves of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from core.defenses import DEFENSES, Defense, Spectre
from core.foundation.errors import InputError
from core.robust import Components

X = np.random.default_rng(0).normal(size=(40, 4))
SCORES, MARKS = torch.arange(40.0), torch.arange(40) > 36


@dataclass(eq=False, repr=False)
class Careless(Defense):
    key: ClassVar[str] = "careless"
    does: ClassVar[Callable[[Careless], None]]

    def _fit(self, x: Tensor, given: Components | None) -> None:
        type(self).does(self)


@dataclass(eq=False, repr=False)
class Unfinished(Defense):
    key: ClassVar[str] = "unfinished"


def result(scores: Any = SCORES, removed: Any = MARKS, record: Any = None) -> Callable[[Careless], None]:
    return lambda defense: defense._set_result(scores, removed, {} if record is None else record)


CARELESS: dict[str, tuple[Callable[[Careless], None], str]] = {
    "no result": (lambda defense: None, "gives no result; let its fit end with _set_result"),
    "NumPy scores": (result(SCORES.numpy()), "gives ndarray, Tensor, dict; _set_result takes two tensors and a dictionary"),
    "a list of marks": (result(removed=[True] * 40), "gives Tensor, list, dict"),
    "a record in words": (result(record="all went well"), "gives Tensor, Tensor, str"),
    "scores of one column": (result(SCORES[:, None]), r"gives scores \(40, 1\)"),
    "marks in numbers": (result(removed=MARKS.float()), "float32 marks"),
    "fewer of both": (result(SCORES[:9], MARKS[:9]), r"gives scores \(9,\) and bool marks \(9,\) for 40 rows"),
    "one mark": (result(removed=torch.tensor(True)), r"bool marks \(\)"),
    "scores without end": (result(SCORES / 0), "scores that are not finite"),
}  # fmt: skip


@pytest.mark.parametrize(("does", "message"), CARELESS.values(), ids=list(CARELESS))
def test_a_mistake_is_one_line(does: Callable[[Careless], None], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Careless, "does", staticmethod(does), raising=False)
    with pytest.raises(InputError, match=f"Careless {message}|Careless gives .*{message}"):
        Careless(n_poisons=2).fit(X)


def test_what_is_not_written_yet_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"Unfinished has no _fit\(x, given\)"):
        Unfinished().fit(X)
    monkeypatch.setattr(Careless, "does", staticmethod(result()), raising=False)
    with pytest.raises(InputError, match=r"Careless has no _suspicion\(x\)"):
        Careless().fit(X).score_samples(X)


def test_a_fit_that_fails_leaves_the_one_before_whole() -> None:
    defense = Spectre(n_poisons=3, device="cpu").fit(pd.DataFrame(X, columns=list("abcd")))
    before = dict(vars(defense))
    with pytest.raises(InputError, match="equal"):
        defense.fit(np.ones((30, 7)))
    assert vars(defense).keys() == before.keys()
    assert all(vars(defense)[name] is value for name, value in before.items())
    defense.score_samples(pd.DataFrame(X, columns=list("abcd")))


def test_a_new_fit_forgets_what_the_one_before_knew() -> None:
    defense = Spectre(n_poisons=3, device="cpu").fit(pd.DataFrame(X, columns=list("abcd")))
    defense.fit(X[:, :3])
    assert not hasattr(defense, "feature_names_in_")
    assert defense.n_features_in_ == 3


@pytest.mark.parametrize("key", ["spectre", "spectral", "mahalanobis"])
def test_rows_too_near_each_other_to_compute_with_are_not_called_equal(key: str) -> None:
    with pytest.raises(InputError, match="rows lie 5e-200 apart at most, too little to compute with"):
        DEFENSES[key](n_poisons=3, device="cpu").fit(np.where(np.arange(40)[:, None] % 2, 5e-200, 0) * np.ones(4))
    with pytest.raises(InputError, match="rows are equal"):
        DEFENSES[key](n_poisons=3, device="cpu").fit(np.full((40, 4), 7.0))


def test_masked_values_and_names_that_are_no_words_are_one_line() -> None:
    masked = np.ma.masked_array(X, mask=X > 2)
    with pytest.raises(InputError, match="values are masked"):
        Spectre(n_poisons=3, device="cpu").fit(masked)
    Spectre(n_poisons=3, device="cpu").fit(np.ma.masked_array(X))  # nothing is masked
    with pytest.raises(InputError, match="Feature names are only supported if all"):
        Spectre(n_poisons=3, device="cpu").fit(pd.DataFrame(X, columns=["a", 1, "b", 2]))
