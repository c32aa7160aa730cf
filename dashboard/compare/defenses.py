"""Which defense caught what? Defenses of one run on the same images; nothing is computed anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.runs import detection
from core.studies import overlap
from dashboard import address, data
from dashboard.address import adopt, publish
from dashboard.charts import compare as charts
from dashboard.compare import choices, claims
from dashboard.widgets import again_once, colours, gallery, plot

PAGE = 24  # tiles at a time
SELECTED = "selected"
HOW = {"own": "what each chose", "same": "the same number each"}


def show(run: data.RunView, keys: Sequence[str], revealed: bool) -> None:
    if len(keys) < 2:
        st.info("Choose at least two defenses to compare.", icon=":material/compare_arrows:")
        return
    titles = {key: run.result["defenses"][key]["title"] for key in keys}
    scores = {key: run.frame[f"score_{key}"].to_numpy() for key in keys}
    truth = run.truth if revealed else None
    place = st.container()
    how, count = _amount(run)
    removed = {
        key: overlap.highest(scores[key], count) if how == "same" else run.frame[f"removed_{key}"].to_numpy(bool)
        for key in keys
    }
    parts = overlap.parts(removed, truth)
    found = {key: detection(mask, run.truth) for key, mask in removed.items()} if revealed else {}
    with place:
        if not revealed:
            choices.claim(claims.overlap(parts, titles))
        else:
            choices.claim(claims.matched(found, titles, count) if how == "same" else claims.chosen(found, titles))
    left, right = st.columns(2, gap="medium")
    chosen = _chosen_part(parts, run)
    with left:
        _overlap(parts, titles, chosen)
    with right:
        _pair(run, scores, removed, titles, truth)
    _pictures(run, parts, titles, scores, chosen, revealed)
    _what_each_finds(run, scores, titles, count if how == "same" else None, found)
    again_once(revealed, run.result["command"], _python(run, list(keys), count if how == "same" else None))
    st.caption(run.small_print)


def _amount(run: data.RunView) -> tuple[str, int]:
    """Whether the defenses remove what they chose or the same number, and that number."""
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="bottom")
    with left:
        adopt("amount", list(HOW))
        how = st.segmented_control(
            "Each defense removes", list(HOW), format_func=HOW.__getitem__, required=True, key="amount",
            help="What each chose in the run; or, for a fair match, the same number of its most suspicious images.",
        )  # fmt: skip
        publish("amount")
    n = len(run.frame)
    first = next(iter(run.result["defenses"].values()))["removed"]  # the run's own main defense
    key = f"same-{run.id}"
    address.adopt_number("same", 1, n, min(max(first, 1), n), key=key)
    with right:
        if how == "same":
            st.slider(
                "The same number for all", 1, n, key=key, format="%d images",
                help="Matched budget: how many images each defense may remove. Ties at the cut go by example id.",
            )  # fmt: skip
            address.write("same", str(st.session_state[key]))
        else:
            st.session_state[key] = st.session_state[key]  # kept for when the slider comes back
            st.caption(own_numbers(run))
    return how or "own", int(st.session_state[key])


def own_numbers(run: data.RunView) -> str:
    """How many images each defense chose to remove, in words."""
    chosen = [f"{found['title']} {found['removed']:,}" for found in run.result["defenses"].values()]
    return f"Images each chose to remove in the run: {', '.join(chosen)}."


def _chosen_part(parts: Sequence[overlap.Part], run: data.RunView) -> str:
    """The part whose images are shown, in step with the address: to begin with what the first defense alone removes."""
    options = [charts.part_key(part) for part in parts] + [SELECTED]
    first = next(iter(run.result["defenses"]))
    if st.session_state.get("part") not in options and first in options:
        st.session_state["part"] = first
    adopt("part", options)
    return str(st.session_state["part"])


def _take_bar() -> None:
    picked = choices.picked("upset")
    if picked:
        st.session_state["part"] = str(picked[0])


def _overlap(parts: Sequence[overlap.Part], titles: dict[str, str], chosen: str) -> None:
    st.markdown(
        "**Who removes the same images**",
        help="An UpSet chart. A bar counts the images that exactly the defenses with a dark dot below it remove, and no "
        "other. Click a bar, or choose below, to see them.",
    )
    if not parts:
        st.info("Nothing is removed. Move the number above to the right.", icon=":material/tune:")
        return
    figure = charts.upset(parts, titles, colours(), chosen=chosen)
    plot(
        figure, "upset", "Overlap of the removals: " + "; ".join(f"{part_words(p, titles)} {len(p)}" for p in parts[:8]),
        on_pick=_take_bar,
    )  # fmt: skip
    shown = min(len(parts), charts.MOST_BARS)
    st.caption(f"showing {shown} of {len(parts)} combinations that occur")


def part_words(part: overlap.Part, titles: dict[str, str]) -> str:
    if len(part.members) == 1:
        return f"only {titles[part.members[0]]}"
    if len(part.members) == len(titles):
        return f"{'both' if len(titles) == 2 else 'all ' + claims.numeral(len(titles))}"
    return " + ".join(titles[key] for key in part.members)


def _pair(
    run: data.RunView, scores: dict[str, np.ndarray], removed: dict[str, np.ndarray], titles: dict[str, str],
    truth: np.ndarray | None,
) -> None:  # fmt: skip
    """Two defenses against each other; what is brushed becomes the selection, as on Inspect."""
    st.markdown(
        "**Score against score**",
        help="Every dot is an image. Right: suspicious to the one defense; above: to the other. Draw a box or a lasso to "
        "see the images inside; Inspect shows the same selection.",
    )
    keys = list(scores)
    options = [f"{a}-{b}" for i, a in enumerate(keys) for b in keys[i + 1 :]]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        adopt("pair", options)
        pair = st.selectbox(
            "Pair", options, key="pair", format_func=lambda o: " and ".join(titles[k] for k in o.split("-")),
            label_visibility="collapsed",
        )  # fmt: skip
        publish("pair")
    with right:
        adopt("unit", ["rank", "score"])
        unit = st.segmented_control(
            "Unit", ["rank", "score"], required=True, key="unit", label_visibility="collapsed",
            format_func={"rank": "ranks", "score": "scores"}.__getitem__,
        )  # fmt: skip
        publish("unit")
    ids = run.frame["id"].to_numpy()
    values = [
        (titles[k], overlap.ranks(scores[k]) if unit == "rank" else scores[k], removed[k]) for k in pair.split("-")
    ]
    picked = np.isin(ids, choices.selected_ids(run))
    key = f"pair-plot-{run.id}"

    def take() -> None:
        if ids := choices.picked(key):
            choices.select(run, sorted(int(i) for i in ids))
            st.session_state["part"] = SELECTED

    figure = charts.score_pair(values, ids, colours(), unit=str(unit), truth=truth, selected=picked)
    plot(
        figure, key, f"{unit} of {values[0][0]} against {unit} of {values[1][0]} for each image",
        on_pick=take,
    )  # fmt: skip
    st.caption("Upper right: suspicious to both.")


def _pictures(
    run: data.RunView, parts: Sequence[overlap.Part], titles: dict[str, str], scores: dict[str, np.ndarray], chosen: str,
    revealed: bool,
) -> None:  # fmt: skip
    """The images of one bar, or of the selection, the most suspicious first."""
    by_key = {charts.part_key(part): part for part in parts}
    ids = run.frame["id"].to_numpy()
    selected = np.flatnonzero(np.isin(ids, choices.selected_ids(run)))
    names = {key: f"{part_words(part, titles)} ({len(part):,})" for key, part in by_key.items()}
    names[SELECTED] = f"what you selected ({len(selected):,})"
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        st.selectbox("Images removed by", list(names), format_func=names.__getitem__, key="part")
        publish("part")
    chosen = st.session_state["part"]
    rows = selected if chosen == SELECTED else by_key[chosen].rows
    judge = by_key[chosen].members[0] if chosen in by_key else next(iter(scores))
    if not len(rows):
        st.info("Draw a box or a lasso in the plot above, or choose a bar; the images appear here.")
        return
    ordered = rows[np.argsort(-scores[judge][rows], kind="stable")]
    asked = st.session_state.get("more", {})
    pages = asked.get("pages", 1) if asked.get("of") == (run.id, chosen) else 1
    shown = ordered[: pages * PAGE]
    with right:
        to_inspect = st.button(
            "Inspect these", icon=":material/search_insights:",
            help="Makes them the selection, ringed in every plot here and on Inspect, and goes there.",
        )  # fmt: skip
    if to_inspect:
        choices.select(run, ids[ordered].tolist())
        st.switch_page("screens/inspect.py", query_params={"run": run.id})
    st.caption(
        f"showing {len(shown):,} of {len(rows):,}, most suspicious to {titles[judge]} first; under each: rank, score, example id"
    )
    gallery(run, shown, scores[judge], revealed)
    if len(shown) < len(rows):
        st.button(f"Show {min(PAGE, len(rows) - len(shown))} more", icon=":material/expand_more:",
                  on_click=lambda: st.session_state.update(more={"of": (run.id, chosen), "pages": pages + 1}))  # fmt: skip


def _what_each_finds(
    run: data.RunView, scores: dict[str, np.ndarray], titles: dict[str, str], count: int | None, found: dict[str, Any]
) -> None:
    """What each removes and finds. count: the same number for all; None: each what it chose in the run."""
    st.markdown(
        "**What each chose to remove**" if count is None else f"**Where each removes {claims.images(count)}**",
        help="TPR, true positive rate: share of the poison that is removed. FPR, false positive rate: share of the clean "
        "images that is removed. Precision: share of the removed that were poison.",
    )
    if not found:
        st.caption("The truth is hidden, so nobody can say who is right. Reveal it to see how much poison each finds.")
        return
    left, right = st.columns([1, 1], gap="medium")
    frame = found_frame(found, titles)
    with left:
        name = f"{run.id}-{'what-each-chose' if count is None else 'same-number'}"
        choices.table(frame, name, columns=choices.percents(["TPR", "FPR", "precision"]))
    with right:
        if not run.truth.any():
            st.caption("There is no poison among these images.")
            return
        curves = {key: overlap.curve(values, run.truth) for key, values in scores.items()}
        every = list(run.result["defenses"])
        mark = count or {key: (one["removed"], one["true_positive_rate"]["count"]) for key, one in found.items()}
        figure = charts.found_curves(curves, titles, every, mark, int(run.truth.sum()), colours())
        plot(figure, "found", "Share of the poison removed against the number of images removed, for each defense")
        if count is None:
            st.caption(
                "Lines: what each would find if it removed its highest scores, however many. Marks: what it removed in "
                "the run. A mark lies off its line where the choice is no cut of the score: Activation clustering removes "
                "a whole cluster."
            )


def found_frame(found: dict[str, Any], titles: dict[str, str]) -> pd.DataFrame:
    """One line for each defense; shares in percent."""

    def percent(share: dict[str, Any]) -> float | None:
        return None if share["value"] is None else 100 * share["value"]

    return pd.DataFrame(
        {
            "defense": titles[key],
            "removed": one["removed"],
            "poison found": one["true_positive_rate"]["count"],
            "clean removed": one["false_positive_rate"]["count"],
            "TPR": percent(one["true_positive_rate"]),
            "FPR": percent(one["false_positive_rate"]),
            "precision": percent(one["precision"]),
        }
        for key, one in found.items()
    )


def _python(run: data.RunView, keys: list[str], count: int | None) -> str:
    """Lines that give what is shown. count: the same number for all; None: each what it chose in the run."""
    if count is None:
        extra = ", detection"
        removed = 'removed = {key: frame[f"removed_{key}"].to_numpy() for key in keys}\n'
    else:
        extra = ""
        removed = f'removed = {{key: overlap.highest(frame[f"score_{{key}}"].to_numpy(), {count}) for key in keys}}\n'
    found = "{key: detection(mask, truth) for key, mask in removed.items()}"
    if count is not None:
        found = f'overlap.matched({{key: frame[f"score_{{key}}"].to_numpy() for key in keys}}, truth, {count})'
    return (
        f"from core.runs import Runs{extra}\n"
        "from core.studies import overlap\n\n"
        f'frame = Runs("{data.as_typed(run.path.parent)}").open("{run.id}").load_scores()\n'
        f"keys = {keys}\n"
        'truth = frame["is_poison"].to_numpy()\n'
        f"{removed}"
        "for part in overlap.parts(removed, truth):\n"
        "    print(part.members, len(part), part.poisons)\n"
        f"print({found})"
    )
