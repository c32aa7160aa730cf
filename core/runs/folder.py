"""Run folders: everything a run leaves behind, in plain files. No pickle anywhere.

config.json      everything needed to repeat the run
data.json        what was read of the data set (see core.datasets.account)
estimate.json    what it was expected to cost, where somebody asked before it started
status.json      state, stage, progress, heartbeat; written aside and renamed
metrics.jsonl    one line an epoch: loss and accuracy, and of a fixed sample test_accuracy and attack_success
log.txt          what happened, for people
model.safetensors, retrained.safetensors
train.checkpoint, retrain.checkpoint, attacker.checkpoint   of a training that is not finished (see core.training.checkpoints)
prepared.npy     (m, h, w, c) uint8, poisoned images, where the attack made them with models of its own
features.npy     (n, d) float32, the training rows that carry the target label
scores.parquet   one row for each of them: id, label, true_label, is_poison, score_<defense>, removed_<defense>,
                 and source, the file or the row of a table that it came from, where the data is the user's own
views.npz        pictures of the same rows: raw, naive and robust projections (see core.experiment.views)
neighbours.npz   the nearest other rows of each row, and how far they are (see core.experiment.grid)
grid.npy         (alphas, ks, n) float32, SPECTRE's score at every sharpness and every k (see core.experiment.grid)
images.npy       (n, h, w, c) uint8, the same rows as the model saw them
examples.npz     test images of the source class with and without the trigger, and what the models say of them
result.json      the figures
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foundation.errors import InputError
from core.runs.job_folder import JobFolder, Jobs
from core.runs.listed import LIST, write_list

if TYPE_CHECKING:
    import pandas as pd

TO_LOOK_AT = (
    "config.json",
    "data.json",
    "estimate.json",
    "status.json",
    "metrics.jsonl",
    "scores.parquet",
    "views.npz",
    "neighbours.npz",
    "grid.npy",
    "study-budgets.json",
    "study-layers.json",
    "images.npy",
    "examples.npz",
    "result.json",
)


class RunFolder(JobFolder):
    """One run on disk."""

    @property
    def result(self) -> dict[str, Any]:
        """The figures so far; empty before the first stage is finished."""
        return _as_today(self.read_json("result.json")) if self.file("result.json").exists() else {}

    def export(self, destination: Path) -> Path:
        """Copy what is needed to look at the run, without models and features, into a folder below `destination`.

        Beside it scores.csv, the rows of scores.parquet for a spreadsheet, each with its file where that is known.

        Raises InputError if the run is not finished or the folder is already there.
        """
        target = self.new_folder(destination / self.id)
        for name in TO_LOOK_AT:
            if self.file(name).exists():
                shutil.copy2(self.file(name), target / name)
        with suppress(InputError):  # what cannot be read is copied as it is
            write_list(target / LIST, self.load_scores())
        return target

    def load_scores(self) -> pd.DataFrame:
        """scores.parquet of this run. Raises InputError if it is missing or damaged."""
        import pandas as pd

        try:
            return pd.read_parquet(self._plain("scores.parquet"))
        except (OSError, ValueError) as problem:  # pyarrow's errors are ValueErrors
            reason = str(problem).splitlines()[0]
            raise InputError(f"{self.id}: scores.parquet cannot be read ({reason})") from None


def _as_today(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a run of the first versions, which knew one source class and no covers, as it would be today."""
    source = result.get("source")
    if not isinstance(source, int):
        return result
    names = result["classes"]
    nobody = {"count": 0, "total": 0, "value": None}
    changed: dict[str, Any] = {
        "source": [source],
        "victims": names[source],
        "goal": names[result["target"]],
        "poisons_in_target": result["poisons"],
        "covers": 0,
    }
    for moment in ("before", "after"):
        if result.get(moment):
            changed[moment] = {**result[moment], "attack_elsewhere": nobody}
    return {**result, **changed}


class Runs(Jobs[RunFolder]):
    """All runs under one folder."""

    kind, work, option, folder = "run", "work", "--runs-dir", RunFolder

    def create(self, config: Mapping[str, Any], estimate: Mapping[str, Any] | None = None) -> RunFolder:
        """A new folder, queued. config: as JSON values, among them dataset, attack and poisons, which name the run.

        estimate: what the run is expected to cost, as JSON values.
        """
        return self.make(f"{config['dataset']}-{config['attack']}-{config['poisons']}", config, estimate)
