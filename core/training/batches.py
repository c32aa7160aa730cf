"""Training batches made on the device: shuffled, shifted and mirrored all at once, no Python per image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Batches:
    """One epoch at each iteration: (x (b, c, h, w) uint8, y (b,)).

    images: (n, c, h, w) uint8 on the device, labels: (n,) there too. Each image is shifted by up to `crop` pixels both
    ways, with 0 where it came from, and mirrored in half of the cases if `flip`.
    """

    def __init__(self, images: Tensor, labels: Tensor, *, size: int, crop: int, flip: bool, seed: int) -> None:
        self.labels, self.flip, self.crop = labels, flip, crop
        self.size = min(size, len(labels))
        height, width = images.shape[2:]
        self.generator = torch.Generator().manual_seed(seed)  # on the CPU: the same order on every device
        padded = nn.functional.pad(images, [crop] * 4)
        # A view (n, c, shifts, shifts, h, w) of every possible shift; no copy is made.
        self.shifts = padded.unfold(2, height, 1).unfold(3, width, 1)

    def __len__(self) -> int:
        return len(self.labels) // self.size  # an incomplete batch would have its own, noisier statistics

    def example(self) -> tuple[Tensor, Tensor]:
        """The first images as one batch, neither shifted nor mirrored; nothing is drawn."""
        rows = torch.arange(self.size, device=self.labels.device)
        centre = torch.full_like(rows, self.crop)
        return self.shifts[rows, :, centre, centre], self.labels[rows]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.labels.device
        n, span = len(self.labels), 2 * self.crop + 1
        order = torch.randperm(n, generator=self.generator).to(device)
        down, right = torch.randint(span, (2, n), generator=self.generator).to(device)
        mirrored = (torch.rand(n, generator=self.generator) < 0.5).to(device)
        for start in range(0, len(self) * self.size, self.size):
            rows = order[start : start + self.size]
            x = self.shifts[rows, :, down[rows], right[rows]]
            if self.flip:
                x = torch.where(mirrored[rows, None, None, None], x.flip(3), x)
            yield x, self.labels[rows]
