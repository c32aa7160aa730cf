"""What a new audit will do, in one sentence, and what that will cost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from core.cases.config import CaseConfig
from core.cases.estimate import estimate
from core.cases.recipes import recipe_of
from core.foundation.errors import InputError
from core.models import MODELS
from core.models.brought import open_network
from core.runs import duration
from core.training.timing import Estimate
from dashboard import errands
from dashboard.audit.reader import Outcome
from dashboard.lab.cost import range_text
from dashboard.plain import as_is
from dashboard.shelf import key_of, shelf
from dashboard.widgets import as_sentence

STAGES = {
    "read": "reading", "train": "training", "features": "features", "look": "looking at every class", "pictures": "pictures",
    "report": "report",
}  # fmt: skip


def sentence(config: CaseConfig, found: Outcome) -> str:
    """The whole audit in one sentence, as Markdown."""
    assert found.known is not None
    known = found.known
    if known.columns is not None:
        told = f"**{known.rows:,}** rows of {known.columns:,} features in {len(known.sizes):,} classes are looked at as they are."
    else:
        told = f"**{known.rows:,}** images in {len(known.sizes):,} classes: "
        default = "the suggested layer" if config.model else MODELS[config.architecture].default_layer
        where = " and ".join(map(as_is, config.layers)) or default
        if config.model:
            told += f"{as_is(Path(config.model).name)} looks at them, at {where}."
        else:
            epochs = recipe_of(config, found.kind).epochs
            told += f"{MODELS[config.architecture].title} is trained on them for {epochs} epoch{'s' * (epochs != 1)}, and looks at them at {where}."
    if config.poisons.endswith("%"):
        number = f"poison of {config.poisons[:-1]} % of its rows is"
    else:
        number = "as many poisons as stand apart are" if config.poisons == "auto" else f"{config.poisons} poisons are"
    return f"{told} In each class {number} assumed, at level {config.level:g}."


def show(config: CaseConfig, found: Outcome) -> Estimate | None:
    """The estimate, measured beside the page where nothing like it was measured before; None where that fails."""
    assert found.known is not None
    known = found.known
    key = key_of("audit cost", asdict(config) | {"seed": 0, "level": 0, "label": ""}, known.sizes, known.columns)
    slot = st.empty()
    made: Estimate | None = shelf().find("audit cost", key)
    if made is None:
        try:
            task = errands.errand(key, lambda report: shelf().keep("audit cost", key, _measured(config, found, report)))
            made = errands.awaited(task, slot, "Measuring what it will cost")
        except InputError as wrong:
            slot.error(as_sentence(str(wrong)))
            return None
    assert made is not None
    busy = " **The computer is busy: this may be far off.**" if made.busy else ""
    st.markdown(f":material/timer: **{range_text(made.total, made.at_most)}** on this computer.{busy}", width="content")
    parts = [f"{STAGES[name]} {duration(seconds)}" for name, seconds in made.stages.items() if seconds >= 0.5]
    if len(parts) > 1:
        with st.container(key="bring-stages"):
            st.caption(f"At best {' + '.join(parts)}. The page may be closed meanwhile.")
    return made


def _measured(config: CaseConfig, found: Outcome, report: Any) -> Estimate:
    assert found.known is not None
    report("Measuring a few steps of each stage", None)
    network = None
    if config.model:
        network = open_network(config.model, Path(config.weights) if config.weights else None, config.size)
    return estimate(config, found.known, network)
