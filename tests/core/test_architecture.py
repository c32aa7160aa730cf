"""The arrows between the packages run one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
FILES = sorted(CORE.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """The dotted names of all modules that a file imports, at its head or inside its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides where the arrow points"
            module = node.module or ""
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def from_packages(file: Path, *packages: str) -> set[str]:
    return {name for name in imports(file) if any(name == p or name.startswith(f"{p}.") for p in packages)}


def test_the_walk_sees_imports_of_every_form(tmp_path: Path) -> None:
    code = "import streamlit as st\ndef f():\n    from core import jobs\n    from plotly.express import bar\n"
    (tmp_path / "x.py").write_text(code)
    assert from_packages(tmp_path / "x.py", "streamlit", "plotly", "core.jobs.background") == {
        "streamlit", "plotly.express", "plotly.express.bar", "core.jobs.background",
    }  # fmt: skip
    assert len(FILES) > 30


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_science_knows_no_screens(file: Path) -> None:
    assert not from_packages(file, "streamlit", "plotly", "dashboard", "tests")


@pytest.mark.parametrize("file", sorted((CORE / "robust").glob("*.py")), ids=lambda f: f.name)
def test_the_mathematics_knows_nothing_but_itself(file: Path) -> None:
    assert from_packages(file, "core") == from_packages(file, "core.robust")


@pytest.mark.parametrize("package", ["datasets", "attacks", "models"])
def test_data_attacks_and_models_know_nothing_of_each_other(package: str) -> None:
    others = {"datasets", "attacks", "models"} - {package}
    for file in sorted((CORE / package).glob("*.py")):
        assert not from_packages(file, *(f"core.{other}" for other in others)), file
        assert not from_packages(
            file, "core.defenses", "core.robust", "core.experiment.pipeline", "core.runs.folder"
        ), file


@pytest.mark.parametrize("package", ["defenses", "robust"])
def test_defenses_cannot_look_up_the_truth(package: str) -> None:
    sources = (
        "core.attacks",
        "core.datasets",
        "core.foundation.images",
        "core.experiment.metrics",
        "core.runs.outcomes",
        "core.experiment.pipeline",
        "core.runs.folder",
    )
    for file in sorted((CORE / package).glob("*.py")):
        assert not from_packages(file, *sources), file


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"typer", "rich", "streamlit", "plotly", "umap"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
"""


def test_the_science_can_be_imported_without_the_screens_libraries() -> None:
    done = run_python(
        BLOCKER + "import core.robust, core.defenses, core.experiment.pipeline, core.jobs.background; print('good')"
    )
    assert done.stdout == "good\n", done.stderr


def test_the_blocker_blocks() -> None:
    done = run_python(BLOCKER + "import core.cli")
    assert done.returncode == 1
    assert "is blocked" in done.stderr


def test_reading_results_does_not_load_torch() -> None:
    """The dashboard opens on finished runs in a moment; torch alone takes seconds."""
    done = run_python("import sys, core.runs.folder, core.runs.outcomes; print('torch' in sys.modules)")
    assert done.stdout == "False\n", done.stderr
