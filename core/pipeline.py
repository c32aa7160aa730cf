"""One run from the data to the figures, stage by stage; a run that was stopped goes on from the last finished one.

load -> poison -> train -> features -> defend -> retrain. Ground truth meets the scores only after every defense has
given its verdict, in `_defend`, for the record.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from core import devices, seeds
from core.attacks import Attack, PoisonTruth, poison
from core.config import RunConfig
from core.defenses import DEFENSES, Spectre
from core.errors import Cancelled, InputError
from core.features import extract
from core.images import ImageData, Split
from core.metrics import detection, evaluate
from core.runs import RunFolder, Status
from core.tensors import Classifier, memory_format, to_device
from core.training import Epoch, empty_classifier, predict, train
from core.views import make_views

STAGES = ("load", "train", "features", "defend", "retrain")
EXAMPLES = 24  # test images of the source class that are kept for pictures
Observer = Callable[[Status], None]


@dataclass(frozen=True)
class Staged:
    """A checked experiment, ready to train: data, attack and poisoned training set."""

    config: RunConfig  # resolved
    split: Split
    attack: Attack
    poisoned: ImageData
    truth: PoisonTruth


def load(config: RunConfig) -> Split:
    """The data of a run, drawn by its seed. Raises InputError."""
    return config.make_dataset().load(seeds.derive(config.seed, "data"))


def stage(config: RunConfig, split: Split | None = None) -> Staged:
    """Load the data and poison it. Raises InputError for whatever does not fit; writes nothing.

    split: what `load(config)` gave, if it is at hand.
    """
    config = config.resolved()
    devices.resolve(config.device)
    split = split or load(config)
    attack = config.make_attack()
    assert config.source is not None  # resolved
    assert config.target is not None
    assert config.poisons is not None
    poisoned, truth = poison(
        split.train,
        attack,
        source=config.source,
        target=config.target,
        count=config.poisons,
        seed=seeds.derive(config.seed, "poison"),
    )
    rows = int((poisoned.labels == config.target).sum())
    k = config.defense_options.get("n_components") if config.defense == "spectre" else None
    if k is not None and k > rows - 1:
        raise InputError(f"n_components = {k} must be below the {rows} images of the target class; lower it")
    if config.poisons > rows / 2:
        raise InputError(
            f"{config.poisons} poisons would be more than half of the {rows} images then labelled "
            f"'{poisoned.class_names[config.target]}'; lower the poisons"
        )
    return Staged(config, split, attack, poisoned, truth)


def execute(run: RunFolder, staged: Staged | None = None, observer: Observer | None = None) -> dict[str, Any]:
    """Run all stages that are not finished yet and return the result.

    staged: what `stage(run.config)` gave, if it is at hand. Raises Cancelled when a cancel was asked for, InputError
    for input that cannot be used; either leaves the finished stages on disk and says so in status.json.
    """
    with run.hold():
        return _execute(run, staged, _Reporter(run, observer))


def load_model(run: RunFolder, staged: Staged, name: str, device: torch.device) -> Classifier:
    """A saved model of the run, in evaluation mode on the device. Raises InputError if it cannot be read."""
    data = staged.poisoned
    _, height, width, channels = data.images.shape
    model = empty_classifier(staged.config.make_model(), (channels, height, width), len(data.class_names))
    try:
        model.load_state_dict(load_file(run.file(name)))
    except (OSError, SafetensorError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0]
        raise InputError(f"{run.id}: {name} cannot be read ({reason}); start the run anew") from None
    return model.to(device).to(memory_format=memory_format(device)).eval()


def _execute(run: RunFolder, staged: Staged | None, reporter: _Reporter) -> dict[str, Any]:
    try:
        reporter.enter("load", "loading images")
        job = _Job(run, staged or stage(run.config), reporter)
        for name, step in (
            ("train", job.train),
            ("features", job.features),
            ("defend", job.defend),
            ("retrain", job.retrain),
        ):
            if not job.is_finished(name):
                started = time.perf_counter()
                step()
                job.finish(name, time.perf_counter() - started)
        reporter.close("finished", "finished")
        return job.result
    except Cancelled:
        reporter.close("cancelled", "cancelled; finished stages are kept")
        raise
    except KeyboardInterrupt:
        reporter.close("cancelled", "interrupted; finished stages are kept")
        raise Cancelled from None
    except BaseException as problem:
        reporter.close("failed", str(problem).splitlines()[0] if str(problem) else type(problem).__name__)
        raise


class _Job:
    """The stages of one run. Each reads what the one before left in the folder, so each can be the first to run."""

    def __init__(self, run: RunFolder, staged: Staged, reporter: _Reporter) -> None:
        self.run, self.staged, self.reporter = run, staged, reporter
        self.config = staged.config
        self.device = devices.resolve(self.config.device)
        self.source, self.target = int(self.config.source or 0), int(self.config.target or 0)
        self.rows = np.flatnonzero(staged.poisoned.labels == self.target)  # what a defense is given: one class
        self.result = run.result or self._about()

    def is_finished(self, name: str) -> bool:
        return name in self.result["seconds"]

    def finish(self, name: str, seconds: float) -> None:
        self.result["seconds"][name] = round(seconds, 2)
        self.run.write_json("result.json", self.result)
        self.run.log(f"{name} finished in {seconds:.1f} s")

    def train(self) -> None:
        self.reporter.enter("train", "training on the poisoned set")
        model = self._train(self.staged.poisoned, "train")
        self._save(model, "model.safetensors")
        self.result["before"] = self._evaluate(model)
        self._save_examples({"before": model})

    def features(self) -> None:
        self.reporter.enter("features", f"features of {len(self.rows)} images at layer {self.config.layer}")
        model = self._load("model.safetensors")
        images = self.staged.poisoned.images[self.rows]
        features = extract(model, images, self.config.layer, device=self.device, on_step=self.reporter.step)
        for name, array in (("features.npy", features), ("images.npy", images)):
            with self.run.replacing(name) as path, path.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        self.result["features"] = {"rows": len(features), "columns": features.shape[1], "layer": self.config.layer}

    def defend(self) -> None:
        features = self.run.load_array("features.npy")
        table: dict[str, np.ndarray] = {"id": self.rows, "label": self.staged.poisoned.labels[self.rows]}
        self.result["defenses"] = {}
        for i, key in enumerate(DEFENSES):
            self.reporter.enter(
                "defend", f"{DEFENSES[key].title} on {features.shape[0]} x {features.shape[1]} features"
            )
            self.reporter.step(i / len(DEFENSES))
            started = time.perf_counter()
            defense = self.config.make_defense(key, int(self.config.poisons or 0)).fit(features)
            table[f"score_{key}"], table[f"removed_{key}"] = defense.scores_, defense.removed_
            seconds = round(time.perf_counter() - started, 3)
            self.result["defenses"][key] = {"title": defense.title, "seconds": seconds, "record": defense.record_}
            if isinstance(defense, Spectre):
                self._save_views(defense)
        self._reveal(table)

    def _save_views(self, spectre: Spectre) -> None:
        views, about = make_views(spectre)
        with self.run.replacing("views.npz") as path, path.open("wb") as file:
            np.savez_compressed(file, **views)  # type: ignore[arg-type]
        self.result["views"] = about

    def _reveal(self, table: dict[str, np.ndarray]) -> None:
        """Join the verdicts with the truth, after all verdicts are in."""
        is_poison = self.staged.truth.mask()[self.rows]
        for key in DEFENSES:
            self.result["defenses"][key].update(detection(table[f"removed_{key}"], is_poison))
        naive = self.run.load_arrays("views.npz")["naive_removed"]
        self.result["views"]["naive"] = detection(naive, is_poison)
        frame = pd.DataFrame({**table, "true_label": self.staged.truth.true_labels[self.rows], "is_poison": is_poison})
        with self.run.replacing("scores.parquet") as path:
            frame.to_parquet(path, index=False)

    def retrain(self) -> None:
        if not self.config.retrain:
            self.result["after"] = None
            return
        key = self.config.defense
        frame = self.run.load_scores()
        keep = np.ones(len(self.staged.poisoned), bool)
        keep[frame["id"][frame[f"removed_{key}"]]] = False
        self.reporter.enter("retrain", f"training from scratch on the {int(keep.sum())} images that {key} keeps")
        model = self._train(self.staged.poisoned.take(keep), "retrain")
        self._save(model, "retrained.safetensors")
        self.result["after"] = {"defense": key, **self._evaluate(model)}
        self._save_examples({"before": self._load("model.safetensors"), "after": model})

    def _train(self, data: ImageData, name: str) -> Classifier:
        self.run.forget_metrics(name)

        def on_epoch(epoch: Epoch, _: Classifier) -> None:
            self.run.append_metrics({"stage": name, **vars(epoch)})

        return train(
            data,
            self.config.make_model(),
            self.config.make_recipe(),
            flip=self.staged.split.flip,
            seed=seeds.derive(self.config.seed, "training"),
            device=self.device,
            on_epoch=on_epoch,
            on_step=self.reporter.step,
        )

    def _evaluate(self, model: Classifier) -> dict[str, Any]:
        seed = seeds.derive(self.config.seed, "evaluation")
        return evaluate(
            model, self.staged.split.test, self.staged.attack,
            source=self.source, target=self.target, seed=seed, device=self.device,
        ).as_json()  # fmt: skip

    def _save_examples(self, models: dict[str, Classifier]) -> None:
        test = self.staged.split.test
        clean = test.images[np.flatnonzero(test.labels == self.source)[:EXAMPLES]]
        arrays = {"clean": clean, "triggered": self.staged.attack.apply_all(clean)}
        for moment, model in models.items():
            for kind in ("clean", "triggered"):
                arrays[f"{kind}_{moment}"] = predict(model, to_device(arrays[kind], self.device)).cpu().numpy()
        with self.run.replacing("examples.npz") as path, path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def _save(self, model: Classifier, name: str) -> None:
        with self.run.replacing(name) as path:
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)

    def _load(self, name: str) -> Classifier:
        return load_model(self.run, self.staged, name, self.device)

    def _about(self) -> dict[str, Any]:
        """What is known before anything is trained."""
        data, test = self.staged.poisoned, self.staged.split.test
        return {
            "classes": list(data.class_names),
            "source": self.source,
            "target": self.target,
            "poisons": self.config.poisons,
            "train_images": len(data),
            "test_images": len(test),
            "target_rows": len(self.rows),
            "image_shape": list(data.images.shape[1:]),
            "seed": self.config.seed,
            "device": devices.describe(self.device),
            "command": self.config.command(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            "seconds": {},
        }


class _Reporter:
    """Writes the status at most twice a second, tells an observer, and notices a cancel."""

    # Shares of the time, from runs on digits and signs; only the bar depends on them.
    WEIGHTS: ClassVar = {"load": 0.03, "train": 0.43, "features": 0.02, "defend": 0.09, "retrain": 0.43}

    def __init__(self, run: RunFolder, observer: Observer | None) -> None:
        self.run, self.observer = run, observer
        now = time.time()
        self.status = Status("running", started=now, heartbeat=now, pid=os.getpid())
        self.last_write = 0.0

    def enter(self, name: str, message: str) -> None:
        self.run.log(message)
        self._show(stage=name, progress=0.0, message=message, force=True)
        self._check()

    def step(self, fraction: float) -> None:
        """Called after every training step; raises Cancelled soon after a cancel was asked for."""
        if time.time() - self.last_write >= 0.5:
            self._show(progress=fraction)
            self._check()

    def close(self, state: str, message: str) -> None:
        self.run.log(message)
        done = {"progress": 1.0, "overall": 1.0} if state == "finished" else {}
        self._show(state=state, message=message, force=True, **done)

    def _check(self) -> None:
        if self.run.cancel_requested:
            raise Cancelled

    def _show(self, force: bool = False, **changes: Any) -> None:
        now = time.time()
        self.status = Status(**{**vars(self.status), **changes, "heartbeat": now})
        if "overall" not in changes and self.status.stage:
            before = sum(self.WEIGHTS[s] for s in STAGES[: STAGES.index(self.status.stage)])
            share = before + self.WEIGHTS[self.status.stage] * self.status.progress
            self.status = Status(**{**vars(self.status), "overall": min(share, 0.999)})
        self.run.write_status(self.status)
        self.last_write = now
        if self.observer:
            self.observer(self.status)
