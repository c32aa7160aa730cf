"""What an audit will cost, from a short measurement on this machine before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch

from core.audit.assumed import assumed
from core.audit.overview import first_look
from core.audit.scanning import MIN_ROWS
from core.audit.scanning.workers import FEW_ROWS
from core.cases.config import CaseConfig
from core.cases.pipeline import PICTURED, WEIGHTS
from core.cases.reading import Brought
from core.cases.recipes import recipe_of
from core.defenses import Spectre
from core.foundation import devices
from core.foundation.images import ImageData
from core.models import MODELS
from core.models.brought import Network
from core.training import tap
from core.training.timing import (
    SPREAD,
    STEPS,
    Estimate,
    fastest,
    is_busy,
    seconds_of_a_step,
    seconds_of_an_image,
)

FEW = 128 * STEPS  # images on which training is timed
TAPPED = 32  # images on which a brought network is timed
SAMPLE = (150, 64)  # rows and columns of the random class on which SPECTRE is timed
WHOLE = (600, 512)  # of the random table of three classes that is looked at as a whole
MOST_K = 100  # directions at most in which SPECTRE compares
# Times what SPECTRE takes for an ordinary class of so many rows and directions, in processor time on ten classes of trained
# networks and drawn tables: 0.9 to 2.7 to look at a class, 0.9 to 1.7 to picture it. Where a third of a class seems to stand
# apart, as in small sets whose model has learned little, 11 and 7.
FITS, FITS_GIVEN, FITS_PICTURED = 1.5, 1.0, 1.3
UNEVEN = 4.0  # times that it may well take, for who knows how many such classes there are
STARTING = 5.0  # seconds in which processes that fit classes side by side start


@dataclass(frozen=True)
class Known:
    """What the cost of an audit depends on, of a set that was read; small enough to be kept."""

    kind: str
    sizes: tuple[int, ...]  # rows of each class
    columns: int | None  # of features; None for images
    reading: float  # seconds that it took to read them
    sample: ImageData | None = None  # FEW of the images
    flip: bool = False

    @property
    def rows(self) -> int:
        return sum(self.sizes)


def known_of(brought: Brought, reading: float) -> Known:
    """The same without the rows. reading: seconds that `read` took."""
    _, counts = np.unique(brought.labels.numbers[brought.labels.labelled], return_counts=True)
    told, sample = brought.account, None
    if brought.features is None and brought.images is not None:
        rows = np.linspace(0, len(brought.images) - 1, min(FEW, len(brought.images))).astype(np.int64)
        sample = brought.images.take(rows)
    return Known(told["kind"], tuple(counts.tolist()), _columns(brought), reading, sample, brought.flip)


def estimate(config: CaseConfig, known: Known, network: Network | None = None) -> Estimate:
    """Time a few steps of each stage on random numbers or some of the images, and count how many there are. Some seconds.

    network: the model of the config, where it names one. Raises InputError for what cannot be trained or tapped.
    """
    started, busy = time.perf_counter(), is_busy()
    stages, spread = dict.fromkeys(WEIGHTS, 0.0), SPREAD
    stages["read"] = known.reading
    device = devices.resolve(config.device)
    if known.columns is not None:
        widths = [known.columns]
    elif network is not None:
        a_row, widths = _tapped(config, known, network)
        stages["features"] = known.rows * sum(a_row)
    else:
        train, an_image, widths, spread = _trained(config, known, device)
        stages["train"], stages["features"] = train, known.rows * an_image
    for columns in widths:
        look, pictures = _looked_at(config, known.sizes, columns)
        stages["look"] += look
        stages["pictures"] += pictures
    share = (stages["look"] + stages["pictures"]) / max(sum(stages.values()), 1e-9)
    spread = max(spread, 1 + (UNEVEN - 1) * share)
    rounded = {name: round(seconds, 2) for name, seconds in stages.items()}
    return Estimate(rounded, time.perf_counter() - started, round(spread, 2), busy)


def _columns(brought: Brought) -> int | None:
    return None if brought.features is None else int(brought.features.rows.shape[1])


def _trained(config: CaseConfig, known: Known, device: torch.device) -> tuple[float, float, list[int], float]:
    """Of a model that is trained here: seconds of the training, seconds of one image at all layers, numbers a row of each
    layer, and how much the steps spread."""
    assert known.sample is not None
    architecture, recipe = MODELS.make(config.architecture, {}), recipe_of(config, known.kind)
    a_step, usual = seconds_of_a_step(known.sample, architecture, recipe, device)
    per_epoch = max(1, known.rows // min(recipe.batch_size, known.rows))
    layers = config.layers or (architecture.default_layer,)
    forward = [seconds_of_an_image(known.sample, architecture, layer, device) for layer in layers]
    seconds, widths = sum(one for one, _ in forward), [width for _, width in forward]
    return recipe.epochs * per_epoch * a_step, seconds, widths, max(SPREAD, usual / a_step if a_step else 1.0)


def _tapped(config: CaseConfig, known: Known, network: Network) -> tuple[list[float], list[int]]:
    """Of a brought model: for each layer seconds of one image, and numbers a row."""
    assert known.sample is not None
    few = known.sample.take(np.arange(min(len(known.sample), TAPPED)))
    taps, seconds, widths = network.taps(), [], []
    for name in config.layers or ("",):
        layer = taps.chosen(name)
        once = partial(tap, network, few, layer.name, make_array=_empty, flat=config.flat, device=config.device)
        took = fastest(once, 2)
        seconds.append(took / len(few))
        widths.append(layer.flat if config.flat else layer.pooled)
    return seconds, widths


def _empty(shape: tuple[int, int]) -> np.ndarray:
    return np.empty(shape, np.float32)


def _looked_at(config: CaseConfig, sizes: Sequence[int], columns: int) -> tuple[float, float]:
    """Seconds of the scan of one layer, and of the pictures of its classes."""
    whole, product = _speed(torch.get_num_threads())
    fitted = [product * n * min(MOST_K, columns, n // 4) for n in sizes if n >= MIN_ROWS]
    rows = sum(sizes)
    fits = (FITS if assumed(config.poisons).automatic else FITS_GIVEN) * sum(fitted)
    if rows >= FEW_ROWS and (workers := min(config.workers or torch.get_num_threads(), len(fitted))) > 1:
        fits = fits / workers + STARTING
    pictured = sorted(fitted, reverse=True)[:PICTURED]
    return whole * rows * columns + fits, FITS_PICTURED * sum(pictured)


@cache  # it depends on the machine alone
def _speed(threads: int) -> tuple[float, float]:
    """Seconds a number of the look at all rows, and of a fit seconds for each row times direction."""
    rng = np.random.default_rng(0)
    labels, cpu = np.arange(WHOLE[0]) % 3, torch.device("cpu")
    table = rng.standard_normal(WHOLE, np.float32) * np.geomspace(8, 0.5, WHOLE[1], dtype=np.float32)
    one = rng.standard_normal(SAMPLE, np.float32) * np.geomspace(8, 0.5, SAMPLE[1], dtype=np.float32)
    Spectre(n_poisons=1).fit(one[:20])  # once for what is imported on the way
    whole = fastest(lambda: first_look(table, labels, cpu), 1) / (WHOLE[0] * WHOLE[1])
    fit = fastest(lambda: Spectre(n_poisons=6).fit(one), 2)
    return whole, fit / (SAMPLE[0] * min(SAMPLE[1], SAMPLE[0] // 4))
