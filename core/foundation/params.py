"""Typed parameters of catalogue entries: one declaration makes the check, the command-line option and the widget.

A data set, attack, model or defense is a frozen dataclass; each field made with `param` carries its limits and help:

    @dataclass(frozen=True)
    class Patch(Attack):
        size: int = param(3, "Side of the square", unit="pixels", low=1, high=32)

`describe(Patch)` lists them, `build(Patch, {"size": "5"})` parses, checks and makes one.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.foundation.errors import InputError

_KEY = "spectre_lens"


@dataclass(frozen=True)
class Param:
    """One parameter as the dashboard and the command line see it."""

    name: str
    type: type
    default: Any
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    kind: str = ""  # "colour": a name or #rrggbb; "image": the path of a picture; else plain
    when: tuple[str, tuple[str, ...]] | None = None  # (other parameter, its choices) with which this one matters
    optional: bool = False

    def matters(self, values: Mapping[str, Any]) -> bool:
        """Whether this parameter does anything beside the values of those declared before it."""
        return self.when is None or values.get(self.when[0]) in self.when[1]

    @property
    def label(self) -> str:
        """The name as a person reads it, with its unit."""
        words = self.name.replace("_", " ").capitalize()
        return f"{words} ({self.unit})" if self.unit else words


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    choices: Sequence[str] = (),
    kind: str = "",
    when: tuple[str, tuple[str, ...]] | None = None,
) -> Any:
    """A dataclass field with limits and help. Use in place of a bare default.

    when: another parameter, declared before, and its choices with which this one does anything; a form leaves it out
    with the others.
    """
    info: dict[str, Any] = {
        "help": help,
        "unit": unit,
        "low": low,
        "high": high,
        "step": step,
        "choices": tuple(choices),
    }
    info |= {"kind": kind, "when": when}
    return field(default=default, metadata={_KEY: info})


def describe(cls: type) -> list[Param]:
    """The parameters of a catalogue entry, in the order in which they are declared."""
    hints = get_type_hints(cls)
    described = []
    for item in fields(cls):
        if _KEY not in item.metadata:
            continue
        kind, optional = _plain_type(hints[item.name])
        default = None if item.default is MISSING else item.default
        described.append(Param(item.name, kind, default, optional=optional, **item.metadata[_KEY]))
    return described


def fields_without_param(cls: type) -> list[str]:
    """The fields of a catalogue entry that `param` did not make: nobody could set them."""
    return [item.name for item in fields(cls) if _KEY not in item.metadata]


def build(cls: type, values: Mapping[str, Any] | None = None, *, what: str = "") -> Any:
    """Make a catalogue entry from plain values (strings as typed, or JSON), all checked.

    what: the name used in messages ("attack patch"). Raises InputError that names the parameter and its limits.
    """
    what = what or cls.__name__
    known = {p.name: p for p in describe(cls)}
    checked = {}
    for name, value in (values or {}).items():
        if name not in known:
            options = ", ".join(known) or "none"
            raise InputError(f"{what} has no parameter '{name}'; it has: {options}")
        checked[name] = _check(known[name], value, what)
    return cls(**checked)


def check_used(group: str, params: Sequence[Param], values: Mapping[str, Any]) -> None:
    """Raise InputError for a value of `values`, all of those of the group's params, that would do nothing beside the others."""
    for p in params:
        if p.when and not p.matters(values) and values[p.name] != p.default:
            other, choices = p.when
            raise InputError(
                f"{group}.{p.name} does nothing with {group}.{other} = {values[other]}; "
                f"set {group}.{other} to {' or '.join(repr(choice) for choice in choices)}, or leave it out"
            )


def values_of(entry: Any) -> dict[str, Any]:
    """The parameters of a made entry as plain JSON values, the inverse of `build`."""
    return {p.name: getattr(entry, p.name) for p in describe(type(entry))}


def _plain_type(hint: Any) -> tuple[type, bool]:
    """`int | None` -> (int, True)."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [a for a in get_args(hint) if a is not type(None)]
        return inner[0], True
    return hint, False


def _check(p: Param, value: Any, what: str) -> Any:
    if value is None or (p.optional and value in ("", "none")):
        if p.optional:
            return None
        raise InputError(f"{what}: {p.name} needs a value")
    parsed = _parse(p, value, what)
    if p.choices and parsed not in p.choices:
        raise InputError(f"{what}: {p.name} = {parsed} is not one of {', '.join(p.choices)}")
    if (p.low is not None and parsed < p.low) or (p.high is not None and parsed > p.high):
        limits = f"between {p.low} and {p.high}" if None not in (p.low, p.high) else _one_sided(p)
        raise InputError(f"{what}: {p.name} = {parsed} must be {limits}")
    return parsed


def _one_sided(p: Param) -> str:
    return f"at least {p.low}" if p.low is not None else f"at most {p.high}"


def _parse(p: Param, value: Any, what: str) -> Any:
    if p.type is bool:
        text = str(value).lower()
        if text in ("true", "yes", "1", "on"):
            return True
        if text in ("false", "no", "0", "off"):
            return False
        raise InputError(f"{what}: {p.name} = {value} is not true or false")
    try:
        parsed = p.type(value)
    except (TypeError, ValueError, OverflowError):
        kind = {"int": "a whole number", "float": "a number"}.get(p.type.__name__, f"a {p.type.__name__}")
        raise InputError(f"{what}: {p.name} = {value} is not {kind}") from None
    if p.type is int and isinstance(value, float) and parsed != value:
        raise InputError(f"{what}: {p.name} = {value} is not a whole number")
    if p.type is float and parsed != parsed:
        raise InputError(f"{what}: {p.name} is not a number")
    return parsed
