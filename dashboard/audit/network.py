"""The model that looks: one that is trained here, or somebody's own with its layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.cases.config import CaseConfig
from core.cases.recipes import recipe_of
from core.foundation.errors import InputError
from core.foundation.files import given_path
from core.models import MODELS
from core.models.brought import Taps, open_network
from dashboard import access, errands
from dashboard.audit import draft
from dashboard.plain import as_is
from dashboard.shelf import key_of, shelf
from dashboard.widgets import as_sentence

NAMELESS = (
    "Name the model; its layers are then listed here. Or let one be trained here."  # what is missing is no mistake
)
NORMALISED = {
    "auto": "As the model asks for", "imagenet": "As ImageNet", "none": "Not at all", "by hand": "Numbers of mine",
}  # fmt: skip


def trained(kind: str) -> str:
    """An architecture of the catalogue, its epochs and its layers; what is missing, in words."""
    st.caption("It learns the labels as they stand, the poisoned ones too: that is what makes them stand apart in it.")
    columns = st.columns([3, 2])
    key = columns[0].selectbox(
        "Architecture", list(MODELS), format_func=lambda k: MODELS[k].title, key="bring architecture", persist_state="session"
    )  # fmt: skip
    suggested = recipe_of(CaseConfig("-"), kind).epochs
    columns[1].number_input(
        "Epochs", 1, 1000, None, step=1, key="bring epochs", persist_state="session", placeholder=f"{suggested}, as suggested",
        help="How often it goes over all images. Fewer are faster; too few, and poison is not learned and not seen.",
    )  # fmt: skip
    st.caption(MODELS[key].summary)
    layers = MODELS.make(key, {}).layers()
    default = MODELS[key].default_layer
    chosen = _layers(f"layers {key}", list(layers), [default], lambda n: f"{n}: {layers[n]}{' (suggested)' * (n == default)}")  # fmt: skip
    return "" if chosen else "Choose at least one layer."


def _layers(name: str, options: list[str], default: list[str], told: Callable[[str], str]) -> list[str]:
    """One or several; the first that was chosen decides."""
    key = f"bring {name}"
    held = [layer for layer in st.session_state.get(key, default) if layer in options]
    st.session_state[key] = held or (default if key not in st.session_state else [])
    chosen: list[str] = st.multiselect(
        "Layers", options, key=key, format_func=told, persist_state="session",
        help="Where its features are taken. With several, the first decides, and findings say which of the others agree.",
    )  # fmt: skip
    return chosen


def mine() -> str:
    """A network by name with weights, or an ONNX file; its layers are listed once it opens."""
    st.text_input(
        "Model", key="bring model", persist_state="session", placeholder="torchvision:resnet18, timm:vit_tiny_patch16_224, or /home/me/model.onnx",
        help="A classifier of torchvision or timm by name, or the path of an ONNX file. Nothing is downloaded, and no file runs code.",
    )  # fmt: skip
    if not str(draft.get("model")).lower().endswith(".onnx"):
        st.text_input(
            "Weights", key="bring weights", persist_state="session", placeholder="/home/me/weights.safetensors",
            help="As .safetensors. Pickles (.pt, .pth, .ckpt) are refused, since they can run code.",
        )  # fmt: skip
    columns = st.columns(2, vertical_alignment="bottom")
    columns[0].number_input(
        "Size (pixels)", 1, 4096, None, step=1, key="bring size", persist_state="session", placeholder="as it was made for",
        help="Side of the square images that it takes; yours are cropped and resized to it.",
    )  # fmt: skip
    normalised = columns[1].selectbox(
        "Normalised", list(NORMALISED), format_func=NORMALISED.__getitem__, key="bring normalise", persist_state="session",
        help="What is taken off the images, and what they are divided by, before the model sees them.",
    )  # fmt: skip
    if normalised == "by hand":
        columns[0].text_input("Mean", key="bring mean", persist_state="session", placeholder="0.485,0.456,0.406")
        columns[1].text_input("Deviation", key="bring std", persist_state="session", placeholder="0.229,0.224,0.225")
    st.toggle(
        "All numbers of a layer", key="bring flat", persist_state="session",
        help="Not their mean over the positions: finer, and many times as large.",
    )  # fmt: skip
    return _taps(st.empty())


def _taps(slot: DeltaGenerator) -> str:
    """The layers of the model of the form, once they are known; else what is missing, in words."""
    model, weights, size = str(draft.get("model")), str(draft.get("weights")), st.session_state.get("bring size")
    if not model:
        return NAMELESS
    named = model.startswith(("torchvision:", "timm:"))
    try:
        for path in (weights, "" if named else model):
            access.check_path(path)
        taps = layers_of(model, weights if named else "", size, slot)
    except InputError as wrong:
        return as_sentence(str(wrong))
    every = st.toggle("Every layer", key="bring every", persist_state="session", help="Not the blocks alone.")
    sizes = {one.name: one.flat if draft.get("flat", False) else one.pooled for one in taps.layers}
    options = [one.name for one in taps.layers if one.main or every or one.name == taps.suggested]
    _layers("layers mine", options, [taps.suggested], lambda n: f"{n}: {sizes[n]:,} numbers{' (suggested)' * (n == taps.suggested)}")  # fmt: skip
    st.caption(f":material/lightbulb: Suggested: {as_is(taps.suggested)}, {as_is(taps.why)}.")
    return "" if draft.get("layers mine", ()) else "Choose at least one layer."


def layers_of(model: str, weights: str, size: int | None, slot: DeltaGenerator) -> Taps:
    """The layers of a network, found beside the page by a forward pass. Raises InputError."""
    key = key_of("taps", model, weights, size, *map(_stamp, (model, weights)))
    found: Taps | None = shelf().find("taps", key)
    if found is None:

        def work(report: Any) -> Any:
            report("Opening the model", None)
            network = open_network(model, given_path(weights) if weights else None, size)
            report("Looking for its layers", 0.5)
            return shelf().keep("taps", key, network.taps())

        found = errands.awaited(errands.errand(key, work), slot, "Opening the model")
    assert found is not None
    return found


def _stamp(path: str) -> int:
    try:
        return Path(path).expanduser().stat().st_mtime_ns if path else 0
    except (OSError, ValueError, RuntimeError):
        return 0
