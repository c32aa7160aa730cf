"""The work on one training of a grid: train, look at every layer with every defense, retrain without what was removed.

In the folder of its run, beside what training leaves there: looks.json, what each defense made of each layer so far;
removed.npz, masks (n,) of what each removed of the target class; scores.npz, SPECTRE's scores (n,) at each layer; picture.parquet, two
projections of the rows at the usual layer; retrained.json, what became of attack and accuracy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.defenses import DEFENSES, LABELLED_DEFENSES, RIVALS, Spectre, shared_components
from core.experiment import Job
from core.experiment.views import make_views
from core.foundation.errors import Cancelled, InputError
from core.models import Classifier
from core.reports.thin import thin
from core.runs import Reporter, RunFolder, Status
from core.studies.evidence.otherwise import otherwise
from core.studies.evidence.plan import Training
from core.studies.evidence.summary import OTHERWISE, TOGETHER, lives
from core.studies.overlap import highest, ranks
from core.training import extract

LOOKS, MASKS, SCORES, RETRAINED = "looks.json", "removed.npz", "scores.npz", "retrained.json"
PICTURE = "picture.parquet"
# Ways to put SPECTRE's scores of all layers together. They need no truth; see docs/evidence.md for what they are worth.
WAYS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "mean-rank": ("SPECTRE, mean rank over layers", lambda ranks: -ranks.mean(0)),
    "best-rank": ("SPECTRE, best rank over layers", lambda ranks: -ranks.min(0)),
}
WEIGHTS = {"load": 0.03, "poison": 0.0, "train": 0.4, "look": 0.17, "retrain": 0.4}
PICTURED = 2000  # rows of a class in its picture; all poison and all that is removed are among them
Look = dict[str, Any]


class TimeIsUp(Cancelled):
    """The time that there was for a slice of the grid has passed; what is finished, to the epoch, is kept."""


def carry_out(
    run: RunFolder, training: Training, until: float | None = None, observer: Callable[[Status], None] | None = None
) -> None:
    """Do all that is not done yet in the folder of this training.

    until: seconds since the epoch after which TimeIsUp is raised. Raises Cancelled, InputError as `core.experiment.execute`.
    """

    def watch(status: Status) -> None:
        if observer:
            observer(status)
        if until is not None and time.time() > until and status.state == "running":
            raise TimeIsUp

    with run.hold():
        reporter = Reporter(run, watch, WEIGHTS)
        with reporter.concluding():
            reporter.enter("load", "loading images")
            _Looking(run, training, reporter).carry_out()


class _Looking:
    def __init__(self, run: RunFolder, training: Training, reporter: Reporter) -> None:
        self.run, self.training, self.reporter = run, training, reporter
        self.job = Job(run, None, reporter)
        self.staged, self.device = self.job.staged, self.job.device
        self.rows = self.job.rows
        self.truth = self.staged.truth.mask()

    def carry_out(self) -> None:
        self.job.make(through="train")
        model = self.job.load("model.safetensors")
        self._look(model)
        self._retrain()

    # ---- every layer, every defense -----------------------------------------------------------------------------

    def _look(self, model: Classifier) -> None:
        wanted = [(layer, False) for layer in self.training.layers]
        wanted += [(layer, True) for layer in self.training.labelled_layers]
        looks, masks = self._there(wanted)
        for i, (layer, labelled) in enumerate(wanted):
            if any(look["layer"] == layer and look["labelled"] == labelled for look in looks):
                continue
            self.reporter.enter("look", f"all classes at {layer}" if labelled else f"layer {layer}", i / len(wanted))
            looks += self._all_classes(model, layer, masks) if labelled else self._one_class(model, layer, masks)
            self._save(masks, looks)
        if not any(look["layer"] == TOGETHER for look in looks):
            looks += self._together(masks)
            self._save(masks, looks)

    def _there(self, wanted: list[tuple[str, bool]]) -> tuple[list[Look], dict[str, np.ndarray]]:
        """The looks that a call before has left and that are wanted still, with their masks. What puts all layers together counts only where
        they are the same."""
        looks: list[Look] = self.run.read_json(LOOKS) if self.run.file(LOOKS).exists() else []
        masks = self.run.load_arrays(MASKS) if looks else {}
        scores = self.run.load_arrays(SCORES) if looks else {}
        self.scores = {layer: scores[layer] for layer in self.training.layers if layer in scores}
        same = set(scores) == set(self.training.layers)
        usual = self.job.config.layer in self.scores

        def stays(look: Look) -> bool:
            if look["layer"] in (TOGETHER, OTHERWISE):
                return same if look["layer"] == TOGETHER else usual
            return (look["layer"], look["labelled"]) in wanted

        left = [look for look in looks if stays(look)]
        kept = {f"{look['layer']} {look['defense']}" for look in left}
        return left, {name: mask for name, mask in masks.items() if name in kept}

    def _save(self, masks: dict[str, np.ndarray], looks: list[Look]) -> None:
        for name, arrays in ((MASKS, masks), (SCORES, self.scores)):
            self._write(name, arrays)
        self.run.write_json(LOOKS, looks)

    def _write(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        with self.run.replacing(name) as path, path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def _one_class(self, model: Classifier, layer: str, masks: dict[str, np.ndarray]) -> Iterator[Look]:
        """What each defense makes of the class that is the target, at one layer."""
        began = time.perf_counter()
        features = extract(model, self.staged.poisoned.images[self.rows], layer, device=self.device)
        about = {"layer": layer, "labelled": False, "columns": features.shape[1], "extract_seconds": _since(began)}
        config, poisons = self.job.config, self.staged.poisons_in_target
        made = {key: config.make_defense(key, poisons) for key in DEFENSES}
        made |= {key: RIVALS.make(key, {"n_poisons": self.staged.expected, "device": config.device}) for key in RIVALS}
        components = None
        for key, defense in made.items():
            began = time.perf_counter()
            try:
                components = components or shared_components(features, list(made.values()))
                defense.fit(features, components=components)
            except InputError as problem:
                yield {**about, **_no_verdict(key, defense.title, str(problem))}
                continue
            seconds = _since(began)
            masks[f"{layer} {key}"] = defense.removed_
            verdict = self._verdict(key, defense.title, defense.removed_, defense.record_.get("k"))
            yield {**about, **verdict, "fit_seconds": seconds}
            if isinstance(defense, Spectre):
                self.scores[layer] = defense.scores_.astype(np.float32)
                if layer == config.layer:
                    self._picture(defense)
                    yield from self._otherwise(features, defense, about)
                yield from self._every_k(defense, about)

    def _every_k(self, spectre: Spectre, about: Look) -> Iterator[Look]:
        """What SPECTRE would have removed at each k that it tried."""
        for candidate in spectre.fit_.candidates:
            removed = candidate.removed.cpu().numpy()
            yield {**about, **self._verdict("spectre", spectre.title, removed, candidate.k), "fixed_k": True}

    def _otherwise(self, features: np.ndarray, spectre: Spectre, about: Look) -> Iterator[Look]:
        """What it would have removed, asked in another way; nothing where there is no attack to end."""
        if not self._lives():
            return
        here = {**about, "layer": OTHERWISE, "extract_seconds": 0.0}
        for one in otherwise(features, spectre):
            if one.removed is None:
                yield {**here, **_no_verdict(one.key, one.title, one.problem)}
            else:
                yield {**here, **self._verdict(one.key, one.title, one.removed)}

    def _picture(self, spectre: Spectre) -> None:
        """The rows before and after robust whitening, in the plane, with what is removed and, for the telling, the truth."""
        views, _ = make_views(spectre)
        planes = {
            f"{name}_{axis}": views[name][:, i].round(3) for name in ("raw", "robust") for i, axis in enumerate("xy")
        }
        flags = {"removed": spectre.removed_, "poison": self.truth[self.rows]}
        shown = thin(spectre.scores_, flags["removed"] | flags["poison"], PICTURED)
        with self.run.replacing(PICTURE) as path:
            pd.DataFrame({"id": self.rows, **planes, **flags}).iloc[shown].to_parquet(path, index=False)

    def _together(self, masks: dict[str, np.ndarray]) -> Iterator[Look]:
        """What goes where the rows are ranked by SPECTRE's scores at all layers: as many as it removes at one."""
        if len(self.scores) < 2:
            return
        placed = np.stack([ranks(scores) for scores in self.scores.values()])
        count = max(int(mask.sum()) for name, mask in masks.items() if name.endswith(" spectre"))
        for key, (title, score) in WAYS.items():
            removed = masks[f"{TOGETHER} {key}"] = highest(score(placed), count)
            about = {"layer": TOGETHER, "labelled": False, "columns": len(placed), "extract_seconds": 0.0}
            yield {**about, **self._verdict(key, title, removed), "fit_seconds": 0.0}

    def _all_classes(self, model: Classifier, layer: str, masks: dict[str, np.ndarray]) -> Iterator[Look]:
        """What the defenses make of the target class that compare it with all others."""
        began = time.perf_counter()
        data = self.staged.poisoned
        features = extract(model, data.images, layer, device=self.device, on_step=self.reporter.step)
        about = {"layer": layer, "labelled": True, "columns": features.shape[1], "extract_seconds": _since(began)}
        for key in LABELLED_DEFENSES:
            defense = LABELLED_DEFENSES.make(key, {"n_poisons": self.staged.expected, "device": self.job.config.device})
            began = time.perf_counter()
            try:
                removed = defense.fit(features, data.labels).removed_
            except InputError as problem:
                yield {**about, **_no_verdict(key, defense.title, str(problem))}
                continue
            masks[f"{layer} {key}"] = removed[self.rows]
            elsewhere = int(removed.sum() - removed[self.rows].sum())
            verdict = self._verdict(key, defense.title, removed[self.rows])
            yield {**about, **verdict, "fit_seconds": _since(began), "elsewhere": elsewhere}

    def _verdict(self, key: str, title: str, removed: np.ndarray, k: int | None = None) -> Look:
        """The truth is joined after the fit. removed: mask (n,) of the target class; k: principal components, where there are any."""
        return {
            "defense": key, "title": title, "k": k, "fixed_k": False,
            "removed": int(removed.sum()), "found": int((removed & self.truth[self.rows]).sum()),
        }  # fmt: skip

    # ---- without what was removed ---------------------------------------------------------------------------------

    def _retrain(self) -> None:
        """Models trained without what defenses remove at the config's layer; where two remove the same, one model serves both.

        None where what it would say is known beforehand: where the attack is not alive in this model, or no poison is left.
        """
        found: dict[str, Any] = self.run.read_json(RETRAINED) if self.run.file(RETRAINED).exists() else {}
        every, layer = self.run.load_arrays(MASKS), self.job.config.layer
        always = self.training.retrain_always
        wanted = self.training.retrain if always or self._lives() else ()
        masks = {key: every[f"{layer} {key}"] for key in wanted if f"{layer} {key}" in every}
        masks = {key: mask for key, mask in masks.items() if always or self._leaves_some(mask)}
        for i, (key, mask) in enumerate(masks.items()):
            if key in found:
                continue
            same = next((k for k in found if k in masks and np.array_equal(masks[k], mask)), None)
            found[key] = {**found[same], "seconds": 0.0} if same else self._without(key, mask, i / len(masks))
            self.run.write_json(RETRAINED, found)
        self.run.write_json(RETRAINED, found)  # also where there was nothing to train without

    def _lives(self) -> bool:
        before = self.run.result["before"]
        attack, confused = before["attack_combined"], before["confused"]
        return lives(attack["count"], confused["count"], attack["total"])

    def _leaves_some(self, removed: np.ndarray) -> bool:
        """Whether poison is left of a target class that held all of it; where others hold some, a removal here ends nothing."""
        mine = self.truth[self.rows]
        return bool(mine.sum() == self.truth.sum() and (mine & ~removed).any())

    def _without(self, key: str, mask: np.ndarray, share: float) -> dict[str, Any]:
        began = time.perf_counter()
        keep = np.ones(len(self.staged.poisoned), bool)
        keep[self.rows[mask]] = False
        self.reporter.enter("retrain", f"training on the {int(keep.sum()):,} images that {key} keeps", share)
        name = f"retrain-{key}"
        figures = self.job.evaluate(self.job.train_on(self.staged.poisoned.take(keep), name))
        self.run.file(f"{name}.checkpoint").unlink(missing_ok=True)
        return {**figures, "seconds": max(_since(began), round(self.job.trained_for(name), 3))}


def _no_verdict(key: str, title: str, problem: str) -> Look:
    return {"defense": key, "title": title, "fixed_k": False, "problem": problem}


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
