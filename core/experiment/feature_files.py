"""`features`: what a finished run's model makes of every training example, as plain files for any tool.

features.npy  (n, d) float32
labels.npy    (n,) int64, as the model was trained on them: poisoned examples carry the target label
files.csv     for each row: file, where its image came from, and class, the name of that label; see core.training.row_files
ids.npy       (n,) int64, the ids of the run's scores.parquet
truth.npy     (n,) bool, True = poisoned; only when asked for, since no filter may see it
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from core.experiment.config import config_of
from core.experiment.staging import Staged, load_model, restage
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.files import replacing
from core.runs import RunFolder
from core.training import extract, write_rows

MODEL = "model.safetensors"


def write_features(
    run: RunFolder,
    out: Path,
    *,
    layer: str = "",
    truth: bool = False,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> tuple[int, int]:
    """Write the files above into the folder `out` and return the shape of the features.

    layer: empty for the run's own. The data set is made again from the run's config, as `resume` does. Features go to
    the disk batch by batch. Raises InputError where the run has no model, no such layer, or other data than it had.
    """
    layer = _check(run, layer)
    staged = _staged_again(run)
    where = devices.resolve(device)
    model = load_model(run, staged, MODEL, where)
    labels = staged.poisoned.labels
    arrays = {"ids.npy": np.arange(len(labels), dtype=np.int64)}
    if truth:
        arrays["truth.npy"] = staged.truth.mask()
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        aside = stack.enter_context(replacing(out / "features.npy"))
        features = extract(
            model, staged.poisoned.images, layer, device=where, on_step=on_step,
            make_array=lambda shape: np.lib.format.open_memmap(aside, "w+", np.float32, shape),
        )  # fmt: skip
        shape = (features.shape[0], features.shape[1])
        del features  # written back before the file gets its name
        for name, array in arrays.items():
            with stack.enter_context(replacing(out / name)).open("wb") as file:
                np.save(file, array, allow_pickle=False)
        write_rows(out, labels, staged.poisoned.class_names, staged.split.train.sources)
    if not truth:
        (out / "truth.npy").unlink(missing_ok=True)  # of an earlier call, perhaps about other rows
    return shape


def _check(run: RunFolder, layer: str) -> str:
    """The layer to look at, or InputError for what can be told before the data is loaded."""
    config = config_of(run)
    if not run.file(MODEL).exists():
        raise InputError(
            f"{run.id} has no model (bundled and exported runs come without one); make the run again: {config.command()}"
        )
    layers = config.make_model().layers()
    if layer and layer not in layers:
        raise InputError(f"model {config.model} has no layer '{layer}'; choose from: {', '.join(layers)}")
    return layer or config.layer


def _staged_again(run: RunFolder) -> Staged:
    staged = restage(run)
    had = run.result.get("train_images")
    if had is not None and had != len(staged.poisoned):
        raise InputError(
            f"{run.id} was trained on {had:,} images, but its data set now has {len(staged.poisoned):,}; "
            "put the data back as it was, or start the run anew"
        )
    return staged
