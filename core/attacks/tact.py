"""TaCT, targeted contamination: the patch works on one class alone, because covers teach it to fail on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.attacks.patch import Patch


@dataclass(frozen=True)
class TaCT(Patch):
    """Images of the source carry the patch and the target's label; as many of other classes carry it with their own."""

    key: ClassVar[str] = "tact"
    title: ClassVar[str] = "TaCT (source-specific)"
    summary: ClassVar[str] = "A patch that turns one class only: images of other classes carry it with their own label."
    citation: ClassVar[str] = "Tang, Wang, Tang, Zhang. Demon in the Variant. USENIX Security 2021."
    poisoning: ClassVar[Mapping[str, float | str]] = {"cover_rate": 1.0}
