"""The house of core: its wings, the arrows between them, and what each shows of itself. The order stands in pyproject.toml."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
FILES = sorted(CORE.rglob("*.py"))
ROOMS = sorted(init.parent for init in CORE.rglob("*/__init__.py"))  # wings, and rooms within them
WINGS = sorted(room.name for room in ROOMS if room.parent == CORE)
OUTSIDE = [*FILES, *sorted((ROOT / "dashboard").rglob("*.py"))]


@functools.cache
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


@functools.cache
def exported(room: Path) -> list[str]:
    """What the `__all__` of a folder names, read without running it."""
    for node in ast.parse((room / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def sentence(room: Path) -> str:
    """The first sentence of a folder's docstring: what belongs there."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=[.?!])\s", text)[0]


def test_the_walk_sees_imports_of_every_form(tmp_path: Path) -> None:
    code = "import streamlit as st\ndef f():\n    from core import jobs\n    from plotly.express import bar\n"
    (tmp_path / "x.py").write_text(code)
    assert from_packages(tmp_path / "x.py", "streamlit", "plotly", "core.jobs") == {
        "streamlit", "plotly.express", "plotly.express.bar", "core.jobs",
    }  # fmt: skip
    assert len(FILES) > 30


# --- the order of the wings


def arrows(root: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the `core` in a folder, by the order in the pyproject.toml beside it."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    return subprocess.run([*command, "--no-cache", "--no-logo"], cwd=root, capture_output=True, text=True, timeout=120)


def test_arrows_between_the_wings_run_down_only() -> None:
    said = arrows(ROOT)
    assert said.returncode == 0, said.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Core and its order, to be broken."""
    shutil.copytree(CORE, tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


OFFENCES = [
    ("robust/que.py", "from core.runs import RunFolder", "core.robust.que -> core.runs"),
    ("robust/filter.py", "if torch.is_tensor:\n    from core.defenses import Spectre", "core.robust.filter -> core.defenses"),
    ("runs/folder.py", "def f():\n    from core.experiment import RunConfig", "core.runs.folder -> core.experiment"),
    ("foundation/files.py", "import core.robust.que", "core.foundation.files -> core.robust.que"),
    ("attacks/patch.py", "from core.models import weights", "core.attacks.patch -> core.models.weights"),
    ("audit/verdict.py", "from core.training import train", "core.audit.verdict -> core.training"),
    ("studies/store.py", "from core.jobs import start", "core.studies.store -> core.jobs"),
    ("experiment/cost.py", "from core.cli import run_tables", "core.experiment.cost -> core.cli.run_tables"),
]  # fmt: skip


def test_every_arrow_that_runs_up_or_aside_is_named(copy: Path) -> None:
    """All at once: a look at the whole house takes seconds, however many offences it finds."""
    assert arrows(copy).returncode == 0
    for file, line, _ in OFFENCES:
        with (copy / "core" / file).open("a", encoding="utf-8") as code:
            code.write(f"\n{line}\n")
    said = arrows(copy)
    assert said.returncode == 1
    assert [offence for *_, offence in OFFENCES if offence not in said.stdout] == []


def test_a_new_wing_needs_a_place_in_the_order(copy: Path) -> None:
    (copy / "core" / "attic").mkdir()
    (copy / "core" / "attic" / "__init__.py").write_text('"""What has no place."""\n')
    said = arrows(copy)
    assert said.returncode == 1
    assert "attic" in said.stdout


# --- what a wing is, and what it shows


def test_core_has_wings_and_no_loose_rooms() -> None:
    assert {path.name for path in CORE.glob("*.py")} == {"__init__.py", "__main__.py"}
    folders = {path.name for path in CORE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(WINGS)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(CORE)))
def test_a_room_says_what_belongs_there_and_exports_what_it_has(room: Path) -> None:
    assert sentence(room).endswith((".", "?")), f"{room.name} does not say in a sentence what belongs there"
    names = exported(room)
    assert names, f"{room.name} exports nothing"
    assert len(set(names)) == len(names)
    package = ".".join(room.relative_to(ROOT).parts)
    for name in names:
        there = (room / f"{name}.py").is_file() or (room / name / "__init__.py").is_file()
        assert there or hasattr(importlib.import_module(package), name), f"{package} has no {name}"


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda f: str(f.relative_to(ROOT)))
def test_others_import_what_a_wing_exports(file: Path) -> None:
    """From the wing itself, or from a module that its `__all__` names; how a wing is cut inside is its own affair."""
    own = file.relative_to(CORE).parts[0] if file.is_relative_to(CORE) else ""
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "core" or len(parts) < 3 or parts[1] == own:
            continue
        assert parts[2] in exported(CORE / parts[1]), f"core.{parts[1]} does not export {'.'.join(parts[2:])}"


def test_contributing_lists_the_wings_with_their_sentences_from_the_top() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.findall(r"^  (\w+)/ +(.+)$", text[text.index("core/ ") : text.index("dashboard/ ")], re.MULTILINE)
    assert dict(listed) == {wing: sentence(CORE / wing) for wing in WINGS}
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    order = [wing.strip() for line in contract["layers"] for wing in line.split("|")]
    assert [wing for wing, _ in listed] == order


# --- the science, the mathematics, the truth


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_science_knows_no_screens(file: Path) -> None:
    assert not from_packages(file, "streamlit", "plotly", "dashboard", "tests")


@pytest.mark.parametrize("file", sorted((CORE / "robust").glob("*.py")), ids=lambda f: f.name)
def test_the_mathematics_knows_nothing_but_itself(file: Path) -> None:
    assert from_packages(file, "core") == from_packages(file, "core.robust")


@pytest.mark.parametrize("file", sorted((CORE / "defenses").glob("*.py")), ids=lambda f: f.name)
def test_defenses_cannot_look_up_the_truth(file: Path) -> None:
    """Neither poisons nor images reach them; the wings that hold the truth lie beside or above, which the order sees to."""
    assert not from_packages(file, "core.foundation.images")


# --- what is loaded with what


def run_python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)


BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"typer", "rich", "streamlit", "plotly", "umap"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
"""


def test_the_science_can_be_imported_without_the_screens_libraries_and_what_most_runs_never_need() -> None:
    """Torchvision takes seconds, and few runs build a network of it or fetch a set by it."""
    below = ", ".join(f"core.{wing}" for wing in WINGS if wing != "cli")
    done = run_python(f"""{BLOCKER}
import core.datasets, core.training, core.models
print([name for name in ("torchvision", "pytorch_optimizer") if name in sys.modules])
import {below}, core.audit.scanning, core.challenges.make
print("good")
""")
    assert done.stdout == "[]\ngood\n", done.stderr


def test_the_blocker_blocks() -> None:
    done = run_python(BLOCKER + "import core.cli")
    assert done.returncode == 1
    assert "is blocked" in done.stderr


def test_help_answers_before_anything_heavy_is_loaded() -> None:
    heavy = ("numpy", "pandas", "scipy", "sklearn", "torch", "filelock")
    done = run_python(f"import sys, core.cli\nprint([name for name in {heavy} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_a_filter_loads_of_scikit_learn_what_it_needs() -> None:
    """Clusters, mixtures and covariances of scikit-learn are of other defenses, and take as long again as what all need."""
    done = run_python(
        "import sys, core.audit.filtering\n"
        "print([name for name in ('cluster', 'covariance', 'metrics', 'mixture') if f'sklearn.{name}' in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_scan_waits_for_none_of_what_only_other_commands_need() -> None:
    done = run_python(
        "import sys, core.audit.scanning\n"
        "print([name for name in ('sklearn', 'pandas', 'scipy.stats', 'torchvision') if name in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_reading_results_does_not_load_torch() -> None:
    """The dashboard opens on finished runs in a moment, and a page that lists runs also cancels and goes on with them."""
    names = [
        "core.runs",
        "core.jobs",
        "core.challenges",
        "core.cli.run_tables",
        "dashboard.runs.details",
        "dashboard.runs.live",
    ]
    names += [f"core.studies.{module}" for module in ("intervals", "overlap", "series", "store")]
    code = "import sys, importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n    print(name, 'torch' in sys.modules)"
    done = run_python(code, *names)
    assert done.stdout.split() == [word for name in names for word in (name, "False")], done.stderr
