"""The page Evidence: its sentences, its map, and what it shows of grids that are whole, broken, or not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.studies.evidence import rows, summary, ways
from core.studies.intervals import Interval
from dashboard import data
from dashboard.charts import evidence as charts
from dashboard.evidence import cells, claims, grids, holds, one
from dashboard.theme import DARK, LIGHT
from tests.dashboard import drawn_grid
from tests.dashboard.drawn_grid import draw_grid
from tests.dashboard.sent import codes

SCREEN = str(data.ROOT / "dashboard" / "screens" / "evidence.py")


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where grids are looked for; none come along."""
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(grids, "BUNDLED", tmp_path / "bundled")
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def grid(own_runs: Path) -> grids.Grid:
    folder = draw_grid(own_runs)
    return grids.Grid(folder, 0, rows.read_plan(folder), rows.read(folder))


def page(**address: str) -> AppTest:
    app = AppTest.from_file(SCREEN, default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    pieces = [*app.markdown, *app.caption, *app.info, *app.warning, *app.get("html")]
    return "\n".join([*(str(piece.value) for piece in pieces), *codes(app)])


# --- the sentences


def test_the_headline_counts_what_is_over_and_what_lives_on(grid: grids.Grid) -> None:
    assert claims.headline(grid.cells) == (
        "The attack works in 6 of 8 cells. SPECTRE removes all poison of 1 with every seed; of 5 others, trained anew without what it removes, "
        "2 are over, and 3 live on."
    )


def test_the_headline_of_a_grid_without_retraining_counts_what_is_found(own_runs: Path) -> None:
    found = rows.read(draw_grid(own_runs, retrain=False))
    said = claims.headline(summary.cells(found, drawn_grid.ATTACKS))
    assert said == (
        "The attack works in 6 of 8 cells. SPECTRE removes all poison of 1 with every seed; of 5 others, not trained anew, it removes at "
        "least 90 % of 2."
    )
    failing = found[found["experiment"] == "SIG"]
    assert claims.headline(summary.cells(failing, drawn_grid.ATTACKS)) == "The attack works in none of the 2 cells."


def test_the_headline_passes_over_no_cell_in_which_the_attack_works(grid: grids.Grid) -> None:
    table = grid.table.copy()
    table.loc[(table["experiment"] == "Periodic, 2 ways") & (table["poisons"] == 50), [*rows.AFTER]] = None
    said = claims.headline(summary.cells(table, drawn_grid.ATTACKS))
    assert said.startswith(
        "The attack works in 6 of 8 cells. SPECTRE removes all poison of 1 with every seed; of 4 others"
    )
    assert said.endswith("and 2 live on; of 1 more, not trained anew, it removes at least 90 % of none.")


def silenced(table: pd.DataFrame, seeds: set[int]) -> pd.DataFrame:
    """Patch with 50 poisons, without a verdict of SPECTRE with these seeds."""
    table = table.copy()
    here = (table["experiment"] == "Patch") & (table["poisons"] == 50) & (table["defense"] == "spectre")
    table.loc[here & table["seed"].isin(seeds), ["removed", "found", *rows.AFTER]] = None
    table.loc[here & table["seed"].isin(seeds), "problem"] = "rows are equal"
    return table


def test_a_cell_without_a_verdict_is_a_failure_and_says_so(grid: grids.Grid) -> None:
    table = silenced(grid.table, {0, 1, 2})
    cell = summary.cells(table, drawn_grid.ATTACKS)[1]
    look = cell.look("spectre")
    assert (cell.experiment, cell.poisons, cell.works) == ("Patch", 50, True)
    assert cells.falls_short(look)
    assert claims.cell_words(cell).endswith(". SPECTRE gives no verdict: rows are equal.")
    assert look is not None
    assert claims.enough("SPECTRE", [look], [cell]) == (
        "**SPECTRE** gave no verdict in the one cell where the attack works."
    )


def test_a_verdict_with_some_seeds_only_is_told_as_that(grid: grids.Grid) -> None:
    every = summary.cells(silenced(grid.table, {1}), drawn_grid.ATTACKS)
    assert ", in 2 of 3 seeds; trained anew in 2 of 3 seeds" in claims.cell_words(every[1])
    looks = [look for cell in every if (look := cell.look("spectre"))]
    assert claims.enough("SPECTRE", looks, every).endswith(". In 1 of the 6 cells it gave no verdict with some seed.")


def test_what_was_not_run_and_what_failed_is_told(grid: grids.Grid) -> None:
    said = claims.coverage(grid.plan.trainings, grid.finished, len(grid.failed))
    assert said == "23 of 27 trainings made, 1 failed, 3 not run: their places are empty."
    assert claims.coverage(3, 3, 0) == "3 of 3 trainings made, 0 failed."


def test_a_defense_is_enough_only_where_the_attack_works(grid: grids.Grid) -> None:
    looks = [look for look in cells.at_layer(grid, cells.USUAL).values() if look.defense == "spectre"]
    assert claims.enough("SPECTRE", looks, grid.cells) == (
        "**SPECTRE** removes at least 90 % of the poison in 3 of 6 cells where the attack works: enough for *Patch*; not for *Periodic, 2 ways*."
    )
    assert claims.enough("Nobody", [], grid.cells) == "**Nobody** looked at no attack that works."


def test_one_cell_is_told_with_its_ranges(grid: grids.Grid) -> None:
    said = claims.cell_words(grid.cells[1])
    assert said.startswith("Patch, 50 poisons: the attack turns 90 %")
    assert "of the 200 test images it is after" in said
    assert "it is over (clean accuracy " in said
    assert claims.cell_words(grid.cells[-1]).endswith("it does not work.")


def test_a_failure_names_what_would_have_found_more(grid: grids.Grid) -> None:
    periodic = next(cell for cell in grid.cells if cell.experiment == "Periodic, 2 ways")
    said = holds.instead(grid, periodic)
    assert "SPECTRE at block2 removes" in said
    assert "SPECTRE told twice as many poisons removes 100 %" in said
    assert "k = 4" not in said, "that finds nothing"
    assert "otherwise" not in said
    patch = grid.cells[0]
    assert not cells.falls_short(next(look for look in patch.looks if look.defense == "spectre"))


def test_other_ways_to_ask_are_told_beside_the_usual_one(grid: grids.Grid) -> None:
    """Another layer finds the second attack, twice the number everything, half of all ranks half of it."""
    app = page()
    assert (
        "In the mean over runs, more of the poison is removed by *SPECTRE at block2* and *SPECTRE told twice as many poisons*; "
        "less by *SPECTRE, mean rank over layers*."
    ) in texts(app)
    (frame,) = (one.value for one in app.dataframe if "way" in one.value)
    assert list(frame["way"]) == [
        "SPECTRE at block2",
        "SPECTRE told twice as many poisons",
        "SPECTRE, mean rank over layers",
    ]
    assert list(frame["runs"]) == [18, 18, 18], "two attacks that work, three numbers of poisons, three seeds"
    double = frame.iloc[1]
    assert double["poison removed, %"] == pytest.approx(100)
    assert double["less in"] == 0
    assert 0 < double["more in"] < 18
    assert double["the usual way, %"] < 100
    assert double["clean removed, %"] > double["usually, %"]


def test_a_way_is_held_against_the_usual_one_on_the_same_runs() -> None:
    def run(found: int, removed: int, poisons: int = 10) -> dict[str, int | str]:
        about = {"experiment": "Patch", "poisons": poisons, "poisons_in_target": 10, "target_rows": 110}
        return {**about, "found": found, "removed": removed}

    one_cell = ways.Way("another", ((run(5, 15), run(10, 30)), (run(10, 15), run(9, 20))))
    assert one_cell.gain() == pytest.approx(0.2)
    assert one_cell.gain(but_one=True) is None
    two = ways.Way("another", (*one_cell.pairs, (run(3, 13, 50), run(4, 13, 50))))
    assert two.gain() == pytest.approx((0.5 - 0.1 + 0.1) / 3)
    assert two.gain(but_one=True) == pytest.approx(0.1), "of the other cell"
    way = ways.Way("another", ((run(5, 15), run(10, 30)), (run(10, 15), run(9, 20)), (run(3, 13), run(3, 13))))
    assert (way.more, way.fewer) == (1, 1)
    assert way.found() == pytest.approx(22 / 30)
    assert way.found(usual=True) == pytest.approx(18 / 30)
    assert way.wasted() == pytest.approx((20 + 11 + 10) / 300)
    assert way.wasted(usual=True) == pytest.approx((10 + 5 + 10) / 300)
    assert claims.ways([way]) == "In the mean over runs, more of the poison is removed by *another*."
    assert (
        claims.ways([ways.Way("one", way.pairs[2:])]) == "In the mean over runs, more of the poison is removed by none."
    )


def test_a_grid_without_other_ways_says_nothing_of_them(own_runs: Path) -> None:
    folder = draw_grid(own_runs)
    table = rows.read(folder)
    kept = table[(table["layer"] == "block3") | table["layer"].isna()]
    assert ways.other_ways(summary.cells(kept, drawn_grid.ATTACKS), summary.looks(kept)) == []
    rows.write(kept, folder)
    assert "Other ways" not in texts(page())


def test_one_other_cell_is_told_as_one(grid: grids.Grid) -> None:
    patch = [cell for cell in grid.cells if cell.experiment == "Patch" and cell.poisons < 150]
    assert claims.headline(patch).endswith(
        "all poison of 1 with every seed; 1 other, trained anew without what it removes, is over."
    )
    assert claims.headline(patch[:1]).endswith("removes all poison of 1 with every seed.")
    assert claims.headline(patch[1:]) == (
        "The attack works in 1 of 1 cells. SPECTRE removes all poison of none with every seed; 1, trained anew without what it removes, is over."
    )


def test_where_no_cell_is_clear_there_are_no_others(grid: grids.Grid) -> None:
    clear = [cell for cell in grid.cells if cell.works and (look := cell.look("spectre")) and look.clear]
    said = claims.headline([cell for cell in grid.cells if cell not in clear])
    assert said == (
        "The attack works in 5 of 7 cells. SPECTRE removes all poison of none with every seed; of 5, trained anew without what it removes, "
        "2 are over, and 3 live on."
    )


def test_a_cell_without_poison_left_says_why_no_model_was_trained_anew(grid: grids.Grid) -> None:
    clear, other = grid.cells[:2]
    assert claims.cell_words(clear).endswith("; with no poison left, no model was trained anew.")
    assert "with no poison left" not in claims.cell_words(other)


# --- the map


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_the_map_shows_each_cell_once_and_says_where_none_was_run(grid: grids.Grid, colours: object) -> None:
    looks = cells.at_layer(grid, cells.USUAL)
    by_place = {(cell.experiment, cell.poisons): cell for cell in grid.cells}
    places = [("Patch", 15), ("SIG", 15)]
    figure = charts.cell_map(places, by_place, looks, cells.headings(grid, looks), colours, ("SIG", 15))  # type: ignore[arg-type]
    attack, found = figure.data
    assert attack.z[0][0] == pytest.approx(0.9)
    assert (attack.z[0][1], attack.text[0][1]) == (0.0, "none left")  # after SPECTRE
    assert "no model was trained anew" in attack.hovertext[0][1]
    assert all(value is None for value in attack.z[0][2:])
    assert all(value is None for value in found.z[0][:2])
    look = looks["Patch", 15, "spectre"]
    assert look.found is not None
    assert found.z[0][2] == pytest.approx(look.found.centre)
    assert attack.customdata[1][0] == "SIG|15"
    assert [note.text for note in figure.layout.annotations] == ["not run"]
    assert len(figure.layout.shapes) == 1


def test_what_was_not_run_of_an_attack_shares_a_line_of_the_map(grid: grids.Grid) -> None:
    looks = cells.at_layer(grid, cells.USUAL)
    made = {("Patch", 50): next(c for c in grid.cells if (c.experiment, c.poisons) == ("Patch", 50))}
    places = [("Patch", 15), ("Patch", 50), ("Patch", 150), ("SIG", 15), ("SIG", 50), ("SIG", 1500)]
    failed = {("SIG", 50)}
    figure = charts.cell_map(places, made, looks, cells.headings(grid, looks), LIGHT, ("Patch", 50), failed)
    assert list(figure.data[0].y) == ["Patch · 15, 150", "Patch · 50", "SIG · 15, 1,500", "SIG · 50"]
    assert [(note.y, note.text) for note in figure.layout.annotations] == [
        (0, "not run"), (2, "not run"), (3, "failed"),
    ]  # fmt: skip
    assert figure.data[0].customdata[1][0] == "Patch|50"
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (0.5, 1.5)


def test_a_layer_shows_its_own_looks_and_those_of_all_classes_stay(grid: grids.Grid) -> None:
    looks = cells.at_layer(grid, "block2")
    assert looks["Periodic, 2 ways", 50, "spectre"].layer == "block2"
    assert looks["Periodic, 2 ways", 50, "neighbours"].layer == "block3"
    assert cells.headings(grid, looks)["neighbours"] == "Labels of the neighbours (block3)"


def test_the_table_has_every_look_and_an_empty_line_for_what_was_not_run(grid: grids.Grid) -> None:
    looks = cells.at_layer(grid, cells.USUAL)
    by_place = {(cell.experiment, cell.poisons): cell for cell in grid.cells}
    frame = cells.table([("Patch", 15), ("SIG", 15)], by_place, looks, cells.headings(grid, looks))
    assert list(frame["seeds"]) == [3, 3, 3, 3, 0]
    assert frame["attack success, %"].iloc[0] == pytest.approx(90)
    assert frame.iloc[-1].drop(["attack", "poisons", "seeds"]).isna().all()


def test_curves_are_drawn_of_what_was_retrained_and_of_every_defense(grid: grids.Grid) -> None:
    mine = [
        row for look in cells.at_layer(grid, cells.USUAL).values() if look.experiment == "Patch" for row in look.rows
    ]
    titles = {"spectre": "SPECTRE", "spectral": "Spectral signatures"}
    success = charts.success(mine, titles, list(titles), LIGHT)
    assert [trace.name for trace in success.data if trace.showlegend is not False] == ["as trained", "after SPECTRE"]
    assert list(success.data[0].y) == pytest.approx([90, 90, 90])
    found = charts.found(mine, titles, list(titles), LIGHT)
    assert [trace.name for trace in found.data if trace.showlegend is not False] == list(titles.values())


# --- a run of a cell


def test_the_command_of_a_look_names_its_layer_and_retrains_where_that_was_done(grid: grids.Grid) -> None:
    looks = {
        (look.layer, look.defense): look for look in grid.looks if (look.experiment, look.poisons) == ("Patch", 50)
    }
    usual, other = looks["block3", "spectre"].rows[0], looks["block2", "spectre"].rows[0]
    assert rows.command_of(usual).endswith("--layer block3 --threads 1")
    assert rows.command_of(other).endswith("--layer block2 --no-retrain --threads 1")


def test_a_run_that_the_same_command_made_is_found() -> None:
    run = data.bundled()["signs-patch-50"]
    assert one.made_by(run.result["command"] + " --no-retrain") == run.id
    assert one.made_by("python -m core run --dataset moon") is None


def test_costs_are_medians_of_what_was_made(grid: grids.Grid) -> None:
    frame = holds.costs(grid.table)
    assert frame.to_dict("records") == [
        {
            "data": "signs", "network": "small", "trainings": 23, "training": 40.0, "features of one layer": 0.5, "SPECTRE, one layer": 2.0,
            "retraining": 40.0, "all of it": 90.0,
        }
    ]  # fmt: skip


# --- what comes along


@pytest.mark.parametrize(
    "folder", sorted((data.ROOT / "assets" / "evidence").glob("*")), ids=lambda folder: folder.name
)
def test_a_bundled_grid_is_whole_small_and_names_no_machines_paths(folder: Path) -> None:
    plan, table = rows.read_plan(folder), rows.read(folder)
    assert len(rows.of_plan(table, plan)) == len(table) > 0
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12 * 2**20
    assert not any(" /" in command or "=/" in command for command in table["command"].unique())
    first = rows.trainings(table[table["state"] == "finished"]).iloc[0]
    assert len(rows.read_picture(folder, (first["experiment"], first["poisons"], first["seed"])))


# --- the page


def test_the_picture_of_a_run_is_shown_where_there_is_one(grid: grids.Grid) -> None:
    assert "showing 1,050 of 1,050 rows of the class" in texts(page(cell="Patch|50"))
    assert "No picture was kept of this run" in texts(page(cell="Patch|15"))
    (grid.path / rows.PICTURES).write_bytes(b"no pictures")
    assert "cannot be read as a grid" in str(page(cell="Patch|150").warning[0].value)


def test_a_failure_can_be_looked_at_from_its_line(grid: grids.Grid) -> None:
    app = page(cell="Patch|15")
    next(button for button in app.button if button.key == "look at Periodic, 2 ways|50").click().run()
    assert app.session_state["cell"] == "Periodic, 2 ways|50"


def test_the_page_tells_wins_and_failures(grid: grids.Grid) -> None:
    said = texts(page())
    for words in (
        "The attack works in 6 of 8 cells", "1 failed, 3 not run", "Nothing here was measured", "Where each defense is enough", "Where SPECTRE fails",
        "it lives on", "python -m core run --dataset signs", "seeds 0, 1, 2",
    ):  # fmt: skip
        assert words in said


def test_the_address_says_what_is_shown(grid: grids.Grid) -> None:
    app = page(grid="drawn", layer="block2", cell="Periodic, 2 ways|50", show="fails")
    assert app.session_state["layer"] == "block2"
    assert "Periodic, 2 ways, 50 poisons: the attack turns" in texts(app)
    app = page(cell="../../etc/passwd", layer="roof", show="nothing")
    assert app.session_state["cell"] == "Patch|15"


def test_a_layer_that_this_attack_was_not_looked_at_is_said_to_be_none(own_runs: Path) -> None:
    folder = draw_grid(own_runs, missing=(), failed=())
    table = rows.read(folder)
    rows.write(table[(table["experiment"] != "SIG") | (table["layer"] != "block2")], folder)
    app = page(layer="block2", cell="SIG|50")
    assert any("SPECTRE did not look at this cell at this layer" in str(info.value) for info in app.info)


def test_a_damaged_run_of_the_visitor_does_not_matter(own_runs: Path, grid: grids.Grid) -> None:
    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "broken")
    (own_runs / "broken" / "result.json").write_text("{")
    assert "The attack works in 6 of 8 cells" in texts(page())


