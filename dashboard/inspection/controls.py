"""The narrow column: the defense, the cut, the truth, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.runs import detection
from dashboard import address, data
from dashboard.inspection import state
from dashboard.inspection.state import Shown
from dashboard.plain import as_is
from dashboard.widgets import reveal_truth, share_metric

OWN = "as fitted"


def choose(run: data.RunView) -> Shown:
    """Place the controls and return what they ask for."""
    defenses = run.result["defenses"]
    with st.container(key="inspect-controls"):
        address.adopt("defense", list(defenses))
        defense = st.selectbox(
            "Defense", list(defenses), format_func=lambda d: defenses[d]["title"], key="defense",
            help="Each gave every image a suspicion score; the pictures are SPECTRE's in any case.",
        )  # fmt: skip
        address.publish("defense")
        scores, variant = sharpness(run, defense)
        own = defenses[defense]["removed"]
        count = move_cut(run, state.cut(run, defense, variant, own), own)
    with st.container(key="inspect-truth"):
        revealed = reveal_truth(run.id, "First guess: which images look poisoned to you?")
    focus = st.session_state.get("focus")
    shown = Shown(
        run, defense, scores, state.removal(run, defense, scores, count, variant), revealed,
        run.mask(st.session_state["selected"]), run.mask(st.session_state["guessed"]),
        run.row_of.get(focus) if focus is not None else None, variant,
    )  # fmt: skip
    state.publish(shown, own)
    with st.container(key="inspect-counts"):
        outcome(shown)
    return shown


def move_cut(run: data.RunView, count: int, own: int) -> int:
    """The cut as a slider and as a number; the third way is to drag the line in the histogram."""
    n = len(run.frame)
    for key in state.MOVES:  # not the one that was moved: it may be farther already
        state.follow(key, count)
    st.slider(
        "Remove the highest", 0, n, key="cut-slider", format="%d images", on_change=state.take_cut, args=("cut-slider",),
        help=f"Moves the cut; drag the line in the histogram, or type a number. The run itself removed {own:,}. Nothing is trained again.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Images removed", 0, n, key="cut-number", on_change=state.take_cut, args=("cut-number",),
            label_visibility="collapsed",
        )  # fmt: skip
        st.button("Reset", disabled=count == own, on_click=_reset, args=(own,), help=f"Back to the run's own {own:,}.")
    return count


def _reset(own: int) -> None:
    st.session_state["cut"] = own


def sharpness(run: data.RunView, defense: str) -> tuple[np.ndarray, str]:
    """The scores (n,), and in words which, where SPECTRE is asked for another alpha or k than it was fitted with."""
    own = run.frame[f"score_{defense}"].to_numpy()
    about = run.result.get("grid")
    if defense != "spectre" or run.grid is None or not about:
        return own, ""
    fitted = run.result["defenses"]["spectre"]["record"]
    asked, near = fitted.get("alpha", 4.0), fitted_alpha(run)
    ks, alphas = _stops(about["ks"], fitted["k"], str), _stops(about["alphas"], asked, alpha_text)
    for key, usual in (("alpha", alpha_text(asked)), ("k", str(fitted["k"]))):
        if st.query_params.get(key) == usual:
            del st.query_params[key]  # it is that of the fit
    address.adopt("alpha", alphas, default=OWN)
    address.adopt("k", ks, default=OWN)
    told = run.config["defense"] == "spectre" and run.config["defense_options"].get("n_components")
    how = "was told to take" if told else "chose by its objective"
    with st.popover("Sharpness α and k", icon=":material/tune:", width="stretch"):
        alpha = st.select_slider(
            "α, sharpness of the score", alphas, key="alpha",
            format_func=lambda a: f"as fitted: {alpha_text(asked)}" if a == OWN else a,
            help="0 counts every direction alike, ∞ only the one that spreads most; the paper takes 4.",
        )  # fmt: skip
        k = st.select_slider(
            "k, principal components", ks, key="k",
            format_func=lambda k: f"as fitted: {fitted['k']}" if k == OWN else k,
            help=f"In how many directions of largest spread SPECTRE looks; it {how} {fitted['k']}.",
        )  # fmt: skip
        st.caption("Each was computed with the run; nothing is fitted again.")
        if alpha == OWN and k != OWN and near != asked:
            st.caption(
                f"At another k than the fitted one there are scores for α = {alpha_text(near)}, the nearest to {alpha_text(asked)}."
            )
    for key in ("alpha", "k"):
        address.write(key, None if st.session_state[key] == OWN else st.session_state[key])
    if alpha == OWN and k == OWN:
        return own, ""
    row = about["alphas"].index(near) if alpha == OWN else [alpha_text(a) for a in about["alphas"]].index(alpha)
    column = about["ks"].index(fitted["k"]) if k == OWN else [str(one) for one in about["ks"]].index(k)
    words = f"α = {alpha_text(about['alphas'][row])}, k = {about['ks'][column]}"
    return np.asarray(run.grid[row, column], np.float64), words


def fitted_alpha(run: data.RunView) -> float:
    """The alpha on the grid that is nearest to the one SPECTRE was fitted with."""
    asked = run.result["defenses"]["spectre"]["record"].get("alpha", 4.0)
    return min((a for a in run.result["grid"]["alphas"] if a != "inf"), key=lambda a: abs(a - asked))


def _stops(values: Sequence[Any], own: Any, text: Callable[[Any], str]) -> list[str]:
    """The stops of a slider in their order, that of the fit among them where it belongs."""
    return [OWN if value == own else text(value) for value in sorted({*values, own}, key=float)]  # "inf" among them


def alpha_text(alpha: float | str) -> str:
    return "∞" if alpha == "inf" or alpha == math.inf else f"{float(alpha):g}"


def outcome(shown: Shown) -> None:
    """What the cut comes to; the truth only where it is revealed."""
    removed, run = shown.removed, shown.run
    if shown.revealed:
        found = detection(removed, run.truth)
        share_metric("Poison removed", found["true_positive_rate"], "poisons", help="True positive rate (TPR).")
        share_metric("Clean removed", found["false_positive_rate"], "clean images", help="False positive rate (FPR).")
        share_metric("Precision", found["precision"], "removed images are poison", help="Share of the removed that were poison.")  # fmt: skip
    else:
        st.metric(
            "Above the cut", f"{int(removed.sum()):,}", border=True, help="The images that look poisoned at this cut."
        )
        st.caption(f"of {len(removed):,} images labelled {as_is(run.target)}; the truth is hidden")
