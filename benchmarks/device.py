"""Everything that is worth knowing of a GPU, in one run of ten minutes at most: times, and whether the same rows go as on the CPU.

    PYTHONPATH=. python benchmarks/device.py OUT.json [--device auto] [--limit 540] [--classes 1000]
    PYTHONPATH=. python benchmarks/device.py OUT.json --tiny           a smoke test: figures mean nothing

filter    SPECTRE on 5,500 x 4,096 drawn rows (`benchmarks/filter.py`), all ten k; principal components apart
scan      SPECTRE and groups on classes of 1,300 x 2,048, 32 at a time; as many of --classes as the limit leaves room for
training  an epoch of 50,000 images of 32 x 32, ResNet-32 and ResNet-18, batches of 128, the second of two

Rows that go are compared with those that go on the CPU of the same machine: of the filter at every k, of three classes. OUT is
written anew after each part, so an end in the middle leaves what was finished. Needs torch, torchvision, NumPy, SciPy and
scikit-learn; other libraries that parts of the package import are stood in for where they are missing, for nothing here uses them.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np
import torch

NOT_USED = (
    "filelock", "h5py", "ml_dtypes", "onnx", "onnxruntime", "pandas", "platformdirs", "pyarrow", "pytorch_optimizer", "safetensors",
    "timm",
)  # fmt: skip


def _anything(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (Exception,), {})  # so that it can be inherited from and be caught


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules in place of libraries that are not installed."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in NOT_USED else None

    def create_module(self, spec: Any) -> ModuleType:
        module = ModuleType(spec.name)
        module.__getattr__ = _anything  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


sys.meta_path.append(StandIns())  # after all that find what is there

from benchmarks.filter import draw  # noqa: E402
from core.audit.scanning.classes import Task, fit_class, fit_classes  # noqa: E402
from core.audit.scanning.workers import TOGETHER  # noqa: E402
from core.foundation import devices  # noqa: E402
from core.foundation.images import ImageData  # noqa: E402
from core.models import MODELS  # noqa: E402
from core.robust import fit_spectre, principal_components  # noqa: E402
from core.training.loop import Epoch, train  # noqa: E402
from core.training.recipes import Recipe  # noqa: E402

SIZES = {
    "full": {
        "filter": (5500, 4096, 500), "class": (1300, 2048, 20), "images": 50_000, "models": ("resnet32", "resnet18"), "turns": 5,
    },
    "tiny": {"filter": (150, 512, 10), "class": (90, 256, 5), "images": 256, "models": ("small",), "turns": 2},
}  # fmt: skip


class Device:
    """The device that is measured, and the time that is left."""

    def __init__(self, name: str, limit: float) -> None:
        self.where = devices.for_linear_algebra(devices.resolve(name))
        self.end = time.perf_counter() + limit

    @property
    def left(self) -> float:
        return self.end - time.perf_counter()

    def seconds(self, work: Callable[[], object]) -> float:
        """How long it takes, with all that was handed to the device done."""
        self._wait()
        began = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - began

    def turns(self, work: Callable[[], object], count: int) -> dict[str, Any]:
        """The first time by itself, then several more, as long as there is time."""
        first, rest = self.seconds(work), list[float]()
        while len(rest) < count and self.left > 3 * first:
            rest.append(self.seconds(work))
        return {"first": round(first, 4), "median": round(median(rest), 4) if rest else None, "turns": len(rest)}

    def _wait(self) -> None:
        if self.where.type == "cuda":
            torch.cuda.synchronize(self.where)


def measure_filter(device: Device, sizes: dict[str, Any]) -> dict[str, Any]:
    """Times of a fit, and the k at which other rows go than on the CPU."""
    n, d, poisons = sizes["filter"]
    x = torch.from_numpy(draw(n, d, poisons, seed=0))
    there = x.to(device.where)
    fit = fit_spectre(there, poisons)
    times = {
        "fit": device.turns(lambda: fit_spectre(there, poisons), sizes["turns"]),
        "components": device.turns(lambda: principal_components(there, min(100, d, n - 1)), sizes["turns"]),
    }
    here = fit_spectre(x, poisons)
    differ = [
        a.k
        for a, b in zip(fit.candidates, here.candidates, strict=True)
        if not torch.equal(a.removed.cpu(), b.removed) or not torch.equal(a.trusted.cpu(), b.trusted)
    ]
    return {"rows": n, "columns": d, "k": fit.k, "k_on_cpu": here.k, "ks_that_differ": differ, "seconds": times}


def measure_scan(device: Device, sizes: dict[str, Any], classes: int) -> dict[str, Any]:
    """Seconds of the fits alone (drawing the rows is not counted), and the classes of which other rows go than on the CPU."""
    n, d, poisons = sizes["class"]
    seconds, done, kept = 0.0, 0, list[tuple[Task, np.ndarray, Any]]()
    fit_classes(*_classes(0, min(TOGETHER, classes), n, d, poisons), str(device.where))  # warm
    while done < classes and device.left > 60 + 2 * seconds / max(done, 1) * TOGETHER:
        tasks, rows = _classes(done, min(TOGETHER, classes - done), n, d, poisons)
        found: list[Any] = []
        seconds += device.seconds(
            lambda tasks=tasks, rows=rows, found=found: found.extend(fit_classes(tasks, rows, str(device.where)))
        )  # type: ignore[misc]
        if not kept:
            kept = list(zip(tasks, rows, found, strict=True))[:3]
        done += len(tasks)
    differ = [task.label for task, x, result in kept if fit_class(task, x, "cpu").removed != result.removed]
    return {
        "classes": done, "rows": n, "columns": d, "seconds": round(seconds, 3), "compared": len(kept),
        "classes_that_differ": differ, "together": TOGETHER,
    }  # fmt: skip


def _classes(first: int, count: int, n: int, d: int, poisons: int) -> tuple[list[Task], list[np.ndarray]]:
    labels = range(first, first + count)
    return [Task(label, np.arange(n), poisons) for label in labels], [
        draw(n, d, poisons, seed=label) for label in labels
    ]


def measure_training(device: Device, sizes: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the second epoch of each network."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (sizes["images"], 32, 32, 3), dtype=np.uint8)
    data = ImageData(pixels, rng.integers(0, 10, len(pixels)), tuple("abcdefghij"))
    found = {}
    for key in sizes["models"]:
        moments: list[float] = []

        def on_epoch(epoch: Epoch, _: Any, moments: list[float] = moments) -> None:
            moments.append(epoch.seconds)

        train(
            data, MODELS.make(key), Recipe(epochs=2, batch_size=128, compile="off"), flip=True, seed=0,
            device=device.where, on_epoch=on_epoch,
        )  # fmt: skip
        found[key] = {
            "images": len(pixels),
            "epoch": round(moments[1] - moments[0], 3),
            "first_epoch": round(moments[0], 3),
        }
        if device.left < 60:
            break
    return found


def parts(device: Device, sizes: dict[str, Any], classes: int) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    yield "filter", lambda: measure_filter(device, sizes)
    yield "training", lambda: measure_training(device, sizes)
    yield "scan", lambda: measure_scan(device, sizes, classes)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--device", default="auto", choices=devices.CHOICES)
    parser.add_argument("--limit", type=float, default=540.0, help="seconds")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args(words)
    if arguments.out is None:
        print("give the file to write, and run this where a GPU is")
        return
    device = Device(arguments.device, arguments.limit)
    found: dict[str, Any] = {
        "device": devices.describe(device.where), "type": device.where.type, "torch": torch.__version__,
        "python": platform.python_version(), "tiny": arguments.tiny,
    }  # fmt: skip
    for name, work in parts(device, SIZES["tiny" if arguments.tiny else "full"], arguments.classes):
        began = time.perf_counter()
        try:
            found[name] = work()
        except Exception as problem:  # noqa: BLE001 - the other parts are worth having
            found[name] = {"failed": f"{type(problem).__name__}: {problem}"}
        found[name]["took"] = round(time.perf_counter() - began, 1)
        if device.where.type == "cuda":
            found[name]["gigabytes"] = round(torch.cuda.max_memory_allocated(device.where) / 2**30, 2)
            torch.cuda.reset_peak_memory_stats(device.where)
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {json.dumps(found[name])}", flush=True)


if __name__ == "__main__":
    main()
