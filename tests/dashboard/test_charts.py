"""Figures are pure functions; what they carry decides whether linked selection and colours can work."""

import numpy as np
import pytest

from dashboard import charts
from dashboard.charts import series
from dashboard.charts.points import SHOWN, groups, thin
from dashboard.theme import DARK, LIGHT


def traces(figure) -> dict:
    return {trace.name.split(" (")[0]: trace for trace in figure.data}


def test_shape_repeats_what_colour_says_and_hidden_truth_has_one_kind():
    truth = np.arange(9) < 2
    clean, poison = groups(truth, 9, DARK)
    assert (clean[0], poison[0]) == ("clean", "poison")
    assert clean[2] != poison[2]
    assert clean[3] != poison[3]
    np.testing.assert_array_equal(poison[1], truth)
    [(name, mask, _, _)] = groups(None, 9, DARK)
    assert name == "truth hidden"
    assert mask.all()


def test_thinning_keeps_what_must_be_kept_and_no_more_than_are_shown():
    keep = np.arange(3 * SHOWN) % 30 == 0
    rows = thin(len(keep), keep)
    assert len(rows) == SHOWN
    assert keep[rows].sum() == keep.sum()
    np.testing.assert_array_equal(rows, thin(len(keep), keep))  # the same each time
    assert len(thin(100, keep[:100])) == 100


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


def test_one_number_of_poisons_stands_in_the_middle_with_its_seeds_close_by():
    rows = [{"poisons": 50, "seed": seed, "defenses": {"a": {"true_positive_rate": share(4, 5)}}} for seed in range(3)]
    found = series.found_by_poisons(rows, {"a": "A"}, ["a"], LIGHT, rate="true_positive_rate")
    low, high = (10**end for end in found.layout.xaxis.range)
    assert low == pytest.approx(50 / 3)
    assert high == pytest.approx(150)
    assert series.log_axis([*rows, {**rows[0], "poisons": 5}]).get("range") is None


def test_marks_that_are_moved_aside_carry_the_number_of_poisons_that_they_stand_for():
    """A table of the figure holds these, and tells single runs from their mean."""
    rows = [
        {"poisons": count, "seed": seed, "defenses": {key: {"true_positive_rate": share(4, 5)} for key in ("a", "b")}}
        for count in (5, 50)
        for seed in (0, 1)
    ]
    found = series.found_by_poisons(rows, {"a": "A", "b": "B"}, ["a", "b"], LIGHT, rate="true_positive_rate")
    means, dots = found.data[0], found.data[1]
    assert list(means.x) != [5, 50], "beside those of B"
    assert list(means.meta["x"]) == [5, 50]
    assert list(dots.meta["x"]) == [5, 5, 50, 50]
    assert dots.meta["series"] == "A, single runs"
