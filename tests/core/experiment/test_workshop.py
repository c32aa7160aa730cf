from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.experiment import RunConfig, Workshop, load, workshop
from core.foundation.errors import Cancelled
from core.foundation.images import ImageData
from core.foundation.tensors import to_device
from core.models import weights
from core.training import autoencoder, train
from tests.makers import tiny_config

CPU = torch.device("cpu")
Change = Callable[[ImageData], ImageData]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(autoencoder, "STEPS", 2)
    monkeypatch.setattr(autoencoder, "BATCH", 8)
    return tmp_path / "cache"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was trained, not found."""
    log: list[str] = []

    def recorded(name: str) -> Callable[..., Any]:
        real = getattr(workshop, name)

        def record(*args: Any, **kwargs: Any) -> Any:
            log.append(name)
            return real(*args, **kwargs)

        return record

    for name in ("train", "train_autoencoder"):
        monkeypatch.setattr(workshop, name, recorded(name))
    return log


def at_work(folder: Path, change: Change | None = None, **changes: Any) -> Workshop:
    settings = {"training": {"epochs": 1, "batch_size": 16}, **changes}
    config = tiny_config(folder, attack="label-consistent", attack_options={}, source=None, **settings)
    split = load(config)
    return Workshop(config.resolved(), replace(split, train=change(split.train)) if change else split, CPU)


def test_the_classifier_knows_the_clean_classes_and_gives_gradients_to_images_alone(picture_folder: Path) -> None:
    attacker = at_work(picture_folder, training={"epochs": 2, "batch_size": 16})
    model = attacker.classifier()
    x = to_device(attacker.clean.images, CPU)
    right = (model(x).argmax(1).numpy() == attacker.clean.labels).mean()
    assert right > 0.9
    image = x[:2].float().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model(image)[:, 0].sum(), image)
    assert (gradient != 0).any()
    assert isinstance(model, torch.nn.Module)
    assert not any(p.requires_grad for p in model.parameters())
    assert not model.training


def test_the_attackers_model_is_not_the_victims(picture_folder: Path) -> None:
    attacker = at_work(picture_folder)
    config: RunConfig = attacker.config
    victim = train(
        attacker.clean, config.make_model(), config.make_recipe(),
        flip=attacker.split.flip, seed=config.seed_for("training"), device=CPU,
    )  # fmt: skip
    x = to_device(attacker.clean.images, CPU)
    assert not torch.allclose(victim(x), attacker.classifier()(x), atol=0.1)


def test_an_attacker_begins_from_scratch_whatever_the_run_begins_with(picture_folder: Path, tmp_path: Path) -> None:
    """The weights of a run may be the victim's own, and a run of no epochs is nothing but these."""
    config = at_work(picture_folder).config
    x = to_device(at_work(picture_folder).clean.images[:8], CPU)
    logits = at_work(picture_folder).classifier()(x)
    victim = train(
        at_work(picture_folder).clean,
        config.make_model(),
        config.make_recipe(),
        flip=True,
        seed=config.seed_for("training"),
        device=CPU,
    )
    weights.save(victim, tmp_path / "victim.safetensors")
    given = {**config.training, "weights": str(tmp_path / "victim.safetensors")}
    assert torch.equal(at_work(picture_folder, training=given).classifier()(x), logits)
    recipe = at_work(picture_folder, training={**given, "epochs": 0}, retrain=False)._recipe()
    assert (recipe.weights, recipe.epochs > 0) == ("", True)


def test_what_was_made_once_is_found_again_and_says_the_same(picture_folder: Path, made: list[str]) -> None:
    attacker = at_work(picture_folder)
    x = to_device(attacker.clean.images[:8], CPU)
    logits = attacker.classifier()(x)
    encode, decode = attacker.autoencoder()
    assert decode(encode(x)).shape == (8, 3, 16, 16)
    assert made == ["train", "train_autoencoder"]
    again = at_work(picture_folder)
    assert torch.equal(again.classifier()(x), logits)
    assert torch.equal(again.autoencoder()[1](again.autoencoder()[0](x)), decode(encode(x)))
    assert made == ["train", "train_autoencoder"]


