"""What the program is made of and shipped in: advisories, the bill of materials, the container file."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from dashboard import health

ROOT = Path(__file__).resolve().parents[1]
ADVISORIES, SBOM = (runpy.run_path(str(ROOT / ".ci" / f"{name}.py")) for name in ("advisories", "sbom"))
SECRET = ("password", "secret", "token", "api_key", "credential")


def one(name: str, *holes: str, **more) -> dict:
    found = [{"id": hole, "fix_versions": ["2.0"] if hole != "PYSEC-0" else []} for hole in holes]
    return {"name": name, "version": "1.0", "vulns": found, **more}


# Advisories


@pytest.mark.parametrize(
    "found", [None, {"dependencies": []}, {"dependencies": [{"name": "numpy", "skip_reason": "not found on PyPI"}]}]
)
def test_where_nothing_was_audited_that_is_said_and_nothing_fails(found) -> None:
    assert ADVISORIES["verdict"](found) == (["The service of advisories cannot be reached: nothing was audited."], 0)


def test_every_hole_is_named_and_what_was_passed_over_is_counted() -> None:
    skipped = {"name": "torch", "skip_reason": "not found on PyPI"}
    lines, status = ADVISORIES["verdict"]({"dependencies": [one("a"), one("b", "PYSEC-0", "PYSEC-1"), skipped]})
    assert lines == [
        "b 1.0: PYSEC-0, mended in no version yet",
        "b 1.0: PYSEC-1, mended in 2.0",
        "2 packages audited, 2 known holes; 1 are not known to the service.",
    ]
    assert status == 1
    assert ADVISORIES["verdict"]({"dependencies": [one("a")]}) == (["1 packages audited, 0 known holes."], 0)


# The bill of materials


def test_the_bill_has_what_is_pinned_with_all_it_brings_and_no_tool_of_the_tests() -> None:
    names = {"numpy": [], "Typing_Extensions": [], "streamlit": ["numpy", "Typing_Extensions"], "pytest": ["numpy"]}
    bill = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [{"name": name, "bom-ref": name} for name in names],
        "dependencies": [{"ref": name, "dependsOn": brought} for name, brought in names.items()],
    }
    found = SBOM["needed"](bill, {"streamlit"})
    assert [c["name"] for c in found["components"]] == ["numpy", "Typing_Extensions", "streamlit"]
    assert found["dependencies"][0] == {"ref": "root", "dependsOn": ["streamlit"]}
    assert {edge["ref"] for edge in found["dependencies"]} == {"root", "numpy", "Typing_Extensions", "streamlit"}
    with pytest.raises(KeyError):
        SBOM["needed"](bill, {"torch"})


def test_all_pins_are_read_and_the_scripts_in_the_house_are_told() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert len(SBOM["pins"](ROOT / "requirements.txt")) == sum("==" in line for line in lines)
    scripts = SBOM["scripts"](ROOT / "dashboard" / "static")
    assert [script["name"] for script in scripts] == ["plotly.js-basic-dist-min", "plotly.js-cartesian-dist-min"]
    assert all(script["version"].count(".") == 2 for script in scripts)


# The container file


@pytest.fixture(scope="module")
def steps() -> list[dict]:
    parse = pytest.importorskip(
        "dockerfile_parse", reason="dockerfile-parse, of requirements-dev.txt, is not installed"
    )
    import io

    return parse.DockerfileParser(fileobj=io.BytesIO((ROOT / "Containerfile").read_bytes())).structure


def values(steps: list[dict], instruction: str) -> list[str]:
    return [step["value"] for step in steps if step["instruction"] == instruction]


def test_the_last_stage_runs_as_nobody_in_particular_and_says_how_it_is(steps) -> None:
    last = steps[max(i for i, step in enumerate(steps) if step["instruction"] == "FROM") :]
    (user,) = values(last, "USER")
    assert user.isdigit()
    assert int(user) > 0
    assert f"--uid {user}" in values(last, "RUN")[0]
    after = [step["instruction"] for step in last[[s["instruction"] for s in last].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    (check,) = values(last, "HEALTHCHECK")
    assert "dashboard.health" in check
    assert values(last, "VOLUME") == ["/data"]


def test_the_base_is_of_a_version_and_no_secret_goes_in(steps) -> None:
    base = values(steps, "ARG")[0]
    assert base.startswith("BASE=python:3.")
    assert "latest" not in base
    assert set(values(steps, "FROM")) == {"${BASE} AS build", "${BASE}"}
    assert not values(steps, "ADD")
    given = " ".join(values(steps, "ENV") + values(steps, "ARG") + values(steps, "COPY")).lower()
    assert not [word for word in SECRET if word in given]


def test_what_is_copied_is_there_and_is_all_that_the_builder_sees(steps) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    seen = {line[1:] for line in lines if line.startswith("!")}
    copied = {word for value in values(steps, "COPY") if "--from" not in value for word in value.split()[:-1]}
    assert copied == seen
    assert all((ROOT / name).exists() for name in copied)
    assert ".streamlit" not in copied  # secrets.toml would lie there


def test_a_linter_finds_nothing() -> None:
    if not (linter := shutil.which("hadolint")):
        pytest.skip("no hadolint on the PATH")
    done = subprocess.run([linter, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("base", "told"), [("", ""), ("lens", "lens/"), ("/lens/", "lens/")])
def test_health_is_asked_below_the_path(base: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", base)
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "9")
    assert health.address() == f"http://127.0.0.1:9/{told}_stcore/health"
    assert health.main() == 1


def builder() -> str:
    for name in ("docker", "podman"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return ""


def has_base(tool: str) -> bool:
    """Whether the image that ours starts from is here, or can be fetched."""
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    (base,) = (line.removeprefix("ARG BASE=") for line in lines if line.startswith("ARG BASE="))
    ways = ([tool, "image", "inspect", base], [tool, "pull", base])
    return any(subprocess.run(words, capture_output=True, check=False).returncode == 0 for words in ways)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_is_built_and_answers_on_a_root_that_cannot_be_written() -> None:
    if not (tool := builder()):
        pytest.skip("neither docker nor podman answers here")
    if not has_base(tool):
        pytest.skip("the image that ours starts from can be fetched from nowhere here")
    tag = "spectre-lens-test"
    subprocess.run([tool, "build", "-f", "Containerfile", "-t", tag, "."], cwd=ROOT, check=True)
    options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    command = [tool, "run", "-d", "--rm", *options, "-v", "/data", "-p", "127.0.0.1::8501", tag]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        port = subprocess.run([tool, "port", name, "8501"], check=True, capture_output=True, text=True).stdout
        answers(f"http://{port.split()[0]}/_stcore/health")
        run = [
            "run",
            "--dataset",
            "digits",
            "--attack",
            "patch",
            "--poisons",
            "10",
            "--set",
            "training.epochs=1",
            "--no-retrain",
        ]
        for inside in (["python", "-m", "dashboard.health"], ["python", "-m", "core", *run]):
            subprocess.run([tool, "exec", name, *inside], check=True)
        assert subprocess.run([tool, "exec", name, "touch", "/app/x"], check=False, capture_output=True).returncode
    finally:
        subprocess.run([tool, "kill", name], check=False, capture_output=True)


def answers(url: str, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
