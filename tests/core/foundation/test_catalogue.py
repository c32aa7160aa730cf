from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from core.attacks import ATTACKS, Attack
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
        assert re.search(r"\b(19|20)\d\d\b", entry.citation), (
            f"{entry.__name__}: say in its citation of which year it is"
        )


def made(**said: Any) -> type:
    """A pear with other words."""
    return dataclass(frozen=True)(type("Plum", (), {"__annotations__": {}, "key": "plum", **said}))


class Named:
    """What a base class asks of its entries."""

    key: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]


def test_an_entry_that_its_author_has_not_finished_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="fruit Plum: Pear has the key 'pear'; choose another"):
        Catalogue("fruit", Pear, made(key="pear"))
    with pytest.raises(InputError, match="fruit Plum: Pear has the title 'pear'; choose another"):
        Catalogue("fruit", Pear, made(title="pear"))
    with pytest.raises(InputError, match="its key 'My Plum/1' is no name for a command"):
        Catalogue("fruit", made(key="My Plum/1"))
    with pytest.raises(InputError, match="fruit Bare: it is no dataclass of its own; put @dataclass"):
        Catalogue("fruit", type("Bare", (Apple,), {}))


def test_an_entry_says_what_its_base_class_asks_for() -> None:
    @dataclass(frozen=True)
    class Untold(Named):
        key: ClassVar[str] = "untold"
        title: ClassVar[str] = "Untold"

    with pytest.raises(InputError, match="fruit Untold: it has no citation; write citation: ClassVar"):
        Catalogue("fruit", Untold)


def test_a_field_is_a_parameter_of_a_type_that_has_a_widget() -> None:
    @dataclass(frozen=True)
    class Bare:
        key: ClassVar[str] = "bare"
        stones: int = 2

    @dataclass(frozen=True)
    class Odd:
        key: ClassVar[str] = "odd"
        sizes: tuple[int, int] = param((1, 2), "Sizes")

    with pytest.raises(InputError, match="fruit Bare: stones is no parameter; write it as stones: int = param"):
        Catalogue("fruit", Bare)
    with pytest.raises(InputError, match="fruit Odd: sizes must be a bool, an int, a float or a str"):
        Catalogue("fruit", Odd)


def test_an_attack_without_a_stamp_is_refused_before_it_is_offered() -> None:
    @dataclass(frozen=True)
    class Half(Attack):
        key: ClassVar[str] = "half"

        def in_words(self) -> str:
            return "half a trigger"

    with pytest.raises(InputError, match="attack Half: it does not say its stamp; write what its base class describes"):
        Catalogue("attack", Half)
