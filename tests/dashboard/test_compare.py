"""The Compare page: its figures, its sentences, and every question driven through Streamlit's test harness."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.runs import Runs
from core.studies import overlap, store
from core.studies.intervals import Interval, wilson
from core.studies.series import Series
from dashboard import data
from dashboard.charts import compare, methods, series, studies
from dashboard.charts.grids import grid_map
from dashboard.compare import budgets, claims, layers, light, poisons, runs, settings
from dashboard.theme import DARK, LIGHT
from tests.dashboard.sent import codes

SCREEN = str(data.ROOT / "dashboard" / "screens" / "compare.py")
QUESTIONS = ("defenses", "poisons", "layers", "budgets", "runs")
TITLES = {"spectre": "SPECTRE", "spectral": "Spectral signatures", "clustering": "Activation clustering"}


def share(count: int, total: int) -> dict[str, Any]:
    return {"count": count, "total": total, "value": count / total if total else None}


def moment(hits: int) -> dict[str, Any]:
    return {name: share(hits, 100) for name in ("clean", "confused", "attack_single", "attack_combined")}


def row(poisons: int, seed: int, hits: int, after: int | None = None) -> dict[str, Any]:
    cells = {
        key: {
            "title": title, "removed": 9, "true_positive_rate": share(poisons if key == "spectre" else 0, poisons),
            "false_positive_rate": share(3, 90),
        }
        for key, title in TITLES.items()
    }  # fmt: skip
    return {
        "run": f"run-{poisons}-{seed}", "poisons": poisons, "seed": seed, "target_rows": 100, "victims": "7", "goal": "1",
        "layer": "block3", "before": moment(hits), "after": None if after is None else moment(after), "defenses": cells,
        "retrained_without": None if after is None else "spectre", "seconds": 3.0, "device": "a CPU",
    }  # fmt: skip


def cell(k: int, hits: int, objective: float | None = 2.0) -> dict[str, Any]:
    return {
        "k": k, "objective": objective, "removed": 15, "true_positive_rate": share(hits, 10),
        "false_positive_rate": share(5, 90),
    }  # fmt: skip


LAYERS: dict[str, Any] = {
    "version": 1, "kind": "layers", "run": "a", "n": 100, "seed": 0, "device": "a CPU", "seconds": 2.0, "layer": "block2",
    "rows": [
        {"layer": "block1", "about": "", "columns": 40, "by_k": [cell(1, 0), cell(4, 9, 8.0)], "chosen": cell(4, 9, 8.0)},
        {"layer": "block2", "about": "", "columns": 2, "by_k": [cell(1, 10, None)], "chosen": cell(2, 10)},
    ],
}  # fmt: skip
BUDGETS: dict[str, Any] = {
    "version": 1, "kind": "budgets", "run": "a", "true": 8, "n": 100, "seed": 0, "device": "a CPU", "seconds": 2.0,
    "rows": [
        {
            "assumed": assumed,
            "defenses": {
                key: {
                    "title": title, "removed": 2 * assumed, "k": 4, "seconds": 0.1, "kept": share(assumed // 2, 12),
                    "true_positive_rate": share(assumed // 2, 8), "false_positive_rate": share(assumed, 92),
                }
                for key, title in TITLES.items()
            },
        }
        for assumed in (2, 8, 16)
    ],
}  # fmt: skip


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name.split(" (")[0]: trace for trace in figure.data if trace.name}


# --- figures


@pytest.fixture
def masks() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {key: rng.random(200) < 0.2 for key in TITLES}


def test_the_bars_of_an_upset_chart_add_up_to_the_parts(masks: dict[str, np.ndarray]) -> None:
    truth = np.arange(200) < 30
    parts = overlap.parts(masks, truth)
    figure = compare.upset(parts, TITLES, LIGHT, chosen="spectre")
    found = traces(figure)
    assert [a + b for a, b in zip(found["poison"].y, found["clean"].y, strict=True)] == [len(part) for part in parts]
    assert list(found["poison"].customdata) == [compare.part_key(part) for part in parts]
    dark = next(t for t in figure.data if t.type == "scatter" and t.mode == "markers" and t.marker.color == LIGHT.ink)
    drawn = {(x, key) for x, key in zip(dark.x, dark.customdata, strict=True)}
    assert len(dark.x) == sum(len(part.members) for part in parts)
    assert drawn == {(i, compare.part_key(part)) for i, part in enumerate(parts)}
    (tint,) = figure.layout.shapes
    assert (tint.x0 + tint.x1) / 2 == [part.members for part in parts].index(("spectre",))


def test_hidden_truth_leaves_no_trace_of_it_in_what_is_sent(masks: dict[str, np.ndarray]) -> None:
    ids, scores = np.arange(200), np.random.default_rng(0).exponential(size=(2, 200))
    pair = [("A", scores[0], masks["spectre"]), ("B", scores[1], masks["spectral"])]
    figures = [
        compare.upset(overlap.parts(masks), TITLES, LIGHT),
        compare.score_pair(pair, ids, LIGHT, unit="score"),
        studies.layer_map(LAYERS, LIGHT, revealed=False),
        studies.wrong_budget(BUDGETS, list(TITLES), "removed", LIGHT, revealed=False),
        studies.wrong_budget(BUDGETS, list(TITLES), "kept", LIGHT, revealed=False),
    ]
    for figure in figures:
        sent = json.dumps(figure.to_plotly_json(), default=str)
        assert LIGHT.poison not in sent
        assert "true number, 8" not in sent
        assert "poison removed" not in sent


def test_score_against_score_carries_ids_and_keeps_its_axes(masks: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    ids, truth = np.arange(200) * 7 + 5, rng.random(200) < 0.1
    scores = rng.exponential(size=(2, 200))
    pair = [("A", scores[0], masks["spectre"]), ("B", scores[1], masks["spectral"])]
    hidden = compare.score_pair(pair, ids, LIGHT, unit="score")
    shown = compare.score_pair(pair, ids, LIGHT, unit="score", truth=truth, selected=ids < 50)
    found = traces(shown)
    assert {*found["clean"].customdata, *found["poison"].customdata} == set(ids)
    assert hidden.layout.xaxis.range == shown.layout.xaxis.range
    assert set(found["removed by both"].customdata) == set(ids[masks["spectre"] & masks["spectral"]])
    assert set(found["removed by one"].customdata) == set(ids[masks["spectre"] ^ masks["spectral"]])
    assert set(found["selected"].customdata) == set(ids[ids < 50])


def test_ranks_put_the_most_suspicious_right_and_above_and_negative_scores_get_a_plain_axis() -> None:
    values = np.arange(1, 11)
    pair = [("A", values, values > 8), ("B", values - 5.0, values > 8)]
    ranks = compare.score_pair(pair, values, LIGHT, unit="rank").layout
    assert ranks.xaxis.range[0] > ranks.xaxis.range[1]
    plain = compare.score_pair(pair, values, LIGHT, unit="score").layout
    assert (plain.xaxis.type, plain.yaxis.type) == ("log", "linear")


def test_a_thinned_picture_keeps_all_poison_removed_and_selected_and_says_so() -> None:
    n = 4 * compare.SHOWN
    rng = np.random.default_rng(0)
    removed, truth, selected = (rng.random(n) < 0.01 for _ in range(3))
    pair = [("A", rng.random(n), removed), ("B", rng.random(n), ~removed & (rng.random(n) < 0.01))]
    figure = compare.score_pair(pair, np.arange(n), LIGHT, unit="score", truth=truth, selected=selected)
    drawn = set(traces(figure)["clean"].customdata) | set(traces(figure)["poison"].customdata)
    assert len(drawn) == compare.SHOWN
    assert set(np.flatnonzero(truth | removed | selected)) <= drawn
    assert "showing 5,000 of 20,000" in figure.layout.annotations[0].text


def test_found_curves_hold_every_defense_and_the_number_removed() -> None:
    truth = np.arange(100) < 10
    curves = {key: overlap.curve(np.random.default_rng(i).random(100), truth) for i, key in enumerate(TITLES)}
    figure = compare.found_curves(curves, TITLES, list(TITLES), 15, 10, LIGHT)
    found = traces(figure)
    for key, title in TITLES.items():
        np.testing.assert_allclose(found[title].y, 10 * curves[key].hits)
    assert found["15 removed"].x == (15, 15)
    assert figure.layout.xaxis.range[1] < 2.1, "the axis ends with the data"


def test_own_choices_are_marked_each_at_its_own_place() -> None:
    truth = np.arange(100) < 10
    curves = {key: overlap.curve(np.random.default_rng(i).random(100), truth) for i, key in enumerate(TITLES)}
    own = {"spectre": (15, 10), "spectral": (15, 3), "clustering": (40, 9)}
    figure = compare.found_curves(curves, TITLES, list(TITLES), own, 10, LIGHT)
    marks = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"}
    assert marks == {
        "SPECTRE: chose 15": (15, 100), "Spectral signatures: chose 15": (15, 30), "Activation clustering: chose 40": (40, 90),
    }  # fmt: skip
    assert not [trace for trace in figure.data if trace.name and trace.name.endswith(" removed")]


def test_defenses_keep_their_looks_whichever_are_shown_and_differ_in_shape_dash_and_colour() -> None:
    for colours in (LIGHT, DARK):
        looks = methods.styles(["a", "b", "c", "d"], colours)
        for field in ("symbol", "dash", "colour"):
            assert len({getattr(look, field) for look in looks.values()}) == 4
        assert not {look.colour for look in looks.values()} & {
            colours.clean, colours.poison, colours.trusted, colours.selected,
        }  # fmt: skip
    figure = studies.wrong_budget(BUDGETS, ["clustering"], "removed", LIGHT, revealed=False)
    assert figure.data[0].marker.symbol == methods.styles(list(TITLES), LIGHT)["clustering"].symbol


def test_success_shows_each_run_the_mean_and_its_interval() -> None:
    rows = [row(5, seed, hits) for seed, hits in enumerate((0, 10, 20))] + [row(50, 0, 90)]
    line, dots = series.success_by_poisons(rows, LIGHT).data
    assert line.x == (5.0, 50.0)
    np.testing.assert_allclose(line.y, [10, 90])
    assert sorted(dots.y) == [0, 10, 20, 90]
    assert len({x for x, y in zip(dots.x, dots.y, strict=True) if y < 90}) == 3, "seeds do not hide each other"
    low, high = wilson(90, 100)
    np.testing.assert_allclose([line.error_y.arrayminus[1], line.error_y.array[1]], [90 - 100 * low, 100 * high - 90])


def test_no_poisons_have_a_place_on_the_log_axis() -> None:
    figure = series.success_by_poisons([row(0, 0, 1), row(30, 0, 90)], LIGHT)
    assert figure.layout.xaxis.ticktext == ("0", "30")
    assert figure.layout.xaxis.tickvals == (10.0, 30.0)


def test_retrained_runs_are_joined_run_by_run() -> None:
    rows = [row(5, 0, 80, after=2), row(5, 1, 70, after=1), row(5, 2, 60)]
    figure = series.success_by_poisons(rows, LIGHT)
    joined = [tuple(trace.y) for trace in figure.data if trace.name is None]
    assert joined == [(80, 2), (70, 1)]
    assert {"as trained", "after retraining"} <= set(traces(figure))


def test_each_defense_has_its_own_mean_over_the_seeds() -> None:
    rows = [row(5, seed, 0) for seed in range(3)]
    figure = series.found_by_poisons(rows, TITLES, list(TITLES), LIGHT, rate="true_positive_rate")
    means = {trace.name: trace.y for trace in figure.data if trace.mode == "lines+markers"}
    assert means == {"SPECTRE": (100.0,), "Spectral signatures": (0.0,), "Activation clustering": (0.0,)}


def test_before_and_after_stand_on_the_line_of_their_run() -> None:
    figure = series.before_after([row(5, 0, 80, after=2), row(5, 1, 70)], ["one", "two"], LIGHT)
    before, after = figure.data
    assert (list(before.y), list(before.x)) == (["one", "two"], [80, 70])
    assert (list(after.y), list(after.x)) == (["one"], [2])


def test_the_layer_map_has_a_place_for_every_k_and_leaves_out_what_a_layer_has_not() -> None:
    (heat,) = studies.layer_map(LAYERS, LIGHT, revealed=True).data
    assert list(heat.y) == ["1", "4", "its own k"]
    assert [list(line) for line in heat.z] == [[0.0, 1.0], [0.9, None], [0.9, 1.0]]
    assert heat.text[2][1] == "2: 100 %"
    (hidden,) = studies.layer_map(LAYERS, LIGHT, revealed=False).data
    assert [list(line) for line in hidden.z] == [[0.25, None], [1.0, None], [1.0, 1.0]]
    assert heat.meta["values"] == [[0.0, 1.0], [0.9, None], [0.9, 1.0]]
    for line, row in zip(
        LAYERS["rows"], zip(*hidden.meta["values"], strict=True), strict=True
    ):  # a CSV holds what the cells say
        told = {cell["k"]: cell["objective"] for cell in line["by_k"]}
        assert list(row) == [told.get(1), told.get(4), line["chosen"]["objective"]]


def test_a_map_of_rows_with_ranges_of_their_own_tells_its_values_and_not_its_colours() -> None:
    values = np.array([[1.5, 3.0], [10.0, np.nan]])
    figure = grid_map(values, [1, 4], ["0", "4"], LIGHT, name="objective", unit="", span=None)
    assert figure.data[0].meta["values"] == [[1.5, 3.0], [10.0, None]]
    assert figure.data[0].z[0][1] == 1.0


def test_a_series_of_runs_made_one_by_one_is_made_again_by_their_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = {f"run-{i}": SimpleNamespace(result={"command": f"python -m core run --seed {i}"}) for i in (0, 1)}
    monkeypatch.setattr(data, "finished", lambda: finished)
    one = Series("run-0", {}, ({"run": "run-0"}, {"run": "run-1"}, {"run": "deleted since"}))
    assert poisons._command(one) == "python -m core run --seed 0\npython -m core run --seed 1"
    made = Series("mine", {}, ({"run": "run-0"},), "python -m core sweep")
    assert poisons._command(made) == "python -m core sweep --out runs/mine"


def test_a_wrong_budget_is_drawn_with_the_interval_of_its_rows() -> None:
    figure = studies.wrong_budget(BUDGETS, ["spectre"], "true_positive_rate", LIGHT, revealed=True)
    line = traces(figure)["SPECTRE"]
    np.testing.assert_allclose(line.y, [100 / 8, 50, 100])
    np.testing.assert_allclose(line.error_y.arrayminus[1], 50 - 100 * wilson(4, 8)[0])
    assert traces(figure)["the true number, 8"].x == (8, 8)


# --- sentences


def test_the_sentence_of_the_same_number_names_the_best_and_the_next() -> None:
    found = {
        "spectre": {"true_positive_rate": share(10, 10)},
        "spectral": {"true_positive_rate": share(0, 10)},
        "clustering": {"true_positive_rate": share(4, 10)},
    }
    said = claims.matched(found, TITLES, 15)
    assert said == (
        "Where each removes 15 images, SPECTRE finds 10 of 10 poisons; the next best, Activation clustering, finds 4."
    )
    found["clustering"] = found["spectre"]
    assert "SPECTRE and Activation clustering find 10 of 10" in claims.matched(found, TITLES, 15)
    assert "for nothing" in claims.matched({"spectre": {"true_positive_rate": share(0, 0)}}, TITLES, 1)


def detected(hits: int, clean: int, total: int = 10) -> dict[str, Any]:
    return {"true_positive_rate": share(hits, total), "false_positive_rate": share(clean, 90)}


def test_the_sentence_of_own_choices_names_the_best_and_what_it_wastes() -> None:
    found = {"spectre": detected(10, 5), "spectral": detected(0, 15), "clustering": detected(10, 40)}
    assert claims.chosen(found, TITLES) == (
        "Removing what each chose, SPECTRE finds 10 of 10 poisons and removes 5 clean images; the next best, Activation "
        "clustering, finds 10 and removes 40 clean."
    )
    found = {"spectre": detected(9, 1), "spectral": detected(9, 1)}
    assert claims.chosen(found, TITLES) == (
        "Removing what each chose, SPECTRE and Spectral signatures find 9 of 10 poisons and remove 1 clean image each."
    )
    assert "for nothing" in claims.chosen({"spectre": detected(0, 5, total=0)}, TITLES)


def test_a_mean_over_seeds_is_told_with_its_runs_and_range() -> None:
    rows = [row(5, 0, 0), row(20, 0, 10), row(20, 1, 20)] + [
        row(50, seed, hits) for seed, hits in enumerate((80, 90, 95))
    ]
    curve = series.by_poisons(rows, lambda one: one["before"]["attack_combined"])
    assert claims.spread(curve) == (
        "50 poisons: mean of 3 seeds (3 runs, 80 % to 95 %); 20 poisons: mean of 2 seeds (2 runs, 10 % to 20 %)."
    )
    alone = series.by_poisons(rows[:1], lambda one: one["before"]["attack_combined"])
    assert claims.spread(alone) == ""


def test_the_sentence_of_overlap_counts_agreement(masks: dict[str, np.ndarray]) -> None:
    total = np.stack(list(masks.values())).sum(0)
    said = claims.overlap(overlap.parts(masks), TITLES)
    assert f"{(total > 0).sum()} images look poisoned to at least one defense" in said
    assert f"{(total == 3).sum()} to all three defenses" in said
    assert f"{(total == 1).sum()} to a single one" in said


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ({5: 0.0, 50: 0.9}, "50 poisons turn 90 % of the images the attack is after; 5 turn none."),
        (
            {5: 0.1, 20: 0.002, 50: 0.9},
            "50 poisons turn 90 % of the images the attack is after; 20 turn less than 1 %.",
        ),
        ({5: 0.6, 50: 0.9}, "5 poisons turn 60 % of the images the attack is after, and fewer were not tried."),
        ({0: 0.9, 5: 0.3}, "The attack never works more often than not: at best 30 % of the tries, with 5 poisons."),
        ({}, "No run of this series has an attack to measure."),
    ],
)
def test_the_sentence_of_a_series_says_where_the_attack_begins_to_work(means: dict[int, float], said: str) -> None:
    curve = [(count, [], Interval(mean, mean, mean, "none", 1)) for count, mean in means.items()]
    assert claims.how_many(curve) == said


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ({5: 1.0, 50: 1.0}, "Told the true number of poisons, S finds 100 % of the poison, be there 5 or 50."),
        (
            {5: 1.0, 50: 0.998},
            "Told the true number of poisons, S finds, on average, more than 99 % of the poison, be there 5 or 50.",
        ),
        (
            {0: 0.0, 5: 0.2, 50: 0.998},
            "Told the true number of poisons, S finds 20 % of the poison where there are 5 and more than 99 % where there are 50.",
        ),
        ({5: 0.5}, "Told the true number of poisons, S finds 50 % of 5 poisons."),
    ],
)
def test_the_sentence_of_what_is_found_never_rounds_to_all(means: dict[int, float], said: str) -> None:
    curve = [(count, [], Interval(mean, mean, mean, "none", 1)) for count, mean in means.items()]
    assert claims.also_found("S", curve) == said


def test_the_sentence_of_layers_names_the_best_and_the_worst() -> None:
    assert (
        claims.layers(LAYERS, True) == "The layer matters: SPECTRE finds 10 of 10 poisons at block2, but 9 at block1."
    )
    early = {"layer": "block0", "columns": 9, "by_k": [], "chosen": cell(1, 10)}
    assert "poisons at block2, but 9" in claims.layers({**LAYERS, "rows": [early, *LAYERS["rows"]]}, True)
    alike = {"layer": "block1", "rows": [{**LAYERS["rows"][0], "chosen": cell(4, 9)}]}
    assert "9 of 10 poisons at every layer; a bad k finds 0" in claims.layers(alike, True)
    assert "poison" not in claims.layers(LAYERS, False)


def test_the_sentence_of_budgets_says_what_the_ends_cost() -> None:
    assert claims.budgets(BUDGETS, "spectre", True) == (
        "Told to expect 2 poisons where there are 8, SPECTRE finds 1; told 16, it finds 8 and removes 16 clean images for "
        "nothing."
    )
    assert "8" not in claims.budgets(BUDGETS, "spectre", False)


def test_the_sentence_of_runs_names_a_few_differences() -> None:
    assert claims.differ(["poisons", "seed"], 3) == "These three runs differ in poisons and seed."
    assert claims.differ([], 2) == "These two runs have the same settings."
    assert claims.differ([f"training.x_{i}" for i in range(7)], 2).endswith("x 4 and 2 more.")


# --- tables


def test_tables_hide_what_the_page_hides() -> None:
    assert not {"TPR", "FPR", "poison removed"} & set(layers.layers_frame(LAYERS, False).columns)
    assert not {"TPR", "FPR", "poison removed"} & set(budgets.budgets_frame(BUDGETS, list(TITLES), False).columns)
    assert len(layers.layers_frame(LAYERS, True)) == 3
    assert budgets.budgets_frame(BUDGETS, ["spectre"], True)["TPR"].tolist() == [12.5, 50, 100]
    configs = [{"poisons": 5, "training": {"epochs": 3}}, {"poisons": 5, "training": {"epochs": 4}}]
    rows = [row(5, 0, 80, after=2), row(5, 1, 70)]
    hidden = runs.runs_frame(configs, rows, ["training.epochs"], False)
    assert not [column for column in hidden if "TPR" in column]
    assert hidden["◆ epochs"].tolist() == ["3", "4"]
    assert "after retraining, %" not in hidden
    told = runs.runs_frame(configs, rows, [], True)
    assert told["after retraining, %"].isna().tolist() == [False, True]
    assert [c for c in told if "TPR" in c]


def test_settings_are_told_in_words_and_classes_by_name() -> None:
    config = {
        "source": [0], "target": 5, "retrain": True, "budget": None, "training": {"learning_rate": 0.1}, "dataset_options": {"x": 3}
    }  # fmt: skip
    signs = ["stop", "yield", "a", "b", "c", "speed 80"]
    assert [settings.value(config, key, signs) for key in ("source", "target", "retrain", "budget")] == [
        "stop", "speed 80", "yes", "–",
    ]  # fmt: skip
    assert settings.value({"source": []}, "source", signs) == "any other class"
    assert settings.value({"source": 9}, "source", signs) == "9"
    assert settings.value(config, "dataset.x") == "3"
    assert settings.name("training.learning_rate") == "learning rate"
    assert settings.name("dataset.test_share") == "test share of the data set"
    app = page(question="runs", runs="digits-patch-10,signs-patch-50", truth="true")
    assert "stop" in app.dataframe[0].value["◆ source class"].tolist()
    assert "epochs" in claim_of(app)


@pytest.mark.parametrize("question", ["defenses", "layers", "budgets", "runs"])
def test_nothing_but_the_runs_name_tells_the_poison_while_the_truth_is_hidden(question) -> None:
    hidden, told = (
        page(question=question, runs="digits-patch-10,signs-patch-50", run="signs-patch-50", truth=t)
        for t in ("false", "true")
    )
    assert "--poisons" in "".join(codes(told))
    assert "--poisons" not in "".join(codes(hidden))
    for secret in ("source class", "--target", "→"):
        assert secret not in texts(hidden) + claim_of(hidden)
    if question == "runs":
        assert not {"◆ poisons", "◆ target class"} & set(hidden.dataframe[0].value)
        assert not any("→" in option for menu in hidden.multiselect for option in menu.options)


def test_a_layer_without_a_k_says_so_in_place_hover_and_list() -> None:
    figure = studies.layer_map(LAYERS, LIGHT, revealed=True)
    (note,) = figure.layout.annotations
    assert (note.x, note.y, note.text) == (1, 1, "no such k")
    assert "2 features" in figure.data[0].customdata[1][1]
    assert studies.without_k(LAYERS) == {"block2": 2}
    assert "pooled has 64 features" in texts(page(question="layers", run="signs-patch-50"))


def test_budgets_are_told_in_whole_poisons_and_only_once_the_truth_is_known() -> None:
    assert "12 for 12.5, 25, 50, 100, 200" in texts(page({"truth": True}, question="budgets", run="signs-patch-50"))
    assert "whole poisons" not in texts(page(question="budgets", run="signs-patch-50"))


def test_the_csv_of_a_series_has_a_line_for_each_run_and_the_table_one_for_each_number() -> None:
    one = light.Series("s", {}, tuple(row(p, seed, 10 * seed) for p in (5, 50) for seed in range(3)))
    every, summary = poisons.runs_frame(one), poisons.summary_frame(one, "attack_combined")
    assert every["before_attack_combined_count"].tolist() == [0, 10, 20] * 2
    assert summary["attack success, %"].tolist() == pytest.approx([10, 10])
    assert (summary["attack success, low %"] < 10).all()
    assert "Student t" in poisons.interval_words(one)
    assert "told the true number of poisons. The truth of these runs is shown" in poisons.interval_words(one)
    assert "told to expect 100 poisons" in poisons.interval_words(light.Series("s", {"budget": 100}, one.rows))


# --- the page


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def studied(own_runs: Path) -> str:
    """A copy of a bundled run with both studies, as a visitor's own; its id."""
    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "mine")
    for kind, found in (("budgets", BUDGETS), ("layers", LAYERS)):
        (own_runs / "mine" / store.file_of(kind)).write_text(json.dumps(found))
    return "mine"


