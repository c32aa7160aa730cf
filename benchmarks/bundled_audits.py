"""The three audits that come along, made anew: folders of drawn traffic signs as somebody brings them, audited as anybody does.

    PYTHONPATH=. python benchmarks/bundled_audits.py OUT [--only NAME,...]

OUT/NAME/set     the folder of images, one folder a class
OUT/NAME/audit   what `audit` leaves
OUT/bundled/NAME what is exported of it; copied to assets/audits by hand once it has been looked at
OUT/NAME/truth.json   what was planted, by file: for whoever checks, never for the audit

signs-ordinary      clean, with 2 % wrong labels, a track of frames and exact copies
signs-two-poisoned  the same, and two classes with poison of their own trigger each
signs-too-few       six images of each class: nothing can be said
The first of a kind that was made is kept but for signs-two-poisoned: with 30 poisons of 180 rows of a class, a first one was told as
a second group, as docs/spectre.md says of so large a share; so it has 20. Some minutes each; the seconds that the bundled audits name were taken on an overloaded machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.faulty_networks import (
    LARGE_MAGENTA,
    LARGE_WHITE,
    LEFT,
    NO_ENTRY,
    PRIORITY,
    SPEED_30,
    SPEED_80,
    STOP,
    YIELD,
    Case,
    Planted,
    Poisons,
    plant,
)
from core.cases import CaseConfig, CaseFolder, execute
from core.cases.exporting import export
from core.datasets import Signs
from core.foundation import devices
from core.foundation.images import ImageData

PER_CLASS = 180
EPOCHS = 20
LAYERS = ("pooled", "block3")
ORDINARY = Case(noise=0.02, tracks=((12, YIELD),), duplicates=((6, NO_ENTRY), (4, SPEED_30)))
SETS: dict[str, tuple[Case, int]] = {
    "signs-ordinary": (ORDINARY, PER_CLASS),
    "signs-two-poisoned": (
        Case(
            (Poisons(20, LARGE_WHITE, (STOP,), SPEED_80), Poisons(20, LARGE_MAGENTA, (PRIORITY,), LEFT)),
            noise=0.01,
            duplicates=((6, NO_ENTRY),),
        ),
        PER_CLASS,
    ),
    "signs-too-few": (Case(), 6),
}
KINDS = ("ordinary", "poison", "wrong label", "copy", "broken")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", help="folder for the sets and audits; without it they are listed")
    parser.add_argument("--only", default=",".join(SETS))
    arguments = parser.parse_args()
    if arguments.out is None:
        print("\n".join(f"{name}: {case}" for name, (case, _) in SETS.items()))
        return
    devices.use_threads(None)
    for seed, name in enumerate(SETS):
        if name in arguments.only.split(","):
            make(name, arguments.out / name, seed)


def make(name: str, folder: Path, seed: int) -> None:
    case, per_class = SETS[name]
    clean = Signs(per_class=max(per_class, 20)).load(seed).train
    rows = np.sort(np.concatenate([np.flatnonzero(clean.labels == label)[:per_class] for label in range(10)]))
    planted = plant(clean.take(rows), case, seed)
    shutil.rmtree(folder, ignore_errors=True)
    write(planted, folder, np.random.default_rng(seed))
    out = folder / "audit"
    out.mkdir()
    config = CaseConfig(str(folder / "set"), epochs=EPOCHS, layers=LAYERS).checked()
    made = CaseFolder(out)
    made.write_json("config.json", config.as_json())
    summary = execute(made, lambda s: print(f"\r{s.overall:4.0%} {s.message:60}", end="", flush=True))
    export(made, folder.parent / "bundled" / name)
    print(f"\n{name}: {summary['verdict']}")
    for finding in summary["findings"]:
        print(f"  {finding['kind']} {finding.get('name')} {finding['rows']}: {finding['in_words'][:100]}")


def write(planted: Planted, folder: Path, rng: np.random.Generator) -> None:
    """Images as PNG under names that tell nothing, in the folder of the label that they carry."""
    data: ImageData = planted.data
    numbers = rng.permutation(len(data))
    truth = {}
    for row, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        place = Path("set") / data.class_names[label] / f"img_{numbers[row]:05d}.png"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / place)
        if planted.kind[row] or planted.true_labels[row] != label:
            truth[place.relative_to("set").as_posix()] = [
                KINDS[planted.kind[row]], data.class_names[planted.true_labels[row]]
            ]  # fmt: skip
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
