"""The mathematics of SPECTRE: tensors in, tensors out; no images, no attacks, no files, no ground truth."""

from core.robust.budget import BudgetEstimate, Trial, estimate_poisons
from core.robust.filter import FilterFit, Round, Tail, trusted_rows
from core.robust.linalg import ConvergenceError, SingularError, covariance, inverse_root, top_eigenpairs
from core.robust.moments import Eigenpair, ExcessMoment, excess_moment, top_excess_direction
from core.robust.pca import Components, EqualRowsError, principal_components
from core.robust.que import Que, que_matrix, que_scores, remove_top
from core.robust.spectre import Candidate, Settings, SpectreFit, candidate_ks, fit_spectre, objective_of

__all__ = [
    "BudgetEstimate",
    "Candidate",
    "Components",
    "ConvergenceError",
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
    "Trial",
    "candidate_ks",
    "covariance",
    "estimate_poisons",
    "excess_moment",
    "fit_spectre",
    "inverse_root",
    "objective_of",
    "principal_components",
    "que_matrix",
    "que_scores",
    "remove_top",
    "top_eigenpairs",
    "top_excess_direction",
    "trusted_rows",
]