def page(state: dict[str, Any] | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(SCREEN, default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    for key, value in (state or {}).items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    pieces = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.get("html")]
    return "\n".join([*(str(piece.value) for piece in pieces), *codes(app)])


def claim_of(app: AppTest) -> str:
    return next(str(h.value) for h in app.get("html") if "sl-claim" in str(h.value))


@pytest.mark.parametrize("revealed", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_opens_with_a_claim_the_truth_hidden_or_not(question: str, revealed: bool, studied: str) -> None:
    app = page({"truth": revealed}, question=question, run=studied)
    assert claim_of(app)
    if question != "poisons" and not revealed:
        assert "TPR" not in "".join(str(list(frame.value.columns)) for frame in app.dataframe)


@pytest.mark.parametrize("nonsense", ["<b>", "../../etc/passwd", "-1", "99999999999999999999", ",,spectr,", "٣", ""])
def test_nonsense_in_the_address_gives_way_to_the_default(nonsense: str) -> None:
    keys = ("run", "defenses", "part", "pair", "unit", "same", "amount", "series", "rate", "runs", "truth")
    usual = {question: claim_of(page(question=question)) for question in ("defenses", "poisons", "runs")}
    for question, claim in usual.items():
        assert claim_of(page(question=question, **dict.fromkeys(keys, nonsense))) == claim
    assert claim_of(page(question=nonsense)) == usual["defenses"]


def test_the_address_picks_question_run_defenses_number_and_part() -> None:
    app = page(
        question="defenses", run="digits-patch-10", defenses="spectral,spectre", same="20", amount="same", part="spectral",
        truth="true",
    )  # fmt: skip
    assert "run digits-patch-10" in texts(app)
    assert app.session_state["defenses"] == ["spectral", "spectre"]
    assert "Where each removes 20 images" in claim_of(app)
    assert "only Spectral signatures" in next(b for b in app.selectbox if b.key == "part").format_func("spectral")


def test_what_each_chose_rules_headline_table_and_slider() -> None:
    app = page({"truth": True}, question="defenses", run="signs-patch-50", amount="own")
    frame = data.bundled()["signs-patch-50"].load_scores()
    table = app.dataframe[0].value.set_index("defense")
    truth = frame["is_poison"].to_numpy(bool)
    for key, found in data.bundled()["signs-patch-50"].result["defenses"].items():
        mask = frame[f"removed_{key}"].to_numpy(bool)
        one = table.loc[found["title"]]
        assert (one["removed"], one["poison found"]) == (mask.sum(), (mask & truth).sum())
        assert one["clean removed"] == (mask & ~truth).sum()
        assert f"{found['title']} {mask.sum():,}" in texts(app)
    assert claim_of(app).find("Removing what each chose") > 0
    assert "Where each removes" not in texts(app)
    assert not app.slider


def test_the_number_for_all_is_kept_while_each_has_its_own() -> None:
    app = page({"truth": True}, question="defenses", run="signs-patch-50", amount="same", same="20")
    assert set(app.dataframe[0].value["removed"]) == {20}
    app.session_state["amount"] = "own"
    app.run()
    assert "Removing what each chose" in claim_of(app)
    app.session_state["amount"] = "same"
    app.run()
    assert app.slider[0].value == 20


def test_a_study_of_a_bundled_run_is_signed_with_its_own_id() -> None:
    for question, kind in (("layers", "layers"), ("budgets", "budgets")):
        stored = store.load(data.bundled()["signs-patch-50"], kind)
        assert stored is not None
        said = texts(page(question=question, run="signs-patch-50"))
        assert "run signs-patch-50 ·" in said
        assert stored["run"] == "signs-patch-50" or stored["run"] not in said


def test_what_only_spectre_caught_is_shown_as_pictures() -> None:
    app = page({"truth": True}, question="defenses", run="signs-patch-50", amount="same", part="spectre")
    frame = data.bundled()["signs-patch-50"].load_scores()
    keys = [c.removeprefix("score_") for c in frame if c.startswith("score_")]
    count = int(frame["removed_spectre"].sum())
    removed = {key: overlap.highest(frame[f"score_{key}"].to_numpy(), count) for key in keys}
    (alone,) = (part for part in overlap.parts(removed) if part.members == ("spectre",))
    html = "".join(str(h.value) for h in app.get("html"))
    shown = {int(text) for text in __import__("re").findall(r"id (\d+)", html)}
    assert shown <= set(frame["id"].to_numpy()[alone.rows])
    assert len(shown) == min(24, len(alone))
    assert f"showing {len(shown)} of {len(alone)}" in texts(app)
    if len(alone) > 24:
        next(b for b in app.button if b.label.startswith("Show")).click().run()
        assert f"showing {min(48, len(alone))} of {len(alone)}" in texts(app)


def test_the_selection_is_that_of_inspect_and_of_its_run_only() -> None:
    ids = data.bundled()["digits-patch-10"].load_scores()["id"].to_numpy()[[3, 40]].tolist()
    state = {"selected": ids, "inspected": "digits-patch-10"}
    app = page(state, question="defenses", run="digits-patch-10", part="selected")
    assert "showing 2 of 2" in texts(app)
    app = page(state, question="defenses", run="signs-patch-50", part="selected")
    assert "Draw a box or a lasso" in texts(app)


def test_one_defense_alone_cannot_be_compared() -> None:
    assert "at least two defenses" in texts(page(question="defenses", defenses="spectre"))


def test_a_bundled_run_without_studies_says_how_to_make_them() -> None:
    for question, kind in (("layers", "layers"), ("budgets", "budgets")):
        app = page(question=question, run="digits-patch-10")
        if store.load(data.bundled()["digits-patch-10"], kind) is None:
            assert f"python -m core study RUN --{kind}" in texts(app)
            assert not [b for b in app.button if b.key == f"start-{kind}"]


def test_a_run_with_features_offers_the_study_and_a_press_starts_it(
    own_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "fresh")
    for kind in store.KINDS:
        (own_runs / "fresh" / store.file_of(kind)).unlink(missing_ok=True)
    (own_runs / "fresh" / "features.npy").write_bytes(b"")
    started = []
    monkeypatch.setattr(store, "start", lambda run, runs, kinds: started.append((run.id, runs.root, kinds)))
    app = page(question="budgets", run="fresh")
    assert "About" in texts(app)
    app.button(key="start-budgets").click().run()
    assert started == [("fresh", own_runs, ["budgets"])]


def test_a_study_at_work_shows_where_it_stands_and_can_be_cancelled(own_runs: Path) -> None:
    import time

    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "fresh")
    (own_runs / "fresh" / store.file_of("budgets")).unlink(missing_ok=True)
    status = {"state": "running", "overall": 0.4, "message": "half way", "heartbeat": time.time(), "pid": 1}
    (own_runs / "fresh" / store.STATUS).write_text(json.dumps(status))
    app = page(question="budgets", run="fresh")
    app.button(key="cancel-study").click().run()
    assert (own_runs / "fresh" / store.CANCEL).exists()
    assert app.button(key="cancel-study").disabled


def test_a_damaged_study_is_a_warning_not_a_crash(studied: str, own_runs: Path) -> None:
    (own_runs / studied / store.file_of("layers")).write_text('{"version": 1, "rows": [{"layer": 3}]}')
    assert "no study" in texts(page(question="layers", run=studied))


def test_a_sweep_among_the_visitors_runs_and_runs_that_make_a_series_are_found(own_runs: Path) -> None:
    source = data.bundled()["digits-patch-10"]
    for poisons_, seed in ((10, 0), (20, 0), (20, 1)):
        folder = own_runs / f"r{poisons_}-{seed}"
        shutil.copytree(source.path, folder)
        config, result = source.read_json("config.json"), source.read_json("result.json")
        (folder / "config.json").write_text(json.dumps({**config, "poisons": poisons_, "seed": seed, "layer": "own"}))
        (folder / "result.json").write_text(json.dumps({**result, "poisons": poisons_, "seed": seed}))
    found = light.all_series()
    assert set(found) == {*(p.parent.name for p in light.BUNDLED.glob("*/series.json")), "like-r10-0"}
    assert [(r["poisons"], r["seed"]) for r in found["like-r10-0"].rows] == [(10, 0), (20, 0), (20, 1)]
    (own_runs / "swept").mkdir()
    bundled = next(light.BUNDLED.glob("*/series.json"))
    shutil.copy(bundled, own_runs / "swept" / "series.json")
    (own_runs / "broken").mkdir()
    (own_runs / "broken" / "series.json").write_text("{")
    assert "swept" in light.all_series()
    assert "broken" not in light.all_series()
    assert "3 runs" in texts(page(question="poisons", series="like-r10-0"))


def test_without_any_series_the_page_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(light, "BUNDLED", tmp_path)
    assert "python -m core sweep" in texts(page(question="poisons"))


def test_without_any_run_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(data, "BUNDLED", Runs(tmp_path))
    for question in ("defenses", "layers", "budgets", "runs"):
        assert "in the Lab" in texts(page(question=question))


def test_runs_that_cannot_be_read_are_left_out_with_a_word(own_runs: Path) -> None:
    shutil.copytree(data.bundled()["digits-patch-10"].path, own_runs / "broken")
    (own_runs / "broken" / "result.json").write_text('{"poisons": "many"}')
    app = page(question="runs", runs="broken,digits-patch-10,signs-patch-50")
    assert "1 of these runs cannot be read" in texts(app)
    assert "two runs differ" in claim_of(app)
