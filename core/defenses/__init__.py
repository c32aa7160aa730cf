"""Defenses: features of one class in, scores and removals out. One interface, scikit-learn's."""

from core.catalogue import Catalogue
from core.defenses.base import Defense, check_features
from core.defenses.clustering import ActivationClustering
from core.defenses.spectral import SpectralSignatures
from core.defenses.spectre import Spectre, fit_record

DEFENSES: Catalogue[Defense] = Catalogue("defense", Spectre, SpectralSignatures, ActivationClustering)

__all__ = [
    "DEFENSES",
    "ActivationClustering",
    "Defense",
    "SpectralSignatures",
    "Spectre",
    "check_features",
    "fit_record",
]
