"""Evidence: what grids of experiments say over their seeds, wins and failures alike."""

from __future__ import annotations

import streamlit as st

from dashboard import address, lens
from dashboard.compare import choices
from dashboard.evidence import cells, claims, grids, holds, one
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

EXAMPLE = "python -m core sweep benchmarks/digits_grid.toml --out runs/digits-grid --threads 1"

# Where the map has no room for its columns it is moved, not squeezed.
CSS = """<style>
.st-key-evidence-wide { overflow-x: auto; }
.st-key-evidence-wide > * { min-width: 46rem; }
</style>"""

st.html(CSS)
found, problems = grids.all_grids()
for problem in problems:
    st.warning(as_sentence(problem))
if not found:
    st.info(
        "No grid yet: many attacks, each with several numbers of poisons and seeds, looked at by every defense. Make one on the command line; it "
        "appears here while it grows.", icon=":material/grid_on:",
    )  # fmt: skip
    lens.code(EXAMPLE, "grid-command", "an example")
    st.stop()
left, right = st.columns([3, 2], vertical_alignment="bottom")
with left:
    titles = grids.titles(found)
    address.adopt("grid", list(found))
    st.selectbox(
        "Grid", list(found), key="grid", format_func=titles.__getitem__,
        help="Made by `sweep FILE.toml`: those that come with the program, and those below your own runs.",
    )  # fmt: skip
    address.publish("grid")
grid = found[st.session_state["grid"]]
with right:
    layer = cells.choose_layer(grid)
if grid.cells:
    choices.claim(claims.headline(grid.cells))
st.caption(claims.coverage(grid.plan.trainings, grid.finished, len(grid.failed)))
if grid.plan.about:
    st.markdown(as_is(grid.plan.about))
if not grid.cells:
    st.info(
        "No training of this grid is finished. What failed is tried once more with --again.", icon=":material/grid_off:"
    )
    holds.failed(grid)
    st.stop()
place, looks = one.chosen(grid), cells.at_layer(grid, layer)
if layer != cells.USUAL:
    st.info(
        f"The map, the curves and what each defense removes are of {as_is(layer)}. What is said of a cell in words, models trained anew and the pictures of "
        "the rows are of the layer that runs of the network look at.", icon=":material/layers:",
    )  # fmt: skip
cells.show(grid, looks, place)
one.show(grid, place, looks)
holds.sentences(grid, looks, layer)
holds.failures(grid)
holds.ways(grid)
holds.failed(grid)
holds.cost(grid)
st.caption(holds.small_print(grid))
