"""What a machine runs out of is told in one line; any other problem is not mistaken for it."""

import errno
import re
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pyarrow as pa
import pytest
import torch

from core.foundation.shortage import cause, shortage


def raised(do) -> BaseException:
    with pytest.raises(BaseException) as found:  # noqa: PT011 - which one it is, is what is asked
        do()
    return found.value


@pytest.mark.parametrize(
    "problem",
    [
        raised(lambda: torch.empty(2**60)),
        raised(lambda: np.empty(2**60, np.uint8)),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        pa.lib.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
        pa.ArrowMemoryError("malloc of size 64 failed"),
    ],
    ids=["torch", "numpy", "cuda", "system", "thread", "thread of Arrow", "Arrow"],
)
def test_memory(problem):
    told = shortage(problem)
    assert re.fullmatch(r"not enough memory \(.{1,110}\): fewer workers, .*", told)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_disk(number):
    told = shortage(OSError(number, "the system's words", "a/model.safetensors"))
    assert told.startswith("nothing can be written (the system's words: a/model.safetensors)")


def test_a_worker_that_was_ended():
    assert "ended from outside" in shortage(BrokenProcessPool("A process in the process pool was terminated abruptly"))


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (ValueError("not enough memory of the past"), "not enough memory of the past"),
        (RuntimeError("mat1 and mat2 shapes\ncannot be multiplied"), "mat1 and mat2 shapes"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), "[Errno 2] No such file: 'x'"),
        (KeyError(), "KeyError"),
    ],
)
def test_any_other_problem_is_told_as_it_is(problem, why):
    assert shortage(problem) is None
    assert cause(problem) == why
