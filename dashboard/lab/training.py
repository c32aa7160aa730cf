"""The third card: the model, how it is trained, and what defends it."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from core.datasets import DATASETS
from core.defenses import DEFENSES
from core.experiment import RunConfig
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.params import values_of
from core.foundation.seeds import LAST_SEED, Seeds
from core.models import MODELS
from core.training import PRESETS, Recipe, preset_options
from dashboard import forms
from dashboard.plain import as_is

SUGGESTED = "suggested"  # no preset: what the data set suggests


def seeds_so_far() -> tuple[int, dict[str, Any]]:
    """The seeds before their widgets are placed: the images in the first card are drawn by them."""
    apart = {p.name: st.session_state.get(f"seeds-Seeds-{p.name}") for p in forms.describe(Seeds)}
    return st.session_state.get("seed", 0), apart


def choose(dataset: str) -> tuple[dict[str, Any], str]:
    """The card: parts of the config by name, and what is wrong with them in words (empty: nothing)."""
    st.subheader("How it is learned and defended")
    model = st.selectbox(
        "Model", list(MODELS), format_func=lambda k: MODELS[k].title, key="model", persist_state="session"
    )
    st.caption(MODELS[model].summary)
    slot = st.container()  # the layers stand above the options that they may depend on
    model_options = {}
    if forms.describe(MODELS[model]):
        with st.expander("Options of the model"):
            model_options = forms.parameters(MODELS[model], f"model-{model}")
    with slot:
        layer, problem = choose_layer(model, model_options)
    training = choose_training(dataset)
    defense, defense_options, budget = choose_defense()
    left, right = st.columns(2, vertical_alignment="bottom")
    seed = left.number_input(
        "Seed", 0, LAST_SEED, 0, key="seed", persist_state="session",
        help="Fixes every random choice; the same seed gives the same run, on the same machine with as many threads.",
    )  # fmt: skip
    retrain = right.toggle(
        "Retrain after", True, key="retrain", persist_state="session",
        help="Train anew without what the defense removed: shows whether the backdoor is gone; doubles the time.",
    )  # fmt: skip
    with st.expander("Seeds apart, device"):
        st.caption("Vary one source of chance while the others stay.")
        seeds = forms.parameters(Seeds, "seeds")
        device = st.selectbox(
            "Computed on", devices_here(), key="lab-device", persist_state="session",
            help="auto takes a graphics card where there is one.",
        )  # fmt: skip
    return {
        "model": model, "model_options": model_options, "layer": layer, "training": training, "defense": defense,
        "defense_options": defense_options, "retrain": retrain, "seed": seed, "seeds": seeds,
        "budget": budget, "device": device,
    }, problem  # fmt: skip


def fill(config: RunConfig) -> None:
    """Give the widgets of the card the values of a resolved config; call it before they are placed."""
    state, model, dataset, defense = st.session_state, config.model, config.dataset, config.defense
    state["model"] = model
    forms.fill(MODELS[model], f"model-{model}", config.model_options)
    state[f"layer-{model}"] = config.layer
    state[f"preset-{dataset}"] = SUGGESTED
    forms.fill(Recipe, f"training-{dataset}-{SUGGESTED}", config.training)
    state["lab-defense"] = defense
    forms.fill(DEFENSES[defense], f"defense-{defense}", config.defense_options)
    state.update({"lab-budget": config.budget, "seed": config.seed, "retrain": config.retrain})
    state["lab-device"] = config.device if config.device in devices_here() else "auto"
    forms.fill(Seeds, "seeds", config.seeds)


@cache
def devices_here() -> tuple[str, ...]:
    """The devices that a run can be told to use on this computer."""
    return tuple(name for name in devices.CHOICES if is_here(name))


def is_here(name: str) -> bool:
    try:
        devices.resolve(name)
    except InputError:
        return False
    return True


def choose_layer(model: str, options: dict[str, Any]) -> tuple[str, str]:
    """The layer and, where the model cannot be made with these options, why."""
    try:
        layers = MODELS.make(model, options).layers()
    except InputError as problem:
        return "", as_is(problem)
    default = MODELS[model].default_layer
    layer = st.selectbox(
        "Layer", list(layers), list(layers).index(default), format_func=lambda n: f"{n}: {layers[n]}",
        key=f"layer-{model}", persist_state="session",
        help="Where the features are taken from; it changes results a lot.",
    )  # fmt: skip
    return layer, ""


def choose_training(dataset: str) -> dict[str, Any]:
    """A preset and the options that it fills; every preset remembers what was changed under it."""
    names = {SUGGESTED: "As the data set suggests", **{key: preset.title for key, preset in PRESETS.items()}}
    preset = st.selectbox(
        "Training", list(names), format_func=names.__getitem__, key=f"preset-{dataset}", persist_state="session",
        help="A training recipe, two of them published; its options can be changed below.",
    )  # fmt: skip
    suggested = DATASETS[dataset].training
    if preset != SUGGESTED:
        st.caption(PRESETS[preset].reproduces)
        suggested = {**suggested, **preset_options(preset)}
    slot = st.empty()
    with st.expander("Options of the training"):
        options = forms.parameters(Recipe, f"training-{dataset}-{preset}", defaults=suggested, columns=2)
    if told := changed_from({**values_of(Recipe()), **suggested}, options):
        slot.caption(f":material/edit: **Changed**: {told}.")
    return options


def changed_from(before: dict[str, Any], after: dict[str, Any]) -> str:
    """ "epochs 30 → 2, batch size 64 → 32", as the labels of the options say it."""
    labels = {p.name: p.label.split(" (")[0].lower() for p in forms.describe(Recipe)}
    return ", ".join(
        f"{labels[name]} {before[name]} → {value}" for name, value in after.items() if value != before.get(name)
    )


def choose_defense() -> tuple[str, dict[str, Any], int | None]:
    """The defense, its options, and how many poisons it is told to expect (None: as many as there are)."""
    defense = st.selectbox(
        "Defense", list(DEFENSES), format_func=lambda k: DEFENSES[k].title, key="lab-defense", persist_state="session",
        help="The model is retrained on what this one keeps. The others are run for comparison.",
    )  # fmt: skip
    st.caption(f"{DEFENSES[defense].summary} {DEFENSES[defense].citation}")
    with st.expander("Options of the defense"):
        budget = st.number_input(
            "Poisons it expects (images)", 0, None, None, step=1, key="lab-budget", persist_state="session",
            placeholder="as many as there are",
            help="What all defenses are told. Nobody knows the true number: a wrong one shows what it costs, and with 0 "
            "poisons above, what is removed from clean data for nothing.",
        )  # fmt: skip
        options = forms.parameters(DEFENSES[defense], f"defense-{defense}", skip=("n_poisons", "device"))
        if not options:
            st.caption(f"{DEFENSES[defense].title} has no others.")
    return defense, options, budget
