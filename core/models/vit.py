"""A small vision transformer (Dosovitskiy et al. 2021): torchvision's, with 4 x 4 patches.

Submodules keep torchvision's names (`conv_proj`, `encoder.layers.encoder_layer_0`, ..., `heads.head`).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from core.foundation.params import param
from core.models.base import Architecture

BLOCKS, WIDTH, HEADS = 6, 192, 3  # ViT-Tiny (Touvron et al. 2021) at half its depth


@dataclass(frozen=True)
class SmallVit(Architecture):
    """Six encoder blocks of 192 numbers a token."""

    key: ClassVar[str] = "vit"
    title: ClassVar[str] = "Small ViT"
    summary: ClassVar[str] = "Six transformer blocks on 4 x 4 patches; needs more images and epochs than a convolution."
    citation: ClassVar[str] = "Dosovitskiy et al. An Image is Worth 16x16 Words. ICLR 2021."
    default_layer: ClassVar[str] = f"encoder.layers.encoder_layer_{BLOCKS - 2}"  # the block before the last

    patch: int = param(4, "Side of a patch; tokens, and with them the time, grow as its square shrinks", low=1, high=64)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        from torchvision.models.vision_transformer import VisionTransformer  # two seconds, so only when one is built

        channels, height, width = shape
        side = self.patch * math.ceil(max(height, width) / self.patch)  # torchvision's takes whole patches of squares
        network = VisionTransformer(side, self.patch, BLOCKS, HEADS, WIDTH, 4 * WIDTH, num_classes=classes)
        if channels != 3:
            network.conv_proj = nn.Conv2d(channels, WIDTH, self.patch, self.patch)
            nn.init.trunc_normal_(network.conv_proj.weight, std=math.sqrt(1 / (channels * self.patch**2)))
            nn.init.zeros_(network.conv_proj.bias)
        network.heads = nn.Sequential(OrderedDict(token=nn.Identity(), head=network.heads.head))
        network.register_forward_pre_hook(partial(_pad, side=side))
        return network

    @classmethod
    def options_of(cls, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        patches = shapes.get("conv_proj.weight", ())
        return {"patch": patches[-1]} if len(patches) == 4 else {}

    @classmethod
    def side_of(cls, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
        tokens, patch = shapes.get("encoder.pos_embedding", ()), cls.options_of(shapes).get("patch")
        return patch * math.isqrt(tokens[1] - 1) if patch and len(tokens) == 3 and tokens[1] > 1 else None

    def layers(self) -> dict[str, str]:
        named = {
            f"encoder.layers.encoder_layer_{i}": f"block {i + 1} of {BLOCKS}, {WIDTH} numbers for each token"
            for i in range(BLOCKS)
        }
        return {**named, "heads.token": f"class token, {WIDTH} numbers, just before the classifier"}


def _pad(_: nn.Module, inputs: tuple[Any, ...], *, side: int) -> tuple[Tensor]:
    """Images (n, c, h, w) with zeros below and to the right: (n, c, side, side). Larger ones are left to be refused."""
    height, width = inputs[0].shape[2:]
    return (nn.functional.pad(inputs[0], (0, max(0, side - width), 0, max(0, side - height))),)
