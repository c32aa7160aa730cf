"""What differs between two experiments, in words. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.experiment import RunConfig, source_text

ALONE = {  # options that mean nothing beside another choice, which says enough
    "dataset": ("dataset_options", "target", "source"),
    "attack": ("attack_options", "poisoning", "source"),
    "model": ("model_options", "layer"),
    "defense": ("defense_options",),
}
NAMES = {"dataset": "data set", "attack_options": "attack", "dataset_options": "data set", "model_options": "model",
         "defense_options": "defense", "seeds": "seed of", "budget": "poisons expected"}  # fmt: skip


def changes(before: RunConfig, after: RunConfig) -> list[str]:
    """ "poisons 50 → 15", one for each entry of two resolved configs that differs."""
    old, new = before.as_json(), after.as_json()
    silent = {name for choice, names in ALONE.items() if old[choice] != new[choice] for name in names}
    told = []
    for name in old:
        if name in silent or old[name] == new[name]:
            continue
        label = NAMES.get(name, name)
        if isinstance(old[name], Mapping):
            told += [
                f"{label} {option.replace('_', ' ')} {_text(old[name].get(option))} → {_text(new[name].get(option))}"
                for option in dict.fromkeys([*old[name], *new[name]])
                if old[name].get(option) != new[name].get(option)
            ]
        else:
            told.append(f"{label} {_text(old[name])} → {_text(new[name])}")
    return told


def _text(value: Any) -> str:
    if isinstance(value, list):
        return source_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
