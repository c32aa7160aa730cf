"""What there is to choose from, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from core.attacks import ATTACKS, Poisoning, Transport
from core.cli.fitting import Column, FittingTable
from core.datasets import DATASETS, Sampling
from core.defenses import DEFENSES
from core.experiment import GROUPS
from core.foundation.errors import InputError
from core.foundation.params import Param, describe
from core.foundation.seeds import Seeds
from core.models import MODELS
from core.training import PRESETS, Recipe


def option_tables(group: str | None) -> Iterable[FittingTable]:
    """Every catalogue entry with its parameters."""
    catalogues: dict[str, dict[str, type]] = {
        "dataset": dict(DATASETS),
        "sampling": {"sampling": Sampling},
        "attack": dict(ATTACKS),
        "poisoning": {"poisoning": Poisoning},
        "transport": {"transport": Transport},
        "model": dict(MODELS),
        "training": {"training": Recipe},
        "defense": dict(DEFENSES),
        "seeds": {"seeds": Seeds},
    }
    if group is not None and group not in GROUPS:
        raise InputError(f"unknown group '{group}'; choose from: {', '.join(GROUPS)}")
    for name in [group] if group else GROUPS:
        for key, entry in catalogues[name].items():
            yield _option_table(name, key, entry)
    if group in (None, "training"):
        yield _preset_table()


def _option_table(group: str, key: str, entry: type) -> FittingTable:
    summary = getattr(entry, "summary", "")
    params = [p for p in describe(entry) if not (group == "defense" and p.name in ("n_poisons", "device"))]
    suggested = [f"{name}={value}" for name, value in getattr(entry, "poisoning", {}).items()]
    return FittingTable(
        [
            Column("--set", [f"{group}.{p.name}" for p in params], "left"),
            Column("default", ["none" if p.default is None else str(p.default) for p in params], "left"),
            Column("what it is", [_help_text(p) for p in params], "left", prose=True),
        ],
        f"{group}: {key}" + (f" - {summary}" if summary else ""),
        caption=" ".join(
            [getattr(entry, "citation", ""), "Poisons with " * bool(suggested) + ", ".join(suggested)]
        ).strip(),
    )


def _help_text(p: Param) -> str:
    """What a parameter is, its unit, and what it may be: "Images a step; 2 .. 4096"."""
    help_text = f"{p.help} ({p.unit})" if p.unit else p.help
    limits = (
        f"one of {', '.join(p.choices)}"
        if p.choices
        else f"{_limit(p.low)} .. {_limit(p.high)}" * (p.type in (int, float))
    )
    return f"{help_text}; {limits}" if limits else help_text


def _preset_table() -> FittingTable:
    presets = list(PRESETS.values())
    sets = [", ".join(f"{option}={value}" for option, value in preset.options.items()) for preset in presets]
    return FittingTable(
        [
            Column("preset", list(PRESETS), "left"),
            Column("what it reproduces", [preset.reproduces for preset in presets], "left", prose=True),
            Column("what it sets", sets, "left", prose=True),
        ],
        "training: --preset",
    )


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
