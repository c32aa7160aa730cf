"""What a run will cost, measured before it starts."""

from __future__ import annotations

import streamlit as st

from core.config import RunConfig
from core.cost import Estimate, estimate
from core.images import Split
from core.outcomes import duration
from core.reporter import STAGES
from core.staging import stage
from dashboard.lab.preview import is_exact
from dashboard.lab.shelf import key_of, shelf
from dashboard.runs.outcome import STAGE_NAMES

QUICK = 2.0  # seconds of measuring that nobody minds after every change


def measured(config: RunConfig, split: Split) -> Estimate:
    """The estimate for a resolved config; measured for two or three seconds where nothing like it was before.

    Raises InputError for what cannot be run at all.
    """
    return shelf().make("cost", _key(config), lambda: estimate(stage(config, split)))


def known(config: RunConfig) -> Estimate | None:
    return shelf().find("cost", _key(config))


def _key(config: RunConfig) -> str:
    """All that the cost depends on: not on the seeds, and hardly on which images are poisoned."""
    c = config
    return key_of(
        c.dataset, dict(c.dataset_options), dict(c.sampling), c.target, c.model, dict(c.model_options), c.layer,
        dict(c.training), c.retrain, c.device, c.make_attack().needs, is_exact(config),  # then the attacker's model is ready
    )  # fmt: skip


def show(config: RunConfig, split: Split) -> None:
    """The estimate; measured when the visitor asks, and from then on by itself where that is quick."""
    found = known(config)
    if found is None:
        slot = st.empty()
        by_itself = st.session_state.get("measures", False)
        pressed = by_itself or slot.button(
            "What will it cost?", icon=":material/timer:", key="measure",
            help="Times a few steps of each stage here, for two or three seconds. Starting the run does it too.",
        )  # fmt: skip
        if not pressed:
            return
        with slot, st.spinner("Measuring a few steps of each stage"):
            found = measured(config, split)
        st.session_state["measures"] = not by_itself or found.measuring < QUICK
        slot.empty()
    st.markdown(estimate_text(found))


def estimate_text(found: Estimate) -> str:
    """Total and stages, as Markdown."""
    parts = [f"{STAGE_NAMES[name]} {duration(found.stages[name])}" for name in STAGES if found.stages[name] >= 0.5]
    of = f": {' + '.join(parts)}" if len(parts) > 1 else ""
    return f":material/timer: About **{duration(found.total)}** on this computer{of}."
