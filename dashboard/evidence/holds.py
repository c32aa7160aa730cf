"""What holds over all cells: one sentence a defense; where SPECTRE fails; other ways to ask it; what a cell costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import pandas as pd
import streamlit as st

from core.runs import duration
from core.studies.evidence.rows import trainings
from core.studies.evidence.summary import OTHERWISE, TOGETHER, Cell, Look
from core.studies.evidence.ways import Way, other_ways
from dashboard.charts.evidence import name_of
from dashboard.compare import choices
from dashboard.evidence import claims
from dashboard.evidence.cells import USUAL, falls_short, headings
from dashboard.evidence.grids import Grid
from dashboard.plain import as_is


def sentences(grid: Grid, looks: Mapping[tuple[str, int, str], Look], layer: str) -> None:
    """Where each defense is enough at this layer, and where not."""
    st.markdown(f"### Where each defense is enough{'' if layer == USUAL else f' at {as_is(layer)}'}")
    for key, title in headings(grid, looks).items():
        mine = [look for look in looks.values() if look.defense == key]
        st.markdown(f"- {claims.enough(as_is(title), mine, grid.cells)}")
    st.caption(f"Each is told the true number of poisons. {claims.limits()}")


def failures(grid: Grid) -> None:
    """The cells in which the attack works and SPECTRE, at the network's usual layer, does not end it, with what would have."""
    st.markdown("### Where SPECTRE fails")
    short = [cell for cell in grid.cells if cell.works and falls_short(cell.look("spectre"))]
    if not short:
        st.markdown("In no cell that was made does an attack work and SPECTRE fall short.")
        return
    st.caption(
        "At the network's usual layer. What would have found more is told by the truth, afterwards: nobody could have chosen by it."
    )
    for cell in short:
        words, button = st.columns([6, 1], vertical_alignment="top")
        with words:
            st.markdown(f"{as_is(claims.cell_words(cell))} {as_is(instead(grid, cell))}")
        with button:
            place = name_of((cell.experiment, cell.poisons))
            st.button(
                "Look at it",
                key=f"look at {place}",
                on_click=_look_at,
                args=(place,),
                help="Its curves, its pictures and its runs, above.",
            )


def ways(grid: Grid) -> None:
    """What SPECTRE finds asked in other ways: nothing where no grid of them was made."""
    found = other_ways(grid.cells, grid.looks)
    if not found:
        return
    st.markdown("### Other ways to ask SPECTRE")
    st.markdown(claims.ways(found))
    frame = ways_frame(found)
    choices.table(
        frame, f"{grid.name}-ways", columns=choices.rates([name for name in frame.columns if name.endswith("%")])
    )
    st.caption(
        "Means over the runs of working attacks that were looked at in both ways. None needs the truth; another layer and another number of poisons are options of "
        "every run, and no run does the rest by itself. The gain is told without the cell in which it is largest, so that one cell alone recommends nothing. Told more poisons, SPECTRE removes more rows, clean ones among them."
    )


def ways_frame(found: Sequence[Way]) -> pd.DataFrame:
    """One line for each way, with the usual one on the same runs beside it; shares in percent."""
    return pd.DataFrame([
        {
            "way": way.title, "runs": len(way.pairs), "poison removed, %": 100 * way.found(), "the usual way, %": 100 * way.found(usual=True),
            "more in": way.more, "less in": way.fewer, "gain but for its best cell, %": _percent(way.gain(but_one=True)), "clean removed, %": 100 * way.wasted(), "usually, %": 100 * way.wasted(usual=True),
        }
        for way in found
    ])  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _look_at(place: str) -> None:
    st.session_state["cell"] = place


