"""What the doors share: makers of hostile files, all harmless in themselves, and what every refusal has to be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.foundation.errors import InputError

ROWS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
LONGEST = 1200  # characters of a message
MARKUP = "<img src=x onerror=alert(1)>"
FORMULA = "=HYPERLINK(0)"
TURNED = "cat\u202egnp.exe"  # shown from right to left
ESCAPE = "\x1b[2Jred"  # would clear a terminal
BROKEN = "two\nlines"
NAMES = (MARKUP, FORMULA, TURNED, ESCAPE, BROKEN, "**bold** [link](http://x)", "a\tb", "n" * 5000)


class Trap:
    """Unpickling it leaves a file, and does nothing else."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def check_line(said: str, *words: str) -> None:
    """One line that a person can read, and that holds all the words."""
    assert said.strip(), "says nothing"
    assert said.isprintable(), f"not one line of visible characters: {said!r}"
    assert len(said) <= LONGEST, f"{len(said)} characters"
    assert "Traceback" not in said
    assert " at 0x" not in said
    for word in words:
        assert word in said, said


def refused(call: Callable[[], Any], *words: str) -> None:
    """The call raises InputError with one line that holds all the words."""
    with pytest.raises(InputError) as caught:
        call()
    check_line(str(caught.value), *words)


def npy(shape: str, kind: str = "'<f4'", data: bytes = b"", order: str = "False", version: int = 1) -> bytes:
    """An .npy file with that header, whatever follows."""
    text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}".encode() + b"\n"
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(width, "little") + text + data


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of those members."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def saved(array: np.ndarray) -> bytes:
    """The bytes of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    """The bytes with one piece, which has to be there, in the place of another of the same length."""
    assert data.count(old) >= 1
    assert len(old) == len(new)
    return data.replace(old, new)


def safetensors(header: str, data: bytes = b"") -> bytes:
    """A .safetensors file with that header."""
    return len(header.encode()).to_bytes(8, "little") + header.encode() + data


def link(path: Path, target: str) -> Path:
    """A symbolic link."""
    path.symlink_to(target)
    return path
