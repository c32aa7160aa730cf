"""Step 6: QUE, the score between distance after whitening and the top direction."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core.runs import remove_count, scores_at
from dashboard import data, lens
from dashboard.story import parts

ALPHAS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, math.inf)
USUAL = 4.0


def grid_of(run: data.RunView) -> tuple[list[float], np.ndarray]:
    """Alphas and the scores (alphas, n) of the whitening that the Story shows; computed for runs that do not keep them."""
    about = run.result["views"]
    if run.grid is not None and about["k"] in run.result["grid"]["ks"]:
        column = run.result["grid"]["ks"].index(about["k"])
        return [float(a) for a in run.result["grid"]["alphas"]], np.array(run.grid[:, column], np.float64)
    candidate = run.result["defenses"]["spectre"]["record"]["candidates"][about["candidate"]]
    variances = np.array(candidate["whitened_variances"])
    return list(ALPHAS), np.stack([scores_at(run.views["whitened"], variances, alpha) for alpha in ALPHAS])


@st.cache_resource(max_entries=16, show_spinner=False)
def packed(run_id: str, stamp: int, present: bool, _told: parts.Told) -> tuple[bytes, list[int]]:
    """The histogram of every alpha, and how many poisons each finds."""
    run = _told.run
    alphas, scores = grid_of(run)
    remove = run.result["defenses"]["spectre"]["removed"]
    hits = [int((remove_count(row, remove)[0] & run.truth).sum()) for row in scores]
    finite = np.array([not math.isinf(alpha) for alpha in alphas])
    # Along one direction alone some scores are nearly nothing: those are counted in the first bar.
    low = max(float(np.quantile(scores[finite], 0.01)), 1e-12)
    high = max(float(scores.max()), 10 * low)
    data_ = lens.pack_alphas(
        f"story-score/{run.id}", run.ids, scores, run.truth, [stop(alpha) for alpha in alphas],
        start=alphas.index(USUAL) if USUAL in alphas else 0, remove=remove, name="QUE", file=f"{run.id}-que",
        span=(math.log10(low), math.log10(high)), slider="α, from distance after whitening to the top direction",
        ends=("distance after whitening", "top direction alone"), **_told.room_above(115),
    )  # fmt: skip
    return data_, hits


def stop(alpha: float) -> tuple[str, str]:
    """A stop of the slider: short name and what it is."""
    if math.isinf(alpha):
        return "∞", "the top direction alone"
    titles = {0.0: "distance after whitening", USUAL: "the usual choice"}
    return f"{alpha:g}", titles.get(alpha, f"α = {alpha:g}")


def show(told: parts.Told) -> None:
    run = told.run
    shown, hits = packed(run.id, run.stamp, told.present, told)
    picture, words = parts.stage(told, claim(run), *explained(run, hits))
    with words:
        if not run.result["views"]["is_chosen"]:
            st.caption(f"SPECTRE chose k = 1 here; the scores shown are those at k = {run.result['views']['k']}.")
        parts.formula(
            told,
            r"q = w^{\mathsf T} Q\, w, \qquad Q \propto \exp\!\Big(\alpha\,\frac{T - I}{\lVert T\rVert - 1}\Big)",
            "w: a whitened image; T: the covariance of all whitened images. If every direction spread as the trusted images do, T "
            "would be the identity I. Q turns the excess into weights that add up to 1: a direction that spreads more than it "
            "should counts exponentially more; α sets how much. The score q is the sum of the squared coordinates, each times its weight.",
        )
    with picture:
        lens.alphas(shown, "story-score")


def claim(run: data.RunView) -> str:
    rate = parts.value(run.result["defenses"]["spectre"]["true_positive_rate"])
    if rate is not None and rate < parts.LOUD:
        return "One number says how suspicious each image is. Here it is deceived."
    return "One number says how suspicious each image is."


def explained(run: data.RunView, hits: list[int]) -> tuple[str, ...]:
    k, total = run.result["views"]["k"], run.result["poisons_in_target"]
    same = min(hits) == max(hits)
    span = f"{hits[0]:,}" if same else f"between {min(hits):,} and {max(hits):,}"
    every = (
        f"On this run every α finds {span} of {total:,} poisons" if total else "There is no poison to find on this run"
    )
    usual = (
        "α = 4, the usual choice and that of this run, lies between. "
        if run.result["defenses"]["spectre"]["record"]["alpha"] == USUAL
        else ""
    )
    lines = (
        f"The score, **QUE** (quantum entropy, a name borrowed from physics), says how far an image lies from the middle, in all {k} directions after whitening. "
        "Directions in which the images still spread more than the trusted ones count extra. **α** says how much extra: **drag the slider**.",
        f"α = 0: no extra, the plain distance after whitening. Poison that shows in a few of the {k} directions may then drown in the "
        f"others. α = ∞: one direction only, that of most spread. Poison that does not show there escapes. {usual}{every}.",
        "The images of highest score, right of the dashed line, are removed. " + parts.told_to_expect(run, "spectre"),
        "Root scale: the height of a bar grows with the square root of the number of images, so that a single one can be seen.",
    )
    return tuple(line.replace("α = ", "α\u00a0=\u00a0") for line in lines)  # no break within
