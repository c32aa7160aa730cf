"""How the model of an audit is trained that is trained here."""

from __future__ import annotations

from typing import Any

from core.cases.config import CaseConfig
from core.datasets import DATASETS
from core.foundation.params import build
from core.training import Recipe


def recipe_of(config: CaseConfig, kind: str) -> Recipe:
    """What the kind of images suggests, with the epochs that are asked for. Raises InputError."""
    asked: dict[str, Any] = {} if config.epochs is None else {"epochs": config.epochs}
    made: Recipe = build(Recipe, {**DATASETS[kind].training, **asked}, what="training")
    return made
