"""Look inside a finished run: scores with a movable cut, three projections, and the images themselves."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import streamlit as st

from core.outcomes import detection, remove_count, roc
from dashboard import charts, data
from dashboard.address import adopt, publish
from dashboard.widgets import choose_run, colours, gallery, legend, plot, share_metric

PAGE = 24  # tiles at a time
VIEWS = (
    ("raw", "Raw", "σ of the first"),
    ("naive", "Naive whitening", "σ of all rows"),
    ("robust", "Robust whitening", "σ of the trusted rows"),
)


def keep_selection(key: str) -> None:
    """A lasso or box in one plot becomes the selection of the whole page, by example id."""
    points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
    ids = sorted(
        {
            int(p["customdata"][0] if isinstance(p["customdata"], list) else p["customdata"])
            for p in points
            if "customdata" in p
        }
    )
    if ids:
        st.session_state["selected"] = ids
        st.session_state["which"] = "selected"
        st.session_state["position"] = 1


def clear_selection() -> None:
    st.session_state["selected"] = []
    st.session_state["which"] = "removed"


def step_through(by: int, last: int) -> None:
    st.session_state["position"] = min(max(st.session_state.get("position", 1) + by, 1), last)


def controls(run: data.RunView) -> tuple[str, int, bool]:
    """The narrow column: defense, cut and truth; and what follows from them. Returns (defense, rows removed, revealed)."""
    defenses = run.result["defenses"]
    adopt("defense", list(defenses))
    key = st.selectbox("Defense", list(defenses), format_func=lambda d: defenses[d]["title"], key="defense")
    publish("defense")
    own, n = defenses[key]["removed"], len(run.frame)
    count = st.slider(
        "Remove the highest", 0, n, own, key=f"cut-{run.id}-{key}", format="%d images",
        help="Moves the cut. The run itself removed the number it starts with; nothing is trained again.",
    )  # fmt: skip
    revealed = st.toggle(
        "Reveal the truth", key="truth", bind="query-params", help="First guess: which images look poisoned to you?"
    )
    return key, count, revealed


def outcome(run: data.RunView, removed: np.ndarray, revealed: bool) -> None:
    if not revealed:
        st.metric("Looks poisoned", f"{int(removed.sum()):,}", border=True, help="Images at or above the cut.")
        st.caption(f"of {len(removed):,} images labelled {run.target}; the truth is hidden")
        return
    found = detection(removed, run.truth)
    share_metric("Poison removed", found["true_positive_rate"], "poisons", help="True positive rate (TPR).")
    share_metric("Clean removed", found["false_positive_rate"], "clean images", help="False positive rate (FPR).")
    share_metric(
        "Precision", found["precision"], "removed images are poison", help="Share of the removed that were poison."
    )


def projections(run: data.RunView, removed: np.ndarray, revealed: bool, marked: np.ndarray, focus: int | None) -> None:
    ids = run.frame["id"].to_numpy()
    legend(revealed)
    for column, (name, title, unit) in zip(st.columns(3), VIEWS, strict=True):
        with column:
            st.markdown(f"**{title}**")
            figure = charts.projection(
                run.views[name],
                ids,
                colours(),
                unit=unit,
                removed=removed,
                truth=run.truth if revealed else None,
                selected=marked,
                focus=focus,
                legend=False,
                height=350,
            )
            figure.update_layout(dragmode="lasso")
            key = f"plane-{name}"
            plot(
                figure,
                key,
                f"{title}: scatter plot of the images of the class",
                selection_mode=("box", "lasso", "points"),
                on_select=lambda key=key: keep_selection(key),
            )


def browse(
    run: data.RunView, scores: np.ndarray, removed: np.ndarray, selected: np.ndarray, revealed: bool
) -> int | None:
    """The gallery; returns the row that is looked at, which is ringed in every plot on the next redraw."""
    order = np.argsort(-scores, kind="stable")
    sets = {"removed": order[removed[order]], "kept": order[~removed[order]], "selected": order[selected[order]]}
    names = {k: f"{k} ({len(v):,})" for k, v in sets.items()}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        which = st.segmented_control(
            "Images", list(sets), default="removed", required=True, key="which", format_func=names.__getitem__
        )
    rows = sets[which or "removed"]
    if not len(rows):
        hints = {
            "selected": "Draw a lasso or a box in one of the plots above; what lies inside appears here.",
            "removed": "Nothing is removed at this cut. Move it to the right.",
            "kept": "Every image is removed at this cut. Move it to the left.",
        }
        st.info(hints[which or "removed"])
        return None
    position = min(st.session_state.get("position", 1), len(rows))
    st.session_state["position"] = position
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=step_through,
            args=(-1, len(rows)),
            shortcut="Left",
            disabled=position == 1,
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            on_click=step_through,
            args=(1, len(rows)),
            shortcut="Right",
            disabled=position == len(rows),
        )
        if which == "selected":
            st.button("Clear", icon=":material/close:", on_click=clear_selection)
    start = (position - 1) // PAGE * PAGE
    page = rows[start : start + PAGE]
    st.caption(
        f"{start + 1}–{start + len(page)} of {len(rows):,}, most suspicious first; under each: rank, score, example id"
    )
    gallery(run, page, scores, revealed, focus=int(rows[position - 1]))
    return int(rows[position - 1])


def decision(run: data.RunView, revealed: bool) -> None:
    """How SPECTRE came to its verdict."""
    record = run.result["defenses"]["spectre"]["record"]
    chosen = record["candidates"][record["chosen"]]
    for warning in record["warnings"]:
        st.caption(f"Note: {warning}.")
    why, rounds, spread = st.columns(3)
    with why:
        st.markdown(
            "**Choice of k**",
            help="How many principal components to look at: the k whose removal leaves the most spread to explain wins.",
        )
        plot(charts.objective_by_k(record["candidates"], record["chosen"], colours()), "k", "Objective against k")
    with rounds:
        st.markdown(
            "**Rounds of the filter**",
            help="Each round drops rows that make the fourth moments heavier than a Gaussian's.",
        )
        if chosen["rounds"]:
            truth = run.truth if revealed else None
            plot(
                charts.filter_rounds(chosen["rounds"], truth, colours()),
                "rounds",
                "Rows dropped and top eigenvalue for each round",
            )
            st.caption(f"Stopped: {chosen['stopped']}. It trusts {chosen['trusted']:,} of {len(run.frame):,} rows.")
        else:
            st.caption(f"No rounds: {chosen['stopped']}.")
    with spread:
        st.markdown(
            "**Spread before and after**",
            help="After robust whitening a direction with a variance well above 1 is suspicious.",
        )
        plot(
            charts.spectrum(record["variances"], chosen["whitened_variances"], chosen["k"], colours()),
            "spectrum",
            "Variance along each direction",
        )


@st.cache_data(max_entries=8, show_spinner="Drawing the map; ten seconds or so, once")
def umap_plane(run_id: str, _components: np.ndarray, neighbours: int) -> np.ndarray:
    """A UMAP of the principal components (n, K), as (n, 2). The same run gives the same map."""
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it reports that a fixed seed means one thread, which is meant
        neighbours = min(neighbours, len(_components) - 1)
        plane: np.ndarray = umap.UMAP(n_neighbors=neighbours, random_state=0).fit_transform(_components)
    return plane


def neighbourhood(run: data.RunView, removed: np.ndarray, revealed: bool, marked: np.ndarray) -> None:
    """UMAP on demand: it takes seconds, and its distances mean little."""
    components = run.views["components"]
    neighbours = st.slider("Neighbours", 5, 50, 15, help="Few show small groups, many the overall shape.")
    if not st.toggle("Draw the map", key=f"umap-{run.id}"):
        st.caption(
            "UMAP lays neighbours side by side. It is a map to wander in, not evidence: distances and sizes of groups mean little."
        )
        return
    figure = charts.projection(
        umap_plane(run.id, components, neighbours),
        run.frame["id"].to_numpy(),
        colours(),
        unit="UMAP, no unit",
        removed=removed,
        truth=run.truth if revealed else None,
        selected=marked,
        height=520,
    )
    plot(figure, "umap", "UMAP of the images of the class")
    st.caption(
        f"UMAP of {components.shape[1]} principal components, {neighbours} neighbours, minimum distance 0.1, seed 0. "
        "Distances and sizes of groups mean little."
    )


def table(run: data.RunView, scores: np.ndarray, removed: np.ndarray, revealed: bool) -> None:
    frame = pd.DataFrame({"id": run.frame["id"], "score": scores, "removed": removed})
    if revealed:
        frame["true label"] = [run.classes[i] for i in run.frame["true_label"]]
        frame["poison"] = run.truth
    frame = frame.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="rank")
    st.dataframe(frame, height=280)
    st.download_button(
        "Download as CSV", frame.to_csv().encode(), f"{run.id}-scores.csv", "text/csv", icon=":material/download:"
    )


narrow, wide = st.columns([1, 4], gap="medium")
with narrow:
    view = choose_run(data.finished())
if view is None:
    st.stop()
if st.session_state.get("inspected") != view.id:  # ids of one run mean nothing in another
    st.session_state.update(inspected=view.id, position=1)
    if "inspected before" in st.session_state:
        clear_selection()
    st.session_state["inspected before"] = True
with narrow:
    method, amount, reveal = controls(view)
    suspicion = view.frame[f"score_{method}"].to_numpy()
    # at its own number the run's own removal is shown, which a cut on the score alone need not give (clustering)
    if amount == view.result["defenses"][method]["removed"]:
        gone = view.frame[f"removed_{method}"].to_numpy(bool)
        threshold = float(suspicion[gone].min()) if gone.any() else float("inf")
    else:
        gone, threshold = remove_count(suspicion, amount)
    outcome(view, gone, reveal)
example_ids = view.frame["id"].to_numpy()
picked = np.isin(example_ids, st.session_state.get("selected", []))
with wide:
    top = st.container()
    lower_left, lower_right = st.columns([2, 3], gap="medium")
    with lower_right:
        focus = browse(view, suspicion, gone, picked, reveal)
    with top:
        projections(view, gone, reveal, picked, focus)
    with lower_left:
        histogram = charts.score_histogram(
            suspicion,
            threshold,
            colours(),
            name=view.result["defenses"][method]["title"],
            truth=view.truth if reveal else None,
        )
        plot(histogram, "histogram", "Histogram of the scores with the cut")
        if reveal and view.truth.any():
            rates = detection(gone, view.truth)
            at = (rates["false_positive_rate"]["value"] or 0.0, rates["true_positive_rate"]["value"] or 0.0)
            plot(charts.roc_curve(*roc(suspicion, view.truth), at, colours()), "roc", "ROC curve with the present cut")
    with st.expander("How SPECTRE decided"):
        decision(view, reveal)
    with st.expander("Map of neighbours (UMAP)"):
        neighbourhood(view, gone, reveal, picked)
    with st.expander("Scores as a table"):
        table(view, suspicion, gone, reveal)
    with st.expander("Make this run again"):
        st.code(view.result["command"], language="bash")
st.caption(view.small_print)
