"""What differs between two experiments, in words."""

import pytest

from core.experiment import RunConfig
from dashboard.lab.changes import changes

PLAIN = RunConfig().resolved()


def told(**settings) -> list[str]:
    return changes(PLAIN, RunConfig(**settings).resolved())


def test_nothing_where_nothing_differs():
    assert told() == []


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"poisons": 15}, "poisons 10 → 15"),
        ({"budget": 5}, "poisons expected none → 5"),
        ({"source": []}, "source 7 → any"),
        ({"source": [0, 3]}, "source 7 → 0,3"),
        ({"retrain": False}, "retrain yes → no"),
        ({"training": {"learning_rate": 0.1}}, "training learning rate 0.03 → 0.1"),
        ({"seeds": {"data": 4}}, "seed of data none → 4"),
        ({"attack_options": {"size": 4}}, "attack size 3 → 4"),
        ({"transport": {"format": "jpeg"}}, "transport format none → jpeg"),
        ({"defense_options": {"alpha": 1.0}}, "defense alpha 4 → 1"),
    ],
)
def test_one_change_is_one_line(settings, line):
    assert told(**settings) == [line]


def test_another_choice_says_enough_for_its_options():
    assert told(attack="adaptive-blend") == ["attack patch → adaptive-blend"]
    assert told(defense="mahalanobis") == ["defense spectre → mahalanobis"]


def test_several():
    assert told(poisons=3, seed=2) == ["poisons 10 → 3", "seed 0 → 2"]
