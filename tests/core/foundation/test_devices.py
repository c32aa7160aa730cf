from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.foundation import devices
from core.foundation.errors import InputError


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_cpu_is_always_there() -> None:
    assert devices.resolve("cpu") == torch.device("cpu")
    assert devices.resolve("auto").type in devices.CHOICES


@pytest.mark.parametrize("name", ["abacus", "", "cpu:x", "CPU"])
def test_what_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        devices.resolve(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "mps:0"])
def test_a_missing_gpu_is_named_with_the_mend(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    kind = "CUDA device" if "cuda" in name else "Apple GPU"
    with pytest.raises(InputError, match=f"no {kind} is available here; use device auto or cpu"):
        devices.resolve(name)
    assert devices.resolve("auto") == torch.device("cpu")


def test_apple_gpus_leave_the_linear_algebra_to_the_cpu() -> None:
    assert devices.for_linear_algebra(torch.device("mps")) == torch.device("cpu")
    assert devices.for_linear_algebra(torch.device("cuda")) == torch.device("cuda")


@pytest.mark.parametrize(
    ("asked", "variable", "expected"), [(2, "1", 2), (None, "3", 3), (None, "2,1", 2), (None, "many", None)]
)
def test_threads_are_what_was_asked_for_then_the_variable_then_the_cores(
    asked: int | None, variable: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`2,1` is how OpenMP writes nested levels: the first is meant."""
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert devices.use_threads(asked) == (expected or max(1, devices.available_cores() - 1))
    assert torch.get_num_threads() == (expected or max(1, devices.available_cores() - 1))


def test_without_a_wish_one_core_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(devices, "available_cores", lambda: 3)
    assert devices.use_threads() == 2
    monkeypatch.setattr(devices, "available_cores", lambda: 1)
    assert devices.use_threads() == 1
