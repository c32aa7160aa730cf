"""The third card: the model, how it is trained, and what defends it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.datasets import DATASETS
from core.defenses import DEFENSES
from core.errors import InputError
from core.models import MODELS
from core.recipes import PRESETS, Recipe, preset_options
from core.seeds import LAST_SEED, Seeds
from dashboard import forms

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
    defense, defense_options = choose_defense()
    left, right = st.columns(2, vertical_alignment="bottom")
    seed = left.number_input(
        "Seed", 0, LAST_SEED, 0, key="seed", persist_state="session",
        help="Fixes every random choice; the same seed gives the same run.",
    )  # fmt: skip
    retrain = right.toggle(
        "Retrain after", True, key="retrain", persist_state="session",
        help="Train anew without what the defense removed: shows whether the backdoor is gone; doubles the time.",
    )  # fmt: skip
    with st.expander("Seeds apart"):
        st.caption("Vary one source of chance while the others stay.")
        seeds = forms.parameters(Seeds, "seeds")
    return {
        "model": model, "model_options": model_options, "layer": layer, "training": training, "defense": defense,
        "defense_options": defense_options, "retrain": retrain, "seed": seed, "seeds": seeds,
    }, problem  # fmt: skip


def choose_layer(model: str, options: dict[str, Any]) -> tuple[str, str]:
    """The layer and, where the model cannot be made with these options, why."""
    try:
        layers = MODELS.make(model, options).layers()
    except InputError as problem:
        return "", str(problem)
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
        help="A published training recipe; its options can be changed below.",
    )  # fmt: skip
    suggested = DATASETS[dataset].training
    if preset != SUGGESTED:
        st.caption(PRESETS[preset].reproduces)
        suggested = {**suggested, **preset_options(preset)}
    with st.expander("Options of the training"):
        return forms.parameters(Recipe, f"training-{dataset}-{preset}", defaults=suggested, columns=2)


def choose_defense() -> tuple[str, dict[str, Any]]:
    defense = st.selectbox(
        "Defense", list(DEFENSES), format_func=lambda k: DEFENSES[k].title, key="lab-defense", persist_state="session",
        help="The model is retrained on what this one keeps. The others are run for comparison.",
    )  # fmt: skip
    st.caption(f"{DEFENSES[defense].summary} {DEFENSES[defense].citation}")
    with st.expander("Options of the defense"):
        options = forms.parameters(DEFENSES[defense], f"defense-{defense}", skip=("n_poisons", "device"))
        if not options:
            st.caption(f"{DEFENSES[defense].title} has none.")
    return defense, options
