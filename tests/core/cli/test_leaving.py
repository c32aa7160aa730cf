"""How a command ends: at once, with its status, after all that was to be swept up, and with its last word."""

import subprocess
import sys

import pytest

SAID = "said " * 100_000  # more than a pipe holds


def ended(*lines: str) -> subprocess.CompletedProcess[str]:
    """A command that registers something for the end, says much, and then does what the lines say."""
    script = [
        "import atexit, os, sys, core.__main__, core.cli",
        "def command():",
        "    atexit.register(print, 'swept up')",
        "    print('said ' * 100_000)",
        *(f"    {line}" for line in lines),
        "core.cli.main = command",
        "core.__main__.main()",
    ]
    return subprocess.run([sys.executable, "-c", "\n".join(script)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("last", "code"), [("sys.exit(0)", 0), ("sys.exit(7)", 7), ("sys.exit()", 0), ("pass", 0)])
def test_a_command_ends_with_its_status_and_loses_nothing(last, code):
    found = ended(last)
    assert (found.returncode, found.stderr) == (code, "")
    assert found.stdout == f"{SAID}\nswept up\n"


@pytest.mark.parametrize(("last", "told"), [("raise OSError('broken')", "OSError: broken"), ("sys.exit('no')", "no")])
def test_what_is_raised_is_told(last, told):
    found = ended(last)
    assert found.returncode == 1
    assert found.stderr.strip().endswith(told)
    assert found.stdout.endswith("swept up\n")


def test_memory_that_does_not_even_suffice_to_complain_is_told_in_a_line():
    found = ended("raise MemoryError")
    assert (found.returncode, found.stderr) == (1, "error: not enough memory\n")
    assert found.stdout.endswith("swept up\n")


def test_an_interpreter_full_of_objects_is_not_taken_down_one_by_one():
    found = ended(
        "class Last:",
        "    def __del__(self, write=os.write): write(1, b'taken down')",
        "sys.kept = Last()",
        "sys.exit(0)",
    )
    assert "taken down" not in found.stdout
    assert found.returncode == 0
