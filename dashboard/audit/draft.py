"""The audit that is being set up, as it stands in the session: nothing is lost on a bad input or on another page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.cases.config import CaseConfig
from core.cases.reading import FEATURES
from core.datasets import DATASETS, BroughtSet
from core.models import MODELS
from dashboard import forms
from dashboard.audit.upload import is_upload

PATHS = ("path", "labels", "kind", "column", "images", "text")  # texts of the config that say what is read
MENDED = ("split", "classes", "image_column", "label_column", "layout", "levels", "size", "skip_broken", "mirror")
KINDS = (*(key for key, entry in DATASETS.items() if issubclass(entry, BroughtSet)), FEATURES)
TRAINED, MINE = "trained", "mine"
POISONS = {"auto": "As many as stand apart", "count": "A number", "share": "A share of each class"}
UPLOADED = "bring uploaded"  # path of an upload -> what the visitor calls it
SEEN = "bring seen"  # (path, kind): what lies at the path, once it was looked at


def get(name: str, default: Any = "") -> Any:
    """What the widget of that name holds; of a text without blanks around it."""
    value = st.session_state.get(f"bring {name}", default)
    return value.strip() if isinstance(value, str) else default if value is None else value


def kind() -> str:
    """What the data is read as: as it was asked for, else as it was seen to be; empty before."""
    path, seen = st.session_state.get(SEEN, ("", ""))
    return str(get("kind") or (seen if path == get("path") else ""))


def form_key(what: str) -> str:
    """Of the widgets for the options of a kind."""
    return f"bring {what}"


def data() -> CaseConfig:
    """The part of the config that says what is read."""
    texts: dict[str, Any] = {name: str(get(name)) for name in PATHS}
    if kind() in DATASETS:  # what else is held is of a table of features, which was there before
        options = forms.held(DATASETS[kind()], form_key(kind()), MENDED)
        return CaseConfig(texts["path"], kind=texts["kind"], options=options)
    return CaseConfig(**texts)


def whole(read: CaseConfig, what: str) -> CaseConfig:
    """The whole config. read: the part of `data`. what: "images" or FEATURES."""
    share = f"{get('poisons share', 2.0):g}%"
    poisons = {"auto": "auto", "count": str(get("poisons count", 50)), "share": share}[get("poisons kind", "auto")]
    made = replace(
        read, poisons=poisons, level=float(get("level", 0.05)), label=str(get("label")), seed=int(get("seed", 0)),
        device=str(get("device", "auto")),
    )  # fmt: skip
    if what == FEATURES:
        return made
    if get("looks", TRAINED) == MINE:
        by_hand = get("normalise", "auto") == "by hand"
        return replace(
            made, model=str(get("model")), weights=str(get("weights")), size=st.session_state.get("bring size"),
            normalise="auto" if by_hand else str(get("normalise", "auto")), mean=str(get("mean")) if by_hand else "",
            std=str(get("std")) if by_hand else "", flat=bool(get("flat", False)), layers=tuple(get("layers mine", ())),
        )  # fmt: skip
    architecture = str(get("architecture", "small"))
    layers = tuple(get(f"layers {architecture}", ()))
    if layers == (MODELS[architecture].default_layer,):
        layers = ()
    return replace(made, architecture=architecture, epochs=st.session_state.get("bring epochs"), layers=layers)


def clear() -> None:
    """Forget what was set up."""
    for key in [key for key in st.session_state if str(key).startswith("bring ")]:
        del st.session_state[key]


def upload_becomes(name: str, path: str, called: str) -> None:
    """What was uploaded becomes the path, or the labels. called: as the visitor calls the file.

    Data in place of other data is read as it looks: how that was to be read, and its labels, say nothing of this.
    """
    if name == "path" and get("path") not in ("", path):
        of_a_kind = tuple(f"{form_key(kind)}-" for kind in DATASETS)
        for key in [key for key in map(str, st.session_state) if key.startswith(of_a_kind)]:
            del st.session_state[key]
        st.session_state.update({f"bring {other}": "" for other in PATHS if other != "path"})
    st.session_state[f"bring {name}"] = path
    st.session_state.setdefault(UPLOADED, {})[path] = called.split(".")[0]


def fill(config: CaseConfig) -> None:
    """Give the widgets the values of a config; before they are placed."""
    clear()
    state = {name: getattr(config, name) for name in PATHS}
    if config.options and not config.kind:  # the options are of the kind that it was seen to be
        state["kind"] = _kind_with(config)
    if state["kind"] in DATASETS:
        forms.fill(
            DATASETS[state["kind"]], form_key(state["kind"]), {n: v for n, v in config.options.items() if n in MENDED}
        )
    automatic, share = config.poisons == "auto", config.poisons.endswith("%")
    state["poisons kind"] = "auto" if automatic else "share" if share else "count"
    if not automatic:
        state[f"poisons {state['poisons kind']}"] = float(config.poisons[:-1]) if share else int(config.poisons)
    state |= {name: getattr(config, name) for name in ("level", "label", "seed", "architecture", "epochs")}
    state |= {"looks": MINE if config.model else TRAINED}
    if config.model:
        state |= {name: getattr(config, name) for name in ("model", "weights", "size", "mean", "std", "flat")}
        state |= {"normalise": "by hand" if config.mean else config.normalise, "layers mine": list(config.layers)}
    elif config.layers:
        state[f"layers {config.architecture}"] = list(config.layers)
    st.session_state.update({f"bring {name}": value for name, value in state.items()})


def _kind_with(config: CaseConfig) -> str:
    from core.cases.reading import kind_at
    from core.foundation.errors import InputError

    try:
        return kind_at(Path(config.path))
    except InputError:
        return ""


def name_of(config: CaseConfig) -> str:
    """What an audit of this config is called, where nobody says: after its file or folder, as it was called before an upload."""
    path = Path(config.path)
    called = get("uploaded", {}).get(config.path, "upload" if is_upload(path) else path.name)
    return str(get("name")) or called.split(".")[0] or "audit"
