"""One audit, described completely: what `config.json` holds, and what the command line and the page make."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from core.audit.assumed import AUTO, assumed
from core.audit.readers import is_file
from core.audit.verdict import LEVEL
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.files import given_path
from core.foundation.seeds import LAST_SEED
from core.models import MODELS
from core.models.brought import needs_weights

ARCHITECTURE = "small"
PATHS = ("path", "images", "weights")


@dataclass(frozen=True)
class CaseConfig:
    """Everything needed to repeat an audit."""

    path: str  # of the images, or of a table of features
    labels: str = ""  # of features: a file, or a column; empty for what lies beside them
    kind: str = ""  # of images, see `data --as`; "features" for a table; empty to be told from what is there
    column: str = ""  # of features, where there are several
    images: str = ""  # of features: pictures of the same rows
    text: str = ""  # of features: a column of words to show for each row
    model: str = ""  # whose features of the images are looked at; empty: one is trained here
    weights: str = ""
    size: int | None = None  # side of the images that the model takes
    normalise: str = "auto"
    mean: str = ""
    std: str = ""
    flat: bool = False
    layers: tuple[str, ...] = ()  # empty: the suggested one; the first decides
    architecture: str = ARCHITECTURE  # of the model that is trained here
    epochs: int | None = None  # None: what the kind of images suggests
    poisons: str = AUTO
    label: str = ""  # a class to filter whatever the verdict
    level: float = LEVEL
    options: Mapping[str, Any] = field(default_factory=dict)  # of the data set, as `--set dataset.NAME=VALUE`
    seed: int = 0
    device: str = "auto"
    workers: int | None = None

    def checked(self) -> CaseConfig:
        """The same with absolute paths. Raises InputError where anything does not fit."""
        if not self.path:
            raise InputError("there is no path; give a folder of images, or a table of features")
        assumed(self.poisons)
        if not 0 < self.level < 1:
            raise InputError(f"level = {self.level:g} must lie between 0 and 1")
        if not 0 <= self.seed <= LAST_SEED:
            raise InputError(f"seed {self.seed} must lie between 0 and {LAST_SEED}")
        if self.epochs is not None and not 1 <= self.epochs <= 1000:
            raise InputError(f"{self.epochs} epochs must lie between 1 and 1000")
        if self.model and self.epochs is not None:
            raise InputError("a model of yours is not trained here; leave out --epochs, or the model")
        if self.model and not self.weights and needs_weights(self.model):
            raise InputError(
                f"{self.model} without weights is as it was initialised, and says nothing; give --weights FILE.safetensors"
            )
        theirs = self.weights or self.size or self.mean or self.std or self.flat or self.normalise != "auto"
        if not self.model and theirs:
            raise InputError(
                "weights, size, normalisation, statistics and --flat belong to a model of yours; name it with --model"
            )
        if self.model and self.architecture != ARCHITECTURE:
            raise InputError("a model of yours is not trained here; leave out --architecture, or the model")
        if self.model.startswith(("torchvision:", "timm:")) and not self.weights:
            raise InputError(
                f"{self.model} without weights is as it was initialised, and says nothing; give --weights FILE.safetensors"
            )
        if not self.model and self.architecture not in MODELS:
            raise InputError(f"there is no architecture '{self.architecture}'; choose from: {', '.join(MODELS)}")
        there = [] if self.model else MODELS.make(self.architecture, {}).layers()
        if not self.model and (unknown := [layer for layer in self.layers if layer not in there]):
            raise InputError(f"model {self.architecture} has no layer '{unknown[0]}'; choose from: {', '.join(there)}")
        devices.resolve(self.device)
        found: dict[str, Any] = {name: _absolute(getattr(self, name)) for name in PATHS}
        if self.labels and is_file(self.labels):
            found["labels"] = _absolute(self.labels)
        return replace(self, **found, layers=tuple(self.layers))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"layers": list(self.layers), "options": dict(self.options)}

    def command(self, out: str = "DIR") -> str:
        """The command line that makes this audit again."""
        words = ["python", "-m", "core", "audit", self.path, *([self.labels] if self.labels else [])]
        plain = CaseConfig(self.path)
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            if value != getattr(plain, name):
                words += [option] if value is True else [option, str(value)]
        for layer in self.layers:
            words += ["--layer", layer]
        for name, value in self.options.items():
            words += ["--set", f"dataset.{name}={value}"]
        return shlex.join([*words, "--out", out])


OPTIONS = {
    "kind": "--as", "column": "--column", "images": "--images", "text": "--text", "model": "--model",
    "weights": "--weights", "size": "--size", "normalise": "--normalise", "mean": "--mean", "std": "--std", "flat": "--flat",
    "architecture": "--architecture", "epochs": "--epochs", "poisons": "--poisons", "label": "--label", "level": "--level",
    "seed": "--seed", "device": "--device", "workers": "--workers",
}  # fmt: skip


def config_from(values: Mapping[str, Any]) -> CaseConfig:
    """What config.json holds. Raises InputError for what is none."""
    known = {one.name for one in fields(CaseConfig)}
    try:
        made = CaseConfig(**{name: _fitting(name, value) for name, value in values.items() if name in known})
        return replace(made, layers=tuple(made.layers), options=dict(made.options))
    except (TypeError, ValueError) as problem:
        raise InputError(f"config.json describes no audit ({problem})") from None


def _fitting(name: str, value: Any) -> Any:
    """The value of a field. Raises TypeError where it is of another kind than the field."""
    plain = "" if name == "path" else getattr(CaseConfig(""), name)
    kinds = {tuple: (list, tuple), float: (int, float), type(None): (int, type(None))}.get(type(plain), (type(plain),))
    fits = isinstance(value, kinds) and isinstance(value, bool) == isinstance(plain, bool)
    if not fits or (isinstance(plain, tuple) and not all(isinstance(one, str) for one in value)):
        raise TypeError(f"{name} = {value!r}")
    return value


def _absolute(path: str) -> str:
    return str(given_path(path).absolute()) if path else ""
