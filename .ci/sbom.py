"""`python .ci/sbom.py sbom.json`: a bill of materials, in CycloneDX, of what a dashboard that runs from here is made of.

cyclonedx-py lists all that is installed; what is there for tests and checks alone is left out, and the parts of Plotly's script
that lie in dashboard/static are added. The same environment makes the same file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = ("-m", "cyclonedx_py", "environment", "--output-reproducible", "--pyproject", "pyproject.toml")
PINNED = re.compile(r"([A-Za-z0-9._-]+)==")
PLOTLY = re.compile(r"plotly\.js \((\w+) - minified\) v([0-9.]+)")


def main() -> None:
    made = subprocess.run([sys.executable, *COMMAND, sys.executable], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    bill = needed(json.loads(made.stdout), pins(ROOT / "requirements.txt"))
    bill["components"] += scripts(ROOT / "dashboard" / "static")
    Path(sys.argv[1]).write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(bill['components'])} components in {sys.argv[1]}")


def pins(requirements: Path) -> set[str]:
    """The packages that a file of requirements names."""
    return {canonical(name) for name in PINNED.findall(requirements.read_text(encoding="utf-8"))}


def canonical(name: str) -> str:
    """A package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(bill: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    """The bill with the wanted packages, and all that these bring, alone. Raises KeyError for a wanted one that is not there."""
    of_name = {canonical(one["name"]): one["bom-ref"] for one in bill["components"]}
    brings = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    kept, left = set(), [of_name[name] for name in sorted(wanted)]
    direct = sorted(left)
    while left:
        if (ref := left.pop()) not in kept:
            kept.add(ref)
            left += brings.get(ref, [])
    root = bill["metadata"]["component"]["bom-ref"]
    edges = [one for one in bill["dependencies"] if one["ref"] in kept]
    return bill | {
        "components": [one for one in bill["components"] if one["bom-ref"] in kept],
        "dependencies": [{"ref": root, "dependsOn": direct}, *edges],
    }


def scripts(folder: Path) -> list[dict[str, Any]]:
    """Plotly's script as npm has it, by the name and version in its own first lines."""
    found = []
    for path in sorted(folder.glob("plotly-*.min.js")):
        part, version = PLOTLY.findall(path.read_text(encoding="utf-8")[:500])[0]
        name = f"plotly.js-{part}-dist-min"
        purl = f"pkg:npm/{name}@{version}"
        licence = [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
        found.append(
            {"bom-ref": purl, "name": name, "version": version, "purl": purl, "type": "library", "licenses": licence}
        )
    return found


if __name__ == "__main__":
    main()
