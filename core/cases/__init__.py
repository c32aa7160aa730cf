"""One audit on disk: from somebody's file to the findings, the decisions, and what is taken away.

folder, config        what an audit is on disk, and what describes it
archive, reading      what was brought, unpacked and read
pipeline, recipes     its stages, and how a model is trained for it
estimate              what it will cost
so_far                the classes that are looked at already, while others are not
space, class_view     where rows lie, and the pictures of a class, without PyTorch
views                 how these pictures are made
words                 what is said beside a finding
decisions             what people decide on findings and rows
takeaway, cleaned     the lists that go out, and the cleaned copy
agreement             what others say of the same rows
reporting, exporting  the report of an audit, and the audit itself to be looked at elsewhere
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cases.folder import CaseFolder, Cases

if TYPE_CHECKING:
    from core.cases.config import CaseConfig
    from core.cases.pipeline import execute

__all__ = [
    "CaseConfig",
    "CaseFolder",
    "Cases",
    "agreement",
    "archive",
    "class_view",
    "cleaned",
    "config",
    "decisions",
    "estimate",
    "execute",
    "exporting",
    "folder",
    "pipeline",
    "reading",
    "recipes",
    "reporting",
    "so_far",
    "space",
    "takeaway",
    "views",
    "words",
]  # fmt: skip

_LATER = {
    "CaseConfig": "core.cases.config",
    "execute": "core.cases.pipeline",
}  # bring torch, which a page that shows needs not


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
