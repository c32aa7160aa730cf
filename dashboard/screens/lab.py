"""Set up an experiment, see the trigger, start it, and watch it run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st

from core.errors import InputError
from core.pictures import difference
from core.runs import STATES, RunFolder
from dashboard import charts, data, forms, tiles
from dashboard.widgets import colours, plot

with st.spinner("Opening the laboratory"):  # torch takes a second or two, once
    from core import jobs, seeds
    from core.attacks import ATTACKS, Attack, check_goal
    from core.config import RunConfig
    from core.datasets import DATASETS
    from core.defenses import DEFENSES
    from core.images import Split
    from core.models import MODELS
    from core.training import Recipe

PREVIEWED = 4
ICONS = dict(
    zip(STATES, ("hourglass_empty", "play_circle", "check_circle", "error", "cancel", "link_off"), strict=True)
)


@st.cache_resource(max_entries=3, show_spinner="Loading the images")
def load(dataset: str, options: tuple[tuple[str, Any], ...], seed: int) -> Split:
    return DATASETS.make(dataset, dict(options)).load(seeds.derive(seed, "data"))


def choose_data(seed: int) -> tuple[str, dict[str, Any], Split | None]:
    st.subheader("What is attacked")
    key = st.selectbox("Data set", list(DATASETS), format_func=lambda k: DATASETS[k].title, key="dataset")
    st.caption(DATASETS[key].summary)
    with st.expander("Options of the data set", expanded="path" in {p.name for p in forms.describe(DATASETS[key])}):
        options = forms.parameters(DATASETS[key], "data")
    if "path" in options and not options["path"]:
        st.info("Give the path of the images, as this computer sees it.")
        return key, options, None
    try:
        return key, options, load(key, tuple(options.items()), seed)
    except InputError as problem:
        st.error(f"{problem}")
        return key, options, None


def choose_attack(key: str, split: Split | None) -> tuple[str, dict[str, Any], int, int, int]:
    st.subheader("How")
    attack = st.selectbox("Attack", list(ATTACKS), format_func=lambda k: ATTACKS[k].title, key="attack")
    st.caption(f"{ATTACKS[attack].summary} {ATTACKS[attack].citation}")
    options = forms.parameters(ATTACKS[attack], "attack")
    if split is None:
        return attack, options, 0, 0, 1
    names, labels = split.train.class_names, split.train.labels
    entry = DATASETS[key]
    left, right = st.columns(2)
    classes = range(len(names))
    source = left.selectbox(
        "Source class", classes, min(entry.source, len(names) - 1), format_func=lambda i: names[i], key=f"source-{key}",
        help="Images of this class get the trigger.",
    )  # fmt: skip
    target = right.selectbox(
        "Target class", classes, min(entry.target, len(names) - 1), format_func=lambda i: names[i], key=f"target-{key}",
        help="The label that they carry, and that the model learns to give.",
    )  # fmt: skip
    available = int((labels == source).sum())
    # No upper limit here: the browser would keep the last valid number behind a red field. Too many is said below.
    count = st.number_input(
        "Poisons (images)",
        0,
        None,
        min(entry.poisons, available),
        key=f"poisons-{key}",
        help=f"At most the {available:,} training images of the source class. 0 is a control run without an attack.",
    )
    in_target = int((labels == target).sum()) + count
    st.caption(
        f"{count:,} images = {100 * count / len(labels):.2g} % of the training set = "
        f"{100 * count / max(in_target, 1):.2g} % of what is then labelled {names[target]}"
    )
    return attack, options, source, target, count


def choose_defense(key: str) -> dict[str, Any]:
    st.subheader("How it is learned and defended")
    model = st.selectbox("Model", list(MODELS), format_func=lambda k: MODELS[k].title, key="model")
    st.caption(MODELS[model].summary)
    layers = MODELS.make(model).layers()
    layer = st.selectbox(
        "Layer", list(layers), list(layers).index(MODELS[model].default_layer), format_func=lambda n: f"{n}: {layers[n]}",
        key=f"layer-{model}", help="Where the features are taken from; it changes results a lot.",
    )  # fmt: skip
    defense = st.selectbox(
        "Defense", list(DEFENSES), format_func=lambda k: DEFENSES[k].title, key="lab-defense",
        help="The model is retrained on what this one keeps. The others are run for comparison.",
    )  # fmt: skip
    st.caption(f"{DEFENSES[defense].summary} {DEFENSES[defense].citation}")
    with st.expander("Options of model, training and defense"):
        model_options = forms.parameters(MODELS[model], f"model-{model}")
        training = forms.parameters(Recipe, f"training-{key}", defaults=DATASETS[key].training)
        defense_options = forms.parameters(DEFENSES[defense], "defense", skip=("n_poisons", "device"))
        retrain = st.toggle(
            "Retrain after the removal",
            True,
            key="retrain",
            help="Shows whether the backdoor is gone; doubles the time.",
        )
    return {
        "model": model, "model_options": model_options, "layer": layer, "training": training,
        "defense": defense, "defense_options": defense_options, "retrain": retrain,
    }  # fmt: skip


def preview(split: Split, attack: Attack, source: int) -> None:
    """Clean, poisoned, difference: one column an image."""
    clean = split.train.images[np.flatnonzero(split.train.labels == source)[:PREVIEWED]]
    changed = attack.apply(clean, np.arange(len(clean)) % attack.number_of_ways)
    rows = (("clean", clean), ("poisoned", changed), ("difference × 10", difference(clean, changed, 10)))
    for column, (name, images) in zip(st.columns(3), rows, strict=True):
        with column:
            st.markdown(f"**{name}**")
            st.html(
                tiles.grid(
                    images,
                    [""] * len(images),
                    side=88,
                    describe=[f"{name}, example {i + 1}" for i in range(len(images))],
                )
            )


def sentence(config: RunConfig, split: Split, attack: Attack) -> str:
    """The whole experiment in words."""
    names = split.train.class_names
    goal = config.make_goal()
    available = int(goal.is_candidate(split.train.labels).sum())
    seconds = estimate(config, len(split.train))
    lasting = f" The model trains for about {seconds:.0f} s{', twice' if config.retrain else ''}." if seconds else ""
    return (
        f"**{config.poisons:,}** of {available:,} images of *{goal.victims_in_words(names)}* get {attack.in_words()} and the label "
        f"*{names[config.target or 0]}*.{lasting} Then {DEFENSES[config.defense].title} looks for them."
    )


def estimate(config: RunConfig, images: int) -> float | None:
    """Seconds of one training, judging by the newest finished run of the same model here; None where there is none."""
    epochs = config.make_recipe().epochs
    for run in data.user_runs():
        if run.status.state != "finished":
            continue
        past, result = run.config, run.result
        if (past.dataset, past.model, past.model_options) == (config.dataset, config.model, config.model_options):
            return (
                float(result["seconds"]["train"])
                / (past.make_recipe().epochs * result["train_images"])
                * epochs
                * images
            )
    return None


def launch(config: RunConfig) -> None:
    try:
        run = jobs.start(config, data.user_runs())
    except InputError as problem:
        st.session_state["lab-problem"] = str(problem)
        return
    st.session_state["watch"] = run.id
    st.query_params["watch"] = run.id


def watch(run: RunFolder) -> None:
    """Live: stage, bar, remaining time, curves, cancel. The page may be closed; the run goes on."""
    active = run.status.active

    @st.fragment(run_every=1.0 if active else None)  # a run that has ended is drawn once
    def live() -> None:
        show(run)
        if active and not run.status.active:
            st.rerun()

    live()


def show(run: RunFolder) -> None:
    status = run.status
    with st.container(border=True):
        st.markdown(f":material/{ICONS[status.state]}: **{run.id}** · {status.state}")
        if status.active:
            elapsed = time.time() - status.started if status.started else 0.0
            left = (
                f" · about {elapsed / status.overall * (1 - status.overall):.0f} s left"
                if status.overall > 0.05
                else ""
            )
            st.progress(status.overall, f"{status.message}{left}")
            st.button(
                "Cancel", icon=":material/stop_circle:", on_click=run.request_cancel, disabled=run.cancel_requested
            )
            if run.cancel_requested:
                st.caption("Stopping; what is finished is kept.")
        elif status.state == "finished":
            found = run.result["defenses"]
            lines = [
                f"{d['title']} removed {d['true_positive_rate']['count']} of {d['true_positive_rate']['total']} poisons "
                f"and {d['false_positive_rate']['count']} clean images"
                for d in found.values()
            ]
            st.success("; ".join(lines) + ".")
            st.page_link(
                "screens/inspect.py",
                label="Look inside",
                icon=":material/search_insights:",
                query_params={"run": run.id},
            )
        else:
            st.warning(f"{status.message[:1].upper()}{status.message[1:]}.")
            st.button("Go on", icon=":material/play_arrow:", on_click=go_on, args=(run,))
        metrics = run.metrics()
        if metrics:
            plot(
                charts.training_curves(metrics, colours()),
                f"curves-{run.id}",
                "Accuracy and loss for each epoch so far",
            )


def go_on(run: RunFolder) -> None:
    try:
        jobs.resume(run, data.user_runs())
    except InputError as problem:
        st.session_state["lab-problem"] = str(problem)


def show_watched() -> None:
    """The run that was started last, or the one in the address."""
    if "lab-problem" in st.session_state:
        st.error(st.session_state.pop("lab-problem"))
    watched = st.query_params.get("watch") or st.session_state.get("watch")
    if watched:
        try:
            watch(data.user_runs().open(watched))
        except InputError:
            st.warning("The run in the address is not here any more.")
            st.query_params.pop("watch", None)
            st.session_state.pop("watch", None)


what, how, against = st.columns(3, gap="medium", border=True)
with what:
    seed = st.session_state.get("seed", 0)
    dataset, dataset_options, images = choose_data(seed)
    st.number_input(
        "Seed", 0, 2**32 - 1, 0, key="seed", help="Fixes every random choice; the same seed gives the same run."
    )
with how:
    attack_key, attack_options, source, target, poisons = choose_attack(dataset, images)
with against:
    rest = choose_defense(dataset)
if images is None:
    show_watched()
    st.stop()
try:
    trigger = ATTACKS.make(attack_key, attack_options)
    config = RunConfig(
        dataset=dataset, dataset_options=dataset_options, attack=attack_key, attack_options=attack_options,
        poisons=poisons, source=source, target=target, seed=seed, **rest,
    ).resolved()  # fmt: skip
    check_goal(images.train.class_names, config.make_goal())
    available = int(config.make_goal().is_candidate(images.train.labels).sum())
    if poisons > available:
        raise InputError(f"{poisons:,} poisons are more than the {available:,} images of the source class; lower them")
    preview(images, trigger, source)
except InputError as problem:
    st.error(f"{problem}")
    show_watched()
    st.stop()
st.markdown(sentence(config, images, trigger))
st.button("Start the run", type="primary", icon=":material/play_arrow:", on_click=launch, args=(config,), key="start")
show_watched()
with st.expander("The same on the command line"):
    st.code(config.command(), language="bash")
