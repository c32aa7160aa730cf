"""What is slow to make and may be looked at again, kept in memory for all visitors: images, estimates, exact pictures.

Streamlit's own cache cannot be used where the making shows its progress on the page.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

import streamlit as st


class Shelf:
    """The `room` things of each kind that were used last."""

    def __init__(self, room: int) -> None:
        self._room, self._lock = room, Lock()
        self._kinds: dict[str, OrderedDict[str, Any]] = {}

    def find(self, kind: str, key: str) -> Any | None:
        with self._lock:
            there = self._kinds.setdefault(kind, OrderedDict())
            if key in there:
                there.move_to_end(key)
            return there.get(key)

    def keep(self, kind: str, key: str, thing: Any) -> Any:
        with self._lock:
            there = self._kinds.setdefault(kind, OrderedDict())
            there[key] = thing
            there.move_to_end(key)
            while len(there) > self._room:
                there.popitem(last=False)
        return thing

    def make(self, kind: str, key: str, build: Callable[[], Any]) -> Any:
        """What is there, or what `build` makes now."""
        found = self.find(kind, key)
        return self.keep(kind, key, build()) if found is None else found


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    return Shelf(3)


def key_of(*parts: Any) -> str:
    """A key that is equal where all the JSON values are."""
    return json.dumps(parts, sort_keys=True)
