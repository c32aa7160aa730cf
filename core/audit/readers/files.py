"""From a path to open files: which form each is, and the parts of a folder in their order."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from core.audit.readers.arrow import Arrow
from core.audit.readers.base import Source, listed
from core.audit.readers.hdf5 import Hdf5
from core.audit.readers.npy import Npy
from core.audit.readers.npz import Npz
from core.audit.readers.parquet import Parquet
from core.audit.readers.tensors import Safetensors
from core.audit.readers.text import Text
from core.datasets import natural_key
from core.foundation.errors import InputError

FORMS: tuple[type[Source], ...] = (
    Npy,
    Npz,
    Parquet,
    Arrow,
    Safetensors,
    Hdf5,
    Text,
)  # a new form: its file, and its name here
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")
ARCHIVE = b"PK"
MOST_PARTS = 100_000
OF_LABEL = re.compile(r"label_(\d+)_reps\.npy")  # as the authors of SPECTRE save the rows of each class


def open_source(path: Path) -> Source:
    """One file, by its first bytes, else by its name. Raises InputError for one that is of no form."""
    try:
        if path.exists() and not path.is_file():  # to open a pipe would wait for whoever writes into it
            raise InputError(f"{path} is a folder, a pipe or a device; give a file")
        with path.open("rb") as file:
            begin = file.read(16)
    except ValueError as problem:
        raise problem if isinstance(problem, InputError) else InputError(f"{path} is no path") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror})") from None
    if not begin:
        raise InputError(f"{path} is empty (0 bytes)")
    if begin.startswith(ARCHIVE) and zipfile.is_zipfile(path):
        return Npz(path)
    known = next((form for form in FORMS if begin.startswith(form.magic)), None) if begin else None
    named = next((form for form in FORMS if path.suffix.lower() in form.suffixes), None)
    form = known or named
    if form is None:
        raise InputError(_of_no_form(path))
    return form(path)


def _of_no_form(path: Path) -> str:
    if path.suffix.lower() in PICKLED:
        return (
            f"{path} is a pickle, which is never loaded, for it can run code; save the array as .npy, or the tensor with "
            "safetensors.torch.save_file"
        )
    return f"{path} is of no form that is read: give one of {listed([form.suffixes[0] for form in FORMS])}, or a folder of parts"


def is_table(path: Path) -> bool:
    """Whether a path is of a form that is read, by its first bytes and its name."""
    try:
        for file in files_of(path):
            open_source(file).close()
    except InputError:
        return False
    return True


def is_called_table(path: Path) -> bool:
    """Whether a file has the name of a form that is read, whatever is in it."""
    return path.is_file() and any(path.suffix.lower() in form.suffixes for form in FORMS)


def label_of(file: Path) -> int | None:
    """The label of all rows of a file, where its name says it."""
    found = OF_LABEL.fullmatch(file.name)
    return int(found[1]) if found else None


def files_of(path: Path) -> list[Path]:
    """The file itself, or the parts in a folder: part 2 before part 10. Raises InputError where there is none.

    Where each class has a file (see `label_of`), other files are no parts: masks lie beside them.
    """
    try:
        there, is_folder = path.exists(), path.is_dir()
    except OSError as problem:
        raise InputError(f"{path} cannot be opened ({problem.strerror})") from None
    if not there:
        raise InputError(f"{path} does not exist")
    if not is_folder:
        return [path]
    suffixes = {suffix: form for form in FORMS for suffix in form.suffixes}
    parts = [file for file in path.iterdir() if file.suffix.lower() in suffixes and file.name[0] not in "._"]
    parts = [file for file in parts if file.is_file()]
    parts = [file for file in parts if label_of(file) is not None] or parts
    if not parts:
        raise InputError(f"{path} is a folder without a table in it; give a file, or a folder that holds its parts")
    forms = {suffixes[file.suffix.lower()].form: file.name for file in sorted(parts, reverse=True)}
    if len(forms) > 1:
        raise InputError(
            f"{path} holds files of several forms ({listed(sorted(forms.values()))}); give one of them, or a folder with the "
            "parts of one table"
        )
    if len(parts) > MOST_PARTS:
        raise InputError(f"{path} holds {len(parts):,} files, more than the {MOST_PARTS:,} parts allowed")
    return sorted(parts, key=lambda file: natural_key(file.name))
