from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.attacks import ATTACKS
from core.datasets import DATASETS
from core.defenses import DEFENSES, LABELLED_DEFENSES
from core.foundation.errors import InputError
from core.foundation.params import Param, build, describe, param, values_of
from core.models import MODELS
from core.training import Recipe


@dataclass(frozen=True)
class Example:
    size: int = param(3, "Side", unit="pixels", low=1, high=32)
    rate: float = param(0.5, "Share", low=0.0, high=1.0, step=0.1)
    floor: int = param(2, "At least one", low=1)
    roof: int = param(2, "At most nine", high=9)
    colour: str = param("white", "Colour", choices=("white", "red"))
    mirrored: bool = param(False, "Mirror")
    top_k: int | None = param(None, "Components", low=1)
    hidden: int = 7  # not a parameter: plain fields are nobody's business


ENTRIES = [
    *DATASETS.values(),
    *ATTACKS.values(),
    *MODELS.values(),
    *DEFENSES.values(),
    *LABELLED_DEFENSES.values(),
    Recipe,
]


def test_describe_lists_parameters_in_order_with_types_and_limits() -> None:
    described = {p.name: p for p in describe(Example)}
    assert list(described) == ["size", "rate", "floor", "roof", "colour", "mirrored", "top_k"]
    size, top_k = described["size"], described["top_k"]
    assert (size.type, size.default, size.low, size.high, size.unit, size.optional) == (int, 3, 1, 32, "pixels", False)
    assert (top_k.type, top_k.default, top_k.optional) == (int, None, True)
    assert described["rate"].step == 0.1
    assert described["colour"].choices == ("white", "red")
    assert described["mirrored"].type is bool


def test_label_is_the_name_in_words_with_its_unit() -> None:
    described = {p.name: p for p in describe(Example)}
    assert described["size"].label == "Size (pixels)"
    assert described["top_k"].label == "Top k"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("size", "5", 5),
        ("size", 5.0, 5),
        ("size", 32, 32),
        ("rate", "1e-1", 0.1),
        ("rate", 1, 1.0),
        ("colour", "red", "red"),
        ("mirrored", "yes", True),
        ("mirrored", "OFF", False),
        ("mirrored", 1, True),
        ("top_k", "none", None),
        ("top_k", "", None),
        ("top_k", None, None),
        ("top_k", "4", 4),
    ],
)
def test_values_are_parsed_as_typed_or_as_json(name: str, value: Any, expected: Any) -> None:
    parsed = getattr(build(Example, {name: value}), name)
    assert parsed == expected
    assert type(parsed) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("size", 0, "size = 0 must be between 1 and 32"),
        ("size", 33, "size = 33 must be between 1 and 32"),
        ("size", "5.5", "size = 5.5 is not a whole number"),
        ("size", 5.5, "size = 5.5 is not a whole number"),
        ("size", "big", "size = big is not a whole number"),
        ("size", [1], "is not a whole number"),
        ("size", None, "size needs a value"),
        ("size", "", "size =  is not a whole number"),
        ("rate", "half", "rate = half is not a number"),
        ("rate", math.nan, "rate is not a number"),
        ("rate", "nan", "rate is not a number"),
        ("rate", "inf", "rate = inf must be between"),
        ("floor", 0, "floor = 0 must be at least 1"),
        ("roof", 10, "roof = 10 must be at most 9"),
        ("colour", "blue", "colour = blue is not one of white, red"),
        ("mirrored", "perhaps", "mirrored = perhaps is not true or false"),
        ("top_k", 0, "top_k = 0 must be at least 1"),
        ("hidden", 3, "thing has no parameter 'hidden'; it has: size, rate"),
        ("nonsense", 3, "thing has no parameter 'nonsense'; it has: size, rate"),
    ],
)
def test_bad_values_name_the_parameter_and_the_mend(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        build(Example, {name: value}, what="thing")
    assert message in str(caught.value)
    assert str(caught.value).startswith("thing")


ANYTHING = st.one_of(
    st.text(max_size=8),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.sampled_from([p.name for p in describe(Example)]), ANYTHING)
def test_any_value_is_either_refused_or_within_its_limits(name: str, value: Any) -> None:
    try:
        made = build(Example, {name: value})
    except InputError:
        return
    p = next(p for p in describe(Example) if p.name == name)
    parsed = getattr(made, name)
    assert isinstance(parsed, p.type) or (p.optional and parsed is None)
    assert parsed is None or p.low is None or parsed >= p.low
    assert parsed is None or p.high is None or parsed <= p.high
    assert not p.choices or parsed in p.choices


@pytest.mark.parametrize("value", [math.inf, -math.inf, "1e999"])
def test_infinity_is_not_a_whole_number(value: Any) -> None:
    with pytest.raises(InputError, match="size"):
        build(Example, {"size": value})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_catalogue_entries_pass_their_own_checks_and_explain_every_parameter(entry: type) -> None:
    made = entry()
    values = values_of(made)
    assert values_of(build(entry, values)) == values
    for p in describe(entry):
        assert len(p.help) > 5, f"{p.name} is not explained"
        assert p.type in (int, float, str, bool)
        assert p.default == values[p.name]
        # A device may carry a number (cuda:1), so it is free text; `devices.resolve` checks it.
        assert p.type is not str or p.choices or p.default == "" or p.kind or p.name == "device", (
            f"{p.name}: free text needs no default"
        )


def test_a_parameter_that_hangs_on_another_matters_only_with_its_choices() -> None:
    @dataclass(frozen=True)
    class Hanging:
        place: str = param("corner", "Where", choices=("corner", "centre", "there"))
        x: int = param(0, "Left edge", when=("place", ("there",)))

    place, x = describe(Hanging)
    assert place.matters({})
    assert [x.matters({"place": p}) for p in ("corner", "centre", "there")] == [False, False, True]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_what_a_parameter_hangs_on_is_declared_before_it_with_those_choices(entry: type) -> None:
    seen: dict[str, Param] = {}
    for p in describe(entry):
        if p.when:
            assert set(p.when[1]) < set(seen[p.when[0]].choices)
        seen[p.name] = p