def test_an_attackers_training_that_was_ended_goes_on_from_its_last_epoch(
    picture_folder: Path, tmp_path: Path, own_cache: Path
) -> None:
    settings = {"training": {"epochs": 4, "batch_size": 16}}
    whole = at_work(picture_folder, **settings)
    x = to_device(whole.clean.images[:8], CPU)
    logits = whole.classifier()(x)
    for file in own_cache.rglob("*.npz"):
        file.unlink()
    steps: list[float] = []

    def stop_late(share: float) -> None:
        steps.append(share)
        if share > 0.8:
            raise Cancelled

    config, split, checkpoint = whole.config, whole.split, tmp_path / "attacker.checkpoint"
    with pytest.raises(Cancelled):
        Workshop(config, split, CPU, stop_late, checkpoint).classifier()
    assert checkpoint.is_file()
    steps.clear()
    again = Workshop(config, split, CPU, steps.append, checkpoint).classifier()
    assert torch.equal(again(x), logits)
    assert min(steps) > 0.25  # not from the beginning: a checkpoint is there after the first of four epochs


def relabelled(data: ImageData) -> ImageData:
    """The same images; two labels of different classes change places."""
    labels = data.labels.copy()
    a, b = np.flatnonzero(labels == 0)[0], np.flatnonzero(labels == 1)[0]
    labels[a], labels[b] = 1, 0
    return ImageData(data.images, labels, data.class_names)


def shuffled(data: ImageData) -> ImageData:
    """The same pixels at other places: no sum tells."""
    return ImageData(np.ascontiguousarray(data.images[:, ::-1]), data.labels, data.class_names)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"poisons": 3}, []),
        ({"defense": "spectral", "retrain": False}, []),
        ({"attack_options": {"method": "pgd linf"}}, []),
        ({"seeds": {"training": 9}}, []),
        ({"seed": 4}, ["train", "train_autoencoder"]),
        ({"model_options": {"width": 8}}, ["train"]),
        ({"training": {"epochs": 1, "batch_size": 32}}, ["train"]),
        ({"seeds": {"data": 9}}, ["train", "train_autoencoder"]),
        ({"change": relabelled}, ["train", "train_autoencoder"]),
        ({"change": shuffled}, ["train", "train_autoencoder"]),
    ],
    ids=lambda v: "-".join(map(str, v)) if isinstance(v, (dict, list)) else None,
)
def test_models_are_made_anew_where_what_they_depend_on_changes_and_only_there(
    changes: dict[str, Any], expected: list[str], picture_folder: Path, made: list[str]
) -> None:
    first = at_work(picture_folder)
    first.classifier()
    first.autoencoder()
    made.clear()
    settings = {"attack_options": {}} | changes
    options = settings.pop("attack_options")
    second = at_work(picture_folder, **settings)
    second.config = replace(second.config, attack_options=options).resolved()
    second.classifier()
    second.autoencoder()
    assert made == expected


def test_a_damaged_file_is_no_failure(picture_folder: Path, own_cache: Path, made: list[str]) -> None:
    at_work(picture_folder).classifier()
    (file,) = own_cache.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    at_work(picture_folder).classifier()
    assert made == ["train", "train"]


def test_a_cancel_during_the_training_is_heard_and_leaves_nothing(picture_folder: Path, own_cache: Path) -> None:
    attacker = at_work(picture_folder)

    def stop(share: float) -> None:
        raise Cancelled

    attacker.on_step = stop
    for make in (attacker.classifier, attacker.autoencoder):
        with pytest.raises(Cancelled):
            make()
    assert not list(own_cache.rglob("*.npz"))