def instead(grid: Grid, cell: Cell) -> str:
    """What finds more of the poison of a cell than SPECTRE does at the usual layer: the best of every kind."""
    usual = cell.found("spectre")
    own = usual.centre if usual else 0.0
    told = []
    for name, looks in _kinds(grid, cell):
        best = max(looks, key=lambda look: look.found.centre if look.found else 0.0, default=None)
        if best is not None and best.found is not None and best.found.centre > own:
            seeds = "" if len(best.rows) == cell.seeds else f" (in {len(best.rows):,} of {cell.seeds:,} seeds)"
            found = f"removes {claims.percent(best.found)} of the poison and {claims.percent(best.wasted)} of the clean rows"
            told.append(f"{name(best)} {found}{seeds}")
    if not told:
        return "No other layer, k, number of poisons or defense that was tried finds more."
    return f"Instead: {'; '.join(told)}."


def _kinds(grid: Grid, cell: Cell) -> list[tuple[Callable[[Look], str], list[Look]]]:
    """What was tried in a cell beside SPECTRE as it is used, with how a sentence names one of each kind."""
    place = cell.experiment, cell.poisons
    mine = [look for look in grid.looks if (look.experiment, look.poisons) == place]
    forced = [look for look in grid.every_k if (look.experiment, look.poisons) == place and look.default]
    rivals = [look for look in mine if look.defense != "spectre" and look.layer not in (TOGETHER, OTHERWISE)]
    return [
        (lambda look: f"SPECTRE at {look.layer}", [x for x in mine if x.defense == "spectre" and not x.default]),
        (lambda look: f"SPECTRE with k = {look.k}", forced),
        (lambda look: look.title, [x for x in mine if x.layer == OTHERWISE]),
        (lambda look: look.title.replace(",", " by", 1), [x for x in mine if x.layer == TOGETHER]),
        (lambda look: f"{look.title} at {look.layer}", rivals),
    ]


def failed(grid: Grid) -> None:
    """The trainings that failed, with the reasons; nothing where there are none."""
    if len(grid.failed):
        with st.expander(f"What failed: {len(grid.failed)}"):
            choices.table(grid.failed[["experiment", "poisons", "seed", "message"]], f"{grid.name}-failed")


def cost(grid: Grid) -> None:
    """Medians of what the parts of a training took."""
    with st.expander("What a cell costs"):
        choices.table(costs(grid.table), f"{grid.name}-costs")
        st.caption(
            "Medians, in seconds on the machine named below. Features and fits of all layers and defenses come on top of one training; each retraining "
            "is a training again."
        )


def costs(table: pd.DataFrame) -> pd.DataFrame:
    """One line for each network and data set: medians in seconds of training, features, SPECTRE's fit, retraining, and all of it."""
    done = table[(table["state"] == "finished") & ~table["fixed_k"].fillna(False).astype(bool)]
    lines = []
    for (dataset, model), rows in done.groupby(["dataset", "model"]):
        once = trainings(rows)
        usual = rows[(rows["layer"] == rows["default_layer"]) & ~rows["labelled"].fillna(False).astype(bool)]
        spectre = usual[usual["defense"] == "spectre"]
        anew = rows["retrain_seconds"].dropna()
        lines.append(
            {
                "data": dataset, "network": model, "trainings": len(once), "training": _middle(once["train_seconds"]),
                "features of one layer": _middle(usual["extract_seconds"]), "SPECTRE, one layer": _middle(spectre["fit_seconds"]),
                "retraining": _middle(anew[anew > 0]), "all of it": _middle(once["seconds"]),
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def _middle(seconds: pd.Series) -> float | None:
    """The median of what is known; None where nothing is."""
    known = seconds.dropna()
    return float(median(known)) if len(known) else None


def small_print(grid: Grid) -> str:
    """Seeds, machines and the time of all of it, in Markdown."""
    once = trainings(grid.table[grid.table["state"] == "finished"])
    seeds = sorted({int(seed) for seed in once["seed"]})
    devices = sorted({str(device) for device in once["device"].dropna()})
    return f"seed{'s' * (len(seeds) != 1)} {', '.join(map(str, seeds))} · {as_is('; '.join(devices))} · {duration(float(once['seconds'].sum()))} of computing in all"
