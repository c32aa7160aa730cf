"""What is seen of a model between epochs, and that looking changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.attacks import Transport
from core.experiment import Staged, stage
from core.experiment.probe import SMALLEST, Probe
from core.models import Classifier, SmallResNet
from core.training import Recipe, predict, train
from tests.makers import tiny_config

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def staged(picture_folder: Path) -> Staged:
    return stage(tiny_config(picture_folder))


def fit(staged: Staged, on_epoch: object = None) -> Classifier:
    return train(
        staged.poisoned, SmallResNet(width=4), Recipe(epochs=3, batch_size=16), flip=True, seed=2, device=CPU,
        on_epoch=on_epoch,  # type: ignore[arg-type]
    )  # fmt: skip


def test_looking_after_every_epoch_leaves_the_training_the_same_bit_for_bit(staged: Staged) -> None:
    plain = fit(staged).state_dict()
    probe = Probe(staged, seed=1, device=CPU)
    random = torch.random.get_rng_state()
    seen = []
    watched = fit(staged, lambda epoch, model: seen.append(probe.look(model))).state_dict()
    assert len(seen) == 3
    assert all(torch.equal(plain[name], watched[name]) for name in plain)
    assert torch.equal(random, torch.random.get_rng_state())


def test_what_it_looks_at_has_travelled(picture_folder: Path) -> None:
    way = {"format": "jpeg", "quality": 10}
    plain, sent = (Probe(stage(tiny_config(picture_folder, transport=t)), seed=1, device=CPU) for t in ({}, way))
    arrived = Transport(**way).apply(plain._images.permute(0, 2, 3, 1).numpy())
    assert torch.equal(sent._images.permute(0, 2, 3, 1), torch.from_numpy(arrived))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_comes_back_in_its_mode(staged: Staged, training: bool) -> None:
    model = fit(staged).train(training)
    Probe(staged, seed=1, device=CPU).look(model)
    assert all(part.training is training for part in model.modules())


def test_the_shares_are_those_of_the_sample_counted_plainly(staged: Staged) -> None:
    model, test = fit(staged), staged.split.test
    found = Probe(staged, seed=1, device=CPU).look(model)
    assert found["test_accuracy"]["total"] == min(SMALLEST, len(test))
    victims = test.images[test.labels == 0]
    assert len(victims) < SMALLEST, "all of them are in the sample"
    shown = torch.from_numpy(staged.attack.apply_all(victims, 1.0).transpose(0, 3, 1, 2).copy())
    hits = int((predict(model, shown) == 1).sum())
    assert found["attack_success"] == {"count": hits, "total": len(victims), "value": hits / len(victims)}


def test_the_sample_is_the_same_each_time(staged: Staged) -> None:
    model = fit(staged)
    a, b = (Probe(staged, seed=1, device=CPU).look(model) for _ in range(2))
    assert a == b


def test_without_an_attack_there_is_no_attack_success(staged: Staged) -> None:
    clean = replace(staged, config=replace(staged.config, poisons=0))
    assert Probe(clean, seed=1, device=CPU).look(fit(staged)).keys() == {"test_accuracy"}
    nobody = replace(staged, split=replace(staged.split, test=staged.split.test.take(staged.split.test.labels == 1)))
    assert Probe(nobody, seed=1, device=CPU).look(fit(staged)).keys() == {"test_accuracy"}
