"""Which groups stand apart by more than chance, over all classes? Plain numpy and scipy.

Each class gives tests of its own (`core.robust.apart`), so that one class alone can be judged, and any number of classes can
be poisoned. What the tests cannot know is how fast the tails of ordinary rows fall: on features of networks they are far
heavier than a Gaussian's along the directions of most variance. The rate is measured on the other classes that do not stand
apart themselves, as the control, and never taken to be above FASTEST nor below SLOWEST.

The level is kept for all classes together by Holm's step-down procedure; whoever stands apart is no control for the next.

Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979. Hill, "A Simple
General Approach to Inference About the Tail of a Distribution", Annals of Statistics 1975, for the rate of a tail.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.audit.groups import SEPARATED, SEPARATED_LIGHT, Group
from core.robust import apart

LEVEL = 0.05  # share of clean data sets in which any class is wrongly suspected
SLOWEST, FASTEST = 0.5, 3.0  # t^-3 is the tail of Student's t with three degrees of freedom
ALONE = 1.0  # before a class without a control has told its own: the tail of a Cauchy distribution
SLOW_SHARE = 0.25  # of the controls may fall more slowly than the rate
BORROWED = 20.0  # rows beyond the start that every control borrows from all of them
TWICE = 1  # position in the ratios


@dataclass(frozen=True)
class Judgement:
    """Of one class."""

    # of its first group, corrected for its tests but not for the number of classes; None where it could not be judged
    p_value: float | None
    rate: float  # of the tails, as the others show it
    groups: tuple[Group, ...]  # those that stand apart
    separation: float | None = None  # of its first group, whether that stands apart or not


def judge(found: Mapping[int, Sequence[Group]], level: float = LEVEL) -> dict[int, Judgement]:
    """Test the groups of all classes; found: for each label what `groups_of` gave, empty where it could not be looked at."""
    judged = {label: groups for label, groups in found.items() if groups}
    tails = [{label: _tail(groups, narrow) for label, groups in judged.items()} for narrow in (False, True)]
    suspects: list[int] = []
    while len(suspects) < len(judged):
        others = [label for label in judged if label not in suspects]
        rates = {label: _rate(tails, others, label) for label in others}
        p = {label: _p_value(leading(judged[label], rates[label]), rates[label]) for label in others}
        least = min(others, key=lambda label: (p[label], label))
        if p[least] * len(others) > level:
            break
        suspects.append(least)
    controls = [label for label in judged if label not in suspects]
    judgements = {}
    for label, groups in found.items():
        rate = _rate(tails, controls, label)
        first = leading(groups, rate) if groups else None
        standing = [
            group
            for group in (groups if label in suspects else ())
            if group is first or _p_value(group, rate) * len(judged) <= level
        ]
        judgements[label] = Judgement(
            _p_value(first, rate) if first else None, rate, tuple(standing), first.separation if first else None
        )
    return judgements


def leading(groups: Sequence[Group], rate: float = SLOWEST) -> Group:
    """Of the groups of a class, of which there is one, the first that is large and far enough away, else the first of all.

    rate: of the tails; by the slowest, where it is not known yet, a group has to be farthest away to count.
    """
    return next((group for group in groups if counts(group, rate)), groups[0])


def counts(group: Group, rate: float = SLOWEST) -> bool:
    """Whether a group is so large, and lies so far from the rest, that it can be suspected at all."""
    light = min(max(rate - 1.0, 0.0), 1.0)  # 0 for a rate of 1, 1 for 2
    bar = SEPARATED + light * (SEPARATED_LIGHT - SEPARATED)
    return group.separation >= bar and len(group.rows) >= group.fewest


def _p_value(group: Group, rate: float) -> float:
    return group.p_value(rate) if counts(group, rate) else 1.0


def _tail(groups: Sequence[Group], narrow: bool) -> tuple[int, int]:
    """Rows beyond the first start, and of these beyond twice that, on both sides of the leading direction of each view.

    A group that is well separated is not part of a tail: what is left without it is. narrow: also where the best k has fewer
    directions than the other views, which are then counted without that one; else nothing is.
    """
    group = next((group for group in groups if group.tamed < SEPARATED_LIGHT), groups[-1])
    shape = (-1, 2, len(apart.STARTS), len(apart.RATIOS))
    start, cut = (counts.reshape(shape) for counts in (group.tails.beyond_start, group.tails.beyond_cut))
    few = len(start) % apart.DIRECTIONS
    if few and not narrow:
        return 0, 0
    start, cut = (counts[few :: apart.DIRECTIONS, :, 0, TWICE] for counts in (start, cut))
    return int(start.sum()), int(cut.sum())


def _rate(tails: Sequence[Mapping[int, tuple[int, int]]], controls: Sequence[int], label: int) -> float:
    """How fast the tails of the controls fall, as a power: one of the slowest counts. The class itself is none of them.

    A class with few rows beyond the start is taken to be like all of them together, and all of them to be like ALONE where none
    has such a row. Where there is no control, what is left of the class without its groups is one, taken to be like ALONE where
    it has few such rows. tails: see `_tail`; those of a later mapping count where the ones before say nothing of any control.
    """
    others = [other for other in controls if other != label]
    measured = next((some for some in tails if any(some[other][0] for other in others)), tails[0])
    counts = [measured[other] for other in others]
    if any(start for start, _ in counts):
        share = (sum(cut for _, cut in counts) + 1) / (sum(start for start, _ in counts) + 1)
    elif counts:
        share = apart.RATIOS[TWICE] ** -ALONE
    else:
        counts, share = [tails[0].get(label, (0, 0))], apart.RATIOS[TWICE] ** -ALONE
    shares = sorted(((cut + BORROWED * share) / (start + BORROWED) for start, cut in counts), reverse=True)
    slow = shares[int(SLOW_SHARE * len(shares))]
    rate = -math.log(min(slow, 1.0)) / math.log(apart.RATIOS[TWICE])
    return min(max(rate, SLOWEST), FASTEST)
