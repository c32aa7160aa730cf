"""Finished runs of any size for the benchmarks of the dashboard, without the hours of training.

The features are drawn, not learned: Gaussians, with the poison shifted along a direction of little spread. From there on the
run's own stages write every file, so that whatever a run comes to keep, these keep too. The models are untrained: what
such a run says of accuracy and attack success means nothing.

    python benchmarks/made_runs.py 50000 --runs-dir DIR
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from core.experiment import Job, RunConfig, Staged, new_run, stage
from core.foundation.images import ImageData, Split
from core.models import Classifier
from core.runs import Reporter, RunFolder, Runs
from core.training import Epoch, empty_classifier

COLUMNS = 128  # of the features
WEAK = 40  # the column that the poison is shifted along: even so it spreads less than the first, which is all PCA sees
SHARE = 0.05  # of the target class that is poison
SIZE = 32  # pixels, as CIFAR-10
TARGET = 1


def _images(rows: int, labels: np.ndarray, rng: np.random.Generator) -> ImageData:
    """Blurred noise, the same few hundred pictures again and again: nothing here looks at them."""
    few = rng.integers(0, 256, (256, SIZE // 4, SIZE // 4, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    return ImageData(few[np.arange(rows) % len(few)], labels, ("stop", "speed 80"))


def _staged(rows: int, seed: int) -> Staged:
    """An experiment whose target class has `rows` images, poison included."""
    rng = np.random.default_rng(seed)
    poisons = round(SHARE * rows)
    labels = np.r_[np.zeros(2 * poisons, np.int64), np.full(rows - poisons, TARGET)]
    test = np.arange(200) % 2
    split = Split(_images(len(labels), labels, rng), _images(len(test), test, rng), flip=False)
    config = RunConfig(
        dataset="signs", attack="patch", poisons=poisons, source=0, target=TARGET, model_options={"width": 4},
        training={"epochs": 1}, seed=seed, device="cpu",
    )  # fmt: skip
    return stage(config, split)


class _Made(Job):
    """A run whose models are not trained and whose features are drawn; defenses and pictures are the real ones."""

    def train_on(self, data: ImageData, name: str) -> Classifier:
        self.run.append_metrics({"stage": name, **vars(Epoch(1, 1, 0.7, 0.5, 0.0, 1))})
        return empty_classifier(self.config.make_model(), data.shape, len(data.class_names)).to(self.device).eval()

    def features(self) -> None:
        rng = np.random.default_rng(self.config.seed)
        deviations = np.geomspace(8.0, 0.5, COLUMNS)
        features = rng.standard_normal((len(self.rows), COLUMNS)) * deviations
        poison = self.staged.truth.mask()[self.rows]
        features[poison, WEAK] += 6 * deviations[WEAK]
        arrays = {"features.npy": features.astype(np.float32), "images.npy": self.staged.poisoned.images[self.rows]}
        for name, array in arrays.items():
            np.save(self.run.file(name), array, allow_pickle=False)
        self.result["features"] = {"rows": len(features), "columns": COLUMNS, "layer": "drawn"}


def make_run(root: Path, rows: int, seed: int = 0) -> RunFolder:
    """A finished run under `root` whose target class has `rows` images, of which 5 % are poison."""
    staged = _staged(rows, seed)
    run = new_run(staged.config, Runs(root))
    reporter = Reporter(run, None)
    reporter.enter("load", "drawing")
    job = _Made(run, staged, reporter)
    job.make()
    reporter.close("finished", "finished")
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="*", default=[5500], help="images of the target class")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    for rows in asked.rows:
        started = time.perf_counter()
        run = make_run(asked.runs_dir, rows)
        print(f"{run.path}: {rows:,} rows in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
