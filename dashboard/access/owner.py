"""What the owner of a server has set, read from SPECTRE_LENS_* (docs/serving.md has the table). No Streamlit here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.foundation.errors import InputError

SIZE = re.compile(r"(\d{1,6}(?:\.\d+)?) ?(MB|GB|TB)", re.IGNORECASE)
UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Settings:
    """The defaults are those of a server that nobody has set anything for."""

    served: bool | None = None  # None: unless the address is that of this machine alone
    training: bool = True
    jobs: int = 2  # of a visitor, waiting or at work
    uploads: int = 10**9  # bytes of a visitor
    disk: int = 5 * 10**9  # bytes of a visitor's runs and audits
    owners: frozenset[str] = frozenset()  # as the login, or the proxy, names them
    header: str = ""  # in which a proxy says who is there
    folders: tuple[Path, ...] = ()  # below which visitors may name a path

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises InputError, naming the variable, for a value that is none: what was meant to limit must not be passed over."""
        given = {name: environment.get(f"SPECTRE_LENS_{name}", "").strip() for name in NAMES}
        return cls(
            served=_switch("SERVED", given["SERVED"], cls.served),
            training=bool(_switch("TRAINING", given["TRAINING"], cls.training)),
            jobs=_count("VISITOR_JOBS", given["VISITOR_JOBS"], cls.jobs),
            uploads=_size("VISITOR_UPLOADS", given["VISITOR_UPLOADS"], cls.uploads),
            disk=_size("VISITOR_DISK", given["VISITOR_DISK"], cls.disk),
            owners=frozenset(part.strip().lower() for part in given["OWNERS"].split(",") if part.strip()),
            header=given["USER_HEADER"],
            folders=tuple(Path(part).expanduser().resolve() for part in given["FOLDERS"].split(os.pathsep) if part),
        )


NAMES = (
    "SERVED", "TRAINING", "VISITOR_JOBS", "VISITOR_UPLOADS", "VISITOR_DISK", "OWNERS", "USER_HEADER", "FOLDERS",
)  # fmt: skip


def _switch(name: str, text: str, default: bool | None) -> bool | None:
    if not text:
        return default
    if text.lower() not in ("on", "off"):
        raise InputError(f"SPECTRE_LENS_{name} is '{text}'; it can be on or off")
    return text.lower() == "on"


def _count(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise InputError(f"SPECTRE_LENS_{name} is '{text}'; give a number such as 2")
    return int(text)


def _size(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not (found := SIZE.fullmatch(text)):
        raise InputError(f"SPECTRE_LENS_{name} is '{text}'; give a size such as 500 MB or 2 GB")
    return int(float(found[1]) * UNITS[found[2].upper()])
