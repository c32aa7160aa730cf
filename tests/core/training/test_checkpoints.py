"""A training that was ended goes on to the weights of one that was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from core.foundation.errors import Cancelled
from core.foundation.images import ImageData
from core.models import Classifier, SmallResNet
from core.training import Epoch, Recipe, checkpoints, train
from tests.makers import coloured

TINY = SmallResNet(width=4)
TOY = coloured(40)
KINDS = {
    "one-cycle": Recipe(epochs=5, batch_size=16),
    "steps": Recipe(epochs=5, batch_size=16, schedule="steps"),
    "ranger": Recipe(epochs=5, batch_size=16, optimizer="ranger", schedule="flat-cosine", learning_rate=0.01),
}


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However quick it is."""
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)


def fit(recipe: Recipe = KINDS["steps"], data: ImageData = TOY, seed: int = 0, **options: Any) -> Classifier:
    return train(data, TINY, recipe, flip=True, seed=seed, device=torch.device("cpu"), **options)


def ended(path: Path, recipe: Recipe = KINDS["steps"], *, at: int = 3, step: float = 0.0) -> list[Epoch]:
    """Ended after an epoch's end, or in the middle of a later one; returns the epochs that were seen."""
    seen: list[Epoch] = []

    def on_step(share: float) -> None:
        if (len(seen) >= at and not step) or (step and share > step):
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(recipe, checkpoint=path, on_epoch=lambda epoch, _: seen.append(epoch), on_step=on_step)
    assert path.is_file()
    return seen


def same_weights(left: Classifier, right: Classifier) -> bool:
    a, b = left.state_dict(), right.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [0.0, 0.75], ids=["between epochs", "in an epoch"])
def test_it_ends_at_the_same_weights(kind: str, step: float, tmp_path: Path) -> None:
    path, recipe = tmp_path / "train.checkpoint", KINDS[kind]
    before = ended(path, recipe, step=step)
    told: list[int] = []
    seen: list[Epoch] = []
    again = fit(recipe, checkpoint=path, on_resume=told.append, on_epoch=lambda epoch, _: seen.append(epoch))
    assert told == [3]
    assert [epoch.epoch for epoch in (*before, *seen)] == [1, 2, 3, 4, 5]
    assert seen[0].seconds > before[-1].seconds, "time goes on too"
    whole: list[Epoch] = []
    assert same_weights(again, fit(recipe, on_epoch=lambda epoch, _: whole.append(epoch)))
    assert [epoch.loss for epoch in seen] == [epoch.loss for epoch in whole[3:]]


def test_what_belongs_to_a_weight_lies_as_it_does(tmp_path: Path) -> None:
    """Else every later step would be slower."""
    network = torch.nn.Conv2d(3, 4, 3, bias=False).to(memory_format=torch.channels_last)
    first, second = (torch.optim.SGD(network.parameters(), rate, momentum=0.9) for rate in (0.1, 0.3))
    network.weight.grad = torch.randn_like(network.weight)
    first.step()
    kept = checkpoints.Checkpoint(tmp_path / "x", {})
    kept.save({"model": network, "optimizer": first}, 1, 1.0)
    assert kept.restore({"model": network, "optimizer": second}) == (1, 1.0)
    held = second.state[network.weight]["momentum_buffer"]
    assert held.stride() == network.weight.stride() != held.contiguous().stride()
    assert torch.equal(held, first.state[network.weight]["momentum_buffer"])
    assert second.param_groups[0]["lr"] == 0.1


def head_of(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()[checkpoints.HEAD]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def spoil(path: Path, harm: str) -> None:
    content = path.read_bytes()
    head, tensors = head_of(path)
    if harm == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "not ours":
        save_file(tensors, path)
    elif harm == "much too large":
        path.write_bytes(content + bytes(8 * checkpoints.MARGIN))
    elif harm == "another network's":
        name = next(name for name, value in tensors.items() if value.ndim == 4)
        save_file(tensors | {name: torch.zeros(1, 2, 3, 3)}, path, {checkpoints.HEAD: json.dumps(head)})
    elif harm == "no optimizer":
        del head["states"]["optimizer"]
        save_file(tensors, path, {checkpoints.HEAD: json.dumps(head)})
    elif harm == "epochs in words":
        save_file(tensors, path, {checkpoints.HEAD: json.dumps(head | {"epochs": "seven"})})


HARMS = ("cut short", "empty", "not ours", "much too large", "another network's", "no optimizer", "epochs in words")


@pytest.mark.parametrize("harm", HARMS)
def test_with_a_damaged_one_the_training_begins_anew_and_says_so(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "train.checkpoint"
    ended(path)
    spoil(path, harm)
    notes: list[str] = []
    told: list[int] = []
    assert same_weights(fit(checkpoint=path, on_note=notes.append, on_resume=told.append), fit())
    assert told == [0]
    assert "the checkpoint is damaged" in notes[0]


OTHERS = {
    "recipe": {"recipe": replace(KINDS["steps"], learning_rate=0.05)},
    "data": {"data": coloured(40, seed=1)},
    "labels": {"data": ImageData(TOY.images, np.roll(TOY.labels, 1), TOY.class_names)},
    "seed": {"seed": 1},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_of_another_training_it_is_not_taken(other: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "train.checkpoint"
    ended(path)
    notes: list[str] = []
    assert same_weights(fit(**other, checkpoint=path, on_note=notes.append), fit(**other))
    assert notes[0] == "the checkpoint belongs to another training; it begins anew"


def test_a_folder_that_cannot_be_written_costs_the_checkpoint_not_the_training(tmp_path: Path) -> None:
    notes: list[str] = []
    assert same_weights(fit(checkpoint=tmp_path / "not there" / "x", on_note=notes.append), fit())
    assert [note.split(" (")[0] for note in notes] == [
        f"the checkpoint of epoch {n} could not be written" for n in range(1, 5)
    ]


def test_where_the_disk_is_slow_it_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of the time at most, but for the first."""
    clock = [0.0]
    monkeypatch.setattr(checkpoints, "SHARE", 0.01)
    monkeypatch.setattr(checkpoints.time, "perf_counter", lambda: clock[0])
    written: list[int] = []

    def slow(tensors: dict[str, torch.Tensor], path: Path, head: dict[str, str]) -> None:
        clock[0] += 2.0
        path.write_bytes(b"x")

    monkeypatch.setattr(checkpoints, "save_file", slow)
    kept = checkpoints.Checkpoint(tmp_path / "x", {})
    for epoch in range(1, 61):
        clock[0] += 10.0
        at = clock[0]
        kept.save({}, epoch, 0.0)
        written += [epoch] if clock[0] > at else []
    assert written == [1, 21, 41]
