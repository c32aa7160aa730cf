"""One staged experiment, from the data to the figures.

config -> staging -> pipeline are what everybody needs; beside them: cost (what it will take), preview (what an attack does
to images), stories (experiments that tell something), views (plane pictures of rows), feature_files (features for `scan`).
"""

from core.experiment.config import GROUPS, RunConfig, config_of, new_run, parse_settings, source_text
from core.experiment.pipeline import Job, execute
from core.experiment.staging import PREPARED, Staged, load, load_model, restage, stage
from core.experiment.workshop import Workshop

__all__ = [
    "GROUPS",
    "PREPARED",
    "Job",
    "RunConfig",
    "Staged",
    "Workshop",
    "config_of",
    "cost",
    "execute",
    "feature_files",
    "load",
    "load_model",
    "new_run",
    "parse_settings",
    "preview",
    "reporting",
    "restage",
    "source_text",
    "stage",
    "stories",
    "views",
]
