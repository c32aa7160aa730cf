"""Somebody's network on somebody's images: a row of features for each, as files that `scan` and `filter` take.

features.npy            (n, d) float32
labels.npy, files.csv   see core.training.row_files
features.json           how they were made, and the names of the classes
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets import natural_key
from core.foundation import devices
from core.foundation.files import replacing, write_json
from core.foundation.images import ImageData, Split
from core.models.brought import Fitted, Layer, Network, check_channels, pooled
from core.training.features import extract
from core.training.row_files import write_rows

BATCH = {"cpu": 16, "cuda": 256, "mps": 64}  # images of 224x224; of other sizes as many pixels


@dataclass(frozen=True)
class Tapped:
    """What was written."""

    layer: Layer
    shape: tuple[int, int]
    why: str  # the layer was taken; empty where it was asked for


def write_brought(
    network: Network,
    images: ImageData,
    out: Path,
    *,
    layer: str = "",
    flat: bool = False,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> Tapped:
    """Write the files above into the folder `out`. Features go to the disk batch by batch.

    layer: empty for the one that is suggested. flat: every number that the layer has, instead of their mean over positions or
    tokens. Raises InputError for a layer the network lacks and images of other channels.
    """
    taps = network.taps()
    chosen = taps.chosen(layer)
    check_channels(images.shape[0], network.channels)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        aside = stack.enter_context(replacing(out / "features.npy"))
        features = tap(
            network, images, chosen.name, flat=flat, device=device, on_step=on_step,
            make_array=lambda shape: np.lib.format.open_memmap(aside, "w+", np.float32, shape),
        )  # fmt: skip
        shape = (features.shape[0], features.shape[1])
        del features  # written back before the file gets its name
        write_rows(out, images.labels, images.class_names, images.sources)
        about = {"model": network.title, "layer": chosen.name, "flat": flat, "size": network.size}
        mean, deviation = network.statistics
        about |= {"mean": mean, "std": deviation, "rows": shape[0], "features": shape[1]}
        write_json(out / "features.json", about | {"class_names": list(images.class_names)})
    return Tapped(chosen, shape, "" if layer else taps.why)


def tap(
    network: Network,
    images: ImageData,
    layer: str,
    *,
    make_array: Callable[[tuple[int, int]], np.ndarray],
    flat: bool = False,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> np.ndarray:
    """The features of images at a layer of a brought network: (n, d) float32, see `write_brought`."""
    check_channels(images.shape[0], network.channels)
    where = devices.resolve("cpu" if network.on_cpu else device)
    module, name = network.tapped(layer)
    model = Fitted(module, network.statistics, network.size).to(where)
    at_once = network.batch or max(1, BATCH.get(where.type, 16) * 224**2 // network.size**2)
    return extract(
        model, images.images, name, device=where, batch_size=at_once, on_step=on_step, make_array=make_array,
        reduce=None if flat else pooled,
    )  # fmt: skip


def audited(split: Split) -> ImageData:
    """The images to look at: those of training. Where a share of them was held out here, that too, in the order of the files."""
    train, test = split.train, split.test
    if split.reading.split != "made":
        return train
    images, labels = np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    if train.sources is None or test.sources is None:
        return ImageData(images, labels, train.class_names)
    sources = np.concatenate([train.sources, test.sources])
    order = sorted(range(len(labels)), key=lambda row: natural_key(str(sources[row])))
    return ImageData(images, labels, train.class_names, sources).take(np.array(order))
