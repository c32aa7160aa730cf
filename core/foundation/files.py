"""Writing files so that nobody ever reads half of one, and what strangers call their files and write into them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foundation.errors import InputError

if TYPE_CHECKING:  # loaded where it is needed, so that --help answers at once
    import numpy as np


@contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """`with replacing(path) as aside:` write aside; it takes the place of path when all went well."""
    aside = final.with_name(f".{secrets.token_hex(4)}.{final.name}")
    try:
        yield aside
        os.replace(aside, final)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Within it nobody else writes into a folder who claims it too; made where it is not there, and gone again if it stays empty.

    what: does so, for the message. Raises InputError where another process is at it.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"another {what} is at work in {folder}; wait for it, or choose another folder") from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        if made:
            with suppress(OSError):  # it holds something
                folder.rmdir()


def write_json(path: Path, value: Any) -> None:
    """JSON that another reader takes too: no NaN."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(value, indent=1, allow_nan=False), encoding="utf-8")


def write_array(path: Path, array: np.ndarray) -> None:
    """One array as .npy."""
    import numpy as np

    with replacing(path) as aside, aside.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def given_path(text: str | Path) -> Path:
    """A path as somebody gives it, ~ spelled out; there need be nothing. Raises InputError for what can be no path."""
    try:
        path = Path(text).expanduser()
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as problem:
        raise InputError(f"{text} cannot be opened ({problem.strerror})") from None
    except (ValueError, RuntimeError):  # a byte of zero; nobody of that name
        raise InputError(f"{text} is no path") from None
    return path


def check_output(out: Path) -> Path:
    """Raise InputError before any work is done if the result could not be written. Returns the folder that is there already:
    `out`, or the one that it will be made in."""
    try:
        parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    except OSError as problem:
        raise InputError(f"{out} cannot be a folder ({problem.strerror}); choose another --out") from None
    if not parent.is_dir():
        raise InputError(f"{parent} is a file; --out must be a folder")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{parent} cannot be written to; choose another --out")
    return parent


def sha256_of(path: Path) -> str:
    """The sum of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bytes(path: Path, most: int) -> bytes:
    """A file of somebody, of at most that many bytes. Raises InputError; a pipe or a device, which may have no end, is not opened."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path.name} cannot be read (it is no plain file)")
        with path.open("rb") as file:
            data = file.read(min(path.stat().st_size, most) + 1)
    except OSError as problem:
        raise InputError(f"{path.name} cannot be read ({problem.strerror})") from None
    if len(data) > most:
        raise InputError(f"{path.name} has more than {most / 2**20:,.0f} MiB, which is more than is read")
    return data


def read_json(path: Path, most: int) -> Any:
    """What a JSON file of somebody holds, of at most that many bytes. Raises InputError."""
    try:
        return json.loads(read_bytes(path, most))
    except InputError:
        raise
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path.name} is no readable JSON ({problem}); write it again") from None
