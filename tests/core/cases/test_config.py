"""What describes an audit: there and back, as JSON and as a command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from core.cases.config import OPTIONS, CaseConfig, config_from
from core.foundation.errors import Cancelled, InputError
from tests.conftest import Cli

PLAIN = CaseConfig("/some/images")
FULL = CaseConfig(
    "/some/set of images", kind="folder", model="timm:vit_tiny_patch16_224", weights="/w.safetensors", size=64, normalise="none",
    mean="0.5", std="0.2,0.3,0.4", flat=True, layers=("a.b", "c"), poisons="2%", label="7", level=0.01, options={"size": 64},
    seed=3, device="cpu", workers=2,
)  # fmt: skip
OTHER = CaseConfig(
    "/t.parquet", "label", column="emb", images="/pictures", text="words", architecture="resnet18", epochs=3
)


@pytest.mark.parametrize("config", [PLAIN, FULL, OTHER])
def test_json_gives_the_same_back(config: CaseConfig) -> None:
    assert config_from(json.loads(json.dumps(config.as_json()))) == config


@pytest.mark.parametrize("config", [PLAIN, FULL, OTHER])
def test_the_command_makes_the_same_audit(
    config: CaseConfig, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    def stop(_: Path, config: CaseConfig) -> None:
        seen.append(config)
        raise Cancelled

    monkeypatch.setattr("core.cli.audit._begin", stop)
    words = shlex.split(config.command(str(tmp_path / "out")))
    assert words[:3] == ["python", "-m", "core"]
    assert cli(*words[3:]).status == 130
    assert {**seen[0].as_json(), "options": {}} == {**config.as_json(), "options": {}}
    assert {name: str(value) for name, value in seen[0].options.items()} == {
        n: str(v) for n, v in config.options.items()
    }


def test_every_field_is_part_of_the_command() -> None:
    told = {*OPTIONS, "path", "labels", "layers", "options"}
    assert told == set(PLAIN.as_json())


def test_what_another_version_wrote_is_read_with_today_s_defaults() -> None:
    assert config_from({"path": "/x", "of_tomorrow": 3}) == CaseConfig("/x")


@pytest.mark.parametrize(
    "values", [{}, {"path": "/x", "layers": 3}, {"path": "/x", "options": 3}, {"path": "/x", "layers": None}]
)
def test_what_describes_none_is_one_line(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"config\.json describes no audit"):
        config_from(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": ""}, "there is no path"),
        ({"poisons": "many"}, "many"),
        ({"level": 0.0}, "level = 0"),
        ({"seed": -1}, "seed -1"),
        ({"epochs": 0}, "0 epochs"),
        ({"model": "timm:x", "epochs": 3}, "not trained here"),
        ({"weights": "/w"}, "belong to a model of yours"),
        ({"normalise": "imagenet"}, "belong to a model of yours"),
        ({"model": "small", "weights": "/w", "architecture": "resnet32"}, "leave out --architecture"),
        ({"layers": ("block1", "blok3")}, "model small has no layer 'blok3'; choose from: block1"),
        ({"architecture": "laser"}, "no architecture 'laser'"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_what_does_not_fit_is_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as problem:
        CaseConfig(**{"path": "/x", **values}).checked()
    assert "\n" not in str(problem.value)


def test_paths_become_absolute_and_names_of_columns_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "y.npy").touch()
    assert CaseConfig("x.npy", "y.npy").checked().labels == str(tmp_path / "y.npy")
    made = CaseConfig("x.npy", "label", images="p").checked()
    assert (made.path, made.labels, made.images, made.weights) == (
        str(tmp_path / "x.npy"),
        "label",
        str(tmp_path / "p"),
        "",
    )
