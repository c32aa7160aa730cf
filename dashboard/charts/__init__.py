"""Figures: pure functions from arrays to Plotly figures, one module for each kind of question."""

from dashboard.charts.control import control
from dashboard.charts.decision import filter_rounds, objective_by_k, spectrum
from dashboard.charts.figures import number
from dashboard.charts.grids import grid_map
from dashboard.charts.scores import roc_curve
from dashboard.charts.training import epochs_of, sample_of, training_curves

__all__ = [
    "control",
    "epochs_of",
    "filter_rounds",
    "grid_map",
    "number",
    "objective_by_k",
    "roc_curve",
    "sample_of",
    "spectrum",
    "training_curves",
]
