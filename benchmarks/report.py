"""Reports of made runs: seconds and bytes of the HTML and of the PDF.

    PYTHONPATH=. python benchmarks/report.py [--rows 5500] [--folder FOLDER] [--repeat R] [AUDIT ...]

Runs are made as in benchmarks/made_runs.py (minutes), or taken from a folder of such runs; audits are folders of finished ones.
Best of the repeats, processor seconds in brackets. The bar for 5,500 rows is 5 s and 8 MB of HTML.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.made_runs import make_run
from core.cases import CaseFolder
from core.cases.reporting import report_of as report_of_audit
from core.experiment.reporting import report_of as report_of_run
from core.foundation import devices
from core.reports import to_html, to_pdf
from core.reports.content import Report
from core.runs import Runs


def best(repeat: int, work: Callable[[], bytes]) -> tuple[float, float, int]:
    """Seconds, processor seconds and bytes."""
    found = []
    for _ in range(repeat):
        wall, own = time.perf_counter(), time.process_time()
        size = len(work())
        found.append((time.perf_counter() - wall, time.process_time() - own, size))
    return min(found)


def measure(name: str, content: Callable[[], Report], repeat: int) -> None:
    """A line for each form; reading the folder counts too."""
    for form, render in (("html", lambda: to_html(content()).encode()), ("pdf", lambda: to_pdf(content()))):
        seconds, own, size = best(repeat, render)
        print(f"| {name} | {form} | {seconds:.1f} ({own:.1f}) | {size / 1e6:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audits", type=Path, nargs="*", help="folders of finished audits")
    parser.add_argument("--rows", type=int, default=5500, help="images of the target class of the made run")
    parser.add_argument("--folder", type=Path, help="runs made before, instead of a new one")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{devices.use_threads(1)} thread\n| what | form | s (processor) | MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.folder is None:
            make_run(Path(scratch), arguments.rows)
        for run in Runs(arguments.folder or scratch):
            name = f"run, {run.result['target_rows']:,} rows"
            measure(name, lambda run=run: report_of_run(run), arguments.repeat)
    for path in arguments.audits:
        case = CaseFolder(path.absolute())
        name = f"audit, {case.summary['n']:,} rows, {len(case.summary['findings']):,} findings"
        measure(name, lambda case=case: report_of_audit(case), arguments.repeat)


if __name__ == "__main__":
    main()
