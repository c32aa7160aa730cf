"""Set up an experiment, see the trigger, start it, and watch it run."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.foundation.errors import InputError

with st.spinner("Opening the laboratory"):  # torch takes a second or two, once
    from core import jobs
    from core.experiment import RunConfig
    from core.foundation.images import Split
    from dashboard.lab import attack, cost, origin, preview, training, watch, way
    from dashboard.lab import data as images
    from dashboard.lab.words import sentence

from dashboard import access, lens
from dashboard.data import user_runs
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

# The way to start stays in sight on a page that is long on a telephone; there the stories are a row to swipe, numbers of
# one attack stand side by side, and so do a clean image, the poisoned one and what changed.
CSS = """
<style>
div:has(> .st-key-start-bar) { position: sticky; bottom: 0; z-index: 10; background: light-dark(#FFFFFF, #11151A);
  border-top: 1px solid rgba(128, 140, 150, .35); }
.st-key-start-bar { padding: .5rem 0; }
.st-key-watched-line { flex-wrap: nowrap !important; }
[data-testid="stElementContainer"]:has([data-testid="stSkeleton"]) { min-width: 6.5rem; }
.st-key-stories { flex-wrap: nowrap !important; overflow-x: auto; padding-bottom: 4px; }
.st-key-stories > div { flex: 1 0 235px !important; }
[class*="st-key-story-"] > div:last-child { margin-top: auto; }
@media (max-width: 640px) {
  .st-key-cost-small { display: none; }
  .st-key-stories > div { flex: 0 0 255px !important; }
  [data-testid="stColumn"] [data-testid="stHorizontalBlock"], .st-key-strip [data-testid="stHorizontalBlock"] {
    flex-wrap: nowrap; gap: .6rem; }
  [data-testid="stColumn"] [data-testid="stColumn"], .st-key-strip [data-testid="stColumn"] {
    min-width: 0; flex: 1 1 0; }
  .st-key-strip .sl-grid { --side: 100% !important; }
  .st-key-strip .sl-grid img { height: auto; aspect-ratio: 1; }
  .st-key-strip .sl-grid figure:nth-child(n+4) { display: none; }
}
</style>
"""


def assemble(chosen: images.Chosen, plan: attack.Plan, rest: dict) -> RunConfig:
    """The config that the three cards make, every default written out. Raises InputError for what does not fit."""
    made = RunConfig(
        dataset=chosen.dataset, dataset_options=chosen.options, sampling=chosen.sampling, attack=plan.attack,
        attack_options=plan.options, poisoning=plan.poisoning, poisons=plan.poisons, source=plan.source,
        target=plan.target, **rest,
    ).resolved()  # fmt: skip
    for path in (made.attack_options.get("picture"), made.training.get("weights")):
        access.check_path(str(path or ""))
    return made


def start(config: RunConfig, split: Split, slot: DeltaGenerator) -> None:
    """Measure what it will cost where that is not known, then start. slot: where to say that it is measured."""
    try:
        if refused := access.training_refused():
            raise InputError(refused)
        with slot, st.spinner("Measuring what it will cost, then it starts"):
            expected = cost.measured(config, split)
        watch.remember(access.begin(lambda: jobs.start(config, user_runs(), expected.as_json()), trains=True))
    except InputError as problem:
        slot.error(as_is(problem))


def bar() -> DeltaGenerator:
    """The strip at the lower edge of the window, which stays in sight."""
    return st.container(key="start-bar", gap="xsmall")


def only_watch() -> NoReturn:
    """There is nothing that could be started; a run may be at work all the same."""
    with bar():
        watch.in_bar()
    watch.show_watched()
    st.stop()


st.html(CSS)
origin.from_address()
origin.stories()
copied = st.container()
what, how, against = st.columns(3, gap="medium", border=True)
with what:
    chosen = images.choose(*training.seeds_so_far())
with how:
    trigger = attack.choose()
    transport = way.choose()
with against:
    rest, problem = training.choose(chosen.dataset)
with st.container(border=True):
    plan = attack.plan(chosen, *trigger)
if chosen.split is None:
    st.info("Once the images are loaded, what the attack does to them is shown here.", icon=":material/image:")
    only_watch()
if said := problem or plan.problem:
    st.error(said)
    only_watch()
try:
    config = assemble(chosen, plan, {**rest, "transport": transport})
    with copied:
        origin.show(config)
    origin.publish(config)
    preview.show(config, chosen.split)
except InputError as wrong:
    st.error(as_is(wrong))
    only_watch()
st.markdown(sentence(config, chosen.split.train.class_names, plan.candidates))
with bar():
    with st.container(horizontal=True, vertical_alignment="center", key="start-line"):
        refused = access.training_refused()
        pressed = st.button(
            "Start the run", type="primary", icon=":material/play_arrow:", key="start", disabled=bool(refused)
        )
        slot = st.container(gap="xsmall")
    if refused:
        st.caption(f":material/lock: {as_sentence(refused)}")
    if pressed:
        start(config, chosen.split, slot.empty())
    watch.in_bar()
with st.expander("The same on the command line"):
    lens.code(config.command(), "command", "the command line")
watch.show_watched()
with slot:  # last, since it may take a moment
    try:
        cost.show(config, chosen.split)
    except InputError as wrong:
        st.error(as_is(wrong))
