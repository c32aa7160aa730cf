"""What a run will cost, measured before it starts."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.experiment import RunConfig, stage
from core.experiment.cost import Estimate, estimate
from core.foundation.images import Split
from core.runs import STAGES, RunFolder, duration
from dashboard.lab import past
from dashboard.lab.preview import is_exact
from dashboard.runs.outcome import STAGE_NAMES
from dashboard.shelf import key_of, shelf

QUICK = 2.0  # seconds of measuring that nobody minds after every change


def measured(config: RunConfig, split: Split) -> Estimate:
    """The estimate for a resolved config; measured for some seconds where nothing like it was before.

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
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    text, slot = row.empty(), row.empty()  # always there, so that nothing below them moves
    if found is None:
        by_itself = st.session_state.get("measures", False)
        if not by_itself and not _asked(slot, "What will it cost?"):
            st.caption(took(config) or "Times a few steps of each stage here, for some seconds.")
            return
        found = _measure(config, split, slot)
        st.session_state["measures"] = not by_itself or found.measuring < QUICK
        slot.empty()
    elif found.busy and _asked(slot, "Measure again"):
        found = _measure(config, split, slot)
        slot.empty()
    text.markdown(estimate_text(found), width="content")
    with st.container(horizontal=True, gap="xsmall", key="cost-small"):
        if stages := stages_text(found):
            with st.container(key="cost-stages", width="content"):
                st.caption(stages, width="content")
        if earlier := took(config):
            st.caption(earlier, width="content")


def _asked(slot: DeltaGenerator, label: str) -> bool:
    return slot.button(label, icon=":material/timer:", key="measure")


def _measure(config: RunConfig, split: Split, slot: DeltaGenerator) -> Estimate:
    with slot, st.spinner("Measuring a few steps of each stage"):
        return shelf().keep("cost", _key(config), estimate(stage(config, split)))


def estimate_text(found: Estimate) -> str:
    """From and to, and a warning where the machine had too much to do; as Markdown."""
    told = f":material/timer: **{range_text(found.total, found.at_most)}** on this computer."
    return f"{told} **The computer is busy: this may be far too high.**" if found.busy else told


def stages_text(found: Estimate) -> str:
    """The stages that cost something, each at its fastest; empty where it is one alone."""
    parts = [f"{STAGE_NAMES[name]} {duration(found.stages[name])}" for name in STAGES if found.stages[name] >= 0.5]
    return f"At best {' + '.join(parts)}." if len(parts) > 1 else ""


def range_text(low: float, high: float) -> str:
    """Seconds from and to: "35 to 50 s", "50 s to 3 min"; from 20 s on in steps of five."""
    if low >= 20 and high < 99.5:
        low, high = 5 * (low // 5), 5 * -(-high // 5)
    start, end = duration(low), duration(high)
    if start == end:
        return f"About {end}"
    number, unit = start.split()
    return f"{number if unit == end.split()[1] else start} to {end}"


def took(config: RunConfig) -> str:
    """What a finished run of the same data set, model and epochs took; empty where there is none."""
    found = past.like(config)
    if found is None:
        return ""
    run, seconds, bundled = found
    where = f"the run that comes with the program, on {device_of(run)}," if bundled else "the last such run here"
    return f"For comparison: {where} took **{duration(seconds)}**."


def device_of(run: RunFolder) -> str:
    return str(run.result.get("device") or "another computer")
