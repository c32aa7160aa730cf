"""What CONTRIBUTING.md says of a new attack is done, to the letter, in a copy of the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.makers import coloured, write_folder

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_THE_LAB = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("dashboard/screens/lab.py", default_timeout=120).run()
assert not app.exception, app.exception
attack = next(box for box in app.selectbox if box.label == "Attack")
assert "Stripe" in attack.options, attack.options
attack.set_value("stripe").run()
assert not app.exception, app.exception
row = next(box for box in app.number_input if box.label == "Row (pixels)")
assert (row.value, row.min, row.max) == (2, 0, 255), row
row.set_value(5).run()
assert not app.exception, app.exception
said = " ".join(str(piece.value) for piece in [*app.markdown, *app.caption])
assert "One bright row of pixels. You. Bright rows. 2026." in said, said
assert "a bright line in row 5" in said, said
print("seen in the Lab")
"""


def blocks(language: str) -> list[str]:
    return [code for name, code in FENCED.findall(TEXT) if name == language]


def changed(text: str, diff: str) -> str:
    """A text with one hunk applied. The lines that stay must stand in it, once."""
    before = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in " -")
    after = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in " +")
    assert text.count(before) == 1, f"CONTRIBUTING.md names lines that are not there:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with the file and the two lines that CONTRIBUTING.md tells to add, and nothing else."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("core", "dashboard", "assets"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (example,) = (code for code in blocks("python") if code.startswith("# core/attacks/"))
    file = root / example.splitlines()[0].removeprefix("# ")
    if file.exists():
        pytest.skip("the example is in the program already")
    file.write_text(example, encoding="utf-8")
    catalogue = root / "core" / "attacks" / "__init__.py"
    text = catalogue.read_text(encoding="utf-8")
    for diff in blocks("diff"):
        text = changed(text, diff)
    catalogue.write_text(text, encoding="utf-8")
    return root


def python(root: Path, *words: object) -> str:
    """What a Python started in the copy prints."""
    environment = {
        **os.environ, "PYTHONPATH": str(root), "COLUMNS": "200",
        "SPECTRE_LENS_CACHE": str(root / "cache"), "SPECTRE_LENS_RUNS": str(root / "runs"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=root, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_more_than_a_file_and_two_lines_is_needed(copy: Path) -> None:
    files = {path.relative_to(copy) for path in (copy / "core").rglob("*.py")}
    assert files - {path.relative_to(ROOT) for path in (ROOT / "core").rglob("*.py")} == {
        Path("core/attacks/stripe.py")
    }
    old = (ROOT / "core" / "attacks" / "__init__.py").read_text(encoding="utf-8").splitlines()
    new = (copy / "core" / "attacks" / "__init__.py").read_text(encoding="utf-8").splitlines()
    assert len(new) == len(old) + 2
    assert set(old) < set(new)


@pytest.mark.slow
def test_the_command_line_offers_it_with_its_parameter(copy: Path) -> None:
    listed = python(copy, "-m", "core", "options", "attack")
    section = listed[listed.index("attack: stripe - One bright row of pixels.") :]
    assert re.search(r"attack\.row.*2.*Which row, from the top \(pixels\); 0 \.\. 255", section)


@pytest.mark.slow
def test_the_command_of_the_page_runs_and_poisons_as_the_example_says(copy: Path, tmp_path: Path) -> None:
    (command,) = re.findall(r"`python (-m core run --attack stripe .*?)`", TEXT)
    pictures = write_folder(tmp_path / "pictures", coloured(20, classes=3))
    tiny = [
        "--dataset", "folder", "--set", f"dataset.path={pictures}", "--set", "dataset.size=16",
        "--poisons", 4, "--source", 0, "--target", 1, "--device", "cpu", "--no-retrain",
        "--set", "training.epochs=1", "--set", "training.batch_size=16", "--set", "model.width=4",
        "--runs-dir", tmp_path / "runs",
    ]  # fmt: skip
    python(copy, *command.split(), *tiny)
    (run,) = (tmp_path / "runs").glob("folder-stripe-4-*")
    with np.load(run / "examples.npz") as examples:
        clean, triggered = examples["clean"], examples["triggered"]
    assert (triggered[:, 5] == 255).all()
    rest = np.delete(np.arange(16), 5)
    np.testing.assert_array_equal(triggered[:, rest], clean[:, rest])


@pytest.mark.slow
def test_the_lab_offers_it_with_its_parameter_as_a_widget(copy: Path) -> None:
    assert python(copy, "-c", IN_THE_LAB).endswith("seen in the Lab\n")


def test_what_the_page_says_of_the_base_class_is_there() -> None:
    from core.attacks import Attack

    section = TEXT[TEXT.index("More is there for attacks") : TEXT.index("## Manners")]
    names = re.findall(r"^- `(\w+)`", section, re.MULTILINE) + ["any_source", "needs"]
    assert {"poisoning", "stamp_faintly", "cover", "prepare"} <= set(names)
    for name in names:
        assert hasattr(Attack, name), name