def test_attacks_with_commas_can_be_chosen_by_the_address(grid: grids.Grid) -> None:
    assert page(attacks="2").session_state["attacks"] == ["2"]
    assert "showing 3 of 9 cells" in texts(page(attacks="2"))


def test_what_the_page_says_of_the_layer_that_was_chosen(grid: grids.Grid) -> None:
    """At block2 SPECTRE finds the second attack too; nobody retrained there, so the count of the headline stays."""
    said = texts(page(layer="block2"))
    assert "**SPECTRE** removes at least 90 % of the poison in 6 of 6 cells" in said
    assert "it lives on" in said  # what fails is told of the usual layer, whichever is shown


def test_another_layer_says_what_is_not_of_it(grid: grids.Grid) -> None:
    assert "What is said of a cell in words" not in texts(page())
    said = texts(page(layer="block2"))
    assert "what each defense removes are of block2. What is said of a cell in words" in said
    assert "### Where each defense is enough at block2" in said


def test_a_range_of_less_than_a_percent_is_told_in_tenths() -> None:
    assert claims.percent(Interval(0.9988, 0.998, 0.9995, "seeds", 3)) == "99.9 % [99.8–100.0]"
    assert claims.percent(Interval(1.0, 0.98, 1.0, "images", 3)) == "100 % [98–100]"
    assert claims.percent(Interval(0.0, 0.0, 0.003, "images", 3)) == "0.0 % [0.0–0.3]"


