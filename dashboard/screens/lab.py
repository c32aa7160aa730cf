"""Set up an experiment, see the trigger, start it, and watch it run."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError

with st.spinner("Opening the laboratory"):  # torch takes a second or two, once
    from core import jobs
    from core.config import RunConfig
    from core.images import Split
    from dashboard.lab import attack, cost, preview, training, watch
    from dashboard.lab import data as images
    from dashboard.lab.words import sentence

from dashboard.data import user_runs


def assemble(chosen: images.Chosen, plan: attack.Plan, rest: dict) -> RunConfig:
    """The config that the three cards make, every default written out. Raises InputError for what does not fit."""
    return RunConfig(
        dataset=chosen.dataset, dataset_options=chosen.options, sampling=chosen.sampling, attack=plan.attack,
        attack_options=plan.options, poisoning=plan.poisoning, poisons=plan.poisons, source=plan.source,
        target=plan.target, **rest,
    ).resolved()  # fmt: skip


def start(config: RunConfig, split: Split) -> None:
    """Measure what it will cost where that is not known, then start."""
    try:
        with st.spinner("Measuring what it will cost, then it starts"):
            expected = cost.measured(config, split)
        watch.remember(jobs.start(config, user_runs(), expected.as_json()))
    except InputError as problem:
        st.error(f"{problem}")


what, how, against = st.columns(3, gap="medium", border=True)
with what:
    chosen = images.choose(*training.seeds_so_far())
with how:
    trigger = attack.choose()
with against:
    rest, problem = training.choose(chosen.dataset)
with st.container(border=True):
    plan = attack.plan(chosen, *trigger)
if chosen.split is None:
    st.info("Once the images are loaded, what the attack does to them is shown here.", icon=":material/image:")
    watch.show_watched()
    st.stop()
try:
    if problem or plan.problem:
        raise InputError(problem or plan.problem)
    config = assemble(chosen, plan, rest)
    preview.show(config, chosen.split)
except InputError as wrong:
    st.error(f"{wrong}")
    watch.show_watched()
    st.stop()
st.markdown(sentence(config, chosen.split.train.class_names, plan.candidates))
with st.container(horizontal=True, vertical_alignment="center", key="start-bar"):
    pressed = st.button("Start the run", type="primary", icon=":material/play_arrow:", key="start")
    slot = st.container()
if pressed:
    start(config, chosen.split)
watch.show_watched()
with st.expander("The same on the command line"):
    st.code(config.command(), language="bash")
with slot:  # last, since it may take a moment
    try:
        cost.show(config, chosen.split)
    except InputError as wrong:
        st.error(f"{wrong}")
