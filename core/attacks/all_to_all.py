"""The all-to-all attack of BadNets: with the patch, every class is taken for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.attacks.patch import Patch


@dataclass(frozen=True)
class AllToAll(Patch):
    """The patch on images of every class, each labelled one class further. Any other attack can be labelled so too."""

    key: ClassVar[str] = "all-to-all"
    title: ClassVar[str] = "All-to-all patch"
    summary: ClassVar[str] = "A patch that moves every class to the next one, so every class holds some of the poison."
    citation: ClassVar[str] = "Gu, Dolan-Gavitt, Garg. BadNets. 2017."
    poisoning: ClassVar[Mapping[str, float | str]] = {"labels": "all-to-all"}
    any_source: ClassVar[bool] = True
