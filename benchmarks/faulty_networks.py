"""Features of networks that were trained on sets with ordinary faults and with poison in them, the right answer beside them.

    PYTHONPATH=. python benchmarks/faulty_networks.py OUT [--seed 0] [--only NAME,...] [--per-class 600] [--epochs 8]
    PYTHONPATH=. python benchmarks/faulty_networks.py        lists the cases and makes nothing

Drawn traffic signs and the small ResNet, trained by core.training with the recipe that the signs suggest but for epochs and
batches. Everything but the broken rows is in the images or labels before the training, so that the network has learned
from it. Not every attack takes: expected.json says how far each did. For each case, one network and one folder, about 2
minutes on one core of an AMD EPYC and 300 MB on disk:

OUT/CASE/features_LAYER.npy  (n, d) float32, flattened as a run's; for the last block, the one before and the pooled features
OUT/CASE/labels.npy          (n,) int64, as the network was trained on them
OUT/CASE/true_labels.npy     (n,) int64, what the images show
OUT/CASE/kind.npy            (n,) int8: 0 ordinary, 1 poison, 2 wrong label, 3 copy of a row of kind 0, 4 broken row
OUT/expected.json            for each case the poisoned labels and how well the network and the attacks on it do

Copies are added behind the rows of the set; those of one original are exact, or frames of a track: shifted by up to a
pixel, a little brighter or darker, with a little noise. A broken row is one of the set whose features were spoilt
afterwards, the same row in every layer. Every case draws its own images and trains with a seed of its own.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.attacks import Attack, Blended, Goal, Patch, poison
from core.datasets import Signs
from core.experiment.metrics import evaluate
from core.foundation import devices
from core.foundation.files import write_array, write_json
from core.foundation.images import ImageData
from core.foundation.seeds import derive
from core.foundation.tensors import to_device
from core.models import Classifier, SmallResNet
from core.training import Recipe, extract, predict, train

# Images a step. After 8 epochs with 64, which the signs suggest, patch-50 of seed 0 turns none of 200 stop signs; with 32, 174.
BATCH = 32
LAYERS = ("block3", "block2", "pooled")
ORDINARY, POISON, WRONG_LABEL, COPY, BROKEN = range(5)
STOP, YIELD, NO_ENTRY, SPEED_30, _, SPEED_80, PRIORITY, LEFT, RIGHT, _ = range(10)  # classes of Signs, in its order

# What goes wrong where features are computed or kept: nothing was written, half precision overflowed, a wrong unit.
BREAKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zeros": np.zeros_like,
    "saturated": lambda row: np.full_like(row, 65504),
    "times 1000": lambda row: 1000 * row,
}


@dataclass(frozen=True)
class Poisons:
    """Images of the sources, or of every class but the target, that carry a trigger and the label of the target."""

    count: int
    attack: Attack
    sources: tuple[int, ...]
    target: int

    @property
    def goal(self) -> Goal:
        return Goal(self.sources, self.target)


@dataclass(frozen=True)
class Case:
    """What is planted in one training set, in this order."""

    poisons: tuple[Poisons, ...] = ()
    noise: float = 0.0  # share of all rows that get another label, any of the others
    mislabelled: tuple[int, int, int] | None = None  # count, class, the label they get
    tracks: tuple[tuple[int, int], ...] = ()  # frames, class
    duplicates: tuple[tuple[int, int], ...] = ()  # exact copies of one image, class
    broken: tuple[str, ...] = ()  # each in another class, none of them with poison or copies


WHITE = Patch()  # bottom right
MAGENTA = Patch(place="top left", colour="magenta")
# In seeds 0 and 1, 30 or more poisons with the small white patch turn at most 9 of 200 images in 5 of 8 networks; with the
# large one they turn at least 62 in all 6.
LARGE_WHITE = Patch(size=5)
LARGE_MAGENTA = Patch(size=5, place="top left", colour="magenta")
CASES: dict[str, Case] = {
    "clean": Case(),
    "patch-50": Case((Poisons(50, WHITE, (STOP,), SPEED_80),)),
    "noise-2": Case(noise=0.02),
    "noise-3-track-broken": Case(noise=0.03, tracks=((30, YIELD),), broken=("zeros", "saturated")),
    "patch-30-noise-1": Case((Poisons(30, WHITE, (STOP,), SPEED_80),), noise=0.01, broken=("times 1000",)),
    "two-targets": Case((Poisons(40, WHITE, (STOP,), SPEED_80), Poisons(40, MAGENTA, (PRIORITY,), LEFT)), noise=0.01),
    "two-triggers": Case((Poisons(50, WHITE, (STOP,), SPEED_80), Poisons(50, MAGENTA, (NO_ENTRY,), SPEED_80))),
    "systematic": Case(mislabelled=(40, LEFT, RIGHT)),
    "blended-50-noise-2": Case((Poisons(50, Blended(), (), SPEED_80),), noise=0.02),
    "patch-15-noise-1": Case((Poisons(15, WHITE, (STOP,), SPEED_80),), noise=0.01),
    "systematic-far": Case(mislabelled=(40, STOP, SPEED_80)),
    "copies": Case(tracks=((30, SPEED_30), (30, PRIORITY)), duplicates=((30, NO_ENTRY), (10, RIGHT))),
    "large-30-noise-1": Case((Poisons(30, LARGE_WHITE, (STOP,), SPEED_80),), noise=0.01, broken=("times 1000",)),
    "two-large-targets": Case(
        (Poisons(40, LARGE_WHITE, (STOP,), SPEED_80), Poisons(40, LARGE_MAGENTA, (PRIORITY,), LEFT)), noise=0.01
    ),
    "two-large-triggers": Case(
        (Poisons(50, LARGE_WHITE, (STOP,), SPEED_80), Poisons(50, LARGE_MAGENTA, (NO_ENTRY,), SPEED_80))
    ),
}


@dataclass(frozen=True)
class Planted:
    """A training set and the truth about its rows."""

    data: ImageData
    true_labels: np.ndarray  # (n,) int64
    kind: np.ndarray  # (n,) int8
    broken: dict[int, str]  # row -> what happens to its features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, help="folder for the tables; without it the cases are listed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(CASES), help="cases to make, with commas between them")
    parser.add_argument("--per-class", type=int, default=600, help="training images of each class, before the copies")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.out is None:
        print("\n".join(f"{name}: {CASES[name]}" for name in names))
        return
    devices.use_threads(arguments.threads)
    for name in names:
        answer = make(name, arguments)
        note(arguments.out / "expected.json", name, answer)
        print(f"{name}: {json.dumps(answer)}", flush=True)


def make(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One case: its tables in its folder, and what is known of it."""
    started = time.perf_counter()
    seed, device, case = derive(arguments.seed, name), devices.resolve(), CASES[name]
    split = Signs(per_class=arguments.per_class).load(derive(seed, "data"))
    planted = plant(split.train, case, derive(seed, "faults"))
    recipe = Recipe(**{**Signs.training, "epochs": arguments.epochs, "batch_size": BATCH})
    model = train(planted.data, SmallResNet(), recipe, flip=split.flip, seed=derive(seed, "training"), device=device)
    answer = {
        "seed": arguments.seed,
        "per_class": arguments.per_class,
        "epochs": arguments.epochs,
        **counts(planted, case),
        **judge(model, split.test, case, derive(seed, "evaluation"), device),
    }
    save(arguments.out / name, planted, model, device)
    return {**answer, "seconds": round(time.perf_counter() - started, 1)}


