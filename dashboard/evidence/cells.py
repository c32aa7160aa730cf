"""All cells of a grid as a map and a table, with what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.studies.evidence.summary import Cell, Look
from core.studies.intervals import Interval
from dashboard import address
from dashboard.charts import evidence as charts
from dashboard.compare import choices
from dashboard.evidence import claims
from dashboard.evidence.grids import Grid
from dashboard.widgets import colours, plot

Place = tuple[str, int]
USUAL = "usual layer"
SHOWN = {"all": "All cells", "works": "The attack works", "fails": "SPECTRE falls short"}


def choose_layer(grid: Grid) -> str:
    """Where the defenses of one class look; `USUAL` for the layer that runs of the network look at."""
    options = [USUAL, *grid.layers]
    address.adopt("layer", options)
    st.selectbox(
        "Layer", options, key="layer",
        help="Where the defenses look that are given one class. Those that compare all classes look at the layer beside their names.",
    )  # fmt: skip
    address.publish("layer")
    return str(st.session_state["layer"])


def at_layer(grid: Grid, layer: str) -> dict[tuple[str, int, str], Look]:
    """By experiment, poisons and defense: the looks at that layer, and those of the defenses that need all classes."""
    return {
        (look.experiment, look.poisons, look.defense): look
        for look in grid.looks
        if look.labelled or (look.default if layer == USUAL else look.layer == layer)
    }


def headings(grid: Grid, looks: Mapping[tuple[str, int, str], Look]) -> dict[str, str]:
    """Defenses that looked, in the order of the table, and their headings."""
    at: dict[str, set[str]] = {}
    labelled = {look.defense for look in looks.values() if look.labelled}
    for look in looks.values():
        at.setdefault(look.defense, set()).add(look.layer)

    def heading(key: str, title: str) -> str:
        return f"{title} ({min(at[key])})" if key in labelled and len(at[key]) == 1 else title

    return {key: heading(key, title) for key, title in grid.titles.items() if key in at}


def show(grid: Grid, looks: Mapping[tuple[str, int, str], Look], chosen: Place | None) -> None:
    """The map and the table. A click makes a cell the chosen one."""
    cells = {(cell.experiment, cell.poisons): cell for cell in grid.cells}
    left, right = st.columns([3, 4], vertical_alignment="bottom")
    with left:
        address.adopt("show", list(SHOWN))
        st.segmented_control(
            "Show", list(SHOWN), key="show", required=True, format_func=SHOWN.__getitem__, label_visibility="collapsed"
        )
        address.publish("show")
    with right:
        names = {
            str(i): one.name for i, one in enumerate(grid.plan.experiments, 1)
        }  # names may hold commas, which part an address
        address.adopt_list("attacks", list(names), [])
        picked = st.multiselect(
            "Attacks",
            list(names),
            format_func=names.__getitem__,
            key="attacks",
            placeholder="All attacks",
            label_visibility="collapsed",
        )
        address.publish_list("attacks")
    wanted = _places(grid, cells, looks, str(st.session_state["show"]), [names[one] for one in picked])
    if not wanted:
        st.info("No cell is of this kind.", icon=":material/filter_alt_off:")
        return
    columns = headings(grid, looks)

    def take() -> None:
        for place in choices.picked("evidence-map"):
            st.session_state["cell"] = str(place)

    with st.container(key="evidence-wide"):
        plot(
            charts.cell_map(wanted, cells, looks, columns, colours(), chosen, _failed(grid)), "evidence-map",
            "Map of all cells: attack success and the share of the poison that each defense removes", on_pick=take,
        )  # fmt: skip
    st.caption(
        f"showing {len(wanted):,} of {len(_every(grid)):,} cells · in %, the mean over the seeds · orange: test images that the attack turns, all triggers "
        "at once, as trained, and trained anew without what SPECTRE removes (none left: it removes all poison with every seed, so none was) · grey: poison removed; each defense is told the true number · click a line to look at it below"
    )
    frame = table(wanted, cells, looks, columns)
    with st.expander(f"As a table: {len(frame):,} lines"):
        rates = [name for name in frame.columns if name.endswith("%")]
        choices.table(frame, f"{grid.name}-cells", columns=choices.rates(rates))


def _failed(grid: Grid) -> set[Place]:
    """Cells with nothing but trainings that failed."""
    made = {(cell.experiment, cell.poisons) for cell in grid.cells}
    return {(str(e), int(p)) for e, p in zip(grid.failed["experiment"], grid.failed["poisons"], strict=True)} - made


def _every(grid: Grid) -> list[Place]:
    return [(one.name, poisons) for one in grid.plan.experiments for poisons in sorted(one.poisons)]


def _places(
    grid: Grid,
    cells: Mapping[Place, Cell],
    looks: Mapping[tuple[str, int, str], Look],
    kind: str,
    attacks: Sequence[str],
) -> list[Place]:
    def shown(place: Place) -> bool:
        if attacks and place[0] not in attacks:
            return False
        if kind == "all":
            return True
        works = place in cells and cells[place].works
        look = looks.get((*place, "spectre"))
        return works and (kind == "works" or falls_short(look))

    return [place for place in _every(grid) if shown(place)]


def falls_short(look: Look | None) -> bool:
    """Whether the attack lives on after this removal or, where that is not known, much of the poison is left or there is no verdict."""
    if look is None:
        return False
    little = look.found is not None and look.found.centre < claims.ENOUGH
    return bool(look.alive) or (look.alive is None and (little or not look.verdicts))


def table(
    places: Sequence[Place],
    cells: Mapping[Place, Cell],
    looks: Mapping[tuple[str, int, str], Look],
    columns: Mapping[str, str],
) -> pd.DataFrame:
    """One line for each place and defense; shares in percent with the ends of their intervals; empty where not run."""
    lines = []
    for place in places:
        cell = cells.get(place)
        line: dict[str, object] = {"attack": place[0], "poisons": place[1], "seeds": cell.seeds if cell else 0}
        line |= _ranged("attack success", cell.attack if cell else None) | _ranged(
            "no trigger", cell.confused if cell else None
        )
        if cell is None:
            lines.append(line)
            continue
        for key, title in columns.items():
            look = looks.get((*place, key))
            if look is not None:
                mine = {"defense": title, "layer": look.layer}
                shares = _ranged("poison removed", look.found) | _ranged("clean removed", look.wasted)
                lines.append(
                    line
                    | mine
                    | shares
                    | _ranged("success after", look.after)
                    | _ranged("clean after", look.clean_after)
                )
    return pd.DataFrame(lines)


def _ranged(name: str, one: Interval | None) -> dict[str, float | None]:
    told = one is not None and one.kind != "none"
    return {
        f"{name}, %": None if one is None else 100 * one.centre,
        f"{name}, low %": 100 * one.low if one is not None and told else None,
        f"{name}, high %": 100 * one.high if one is not None and told else None,
    }
