"""`python -m core`: the command line."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

_ended: list[int] = []


def _leave() -> None:
    """Give the memory back at once when a command is over, instead of object by object.

    Taking down an interpreter that has loaded PyTorch takes it one to three seconds, in which a cancelled job still holds its
    memory and a terminal its prompt. Registered before anything is imported, this runs after all that libraries
    registered for the end; a command that raised goes the long way, for its traceback.
    """
    if not _ended:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # nobody reads it any more, or it was never there
            stream.flush()
    os._exit(_ended[0])


def main() -> None:
    """Entry point of `python -m core` and of the installed command."""
    atexit.register(_leave)
    try:
        from core.cli import main as command  # not before: what it imports registers its own

        command()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _ended.append(end.code or 0)
        raise
    except MemoryError:  # there is not even enough to start, or to say it in colours
        os.write(2, b"error: not enough memory\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
