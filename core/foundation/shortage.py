"""What a machine ran out of, and why a job failed, in one line each."""

from __future__ import annotations

import errno
from concurrent.futures import BrokenExecutor

from core.foundation.errors import one_line

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
# What PyTorch, the library under its convolutions, Python and Arrow say of it.
OUT_OF_MEMORY = (
    "can't allocate memory", "not enough memory", "could not create a primitive", "can't start new thread",
    "Failed to launch worker thread",
)  # fmt: skip
LESS = "fewer workers, a smaller network or fewer rows need less; what is finished is kept"


def shortage(problem: BaseException) -> str | None:
    """That there is no room on the disk, or not enough memory, and what to do about it; None for any other problem.

    PyTorch has no exception of its own for memory of the CPU: there it is a RuntimeError with the system's words in it. Nor has Arrow
    for threads.
    """
    if isinstance(problem, OSError) and problem.errno in NO_ROOM:
        where = f": {problem.filename}" if problem.filename else ""
        return one_line(
            f"nothing can be written ({problem.strerror or problem}{where}); mend that and call again: what is finished is kept"
        )
    if isinstance(problem, BrokenExecutor):
        return f"a process that helped was ended from outside, as systems do when memory runs out: {LESS}"
    if _is_out_of_memory(problem):
        words = next(iter(str(problem).splitlines()), "")
        return f"not enough memory{f' ({one_line(words, 100)})' if words else ''}: {LESS}"
    return None


def _is_out_of_memory(problem: BaseException) -> bool:
    if isinstance(problem, MemoryError) or (isinstance(problem, OSError) and problem.errno == errno.ENOMEM):
        return True
    told = type(problem).__name__ == "OutOfMemoryError" or any(words in str(problem) for words in OUT_OF_MEMORY)
    by_words_alone = isinstance(problem, RuntimeError) or type(problem).__module__ == "pyarrow.lib"
    return by_words_alone and told


def cause(problem: BaseException) -> str:
    """Why a job failed, for its status: the shortage, else the first line of what was raised, else its name."""
    return shortage(problem) or next(iter(str(problem).splitlines()), "") or type(problem).__name__
