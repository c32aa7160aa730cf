"""Does the layer matter? SPECTRE at every layer of the model and at every k, from a stored study."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.runs import RunFolder
from dashboard import data
from dashboard.charts import studies as charts
from dashboard.compare import choices, claims, study
from dashboard.widgets import again_once, colours, plot

WHAT = (
    "SPECTRE looks at what one layer of the model makes of each image. This takes the features at every layer instead, and "
    "tries every k (how many principal components, directions of largest spread, are looked at)."
)


def show(run: data.RunView, folder: RunFolder, revealed: bool) -> None:
    found = study.stored(folder, "layers")
    if found is None:
        seconds = (
            6 * run.result["defenses"]["spectre"]["seconds"] + 5
        )  # a small model has four layers, the first is wide
        study.offer(folder, "layers", "Look at every layer", WHAT, seconds, revealed)
        return
    choices.claim(claims.layers(found, revealed))
    st.markdown(
        "**Share of the poison that is removed**" if revealed else "**SPECTRE's objective**",
        help="In each place: SPECTRE on the features of that layer, held to that k. k = 1 is spectral signatures. The uppermost "
        "row says which k SPECTRE takes by itself, the one of largest objective, and what that gives. "
        "The objective (mean QUE) says how far the removed images stand apart from the kept ones; it needs no truth.",
    )
    plot(
        charts.layer_map(found, colours(), revealed=revealed), "layer-map",
        "Heat map of layers against the number of principal components",
    )  # fmt: skip
    if not revealed:
        st.caption("Shaded by the share of the layer's largest objective; objectives of two layers are not comparable.")
    if lacking := charts.without_k(found):
        named = claims.listed([f"{layer} has {columns:,} features" for layer, columns in lacking.items()])
        st.caption(f"“no such k”: {named}, and no layer has more directions of spread than features, often fewer.")
    frame = layers_frame(found, revealed)
    with st.expander(f"As a table: {len(frame)} places"):
        choices.table(frame, f"{run.id}-layers", columns=choices.percents(["TPR", "FPR"]) if revealed else None)
    again_once(revealed, *study.reproduce(run, "layers"))
    st.caption(f"{study.small_print(found, run)} · one run, so there is no interval over seeds")


def layers_frame(found: dict[str, Any], revealed: bool) -> pd.DataFrame:
    """One line for each layer and k; shares in percent."""
    lines = []
    for row in found["rows"]:
        for cell in row["by_k"]:
            line = {
                "layer": row["layer"], "features": row["columns"], "k": cell["k"], "objective": cell["objective"],
                "removed": cell["removed"],
            }  # fmt: skip
            if revealed:
                hit, missed = cell["true_positive_rate"], cell["false_positive_rate"]
                line |= {
                    "poison removed": hit["count"],
                    "of": hit["total"],
                    "TPR": _percent(hit),
                    "FPR": _percent(missed),
                }
            lines.append(line)
    return pd.DataFrame(lines)


def _percent(share: dict[str, Any]) -> float | None:
    return 100 * share["count"] / share["total"] if share["total"] else None
