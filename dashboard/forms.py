"""Widgets made from the typed parameters of a catalogue entry: a new parameter appears by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image, ImageColor

from core.attacks.pictures import FORMATS, LIMIT
from core.foundation.errors import InputError
from core.foundation.params import Param, describe
from dashboard import access, data, uploads
from dashboard.widgets import as_sentence

__all__ = ["colour_text", "describe", "fill", "held", "one_of", "parameters"]

AS_IT_LOOKS = "as it looks"


def parameters(
    entry: type, key: str, *, defaults: Mapping[str, Any] | None = None, skip: tuple[str, ...] = (), columns: int = 1,
    offered: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One widget for each parameter of `entry`; returns their values by name.

    Parameters that do nothing beside the others keep their default and get no widget.
    key: prefix of the widgets' keys. defaults: values that replace the declared ones. skip: parameters left out.
    columns: how many numbers, choices, colours and switches stand side by side; texts and pictures take the full width.
    offered: of a text, what there is to choose from here; empty stays possible.
    """
    values: dict[str, Any] = {}
    row: list[Any] = []
    for p in describe(entry):
        if p.name in skip:
            continue
        default = (defaults or {}).get(p.name, p.default)
        if not p.matters(values):
            values[p.name] = default
            continue
        if p.type is str and not p.choices and p.kind != "colour":
            place, row = st.container(), []
        else:
            row = row or list(st.columns(columns, gap="small", vertical_alignment="bottom"))
            place = row.pop(0)
        with place:
            own, choices = _key(key, entry, p), (offered or {}).get(p.name, ())
            values[p.name] = one_of(p.label, own, choices, AS_IT_LOOKS, p.help) if choices else _widget(p, default, own)
    return values


def held(entry: type, key: str, names: tuple[str, ...]) -> dict[str, Any]:
    """What the widgets of these parameters hold, where that is not the default; before, or without, placing them."""
    found = {p.name: (p, st.session_state.get(_key(key, entry, p), p.default)) for p in describe(entry)}
    return {name: found[name][1] for name in names if name in found and found[name][1] != found[name][0].default}


def fill(entry: type, key: str, values: Mapping[str, Any], *, skip: tuple[str, ...] = ()) -> None:
    """Give the widgets that `parameters` places these values, checked before; call it before they are placed."""
    for p in describe(entry):
        if p.name in skip or p.name not in values:
            continue
        value, own = values[p.name], _key(key, entry, p)
        if p.kind == "colour":
            value = _digits(value)
        elif value is not None:
            value = p.type(value)
        if p.kind == "image":
            _forget(own)
        st.session_state[own] = value


def _key(key: str, entry: type, p: Param) -> str:
    return f"{key}-{entry.__name__}-{p.name}"


def _widget(p: Param, default: Any, key: str) -> Any:
    if p.choices:
        index = p.choices.index(default)
        return st.selectbox(p.label, p.choices, index=index, help=p.help, key=key, persist_state="session")
    if p.type is bool:
        return st.toggle(p.label, default, help=p.help, key=key, persist_state="session")
    if p.kind == "colour":
        return _colour(p, default, key)
    if p.kind == "image":
        return _picture(p, key)
    if p.type is str:
        return st.text_input(p.label, default, help=p.help, key=key, persist_state="session")
    return _number(p, default, key)


def one_of(label: str, key: str, offered: Sequence[str], nothing: str, help: str, *, new: bool = False) -> str:
    """A text that is chosen; what was written before stays a choice, so that a message about it has its widget.

    nothing: what an empty one means. new: whether another may be typed.
    """
    held = str(st.session_state.get(key) or "")
    options = list(dict.fromkeys(["", *offered, *([held] if held else [])]))
    st.session_state[key] = held
    chosen = st.selectbox(
        label, options, format_func=lambda option: option or f"({nothing})", key=key, help=help, accept_new_options=new,
        persist_state="session",
    )  # fmt: skip
    return chosen or ""


def _number(p: Param, default: Any, key: str) -> Any:
    low = None if p.low is None else p.type(p.low)
    high = None if p.high is None else p.type(p.high)
    step = p.type(p.step) if p.step else (1 if p.type is int else None)
    value = None if default is None else p.type(default)
    shown = "%d" if p.type is int else ("%g" if value is None or value == 0 or abs(value) >= 0.01 else "%.5f")
    return st.number_input(
        p.label, low, high, value, step=step, format=shown, help=p.help, key=key, persist_state="session",
        placeholder="automatic" if p.optional else None,
    )  # fmt: skip


def _colour(p: Param, default: str, key: str) -> str:
    picked = st.color_picker(p.label, _digits(default), help=p.help, key=key, persist_state="session")
    return colour_text(picked, default)


def _digits(colour: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(colour)[:3])


def colour_text(picked: str, default: str) -> str:
    """A picked #rrggbb by its name where it has one, so that commands and sentences stay short; the default first."""
    rgb = ImageColor.getrgb(picked)[:3]
    named = (name for name in (default, *ImageColor.colormap) if ImageColor.getrgb(name)[:3] == rgb)
    return next(named, picked.lower())


def _picture(p: Param, key: str) -> str:
    """A picture to upload, or the path of one; empty for none."""
    path = str(st.session_state.get(key, ""))
    if path:
        with st.container(horizontal=True, vertical_alignment="center"):
            _thumbnail(path)
            st.button(
                f"Remove {p.label.lower()}", icon=":material/close:", on_click=_forget, args=(key,), key=f"{key}-x"
            )
    else:
        round_ = st.session_state.get(f"{key}-round", 0)  # a new key empties the uploader
        file_key = f"{key}-file-{round_}"
        st.file_uploader(
            p.label, list(uploads.TYPES), key=file_key, help=p.help, on_change=_store, args=(key, file_key),
            max_upload_size=uploads.MEGABYTES,
        )  # fmt: skip
    if problem := st.session_state.get(f"{key}-problem"):
        st.error(as_sentence(problem))
    with st.expander("A path in place of an upload"):
        return st.text_input(
            f"{p.label}: path on this computer", key=key, persist_state="session", placeholder="/home/me/sticker.png"
        ).strip()


def _thumbnail(path: str) -> None:
    """The picture itself, small; nothing where it cannot be read: that is said where the trigger is made."""
    try:
        access.check_path(path)
        file = Path(path).expanduser()
        with Image.open(file, formats=FORMATS) as picture:
            if not file.is_file() or max(picture.size) > LIMIT:
                return
            small = picture.convert("RGBA")
        small.thumbnail((96, 96))
        st.image(small, width=48)
    except Exception:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        return


def _store(key: str, file_key: str) -> None:
    """What was uploaded becomes the parameter's path; what is no picture becomes a message."""
    st.session_state.pop(f"{key}-problem", None)
    if (file := st.session_state.get(file_key)) is None:
        return
    try:
        st.session_state[key] = str(_keep_picture(file.getvalue()))
    except InputError as problem:
        st.session_state[f"{key}-problem"] = str(problem)


def _keep_picture(content: bytes) -> Path:
    root = data.user_runs().root
    return access.keep_upload(lambda: uploads.store_picture(content, root), len(content), root)


def _forget(key: str) -> None:
    st.session_state[key] = ""
    st.session_state[f"{key}-round"] = st.session_state.get(f"{key}-round", 0) + 1
    st.session_state.pop(f"{key}-problem", None)
