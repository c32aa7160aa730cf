"""One audit from somebody's file to a folder with the answer, stage by stage; one that was stopped goes on.

read -> train -> features -> look -> pictures -> report. `train` is there where images come without a model.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch

from core.audit.scanning import State, class_to_filter
from core.cases import archive
from core.cases.class_view import has_view
from core.cases.config import CaseConfig, config_from
from core.cases.folder import CaseFolder
from core.cases.looks import keep_features, look_at, table_of
from core.cases.reading import FEATURES, Brought, read
from core.cases.recipes import recipe_of
from core.cases.reporting import write_report
from core.cases.space import Look, looks_of
from core.cases.summary import whole_summary
from core.cases.thumbnails import write_thumbnails
from core.cases.views import number_for, picture
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.files import write_json
from core.foundation.images import ImageData
from core.foundation.seeds import derive
from core.models import MODELS, Classifier, weights
from core.models.brought import open_network
from core.runs import Observer, Reporter
from core.training import Epoch, empty_classifier, extract, tap, threads_in_words, train

WEIGHTS = {"read": 0.04, "train": 0.4, "features": 0.1, "look": 0.36, "pictures": 0.08, "report": 0.02}
UNPACKED = "unpacked"
PICTURED = 24  # classes at most that are pictured before somebody asks


def execute(case: CaseFolder, observer: Observer | None = None) -> dict[str, Any]:
    """Do what is left of an audit and return its summary. Raises Cancelled, InputError; status.json says so too."""
    with case.hold():
        reporter = Reporter(case, observer, WEIGHTS)
        with reporter.concluding(), ExitStack() as stack:
            reporter.enter("read", "reading")
            audit = _Audit(case, reporter, stack)
            audit.expect()
            for name, step in audit.steps():
                if name not in audit.result["seconds"]:
                    started = time.perf_counter()
                    step()
                    audit.finish(name, time.perf_counter() - started)
    return case.summary


class _Audit:
    """The stages of one audit. What was brought is read anew where a stage is left that needs it."""

    def __init__(self, case: CaseFolder, reporter: Reporter, stack: ExitStack) -> None:
        self.case, self.reporter, self.stack = case, reporter, stack
        self.config: CaseConfig = config_from(case.config)
        self.result = case.result or {"seconds": {}, "layers": [], "versions": _versions()}
        self._brought: Brought | None = None

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("read", self.read), ("train", self.train), ("features", self.features), ("look", self.look),
            ("pictures", self.pictures), ("report", self.report),
        ]  # fmt: skip

    def finish(self, name: str, seconds: float) -> None:
        self.result["seconds"][name] = round(seconds, 2)
        self.case.write_json("result.json", self.result)
        self.case.log(f"{name} finished in {seconds:.1f} s")

    @property
    def brought(self) -> Brought:
        if self._brought is None:
            path = Path(self.config.path)
            notes: list[str] = []
            if archive.is_archive(path):
                notes, path = self._unpacked(path)
            self._brought = read(self.config, path, self.case.path, self.reporter.tell)
            self._brought.account["notes"] = [*notes, *self._brought.account["notes"]]
            self.stack.callback(self._brought.close)
            self._check_unchanged(self._brought)
        return self._brought

    def _check_unchanged(self, brought: Brought) -> None:
        """Raise InputError where an audit that goes on would put other data beside what is there."""
        if "read" not in self.result["seconds"]:
            return
        table, changed = self.case.load_rows(), ""
        if self.case.read_object("data.json")["sha256"] != brought.account["sha256"]:
            changed = self.config.path
        elif not all(np.array_equal(table[name].to_numpy(), column) for name, column in _rows_of(brought).items()):
            changed = self.config.labels or self.config.path
        if changed:
            raise InputError(f"{changed} has changed since the audit began; put it back, or audit it anew")

    def _unpacked(self, path: Path) -> tuple[list[str], Path]:
        into = self.case.file(UNPACKED)
        notes = []
        if not into.is_dir():
            self.reporter.enter("read", f"unpacking {path.name}")
            aside = self.case.file(f".{UNPACKED}")
            shutil.rmtree(aside, ignore_errors=True)
            notes = archive.unpack(path, aside, self.reporter.step)
            aside.rename(into)
        return [f"{path.name} was unpacked beside the audit.", *notes], archive.inner(into)

    def read(self) -> None:
        brought = self.brought
        if self.config.label:  # before a model is trained for it
            counts = np.unique(brought.labels.numbers[brought.labels.labelled], return_counts=True)
            sizes = dict(zip(*(part.tolist() for part in counts), strict=True))
            class_to_filter(self.config.label, brought.labels, sizes)
        with self.case.replacing("rows.parquet") as aside:
            pd.DataFrame(_rows_of(brought)).to_parquet(aside, index=False)
        if brought.images is not None:
            with self.case.replacing("images.npy") as aside:
                write_thumbnails(brought.images.images, aside, self.reporter.step)
        self.case.write_json(
            "data.json", brought.account | {"names": {str(k): v for k, v in brought.labels.names.items()}}
        )
        self.expect()

    def expect(self) -> None:
        """Once it is known what was brought, the stages that it does not need take no part of the bar."""
        if self.case.file("data.json").is_file():
            if self.case.read_object("data.json")["what"] == FEATURES:
                self.reporter.leave_out("train", "features")
            elif not self.trains:
                self.reporter.leave_out("train")

    @property
    def trains(self) -> bool:
        """Whether a model is trained here."""
        return self.case.read_object("data.json")["what"] != FEATURES and not self.config.model

    def train(self) -> None:
        if not self.trains:
            return
        data, config = self._images(), self.config
        self.reporter.enter("train", f"training a model on {len(data):,} images, to look at what it learns")
        recipe = recipe_of(config, self.case.read_object("data.json")["kind"])
        device = devices.resolve(config.device)
        checkpoint = self.case.file("train.checkpoint")

        def on_epoch(epoch: Epoch, _: Classifier) -> None:
            self.case.append_metrics({"stage": "train", **vars(epoch)})

        model = train(
            data, MODELS.make(config.architecture, {}), recipe,
            flip=self.brought.flip, seed=derive(config.seed, "training"), device=device,
            on_epoch=on_epoch, on_step=self.reporter.step, on_note=self.case.log, checkpoint=checkpoint,
            on_resume=lambda epochs: self.case.forget_metrics("train", after=epochs),
        )  # fmt: skip
        weights.save(model, self.case.file("model.safetensors"))
        checkpoint.unlink(missing_ok=True)
        epochs = self.case.metrics()
        self.result["model"] = {
            "trained": config.architecture, "epochs": recipe.epochs, "accuracy": epochs[-1]["accuracy"],
            "images": len(data), "threads": threads_in_words(epochs),
        }  # fmt: skip

    def features(self) -> None:
        if self.case.read_object("data.json")["what"] == FEATURES:
            self.result["layers"] = [""]
            assert self.brought.features is not None
            keep_features(self.case, Look(0, ""), self.brought.features)
            return
        data, config = self._images(), self.config
        device = devices.resolve(config.device)
        if self.trains:
            architecture = MODELS.make(config.architecture, {})
            layers = config.layers or (architecture.default_layer,)
            model = empty_classifier(architecture, data.shape, len(data.class_names))
            weights.load(model, self.case.file("model.safetensors"))
            model = model.to(device).eval()

            def take(layer: str, out: Path, on_step: Callable[[float], None]) -> None:
                extract(model, data.images, layer, device=device, on_step=on_step, make_array=_in_file(out))
        else:
            network = open_network(config.model, Path(config.weights) if config.weights else None, config.size)
            network.normalise(config.normalise, config.mean, config.std)
            taps = network.taps()
            layers = tuple(taps.chosen(layer).name for layer in config.layers or ("",))
            self.result["model"] = {
                "brought": network.title,
                "size": network.size,
                "why": "" if config.layers else taps.why,
            }

            def take(layer: str, out: Path, on_step: Callable[[float], None]) -> None:
                tap(
                    network,
                    data,
                    layer,
                    device=config.device,
                    flat=config.flat,
                    on_step=on_step,
                    make_array=_in_file(out),
                )

        for i, layer in enumerate(layers):
            look = Look(i, layer)
            self.case.file(look.folder).mkdir(exist_ok=True)
            self.reporter.enter("features", f"features of {len(data):,} images at {layer}", i / len(layers))
            with self.case.replacing(f"{look.folder}/features.npy") as aside:
                take(layer, aside, lambda share, i=i: self.reporter.step((i + share) / len(layers)))  # type: ignore[misc]
        self.result["layers"] = list(layers)

    def look(self) -> None:
        looks = looks_of(self.case)
        summaries = []
        for i, look in enumerate(looks):
            table = table_of(self.case, look)
            at = f" at {look.layer}" if look.layer else ""
            self.reporter.enter(
                "look", f"looking at {table.shape[0]:,} x {table.shape[1]:,} features{at}", i / len(looks)
            )
            summaries.append(look_at(self.case, look, table, self.brought, self.config, self._on_state(i, len(looks))))
        for name in ("findings.csv", "classes.csv", "removed.npy"):
            with self.case.replacing(name) as aside:
                shutil.copyfile(self.case.file(looks[0].folder) / name, aside)
        write_json(self.case.file("summary.json"), whole_summary(self.case, self.config, summaries))

    def _on_state(self, i: int, looks: int) -> Callable[[State], None]:
        pace = _Pace()

        def show(state: State) -> None:
            words = "first look at all rows" if state.reading else f"class {state.classes:,} of {state.total_classes:,}"
            self.reporter.tell(words, (i + pace.share(state)) / looks)

        return show

    def pictures(self) -> None:
        looks = looks_of(self.case)
        wanted = [(look, *one) for look in looks for one in self._to_picture(look)]
        for i, (look, label, poisons, wide) in enumerate(wanted):
            self.reporter.enter("pictures", f"picturing class {label}", i / max(1, len(wanted)))
            if not has_view(self.case, look, label):
                device = self.config.device
                picture(
                    self.case, look, label, poisons, wide=wide, device=device, on_step=self._check, must_be_kept=True
                )

    def _check(self, _: float) -> None:
        self.reporter.step(self.reporter.status.progress)

    def _to_picture(self, look: Look) -> list[tuple[int, int, bool]]:
        """The labels of findings, worst first, then those of the highest objective; PICTURED of them. And the number of poisons
        for each, and whether it looks poisoned, so that other numbers will be asked for."""
        summary = self.case.read_object(f"{look.folder}/summary.json")
        records = {record["label"]: record for record in summary["classes"] if record["objective"] is not None}
        suspects = {
            finding["label"] for finding in summary["findings"] if finding["kind"] in ("poison", "second-group")
        }
        shown = ("poison", "second-group", "label-error")
        named = [finding["label"] for finding in summary["findings"] if finding["kind"] in shown]
        wanted = list(dict.fromkeys([*named, *records]))[:PICTURED]
        return [(label, number_for(summary, records[label]), label in suspects) for label in wanted if label in records]

    def report(self) -> None:
        self.reporter.enter("report", "writing the report")
        write_report(self.case)

    def _images(self) -> ImageData:
        assert self.brought.images is not None
        return self.brought.images


def _rows_of(brought: Brought) -> dict[str, np.ndarray]:
    """The columns of rows.parquet."""
    table = {"row": np.arange(len(brought)), "label": brought.labels.numbers, "file": brought.files}
    return table if brought.texts is None else table | {"text": brought.texts}


class _Pace:
    """How far a scan is: the first look takes so much of it, or so little, as the first classes show."""

    FIRST = 0.05  # for the first look, before any class is in

    def __init__(self) -> None:
        self.started = self.begun = time.perf_counter()
        self.rows: int | None = None  # that an earlier call had finished

    def share(self, state: State) -> float:
        """0..1"""
        now = time.perf_counter()
        if state.reading:
            self.begun = now
            return self.FIRST * state.rows / max(1, state.total_rows)
        if self.rows is None:
            self.rows = state.rows
        done, whole = state.rows - self.rows, state.total_rows - self.rows
        if done <= 0:
            return self.FIRST if whole else 1.0
        return (now - self.started) / (self.begun - self.started + (now - self.begun) * whole / done)


def _in_file(path: Path) -> Callable[[tuple[int, int]], np.ndarray]:
    return lambda shape: np.lib.format.open_memmap(path, "w+", np.float32, shape)


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }  # fmt: skip
