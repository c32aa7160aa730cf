"""Look-up tables of things that can be chosen by name, shared by data sets, attacks, models and defenses."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from core.foundation.errors import InputError
from core.foundation.params import build, describe, fields_without_param

T = TypeVar("T")
KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SAID = ("key", "title", "summary", "citation")  # where the base class asks for them
TYPES = (bool, int, float, str)  # of parameters: what has a widget and an option


class Catalogue(Mapping[str, type[T]], Generic[T]):
    """Classes by their `key`, in the order in which they are offered to a user."""

    def __init__(self, what: str, *entries: type[T]) -> None:
        """Raises InputError for an entry that cannot be offered: it says what its author has to mend."""
        self.what = what
        self._entries: dict[str, type[T]] = {}
        titles: dict[str, str] = {}
        for entry in entries:
            if fault := _fault(entry):
                raise InputError(f"{what} {entry.__name__}: {fault}")
            key: str = entry.key  # type: ignore[attr-defined]
            title = getattr(entry, "title", key)
            if other := self._entries.get(key):
                raise InputError(f"{what} {entry.__name__}: {other.__name__} has the key '{key}'; choose another")
            if title in titles:
                raise InputError(f"{what} {entry.__name__}: {titles[title]} has the title '{title}'; choose another")
            self._entries[key], titles[title] = entry, entry.__name__

    def __getitem__(self, key: str) -> type[T]:
        if key not in self._entries:
            raise InputError(f"unknown {self.what} '{key}'; choose from: {', '.join(self._entries)}")
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def make(self, key: str, values: Mapping[str, Any] | None = None) -> T:
        """One entry with its parameters, checked. Raises InputError for an unknown name or a bad value."""
        return build(self[key], values, what=f"{self.what} {key}")


def _fault(entry: type) -> str:
    """What keeps a class from being offered; empty for nothing."""
    if "__dataclass_fields__" not in vars(entry):
        return "it is no dataclass of its own; put @dataclass(frozen=True) above it"
    if missing := sorted(getattr(entry, "__abstractmethods__", ())):
        return f"it does not say its {' and '.join(missing)}; write what its base class describes"
    asked = {name for one in inspect.getmro(entry) for name in inspect.get_annotations(one)}
    for name in SAID:
        if name in asked and not (isinstance(value := getattr(entry, name, None), str) and value.strip()):
            return f'it has no {name}; write {name}: ClassVar[str] = "..."'
    key: str = entry.key  # type: ignore[attr-defined]
    if not KEY.fullmatch(key):
        return f"its key '{key}' is no name for a command; use small letters, digits and single hyphens"
    if bare := fields_without_param(entry):
        return f'{bare[0]} is no parameter; write it as {bare[0]}: int = param(2, "What it is")'
    if odd := [one.name for one in describe(entry) if one.type not in TYPES]:
        return f"{odd[0]} must be a bool, an int, a float or a str, or one of them or None"
    return ""
