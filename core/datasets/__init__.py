"""Every source of labelled images. A new one is a file and a name in this catalogue."""

from core.datasets.account import account
from core.datasets.arrays import Arrays
from core.datasets.base import Dataset, Report, is_whole, natural_key, stratified_split
from core.datasets.brought import BroughtSet
from core.datasets.columns import IMAGE, PATH, told_by
from core.datasets.columns import Column as ImageColumn
from core.datasets.decode import UnlikeSizes
from core.datasets.digits import Digits
from core.datasets.folder import FolderPlan, ImageFolder
from core.datasets.gtsrb import Gtsrb
from core.datasets.guess import kind_of
from core.datasets.label_tables import LabelTable, separator_of
from core.datasets.labels import Classes, classes_of
from core.datasets.npz import UNREADABLE, Npz, array_header
from core.datasets.parquet import ImageParquet, TablePlan
from core.datasets.sampling import Sampling
from core.datasets.signs import Signs
from core.datasets.table_files import arrow_damage, first_group
from core.datasets.tables import Table, class_names
from core.datasets.toolbox import ToolboxSet
from core.datasets.tree import walk
from core.datasets.vision import Cifar10, Cifar100, FashionMnist, Mnist, Svhn
from core.foundation.catalogue import Catalogue

DATASETS: Catalogue[Dataset] = Catalogue(
    "data set",
    Digits,
    Signs,
    Cifar10,
    Cifar100,
    Gtsrb,
    Mnist,
    FashionMnist,
    Svhn,
    ImageParquet,
    ImageFolder,
    Arrays,
    ToolboxSet,
)

__all__ = [
    "DATASETS",
    "IMAGE",
    "PATH",
    "UNREADABLE",
    "Arrays",
    "BroughtSet",
    "Cifar10",
    "Cifar100",
    "Classes",
    "Dataset",
    "Digits",
    "FashionMnist",
    "FolderPlan",
    "Gtsrb",
    "ImageColumn",
    "ImageFolder",
    "ImageParquet",
    "LabelTable",
    "Mnist",
    "Npz",
    "Report",
    "Sampling",
    "Signs",
    "Svhn",
    "Table",
    "TablePlan",
    "ToolboxSet",
    "UnlikeSizes",
    "account",
    "array_header",
    "arrow_damage",
    "class_names",
    "classes_of",
    "first_group",
    "is_whole",
    "kind_of",
    "natural_key",
    "separator_of",
    "stratified_split",
    "told_by",
    "walk",
]  # fmt: skip
