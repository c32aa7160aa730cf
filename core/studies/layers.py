"""Does the layer matter? SPECTRE on the target class at every layer of the model, and at every k.

On traffic signs (1,050 rows, four layers of the small model, up to 16,384 features): 14 s on one core.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from sklearn.base import clone

from core.defenses import Spectre, shared_components
from core.experiment import load_model, restage
from core.foundation import devices
from core.foundation.errors import InputError
from core.robust import Candidate, candidate_ks
from core.runs import RunFolder, detection
from core.studies.store import VERSION, Progress, missing
from core.training import extract


def study_layers(run: RunFolder, progress: Progress, device: str = "auto") -> dict[str, Any]:
    """JSON values for study-layers.json: one row for each layer of the model, from the input up.

    A row: `layer`, `about` in words, `columns`, `by_k` (k, objective, removed and the rates of core.runs.outcomes.detection,
    with what SPECTRE removes at that k) on the same k for all layers, as far as a layer has so many directions, and
    `chosen`, the k that SPECTRE takes by itself there. The truth is joined after the fits. Raises InputError where the run
    has no model, or its data set is not what it was.
    """
    if reason := missing(run, "layers"):
        raise InputError(reason)
    began = time.perf_counter()
    progress("loading images", 0.0)
    staged = restage(run)
    config, where = staged.config, devices.resolve(device)
    frame = run.load_scores()
    rows = frame["id"].to_numpy()
    if not np.array_equal(rows, np.flatnonzero(staged.poisoned.labels == staged.goal.target)):
        raise InputError(f"{run.id} was made of other data than its data set gives now; put it back or start anew")
    model = load_model(run, staged, "model.safetensors", where)
    truth, images = frame["is_poison"].to_numpy(bool), staged.poisoned.images[rows]
    layers = config.make_model().layers()
    assumed, table = staged.expected, []
    spectre = config.make_defense("spectre", 0)
    spectre.set_params(n_poisons=assumed, n_components=None, device=str(devices.for_linear_algebra(where)))
    for i, (layer, about) in enumerate(layers.items()):
        progress(f"layer {layer}: {about}", i / len(layers))
        took = time.perf_counter()
        features = extract(model, images, layer, device=where)
        found = _at_layer(features, spectre, truth)
        seconds = round(time.perf_counter() - took, 2)
        table.append({"layer": layer, "about": about, "columns": features.shape[1], **found, "seconds": seconds})
    return {
        "version": VERSION, "kind": "layers", "run": run.id, "assumed": assumed, "layer": config.layer,
        "seed": config.seed, "n": len(rows), "rows": table, "device": devices.describe(where),
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _at_layer(features: np.ndarray, spectre: Spectre, truth: np.ndarray) -> dict[str, Any]:
    """All k at one layer, each as `spectre` would fit it. Principal components of features (n, d) are computed once."""
    components = shared_components(features, [spectre])
    fitted = clone(spectre).fit(features, components=components).fit_
    tried = {candidate.k: candidate for candidate in fitted.candidates}
    grid = [k for k in common_ks(len(features), spectre.max_components) if k <= components.rank]
    for k in grid:
        if k not in tried:
            alone = clone(spectre).set_params(n_components=k).fit(features, components=components)
            tried[k] = alone.fit_.best
    return {
        "dimensions": fitted.dimensions,
        "by_k": [_figures(tried[k], truth) for k in grid],
        "chosen": _figures(fitted.best, truth),
    }


def common_ks(n: int, max_k: int) -> list[int]:
    """The k that every layer is looked at with: those SPECTRE tries on n rows with features enough."""
    return candidate_ks(max(1, min(max_k, n // 4)))


def _figures(candidate: Candidate, truth: np.ndarray) -> dict[str, Any]:
    objective = None if not math.isfinite(candidate.objective) else candidate.objective
    return {"k": candidate.k, "objective": objective, **detection(candidate.removed.cpu().numpy(), truth)}
