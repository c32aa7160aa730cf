"""Every source of labelled images. A new one is a file and a name in this catalogue."""

from core.catalogue import Catalogue
from core.datasets.base import Dataset, Report, stratified_split
from core.datasets.digits import Digits
from core.datasets.folder import ImageFolder
from core.datasets.parquet import ImageParquet
from core.datasets.sampling import Sampling
from core.datasets.signs import Signs

DATASETS: Catalogue[Dataset] = Catalogue("data set", Digits, Signs, ImageParquet, ImageFolder)

__all__ = [
    "DATASETS",
    "Dataset",
    "Digits",
    "ImageFolder",
    "ImageParquet",
    "Report",
    "Sampling",
    "Signs",
    "stratified_split",
]
