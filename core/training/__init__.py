"""Images in, a classifier and its features out."""

from core.training.autoencoder import train_autoencoder
from core.training.brought import Tapped, audited, tap, write_brought
from core.training.features import extract
from core.training.loop import Epoch, empty_classifier, predict, train
from core.training.recipes import PRESETS, Preset, Recipe, preset_options
from core.training.row_files import write_rows
from core.training.threads import threads_in_words

__all__ = [
    "PRESETS",
    "Epoch",
    "Preset",
    "Recipe",
    "Tapped",
    "audited",
    "autoencoder",
    "empty_classifier",
    "extract",
    "predict",
    "preset_options",
    "tap",
    "threads_in_words",
    "timing",
    "train",
    "train_autoencoder",
    "write_brought",
    "write_rows",
]
