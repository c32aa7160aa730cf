"""One run from the data to the figures, stage by stage; a run that was stopped goes on from the last finished one.

load -> poison -> train -> features -> defend -> retrain; core.experiment.staging does the first two, but for what an attack
prepares with models of its own. Ground truth meets the scores only after every defense has given its verdict, for the
record.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.defenses import DEFENSES, Spectre, shared_components
from core.experiment.grid import neighbour_table, score_grid
from core.experiment.metrics import evaluate
from core.experiment.probe import Probe
from core.experiment.staging import (
    PREPARED,
    READ,
    Staged,
    check_unchanged,
    is_prepared,
    load_model,
    restage,
    what_was_read,
)
from core.experiment.views import make_views
from core.experiment.workshop import Workshop
from core.foundation import devices
from core.foundation.images import ImageData
from core.foundation.tensors import to_device
from core.models import Classifier, weights
from core.runs import Observer, Reporter, RunFolder, detection
from core.training import Epoch, extract, predict, threads_in_words, train

STEPS = ("train", "features", "defend", "retrain")  # the stages of every run
EXAMPLES = 24  # test images that the attack is after, kept for pictures


def execute(run: RunFolder, staged: Staged | None = None, observer: Observer | None = None) -> dict[str, Any]:
    """Run all stages that are not finished yet and return the result.

    staged: what `stage(config_of(run))` gave, if it is at hand. Raises Cancelled when a cancel was asked for, InputError
    for input that cannot be used; either leaves the finished stages on disk and says so in status.json.
    """
    with run.hold():
        return _execute(run, staged, Reporter(run, observer))


def _execute(run: RunFolder, staged: Staged | None, reporter: Reporter) -> dict[str, Any]:
    with reporter.concluding():
        if run.result.get("seconds", {}).keys() >= set(STEPS):  # the data need not be there any more
            return run.result
        reporter.enter("load", "loading images")
        job = Job(run, staged, reporter)
        job.make()
    return job.result


class Job:
    """The stages of one run. Each reads what the one before left in the folder, so each can be the first to run.

    The folder must be held, and the reporter told how it ends (`Reporter.concluding`).
    """

    def __init__(self, run: RunFolder, staged: Staged | None, reporter: Reporter) -> None:
        self.run, self.reporter = run, reporter
        if staged and not is_prepared(run):
            check_unchanged(run, staged)
            self.staged = staged
        else:
            self.staged = restage(run, reporter.tell)
        self.config, self.goal = self.staged.config, self.staged.goal
        self.device = devices.resolve(self.config.device)
        # what a defense is given: one class
        self.rows = np.flatnonzero(self.staged.poisoned.labels == self.goal.target)
        self.result = run.result or self._about()
        if not run.file(READ).exists():
            run.write_json(READ, what_was_read(self.staged))

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        steps = list(zip(STEPS, (self.train, self.features, self.defend, self.retrain), strict=True))
        return [("poison", self.poison), *steps] if self.staged.attack.prepares else steps

    def make(self, through: str | None = None) -> None:
        """Do what is not finished of all stages, or of those up to the one of this name."""
        for name, step in self.steps():
            self.do(name, step)
            if name == through:
                return

    def do(self, name: str, step: Callable[[], None]) -> None:
        """A stage, if it is not finished; what it took is kept beside the figures that it adds to the result."""
        if name not in self.result["seconds"]:
            started = time.perf_counter()
            step()
            self._finish(name, max(time.perf_counter() - started, self.trained_for(name)))

    def trained_for(self, name: str) -> float:
        """Seconds that the training of that name took by its last epoch, in calls before this one too; 0 where there is none."""
        return max((float(row["seconds"]) for row in self.run.metrics() if row.get("stage") == name), default=0.0)

    def _finish(self, name: str, seconds: float) -> None:
        self.result["seconds"][name] = round(seconds, 2)
        self.run.write_json("result.json", self.result)
        self.run.log(f"{name} finished in {seconds:.1f} s")

    def poison(self) -> None:
        self.reporter.enter("poison", "the attacker trains a model of his own and prepares the images")
        checkpoint = self.run.file("attacker.checkpoint")
        workshop = Workshop(self.config, self.staged.split, self.device, self.reporter.step, checkpoint)
        self.staged = self.staged.prepared(workshop)
        self.result.update(self._travelled())
        with self.run.replacing(PREPARED) as path, path.open("wb") as file:
            np.save(file, self.staged.poisoned.images[self.staged.truth.rows], allow_pickle=False)
        checkpoint.unlink(missing_ok=True)

    def train(self) -> None:
        self.reporter.enter("train", "training on the poisoned set")
        model = self.train_on(self.staged.poisoned, "train")
        self._save(model, "model.safetensors", "train")
        self.result["before"] = self.evaluate(model)
        self._save_examples({"before": model})

    def features(self) -> None:
        self.reporter.enter("features", f"features of {len(self.rows)} images at layer {self.config.layer}")
        model = self.load("model.safetensors")
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
        size = f"{features.shape[0]} x {features.shape[1]} features"
        defenses = {key: self.config.make_defense(key, self.staged.poisons_in_target) for key in DEFENSES}
        self.reporter.enter("defend", f"principal components of {size}")
        components = shared_components(features, list(defenses.values()))
        for i, (key, defense) in enumerate(defenses.items()):
            self.reporter.enter("defend", f"{defense.title} on {size}", i / len(defenses))
            started = time.perf_counter()
            defense.fit(features, components=components)
            table[f"score_{key}"], table[f"removed_{key}"] = defense.scores_, defense.removed_
            seconds = round(time.perf_counter() - started, 3)
            self.result["defenses"][key] = {"title": defense.title, "seconds": seconds, "record": defense.record_}
            if isinstance(defense, Spectre):
                self._save_views(defense)
        self._reveal(table)

    def _save_views(self, spectre: Spectre) -> None:
        views, self.result["views"] = make_views(spectre)
        rows, distances = neighbour_table(spectre.fit_.components.scores)
        scores, self.result["grid"] = score_grid(spectre.fit_)
        for name, arrays in (("views.npz", views), ("neighbours.npz", {"rows": rows, "distances": distances})):
            with self.run.replacing(name) as path, path.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        with self.run.replacing("grid.npy") as path, path.open("wb") as file:
            np.save(file, scores, allow_pickle=False)

    def _reveal(self, table: dict[str, np.ndarray]) -> None:
        """Join the verdicts with the truth, after all verdicts are in."""
        is_poison = self.staged.truth.mask()[self.rows]
        for key in DEFENSES:
            self.result["defenses"][key].update(detection(table[f"removed_{key}"], is_poison))
        naive = self.run.load_arrays("views.npz")["naive_removed"]
        self.result["views"]["naive"] = detection(naive, is_poison)
        frame = pd.DataFrame({**table, "true_label": self.staged.truth.true_labels[self.rows], "is_poison": is_poison})
        sources = self.staged.split.train.sources
        if sources is not None:
            frame["source"] = sources[self.rows]
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
        start = "the given weights" if self.config.make_recipe().weights else "scratch"
        self.reporter.enter("retrain", f"training from {start} on the {int(keep.sum())} images that {key} keeps")
        model = self.train_on(self.staged.poisoned.take(keep), "retrain")
        self._save(model, "retrained.safetensors", "retrain")
        self.result["after"] = {"defense": key, **self.evaluate(model)}
        self._save_examples({"before": self.load("model.safetensors"), "after": model})

    def train_on(self, data: ImageData, name: str) -> Classifier:
        """A classifier by the config's recipe; name: of its checkpoint and in the metrics."""
        probe = Probe(self.staged, seed=self.config.seed_for("probe"), device=self.device)

        def on_epoch(epoch: Epoch, model: Classifier) -> None:
            self.run.append_metrics({"stage": name, **vars(epoch), **probe.look(model)})

        model = train(
            data,
            self.config.make_model(),
            self.config.make_recipe(),
            flip=self.staged.split.flip,
            seed=self.config.seed_for("training"),
            device=self.device,
            on_epoch=on_epoch,
            on_note=self.run.log,
            on_step=self.reporter.step,
            checkpoint=self.run.file(f"{name}.checkpoint"),
            on_resume=lambda epochs: self.run.forget_metrics(name, after=epochs),
        )
        epochs = [row for row in self.run.metrics() if row.get("stage") == name]
        self.result["threads"] = {**self.result.get("threads", {}), name: threads_in_words(epochs)}
        return model

    def evaluate(self, model: Classifier) -> dict[str, Any]:
        """Accuracy and attack success on the test images (see core.experiment.metrics), as JSON values."""
        return evaluate(
            model, self.staged.split.test, self.staged.attack, self.goal,
            strength=self.config.make_poisoning().test_strength, transport=self.config.make_transport(),
            seed=self.config.seed_for("evaluation"), device=self.device,
        ).as_json()  # fmt: skip

    def _save_examples(self, models: dict[str, Classifier]) -> None:
        test = self.staged.split.test
        clean = test.images[np.flatnonzero(self.goal.is_victim(test.labels))[:EXAMPLES]]
        strength = self.config.make_poisoning().test_strength
        travel = self.config.make_transport().apply
        arrays = {"clean": travel(clean), "triggered": travel(self.staged.attack.apply_all(clean, strength))}
        for moment, model in models.items():
            for kind in ("clean", "triggered"):
                arrays[f"{kind}_{moment}"] = predict(model, to_device(arrays[kind], self.device)).cpu().numpy()
        with self.run.replacing("examples.npz") as path, path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def _save(self, model: Classifier, name: str, training: str) -> None:
        weights.save(model, self.run.file(name))
        self.run.file(f"{training}.checkpoint").unlink(missing_ok=True)

    def load(self, name: str) -> Classifier:
        """A model that a stage before has left."""
        return load_model(self.run, self.staged, name, self.device)

    def _about(self) -> dict[str, Any]:
        """What is known before anything is trained."""
        data, test = self.staged.poisoned, self.staged.split.test
        return {
            "classes": list(data.class_names),
            "source": list(self.goal.sources),
            "target": self.goal.target,
            "victims": self.goal.victims_in_words(data.class_names),
            "goal": self.goal.goal_in_words(data.class_names),
            "trigger": self.config.make_attack().in_words(),
            "poisons": self.config.poisons,
            "poisons_in_target": self.staged.poisons_in_target,
            "covers": len(self.staged.truth.covers),
            "train_images": len(data),
            "test_images": len(test),
            "target_rows": len(self.rows),
            "image_shape": list(data.images.shape[1:]),
            "seed": self.config.seed,
            "device": devices.describe(self.device),
            "command": self.config.command(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            **self._travelled(),
            "estimate": self.run.estimate or None,
            "seconds": {},
        }

    def _travelled(self) -> dict[str, Any]:
        """How all images travel, what that leaves of the trigger (a share), and the notes that say it."""
        in_words = self.config.make_transport().in_words()
        return {"transport": in_words, "trigger_left": self.staged.trigger_left, "notes": list(self.staged.notes)}
