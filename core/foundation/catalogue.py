"""Look-up tables of things that can be chosen by name, shared by data sets, attacks, models and defenses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from core.foundation.errors import InputError
from core.foundation.params import build

T = TypeVar("T")


class Catalogue(Mapping[str, type[T]], Generic[T]):
    """Classes by their `key`, in the order in which they are offered to a user."""

    def __init__(self, what: str, *entries: type[T]) -> None:
        self.what = what
        self._entries: dict[str, type[T]] = {entry.key: entry for entry in entries}  # type: ignore[attr-defined]

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
