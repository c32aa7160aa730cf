from __future__ import annotations

import os

# One thread: results do not depend on the machine, and the tests can share it. Read when torch is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tables are as wide as this. Read when the command line is first imported, so before any test.
os.environ["COLUMNS"] = "200"

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.experiment import RunConfig
from core.foundation.errors import Cancelled
from tests.makers import Outcome, coloured, write_folder

Cli = Callable[..., Outcome]
Parse = Callable[[str], RunConfig]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process: `cli("filter", path, "--poisons", 5)`."""
    from core.cli import main

    monkeypatch.delenv("SPECTRE_LENS_RUNS", raising=False)

    def call(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["spectre-lens", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return Outcome(int(stop.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def parse(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Parse:
    """The config that the command line makes of a command; nothing is loaded and nothing runs."""
    import core.experiment

    seen: list[RunConfig] = []

    def stop(config: RunConfig, split: object = None, report: object = None) -> None:
        seen.append(config)
        raise Cancelled

    monkeypatch.setattr(core.experiment, "stage", stop)

    def parsed(command: str) -> RunConfig:
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "core"]
        seen.clear()
        outcome = cli(*words[3:])
        assert outcome.status == 130, outcome.err
        return seen[0].resolved()

    return parsed


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of fifty 16x16 images in folders: enough for a run of a second."""
    return write_folder(tmp_path_factory.mktemp("pictures"), coloured(50, classes=3))
