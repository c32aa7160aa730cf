"""The findings among the rows of one class, where no other class is at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from core.audit.findings import Finding, all_findings
from core.audit.groups import Group, groups_of_fit
from core.audit.misfits import NO_MISFITS
from core.audit.overview import Overview, SetAside
from core.audit.verdict import LEVEL, judge
from core.robust import Discriminant, SpectreFit, robust_discriminant

LABEL = 0  # of all rows, for want of one


def findings_of_class(
    n: int, away: SetAside, fit: SpectreFit | None = None, level: float = LEVEL
) -> tuple[Finding, ...]:
    """Of n rows: what was set aside, and where SPECTRE was fitted to the others, the groups that stand apart in its fit.

    Without other classes there are no label errors to tell, and no control for the tails of ordinary rows but the class itself.
    """
    kept = np.setdiff1d(np.arange(n), away.rows)
    overview = Overview(np.array([LABEL]), kept, np.zeros(len(kept), np.int64), away, _own_spread(fit) if fit else None)
    groups = [replace(group, rows=kept[group.rows]) for group in _groups(fit, overview.against)] if fit else []
    return tuple(all_findings(np.full(n, LABEL), overview, NO_MISFITS, judge({LABEL: groups}, level)))


def standing_groups(fit: SpectreFit, level: float = LEVEL) -> tuple[Group, ...]:
    """The groups of rows of a fit that stand apart by more than chance; row numbers are positions in it."""
    return judge({LABEL: _groups(fit, _own_spread(fit))}, level)[LABEL].groups


def _groups(fit: SpectreFit, against: Discriminant | None) -> list[Group]:
    return [] if against is None else groups_of_fit(fit, against.whitened().cpu().numpy().astype(np.float32))


def _own_spread(fit: SpectreFit) -> Discriminant | None:
    scores = fit.components.scores
    try:
        return robust_discriminant(scores, torch.zeros(len(scores), dtype=torch.int64, device=scores.device), 1)
    except ValueError:
        return None
