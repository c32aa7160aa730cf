"""Settings of a run in words, for people who do not know the names in config.json. No Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMES = {
    "dataset": "data set",
    "budget": "poisons that defenses expect",
    "source": "source class",
    "target": "target class",
    "defense": "main defense",
    "device": "device asked for",
    "retrain": "retrained",
    "seeds.data": "seed of the data",
    "seeds.poison": "seed of the poison",
    "seeds.training": "seed of the training",
}


SECRET = ("poisons", "budget", "source", "target", "seeds.poison")


def tells(key: str) -> bool:
    """Whether a setting says what was poisoned, and so waits for the truth."""
    return key in SECRET or key.partition(".")[0] in ("attack", "attack_options", "poisoning")


def name(key: str) -> str:
    """ "training.learning_rate" as "learning rate", "attack.size" as "size of the attack"."""
    if key in NAMES:
        return NAMES[key]
    group, dot, option = key.replace("_", " ").partition(".")
    if group == "training":
        return option
    return f"{option} of the {NAMES.get(group, group)}" if dot else group


def value(config: Mapping[str, Any], key: str, classes: Sequence[str] = ()) -> str:
    """A setting as text, so that a column may hold numbers in one run and nothing in the next; classes by their names."""
    group, dot, option = key.partition(".")
    inner = config.get(f"{group}_options", config.get(group)) if dot else config.get(key)
    found = inner.get(option) if dot and isinstance(inner, Mapping) else inner
    if key in ("source", "target"):
        return _class_names(found, classes)
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return ", ".join(map(str, found)) or "any"
    return "–" if found in (None, "") else str(found)


def _class_names(found: Any, classes: Sequence[str]) -> str:
    if found is None:
        return "–"
    numbers = found if isinstance(found, list) else [found]
    known = [
        classes[i] if type(i) is int and 0 <= i < len(classes) else str(i)  # a run of an early version names no classes
        for i in numbers
    ]
    return ", ".join(known) or "any other class"
