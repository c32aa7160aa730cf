"""`python .ci/advisories.py`: whether anything that is installed here has a known hole, as pip-audit tells it.

pip-audit takes a package that the service does not answer for as skipped, and ends well even where it has looked at nothing; here
that is said. Exit status 1 where there is a hole, 0 else: a machine without a network can still check the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = (sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10")
LONGEST = 300  # seconds
UNREACHED = "The service of advisories cannot be reached: nothing was audited."


def main() -> int:
    lines, status = verdict(ask(sys.argv[1:]))
    print("\n".join(lines))
    return status


def ask(options: list[str]) -> dict[str, Any] | None:
    """What pip-audit found; None where it could not ask. options: for pip-audit, such as --ignore-vuln ID."""
    try:
        done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=LONGEST)
        found = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return found if isinstance(found, dict) else None


def verdict(found: dict[str, Any] | None) -> tuple[list[str], int]:
    """Lines to print, and the exit status."""
    packages = found["dependencies"] if found else []
    audited = [one for one in packages if "skip_reason" not in one]
    if not audited:
        return [UNREACHED], 0
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in audited
        for hole in one["vulns"]
    ]
    skipped = len(packages) - len(audited)
    told = f"{len(audited)} packages audited, {len(holes)} known holes"
    return [*holes, told + (f"; {skipped} are not known to the service." if skipped else ".")], int(bool(holes))


if __name__ == "__main__":
    sys.exit(main())