def note(path: Path, name: str, answer: dict[str, Any]) -> None:
    """Into expected.json beside what earlier cases and calls left there."""
    expected = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json(path, {**expected, name: answer})


# ---- faults -------------------------------------------------------------------------------------------------------


def plant(clean: ImageData, case: Case, seed: int) -> Planted:
    """The faults of a case in a clean training set."""
    rng = np.random.default_rng(seed)
    data, kind = clean, np.full(len(clean), ORDINARY, np.int8)
    for i, poisons in enumerate(case.poisons):
        data, truth = poison(data, poisons.attack, poisons.goal, count=poisons.count, seed=derive(seed, f"poison {i}"))
        kind[truth.rows] = POISON
    labels = data.labels.copy()
    mislabel(labels, kind, case, len(data.class_names), rng)
    originals, copies = copied(data.images, labels, kind, case, rng)
    kind = np.concatenate((kind, np.full(len(originals), COPY, np.int8)))
    true_labels = np.concatenate((clean.labels, clean.labels[originals]))
    labels = np.concatenate((labels, labels[originals]))
    broken = spoilt(labels, kind, case, rng)
    kind[list(broken)] = BROKEN
    data = ImageData(np.concatenate((data.images, copies)), labels, data.class_names)
    return Planted(data, true_labels, kind, broken)


