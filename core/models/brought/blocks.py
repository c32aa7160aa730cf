"""Which layer of somebody's network to look at: its blocks, told from how it is built, and a suggestion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from torch import nn

ROWS = (nn.Sequential, nn.ModuleList)
FEWEST = 3
POOLS = ("MaxPool2d", "AvgPool2d")

BEFORE_LAST = "the block before the last, where the SPECTRE paper looks: the last block already follows the label"
ONLY_BLOCK = "the only block there is: what lies above it already follows the label"
POOLING = "there are no blocks, so the pooling before the last, one stage below the classifier"
BELOW_HEAD = "neither blocks nor poolings were found, so the last layer before the classifier"


def blocks_of(network: nn.Module) -> list[str]:
    """Names of the blocks: members of the innermost rows of like modules that have parts of their own."""
    stacked = [name for name, part in _parts(network) if not isinstance(part, ROWS) and any(_parts(part))]
    if len(stacked) >= FEWEST:  # Inception's modules stand in the network one by one, each with rows of its own
        return stacked
    rows = [name for name, module in network.named_modules() if isinstance(module, ROWS) and _is_row(module)]
    inner = [row for row in rows if not any(other.startswith(f"{row}.") or (not row and other) for other in rows)]
    found = [f"{row}.{name}".lstrip(".") for row in inner for name, part in _parts(network.get_submodule(row))]
    if found:
        return found
    parts = dict(_parts(network))  # blocks that the network has one by one
    most = Counter(type(part) for part in parts.values()).most_common(1)
    return [name for name, part in parts.items() if type(part) is most[0][0]] if most and most[0][1] > 1 else []


def suggest(order: Sequence[str], blocks: Sequence[str], pools: Sequence[str]) -> tuple[str, str]:
    """A layer and why, for layers (at least one) in the order in which they are computed; the last is the classifier's."""
    blocks, pools = ([name for name in order if name in wanted] for wanted in (set(blocks), set(pools)))
    if len(blocks) > 1:
        return blocks[-2], BEFORE_LAST
    if blocks:
        return blocks[0], ONLY_BLOCK
    if len(pools) > 1:
        return pools[-2], POOLING
    return order[max(0, len(order) - 2)], BELOW_HEAD


def _is_row(module: nn.Module) -> bool:
    """Whether most of what it holds has parts, and several of these are of one class, or there is nothing else."""
    children, parts = list(module.children()), [part for _, part in _parts(module)]
    most = Counter(map(type, parts)).most_common(1)
    return bool(parts) and (len(parts) == len(children) or most[0][1] > 1)


def _parts(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Children with parts of their own; a mere sequence of single layers (convolution, norm, activation) is not one."""
    for name, child in module.named_children():
        inner = list(child.children())
        plain = isinstance(child, ROWS) and not any(list(part.children()) for part in inner)
        if inner and not plain:
            yield name, child
