"""The mathematics of SPECTRE: tensors in, tensors out; no images, no attacks, no files, no ground truth."""

from core.robust import apart, aside
from core.robust.apart import Apart, Tails, fewest_rows, most_apart, whitened_by_inner
from core.robust.batched import trusted_rows_of_many
from core.robust.budget import BudgetEstimate, Trial, estimate_poisons
from core.robust.discriminant import Discriminant, robust_discriminant
from core.robust.filter import FilterFit, Round, Tail, trusted_rows
from core.robust.linalg import ConvergenceError, SingularError, covariance, inverse_root, top_eigenpairs
from core.robust.moments import Eigenpair, ExcessMoment, excess_moment, top_excess_direction
from core.robust.pca import Components, EqualRowsError, principal_components
from core.robust.que import Que, que_matrix, que_scores, remove_top
from core.robust.spectre import (
    Candidate,
    Settings,
    SpectreFit,
    candidate_ks,
    fit_spectre,
    fit_spectre_of_many,
    objective_of,
)

__all__ = [
    "Apart",
    "BudgetEstimate",
    "Candidate",
    "Components",
    "ConvergenceError",
    "Discriminant",
    "Eigenpair",
    "EqualRowsError",
    "ExcessMoment",
    "FilterFit",
    "Que",
    "Round",
    "Settings",
    "SingularError",
    "SpectreFit",
    "Tail",
    "Tails",
    "Trial",
    "apart",
    "aside",
    "candidate_ks",
    "covariance",
    "estimate_poisons",
    "excess_moment",
    "fewest_rows",
    "fit_spectre",
    "fit_spectre_of_many",
    "inverse_root",
    "most_apart",
    "objective_of",
    "principal_components",
    "que_matrix",
    "que_scores",
    "remove_top",
    "robust_discriminant",
    "top_eigenpairs",
    "top_excess_direction",
    "trusted_rows",
    "trusted_rows_of_many",
    "whitened_by_inner",
]
