"""One audit on disk: from somebody's file to the findings, the decisions, and what is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cases.folder import CaseFolder, Cases

if TYPE_CHECKING:
    from core.cases.config import CaseConfig
    from core.cases.pipeline import execute

__all__ = ["CaseConfig", "CaseFolder", "Cases", "execute", "reporting"]

_LATER = {
    "CaseConfig": "core.cases.config",
    "execute": "core.cases.pipeline",
}  # bring torch, which a page that shows needs not


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