def mislabel(labels: np.ndarray, kind: np.ndarray, case: Case, classes: int, rng: np.random.Generator) -> None:
    """Wrong labels at random and by rule, in place."""
    if case.noise:
        rows = rng.choice(np.flatnonzero(kind == ORDINARY), round(case.noise * len(labels)), replace=False)
        labels[rows] = (labels[rows] + rng.integers(1, classes, len(rows))) % classes
        kind[rows] = WRONG_LABEL
    if case.mislabelled:
        count, shown, given = case.mislabelled
        rows = rng.choice(np.flatnonzero((kind == ORDINARY) & (labels == shown)), count, replace=False)
        labels[rows], kind[rows] = given, WRONG_LABEL


def copied(
    images: np.ndarray, labels: np.ndarray, kind: np.ndarray, case: Case, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The row that each copy was made of (m,), and the copies (m, h, w, c)."""
    originals, copies = [np.zeros(0, np.int64)], [images[:0]]
    for wanted, is_track in ((case.tracks, True), (case.duplicates, False)):
        for count, label in wanted:
            row = rng.choice(np.flatnonzero((kind == ORDINARY) & (labels == label)))
            originals.append(np.full(count, row))
            copies.append(frames(images[row], count, rng) if is_track else np.repeat(images[row][None], count, axis=0))
    return np.concatenate(originals), np.concatenate(copies)


def frames(image: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The same sign a moment later, `count` times: (count, h, w, c) uint8."""
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float32)
    shifts = rng.integers(0, 3, (count, 2))
    moved = np.stack([padded[y : y + height, x : x + width] for y, x in shifts])
    moved *= rng.normal(1, 0.03, (count, 1, 1, 1))
    moved += rng.normal(0, 2, moved.shape)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def spoilt(labels: np.ndarray, kind: np.ndarray, case: Case, rng: np.random.Generator) -> dict[int, str]:
    """Ordinary rows whose features break, each in a class of its own that holds neither poison nor copies."""
    free = np.setdiff1d(labels, labels[(kind == POISON) | (kind == COPY)])
    chosen = rng.choice(free, len(case.broken), replace=False)
    rows = [rng.choice(np.flatnonzero((kind == ORDINARY) & (labels == label))) for label in chosen]
    return dict(zip(map(int, rows), case.broken, strict=True))


# ---- what came of it ----------------------------------------------------------------------------------------------


def counts(planted: Planted, case: Case) -> dict[str, Any]:
    names = {"poisons": POISON, "wrong_labels": WRONG_LABEL, "copies": COPY, "broken": BROKEN}
    return {
        "rows": len(planted.kind),
        "poisoned": sorted({poisons.target for poisons in case.poisons}),
        **{name: int((planted.kind == kind).sum()) for name, kind in names.items()},
    }


def judge(model: Classifier, test: ImageData, case: Case, seed: int, device: torch.device) -> dict[str, Any]:
    """Accuracy on clean test images, and for each trigger the share of its victims that get the label of the target.

    Beside that share stands the one that gets it without the trigger, both with their counts.
    """
    right = predict(model, to_device(test.images, device)).cpu().numpy() == test.labels
    answer: dict[str, Any] = {"accuracy": float(right.mean()), "test_images": len(test)}
    if case.poisons:
        found = [evaluate(model, test, p.attack, p.goal, seed=seed, device=device) for p in case.poisons]
        answer["attack_success"] = [evaluation.attack_single.value for evaluation in found]
        answer["attacks"] = [
            {
                "trigger": p.attack.in_words(),
                "source": p.goal.victims_in_words(test.class_names),
                "target": p.goal.goal_in_words(test.class_names),
                "poisons": p.count,
                "success": evaluation.attack_single.as_json(),
                "without_trigger": evaluation.confused.as_json(),
            }
            for p, evaluation in zip(case.poisons, found, strict=True)
        ]
    return answer


def save(folder: Path, planted: Planted, model: Classifier, device: torch.device) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("labels", planted.data.labels), ("true_labels", planted.true_labels), ("kind", planted.kind)):
        write_array(folder / f"{name}.npy", array)
    for layer in LAYERS:
        features = extract(model, planted.data.images, layer, device=device)
        for row, way in planted.broken.items():
            features[row] = BREAKS[way](features[row])
        write_array(folder / f"features_{layer}.npy", features)


if __name__ == "__main__":
    main()
