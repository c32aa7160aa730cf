"""Widgets made from the typed parameters of a catalogue entry: a new parameter appears by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.params import Param, describe

__all__ = ["describe", "parameters"]


def parameters(
    entry: type, key: str, *, defaults: Mapping[str, Any] | None = None, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One widget for each parameter of `entry`; returns their values by name.

    key: prefix of the widgets' keys. defaults: values that replace the declared ones. skip: parameters left out.
    """
    values = {}
    for p in describe(entry):
        if p.name not in skip:
            default = (defaults or {}).get(p.name, p.default)
            values[p.name] = _widget(p, default, f"{key}-{entry.__name__}-{p.name}")
    return values


def _widget(p: Param, default: Any, key: str) -> Any:
    if p.choices:
        return st.selectbox(p.label, p.choices, index=p.choices.index(default), help=p.help, key=key)
    if p.type is bool:
        return st.toggle(p.label, default, help=p.help, key=key)
    if p.type is str:
        return st.text_input(p.label, default, help=p.help, key=key)
    low = None if p.low is None else p.type(p.low)
    high = None if p.high is None else p.type(p.high)
    step = p.type(p.step) if p.step else (1 if p.type is int else None)
    value = None if default is None else p.type(default)
    shown = "%d" if p.type is int else ("%g" if value is None or value == 0 or abs(value) >= 0.01 else "%.5f")
    return st.number_input(
        p.label, low, high, value, step=step, format=shown, help=p.help, key=key,
        placeholder="chosen by the program" if p.optional else None,
    )  # fmt: skip
