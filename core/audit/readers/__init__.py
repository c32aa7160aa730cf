"""Features and labels from whatever somebody has them in: one table, one label a row, and what was guessed on the way.

A new form is one file, a subclass of `Source` in base, and its name in files.
"""

from core.audit.readers.base import LABELLED, is_address
from core.audit.readers.features import read_features
from core.audit.readers.files import files_of, is_called_table, is_table, open_source
from core.audit.readers.labels import check_given, is_file, read_labels
from core.audit.readers.remote import remote_features, remote_labels
from core.audit.readers.result import Features

__all__ = [
    "LABELLED",
    "Features",
    "check_given",
    "files_of",
    "is_address",
    "is_called_table",
    "is_file",
    "is_table",
    "open_source",
    "read_features",
    "read_labels",
    "remote_features",
    "remote_labels",
]
