"""One staged experiment, from the data to the figures."""

from core.experiment.config import GROUPS, RunConfig, config_of, new_run, parse_settings, source_text
from core.experiment.pipeline import execute
from core.experiment.staging import Staged, load, load_model, restage, stage
from core.experiment.workshop import Workshop

__all__ = [
    "GROUPS",
    "RunConfig",
    "Staged",
    "Workshop",
    "config_of",
    "execute",
    "load",
    "load_model",
    "new_run",
    "parse_settings",
    "restage",
    "source_text",
    "stage",
]
