"""Where to compute: device, threads and precision."""

from __future__ import annotations

import os
import platform
import re

import torch

from core.foundation.errors import InputError

CHOICES = ("auto", "cpu", "cuda", "mps")
_threads = {"given": True}  # a program that never calls `use_threads` has its own idea of them


def resolve(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, then MPS, then the CPU. Raises InputError if it is not there."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|(cuda|mps)(:[0-9]+)?", name):
        raise InputError(f"device '{name}' is not one of {', '.join(CHOICES)}")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("no CUDA device is available here; use device auto or cpu")
    if name.startswith("mps") and not torch.backends.mps.is_available():
        raise InputError("no Apple GPU is available here; use device auto or cpu")
    return torch.device(name)


def for_linear_algebra(device: torch.device) -> torch.device:
    """The robust statistics need float64, which Apple GPUs do not have: those fall back to the CPU."""
    return torch.device("cpu") if device.type == "mps" else device


def describe(device: torch.device) -> str:
    """The device in words, for result pages: its name and how many threads or which GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"{_cpu_name()}, {threads} thread{'s' if threads > 1 else ''}"


def use_threads(count: int | None = None) -> int:
    """Set torch's CPU threads: `count`, else OMP_NUM_THREADS, else cores - 1 (spinning on all of a shared machine's
    cores makes it many times slower). Returns the number set."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2" sets nested levels
    _threads["given"] = bool(count or re.fullmatch("[0-9]+", asked))
    wanted = count or (int(asked) if re.fullmatch("[0-9]+", asked) else 0) or max(1, available_cores() - 1)
    torch.set_num_threads(wanted)
    return wanted


def threads_given() -> bool:
    """Whether somebody has said how many threads to use, by an option or by OMP_NUM_THREADS."""
    return _threads["given"]


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        return os.cpu_count() or 1


def training_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it faster than float32, float32 elsewhere."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bf16() -> bool:
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"
