"""How SPECTRE came to its verdict: the choice of k, the rounds of its filter, and the spread before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import charts, lens
from dashboard.inspection.controls import alpha_text
from dashboard.inspection.state import Shown
from dashboard.widgets import colours, plot


def show(shown: Shown) -> None:
    record = shown.run.result["defenses"]["spectre"]["record"]
    chosen = record["candidates"][record["chosen"]]
    for warning in record["warnings"]:
        st.caption(f"Note: {warning}.")
    left, right = st.columns(2, gap="medium")
    with left:
        choice_of_k(shown, record)
        spread(record, chosen)
    with right:
        rounds(shown, chosen)
    sharpness_and_k(shown)


def choice_of_k(shown: Shown, record: dict[str, Any]) -> None:
    st.markdown(
        "**Choice of k**",
        help="k: how many principal components (directions of largest spread) to look at. For each k SPECTRE removes "
        "what it would and whitens the rest; the k that then leaves the most spread to explain wins.",
    )
    plot(charts.objective_by_k(record["candidates"], record["chosen"], colours()), "objective", "Objective against k")


def spread(record: dict[str, Any], chosen: dict[str, Any]) -> None:
    st.markdown(
        "**Spread before and after**",
        help="Variance along each direction. After robust whitening every direction of the trusted rows has variance 1; "
        "one well above 1 is suspicious.",
    )
    figure = charts.spectrum(record["variances"], chosen["whitened_variances"], chosen["k"], colours())
    plot(figure, "spectrum", "Variance along each direction before and after whitening")


def rounds(shown: Shown, chosen: dict[str, Any]) -> None:
    """The filter as a film in the robust picture, and its figures round by round."""
    st.markdown(
        "**Rounds of the filter**",
        help="Each round drops rows that make the fourth moments heavier than those of a Gaussian. The green ellipse "
        "holds two standard deviations of the rows that are still trusted.",
    )
    run = shown.run
    if not chosen["rounds"]:
        st.info(f"No rounds: {chosen['stopped']}.", icon=":material/info:")
        return
    dropped = np.zeros(len(run.frame), int)
    for number, one in enumerate(chosen["rounds"], 1):
        dropped[one["dropped"]] = number
    lens.film(
        run.ids, run.views["robust"], dropped, round_words(shown, chosen), "film",
        unit="σ of the trusted rows", truth=shown.truth,
    )  # fmt: skip
    st.caption(
        "Pink rings: dropped in this round; crosses: dropped before; green: two standard deviations of what is still "
        f"trusted. Stopped: {chosen['stopped']}. It trusts {chosen['trusted']:,} of {len(run.frame):,} images.",
        help="Its allowance: it may distrust at most so many images for each poison that is expected, two unless the run was told otherwise.",
    )
    plot(
        charts.filter_rounds(chosen["rounds"], shown.truth, colours()), "rounds",
        "Rows dropped and excess fourth moment for each round",
    )  # fmt: skip


def round_words(shown: Shown, chosen: dict[str, Any]) -> list[str]:
    total = len(chosen["rounds"])
    words = [
        f"before the first of {total} round{'' if total == 1 else 's'}: all {len(shown.run.frame):,} rows are trusted"
    ]
    gone = 0
    for number, one in enumerate(chosen["rounds"], 1):
        gone += len(one["dropped"])
        text = f"round {number} of {total}: drops {len(one['dropped'])}, {gone} so far"
        if shown.revealed:
            text += f", {int(shown.run.truth[one['dropped']].sum())} of these poison"
        words.append(text)
    return words


def sharpness_and_k(shown: Shown) -> None:
    """Every alpha at every k: the objective, or what would be found there once the truth is out."""
    run, about = shown.run, shown.run.result.get("grid")
    if run.grid is None or not about:
        return
    alphas = [alpha_text(a) for a in about["alphas"]]
    if shown.revealed and run.truth.any():
        st.markdown("**Poison found at every sharpness and k**", help="The same number of rows is removed everywhere.")
        count = run.result["defenses"]["spectre"]["removed"]
        found = found_on_grid(run.id, run.stamp, count, run)
        figure = charts.grid_map(
            100 * found, about["ks"], alphas, colours(), name="poison removed", unit="%", span=(0, 100)
        )
    else:
        st.markdown(
            "**Objective at every sharpness and k**",
            help="The mean QUE by which k would be chosen at that sharpness; each row has a scale of its own, so compare "
            "along a row.",
        )
        values = np.array(about["objectives"], float)
        figure = charts.grid_map(values, about["ks"], alphas, colours(), name="objective", unit="mean QUE", span=None)
    plot(figure, "grid", "Heat map over sharpness and k")


@st.cache_data(max_entries=16, show_spinner=False)
def found_on_grid(run_id: str, stamp: int, count: int, _run: Any) -> np.ndarray:
    """(alphas, ks): share of the poisons among the `count` highest scores."""
    grid, truth = np.asarray(_run.grid), _run.truth
    if count <= 0:
        return np.zeros(grid.shape[:2])
    cuts = np.partition(grid, -count, axis=2)[:, :, -count]
    shares: np.ndarray = (grid[:, :, truth] >= cuts[:, :, None]).mean(2)
    return shares
