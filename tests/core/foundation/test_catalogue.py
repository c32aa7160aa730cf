from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from core.attacks import ATTACKS
from core.datasets import DATASETS
from core.defenses import DEFENSES, LABELLED_DEFENSES
from core.foundation.catalogue import Catalogue
from core.foundation.errors import InputError
from core.foundation.params import param
from core.models import MODELS


@dataclass(frozen=True)
class Apple:
    key: ClassVar[str] = "apple"
    weight: int = param(3, "Weight", low=1)


@dataclass(frozen=True)
class Pear:
    key: ClassVar[str] = "pear"


FRUIT: Catalogue[Any] = Catalogue("fruit", Pear, Apple)


def test_entries_keep_the_order_in_which_they_are_offered() -> None:
    assert list(FRUIT) == ["pear", "apple"]
    assert len(FRUIT) == 2
    assert FRUIT["apple"] is Apple


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(InputError, match="unknown fruit 'plum'; choose from: pear, apple"):
        FRUIT["plum"]
    assert "plum" not in FRUIT
    assert "pear" in FRUIT


def test_make_parses_checks_and_names_the_entry_in_errors() -> None:
    assert FRUIT.make("apple", {"weight": "5"}) == Apple(5)
    assert FRUIT.make("apple") == Apple(3)
    with pytest.raises(InputError, match="fruit apple: weight = 0 must be at least 1"):
        FRUIT.make("apple", {"weight": 0})
    with pytest.raises(InputError, match="fruit pear has no parameter 'weight'; it has: none"):
        FRUIT.make("pear", {"weight": 1})


@pytest.mark.parametrize("catalogue", [DATASETS, ATTACKS, MODELS, DEFENSES, LABELLED_DEFENSES], ids=lambda c: c.what)
def test_what_is_offered_has_a_title_and_a_sentence(catalogue: Catalogue[Any]) -> None:
    assert len({entry.title for entry in catalogue.values()}) == len(catalogue) > 1
    for key, entry in catalogue.items():
        assert entry.key == key
        assert entry.summary.endswith(".")


@pytest.mark.parametrize("catalogue", [ATTACKS, MODELS, DEFENSES, LABELLED_DEFENSES], ids=lambda c: c.what)
def test_what_comes_from_the_literature_names_it(catalogue: Catalogue[Any]) -> None:
    for entry in catalogue.values():
        assert any(str(year) in entry.citation for year in range(1980, 2027))
