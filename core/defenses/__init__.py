"""Features of one class, or of all with their labels, to scores and removals, as scikit-learn's outlier detectors.

`DEFENSES` look at the rows of one class. `LABELLED_DEFENSES` need the rows of all classes and the labels that they carry
in training: `fit(X, y)`. `RIVALS` look at one class too and are there to be compared with: no run pays for them, but the
grids of core.studies.evidence.

Two known methods are not here, because features alone do not determine what they compute. STRIP (Gao et al., ACSAC
2019) blends each suspicious *image* with clean ones and asks the *model* how sure it stays; blending features instead
would test another hypothesis. Beatrix (Ma et al., NDSS 2023) compares Gram matrices *between channels* of a convolution,
over the positions of the image, with limits from *clean validation* images: a row of numbers does not say which of them
form a channel, at a pooled layer there are no positions left, and the features of a run hold no row known to be clean.
"""

from core.defenses.base import Defense, shared_components
from core.defenses.clustering import ActivationClustering
from core.defenses.direction import WhitenedDirection
from core.defenses.discriminant import RobustDiscriminant
from core.defenses.mahalanobis import Mahalanobis
from core.defenses.neighbours import NeighbourLabels, nearest
from core.defenses.spectral import SpectralSignatures
from core.defenses.spectre import Spectre, fit_record
from core.defenses.untangling import SCAn
from core.foundation.catalogue import Catalogue

DEFENSES: Catalogue[Defense] = Catalogue("defense", Spectre, SpectralSignatures, ActivationClustering, Mahalanobis)
RIVALS: Catalogue[Defense] = Catalogue("rival", WhitenedDirection)
LABELLED_DEFENSES: Catalogue[Defense] = Catalogue("labelled defense", NeighbourLabels, SCAn, RobustDiscriminant)

__all__ = [
    "DEFENSES",
    "LABELLED_DEFENSES",
    "RIVALS",
    "ActivationClustering",
    "Defense",
    "Mahalanobis",
    "NeighbourLabels",
    "RobustDiscriminant",
    "SCAn",
    "SpectralSignatures",
    "Spectre",
    "WhitenedDirection",
    "fit_record",
    "nearest",
    "shared_components",
]
