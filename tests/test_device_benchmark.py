"""The script that is run where a GPU is lent: in a small form, with no more libraries than there are on such a machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# As if nothing but torch, torchvision, NumPy, SciPy and scikit-learn were installed; and with all filters as one batch, as on CUDA.
BARE = """
import runpy, sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in MISSING else self.finder.find_spec(name, path, target)

MISSING = {missing}
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
import core.robust.spectre
core.robust.spectre._as_one_batch = lambda device: True
sys.argv = ["device.py", *sys.argv[1:]]
runpy.run_path("benchmarks/device.py", run_name="__main__")
"""
MISSING = {
    "h5py", "ml_dtypes", "onnx", "onnxruntime", "pandas", "platformdirs", "plotly", "pyarrow",
    "pytorch_optimizer", "ray", "reportlab", "rich", "safetensors", "streamlit", "timm", "typer", "umap",
}  # fmt: skip


def test_it_runs_with_few_libraries_and_writes_what_it_found(tmp_path: Path) -> None:
    out = tmp_path / "device.json"
    done = subprocess.run(
        [sys.executable, "-c", BARE.format(missing=MISSING), str(out), "--tiny", "--classes", "4", "--device", "cpu"],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert (found["type"], found["tiny"]) == ("cpu", True)
    assert (found["filter"]["ks_that_differ"], found["filter"]["k"]) == ([], found["filter"]["k_on_cpu"])
    assert (found["scan"]["classes"], found["scan"]["compared"], found["scan"]["classes_that_differ"]) == (4, 3, [])
    assert found["training"]["small"]["epoch"] > 0
    assert found["filter"]["seconds"]["fit"]["turns"] == 2
