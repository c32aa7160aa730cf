"""What lies at a path, read beside the page: the account of it, and as much of the data as the rest of the form needs."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.audit.readers import files_of, is_file, is_table, open_source
from core.cases import archive
from core.cases.config import CaseConfig
from core.cases.estimate import Known, known_of
from core.cases.reading import FEATURES, Brought, kind_at, read, table_at
from core.datasets import DATASETS, BroughtSet, Report
from core.foundation.errors import Cancelled, InputError
from core.foundation.files import given_path
from dashboard import access, errands
from dashboard.audit import draft
from dashboard.audit.upload import FOLDER
from dashboard.shelf import key_of, shelf

SHELF, STOPPED, AGAIN = "audit read", "bring stopped", "bring again"
PICTURES = 12  # classes of which one image is shown


@dataclass(frozen=True)
class Outcome:
    """What was read, or why it could not be."""

    kind: str  # as it was seen to be; empty where not even that is known
    columns: tuple[str, ...] = ()  # of the table, where there is one
    account: dict[str, Any] | None = None  # data.json, and the names of the classes
    known: Known | None = None
    pictures: tuple[tuple[str, np.ndarray], ...] = ()  # the first image of some classes, (h, w, c) uint8
    problem: str = ""
    table: bool = False  # of what could not be read as images: it could be a table of features


def of(config: CaseConfig, root: Path, slot: DeltaGenerator) -> Outcome | None:
    """Read what a config says, with a bar and a button to stop; None while it is stopped. root: of the audits."""
    try:
        for path in named(config):
            access.check_path(path)
    except InputError as problem:
        return Outcome("", problem=str(problem))
    key = key_of(SHELF, asdict(config), _stamp(config.path), st.session_state.get(AGAIN, 0))
    found: Outcome | None = shelf().find(SHELF, key)
    if found is None and st.session_state.get(STOPPED) == key:
        return None
    if found is None:
        task = errands.errand(key, lambda report: shelf().keep(SHELF, key, outcome_of(config, root, report)))
        with slot.container():
            bar = st.empty()
            st.button("Stop", icon=":material/stop_circle:", key="bring-stop", on_click=_stop, args=(key,))
            try:
                found = errands.awaited(task, bar, "Looking what lies there")
            except Cancelled:
                return None
            finally:
                slot.empty()
    st.session_state[draft.SEEN] = (config.path, found.kind)
    return found


def named(config: CaseConfig) -> tuple[str, ...]:
    """The paths that a config names."""
    files = (config.labels, config.model)  # these can be a column, or the name of a network
    return (config.path, config.images, config.weights, *(text for text in files if is_file(text)))


def again() -> None:
    """Read anew, whatever was read before."""
    st.session_state[AGAIN] = time.time()
    st.session_state.pop(STOPPED, None)


def _stop(key: str) -> None:
    st.session_state[STOPPED] = key
    errands.stop(key)


def _stamp(path: str) -> int:
    try:
        return Path(path).expanduser().stat().st_mtime_ns
    except (OSError, ValueError, RuntimeError):
        return 0


def outcome_of(config: CaseConfig, root: Path, report: Report) -> Outcome:
    """Read, and say why where that fails. An archive is unpacked into a folder that is gone afterwards."""
    seen, path = Outcome(config.kind), Path(config.path)
    try:
        with ExitStack() as stack:
            path = given_path(path)
            report("Looking what lies there", None)
            notes: list[str] = []
            if archive.is_archive(path):
                notes, path = _unpacked(path, root, stack, report)
            seen = Outcome(config.kind or (FEATURES if config.labels else kind_at(path)))
            seen = Outcome(seen.kind, _columns(seen.kind, path))
            started = time.perf_counter()
            brought = read(config, path, None, report)
            stack.callback(brought.close)
            told = _account(brought, notes)
            known = known_of(brought, time.perf_counter() - started)
            return Outcome(seen.kind, seen.columns, told, known, _pictures(brought))
    except InputError as problem:
        table = seen.kind not in ("", FEATURES) and path.is_file() and is_table(path)
        return Outcome(seen.kind, seen.columns, problem=str(problem), table=table)
    except OSError as problem:
        return Outcome(seen.kind, seen.columns, problem=f"{config.path} cannot be read ({problem.strerror or problem})")


def _unpacked(path: Path, root: Path, stack: ExitStack, report: Report) -> tuple[list[str], Path]:
    folder = root.resolve() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    into = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".unpacked-", dir=folder))) / "in"
    notes = archive.unpack(path, into, lambda share: report("Unpacking the archive", share))
    return ["The archive was unpacked to be read, and is again by the audit.", *notes], archive.inner(into)


def _columns(kind: str, path: Path) -> tuple[str, ...]:
    if kind != FEATURES:
        return _image_columns(kind, path)
    with closing(open_source(files_of(table_at(path))[0])) as source:
        return tuple(column.name for column in source.columns if column.name)


def _image_columns(kind: str, path: Path) -> tuple[str, ...]:
    entry = DATASETS.get(kind)
    if entry is None or not issubclass(entry, BroughtSet):
        return ()
    try:
        return entry(path=str(path)).column_names()
    except InputError:  # which reading tells, if what is asked for does not settle it
        return ()


def _account(brought: Brought, notes: list[str]) -> dict[str, Any]:
    told = brought.account | {"names": {str(label): name for label, name in brought.labels.names.items()}}
    return told | {"notes": [*notes, *told["notes"]]}


def _pictures(brought: Brought) -> tuple[tuple[str, np.ndarray], ...]:
    if brought.images is None:
        return ()
    labels, names = brought.labels.numbers, brought.labels.names
    values, first = np.unique(labels[brought.labels.labelled], return_index=True)
    rows = np.flatnonzero(brought.labels.labelled)[first]
    pairs = zip(values.tolist()[:PICTURES], rows.tolist(), strict=False)
    return tuple((names.get(label, str(label)), np.array(brought.images.images[row])) for label, row in pairs)
