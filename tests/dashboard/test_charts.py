"""Figures are pure functions; what they carry decides whether linked selection and colours can work."""

import json

import numpy as np
import pytest

from dashboard import charts
from dashboard.theme import DARK, LIGHT


@pytest.fixture
def cloud() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.arange(200) < 20
    points = rng.normal(size=(200, 2)) + 3 * truth[:, None]
    return {"points": points, "ids": np.arange(200) * 7 + 5, "truth": truth, "removed": rng.random(200) < 0.15}


def traces(figure) -> dict:
    return {trace.name.split(" (")[0]: trace for trace in figure.data}


def test_points_carry_example_ids_and_never_row_positions(cloud):
    figure = charts.projection(
        cloud["points"], cloud["ids"], LIGHT, unit="σ", removed=cloud["removed"], truth=cloud["truth"]
    )
    drawn = np.concatenate([traces(figure)["clean"].customdata, traces(figure)["poison"].customdata])
    assert set(drawn) == set(cloud["ids"])


def test_hidden_truth_leaves_no_trace_of_it_in_what_is_sent(cloud):
    hidden = charts.projection(cloud["points"], cloud["ids"], LIGHT, unit="σ", removed=cloud["removed"], truth=None)
    assert set(traces(hidden)) == {"truth hidden", "removed"}
    sent = json.dumps(hidden.to_plotly_json(), default=str)
    assert LIGHT.poison not in sent
    assert "poison" not in sent


def test_revealing_the_truth_or_moving_the_cut_keeps_the_axes(cloud):
    def ranges(truth, removed):
        figure = charts.projection(cloud["points"], cloud["ids"], LIGHT, unit="σ", removed=removed, truth=truth)
        return figure.layout.xaxis.range, figure.layout.yaxis.range

    hidden = ranges(None, cloud["removed"])
    assert hidden == ranges(cloud["truth"], cloud["removed"])
    assert hidden == ranges(None, np.zeros(200, bool))


def test_shape_repeats_what_colour_says(cloud):
    found = traces(
        charts.projection(cloud["points"], cloud["ids"], DARK, unit="σ", removed=cloud["removed"], truth=cloud["truth"])
    )
    assert found["clean"].marker.symbol != found["poison"].marker.symbol
    assert found["clean"].marker.color != found["poison"].marker.color


def test_thinning_keeps_all_poison_and_says_so():
    n = charts.SHOWN * 3
    truth = np.arange(n) % 30 == 0
    points = np.random.default_rng(0).normal(size=(n, 2))
    figure = charts.projection(points, np.arange(n), LIGHT, unit="σ", removed=np.zeros(n, bool), truth=truth)
    found = traces(figure)
    assert len(found["poison"].customdata) == truth.sum()
    assert len(found["poison"].customdata) + len(found["clean"].customdata) == charts.SHOWN
    assert "showing 5,000 of 15,000" in figure.layout.annotations[0].text


@pytest.mark.parametrize("scores", [np.random.default_rng(1).exponential(size=300), np.linspace(-5, 5, 300)])
def test_histogram_counts_every_example_once(scores):
    truth = np.arange(300) < 40
    figure = charts.score_histogram(scores, float(np.sort(scores)[-30]), LIGHT, name="QUE", truth=truth)
    found = traces(figure)
    assert found["poison"].customdata.sum() == 40
    assert found["clean"].customdata.sum() == 260
    np.testing.assert_allclose(np.square(found["clean"].y), found["clean"].customdata)


def test_histogram_survives_no_cut_and_equal_scores():
    figure = charts.score_histogram(np.ones(50), float("inf"), LIGHT, name="QUE")
    assert figure.data[0].customdata.sum() == 50


def test_the_chosen_k_is_marked():
    candidates = [{"k": 1, "objective": 1.0}, {"k": 4, "objective": 3.0}, {"k": 9, "objective": 2.0}]
    chosen = traces(charts.objective_by_k(candidates, 1, LIGHT))["chosen"]
    assert (chosen.x[0], chosen.y[0]) == (4, 3.0)


def test_rounds_split_into_poison_and_clean_only_when_revealed():
    rounds = [{"reason": "moment", "dropped": [0, 1, 5], "eigenvalue": 9.0, "threshold": 4.0}]
    truth = np.array([True, True, False, False, False, False])
    assert traces(charts.filter_rounds(rounds, None, LIGHT))["rows dropped"].y == (3,)
    revealed = traces(charts.filter_rounds(rounds, truth, LIGHT))
    assert (revealed["poison dropped"].y, revealed["clean dropped"].y) == ((2,), (1,))


def test_numbers_are_written_for_people():
    assert [charts.number(v) for v in (4983.2, 55.94, 0.01234, 3e7)] == ["4,983", "55.9", "0.0123", "3e+07"]


# --- training as it goes


def epochs(stage, count, **fields):
    return [
        {"stage": stage, "epoch": i, "epochs": 5, "loss": 2 / i, "accuracy": 0.1 * i, **fields}
        for i in range(1, count + 1)
    ]


def share(count, total):
    return {"count": count, "total": total, "value": count / total}


def test_attack_success_has_the_colour_of_poison_and_a_dash_and_mark_of_its_own():
    rows = epochs("train", 3, attack_success=share(30, 40), test_accuracy=share(9, 10))
    found = traces(charts.training_curves(rows, LIGHT))
    attack, accuracy = found["attack success"], found["test accuracy"]
    assert (attack.line.color, accuracy.line.color) == (LIGHT.poison, LIGHT.clean)
    assert attack.line.dash != accuracy.line.dash
    assert attack.marker.symbol != accuracy.marker.symbol
    assert list(attack.y) == [75.0] * 3
    assert list(found["loss"].y) == [2.0, 1.0, 2 / 3]
    assert (found["loss"].yaxis, attack.yaxis) == ("y2", "y")


def test_retraining_stands_beside_training_on_the_same_scale():
    row = {"attack_success": share(30, 40), "test_accuracy": share(9, 10)}
    alone = charts.training_curves(epochs("train", 5, **row), LIGHT)
    both = charts.training_curves(epochs("train", 5, **row) + epochs("retrain", 2, **row), LIGHT)
    assert list(alone.layout.xaxis.domain) == [0, 1]
    assert both.layout.xaxis.domain[1] < both.layout.xaxis2.domain[0]
    assert both.layout.xaxis.range == both.layout.xaxis2.range, "as many epochs as there will be"
    assert {trace.xaxis for trace in both.data if trace.yaxis == "y"} == {"x", "x2"}
    named = [trace.name for trace in both.data if trace.showlegend]
    assert sorted(named) == ["attack success", "test accuracy", "training accuracy"], "each once"


def test_runs_of_before_and_clean_runs_draw_what_they_have():
    old = traces(charts.training_curves(epochs("train", 3), DARK))
    assert old.keys() == {"training accuracy", "loss"}
    clean = traces(charts.training_curves(epochs("train", 3, test_accuracy=share(1, 2)), DARK))
    assert "attack success" not in clean
    broken = epochs("train", 2, attack_success="?", test_accuracy={"count": 0, "total": 0, "value": None})
    assert traces(charts.training_curves(broken, DARK)).keys() == {"training accuracy", "loss"}
    assert charts.sample_of(broken, "attack_success") == 0
    assert charts.sample_of(epochs("train", 2, attack_success=share(3, 7)), "attack_success") == 7
    odd = [{"stage": "train"}, {"stage": "other", "epoch": 1, "loss": 1, "accuracy": 1}]
    assert charts.epochs_of([*odd, *epochs("train", 2)]) == epochs("train", 2)
    assert not charts.training_curves([], LIGHT).data
