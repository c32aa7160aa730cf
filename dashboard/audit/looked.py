"""Step 2 of a finished audit: what looked at the data."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import charts
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is
from dashboard.widgets import colours, plot


def show(view: CaseView) -> None:
    model, config = view.case.result.get("model", {}), view.case.config
    st.markdown(f"**{_by(view, model)}**")
    left, right = st.columns(2, gap="large")
    with left:
        layers = [look.layer for look in view.looks if look.layer]
        if layers:
            st.markdown("Layer" + "s" * (len(layers) > 1) + ": " + ", ".join(f"*{as_is(layer)}*" for layer in layers))
        assumed = view.summary["parameters"]["poisons"]
        st.markdown(
            f"- poisons assumed in a class: **{as_is(assumed)}**\n- level: **{view.summary['level']:g}**, the share of clean sets in which any class may be suspected\n- seed: **{config.get('seed', 0)}**"
        )
        took = view.case.result.get("seconds", {})
        st.caption(" · ".join(f"{name} {seconds:,.1f} s" for name, seconds in took.items() if seconds >= 0.05))
    with right:
        st.markdown("**Beforehand: what the data can carry**")
        for line in view.read["carries"]["told"]:
            st.markdown(f"- {as_is(line)}")
        for line in view.summary["limits"]:
            st.caption(line)
    metrics = view.case.metrics()
    if metrics:
        plot(
            charts.training_curves(metrics, colours()),
            "audit-curves",
            "Loss and accuracy of the model that was trained here",
        )


def _by(view: CaseView, model: dict[str, Any]) -> str:
    if view.read["what"] == "features":
        return f"Features as they were brought: {view.summary['d']:,} numbers a row"
    if "trained" in model:
        return (
            f"A model trained here: {as_is(model['trained'])}, {model['epochs']} epochs on {model['images']:,} images, "
            f"{100 * model['accuracy']:.1f} % right on the images it was trained on"
        )
    return f"A model of yours: {as_is(model.get('brought', ''))}"
