"""Door: text fields, of the pages and of JSON: what is typed becomes a value within its limits, or one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from core.attacks import ATTACKS
from core.audit.assumed import assumed
from core.datasets import DATASETS
from core.defenses import DEFENSES
from core.foundation.catalogue import Catalogue
from core.foundation.devices import resolve
from core.foundation.params import Param, describe
from core.models import MODELS
from core.models.brought import open_network
from tests.hostile.cases import BROKEN, ESCAPE, MARKUP, refused

TYPED = ("", " ", "nan", "inf", "-inf", "1e999", "9" * 5000, "-1", "0x10", "1_000", "1,5", "None", "[]", "{}", MARKUP, ESCAPE, BROKEN, "\0", "../..", "٣", "½", "=1+1")  # fmt: skip
VALUES: tuple[Any, ...] = (*TYPED, None, True, float("nan"), float("inf"), 10**30, -(10**30), [], {}, [1], b"x", object)
CATALOGUES: tuple[Catalogue[Any], ...] = (ATTACKS, DATASETS, DEFENSES, MODELS)


def taken(catalogue: Catalogue[Any], key: str, one: Param, value: Any) -> Any:
    """The value as the entry has it."""
    return getattr(catalogue.make(key, {one.name: value}), one.name)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda one: one.what.replace(" ", "-"))
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_an_option_is_within_its_limits_or_refused(catalogue: Catalogue[Any], value: Any) -> None:
    for key, entry in catalogue.items():
        for one in describe(entry):
            try:
                found = taken(catalogue, key, one, value)
            except ValueError:
                refused(lambda key=key, one=one: taken(catalogue, key, one, value))
                continue
            assert found is None or isinstance(found, one.type | int)
            if isinstance(found, float | int) and not isinstance(found, bool):
                assert math.isfinite(found)
                assert one.low is None or found >= one.low
                assert one.high is None or found <= one.high


CALLS: dict[str, Callable[[str], Any]] = {
    "poisons": lambda text: refused(lambda: assumed(text)) if text != "-1" else None,
    "device": lambda text: refused(lambda: resolve(text)),
    "model": lambda text: refused(lambda: open_network(text)),
    "data set": lambda text: refused(lambda: DATASETS.make(text, {})),
    "option": lambda text: refused(lambda: ATTACKS.make("patch", {text: 1})),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("text", [text for text in TYPED if text not in ("٣", "1_000")], ids=range(len(TYPED) - 2))
def test_what_is_typed_is_refused_in_one_line(call: Callable[[str], Any], text: str) -> None:
    call(text)
