"""The sentence that says the whole experiment is right for every way of labelling."""

import pytest

from core.experiment import RunConfig
from dashboard.lab.words import sentence

NAMES = ("stop", "yield", "speed 80", "left")


def said(**changes) -> str:
    config = RunConfig(**{"dataset": "signs", "source": 0, "target": 2, "poisons": 50, **changes})
    return sentence(config.resolved(), NAMES, 1000)


def test_dirty_labels():
    assert said().startswith(
        "**50** of 1,000 images of *stop* get a white square of 3x3 pixels at the bottom right and the label *speed 80*."
    )
    assert "*stop or left* get" in said(source=[0, 3])
    assert "*any class but speed 80* get" in said(source=[])
    assert said(poisons=1).startswith("**1** of 1,000 images of *stop* gets a white square")


def test_clean_labels():
    told = said(attack="sig", source=None)
    assert told.startswith("**50** of 1,000 images of *speed 80* get a wave across the image")
    assert "and keep their label." in told


def test_all_to_all():
    told = said(attack="all-to-all", source=None)
    assert "**50** of 1,000 images, spread evenly over all classes, get" in told
    assert "the label of the next class." in told


@pytest.mark.parametrize(
    ("rate", "words"), [(2.0, "Another 100 images, the covers, are changed too and keep their labels."), (0.0, "")]
)
def test_covers(rate, words):
    told = said(poisoning={"cover_rate": rate})
    assert words in told
    assert ("cover" in told) == bool(words)


def test_strengths_in_training_and_at_test_time():
    told = said(poisoning={"train_strength": 0.5})
    assert ", at 50 % of its strength, and the label" in told
    assert "At test time the trigger has 100 % of its strength." in told


def test_the_way_of_all_images():
    way = {"format": "webp", "quality": 60}
    assert " All images, clean and poisoned, travel as WebP of quality 60. Small ResNet" in said(transport=way)
    assert "travel" not in said()


def test_a_control_run_and_no_retraining():
    assert said(poisons=0).startswith("**No** image is poisoned: a control run")
    assert said(retrain=False).endswith("looks for the poison.")