def test_a_kind_without_cells_says_so(own_runs: Path) -> None:
    draw_grid(own_runs, attacks=("Patch",), missing=(), failed=())
    assert any("No cell is of this kind" in str(info.value) for info in page(show="fails").info)


def test_without_a_grid_the_page_says_how_to_make_one() -> None:
    said = texts(page())
    assert "No grid yet" in said
    assert "python -m core sweep benchmarks/digits_grid.toml" in said


def test_a_grid_of_which_everything_failed_is_shown_with_the_reasons(own_runs: Path) -> None:
    everything = [("Patch", 50, seed) for seed in (0, 1, 2)]
    draw_grid(own_runs, attacks=("Patch",), poisons=(50,), failed=everything)
    app = page()
    assert "0 of 3 trainings made, 3 failed." in texts(app)
    assert "No training of this grid is finished" in texts(app)
    assert [one.label for one in app.expander] == ["What failed: 3"]


def test_a_grid_of_the_visitors_is_shown_beside_a_bundled_one_of_its_name(own_runs: Path) -> None:
    draw_grid(grids.BUNDLED)
    draw_grid(own_runs, attacks=("SIG",))
    found, problems = grids.all_grids()
    assert list(found) == ["drawn", "drawn-2"]
    assert not problems
    assert [one.name for one in found.values()] == ["drawn", "drawn-2"]
    assert list(page(grid="drawn-2").selectbox(key="grid").options) == [
        "Drawn figures (drawn)",
        "Drawn figures (drawn-2)",
    ]


def test_a_broken_grid_is_named_and_the_others_are_shown(own_runs: Path, grid: grids.Grid) -> None:
    (own_runs / "broken").mkdir()
    (own_runs / "broken" / rows.TABLE).write_bytes(b"not a table")
    (own_runs / "broken" / rows.PLAN).write_text(json.dumps({}))
    app = page()
    assert "is no plan of a grid" in str(app.warning[0].value)
    assert "The attack works in 6 of 8 cells" in texts(app)


def test_names_of_strangers_stay_text(own_runs: Path) -> None:
    folder = draw_grid(own_runs, attacks=("<b>bold</b> [link](x)", "*star*"), missing=(), failed=())
    said = texts(page())
    for markup in ("<b>bold</b>", "[link](x)", " *star*"):
        assert markup not in said
    grid = grids.Grid(folder, 0, rows.read_plan(folder), rows.read(folder))
    looks = cells.at_layer(grid, cells.USUAL)
    places = [("<b>bold</b> [link](x)", 15)]
    figure = charts.cell_map(
        places, {(c.experiment, c.poisons): c for c in grid.cells}, looks, cells.headings(grid, looks), LIGHT
    )
    assert "<b>" not in figure.data[0].y[0]
