"""ResNet-18 (He et al. 2016) for small images: torchvision's, with the stem that CIFAR-10 asks for.

Submodules keep torchvision's names (`conv1`, `layer1.0.conv1`, ..., `fc`), so that weights trained elsewhere fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from core.models.base import Architecture


class Block(nn.Module):
    """torchvision's BasicBlock with the sum before the last ReLU as a submodule of its own, so that it can be tapped."""

    def __init__(self, plain: Any) -> None:
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = plain.conv1, plain.bn1, plain.conv2, plain.bn2
        self.downsample = plain.downsample or nn.Identity()
        self.sum = nn.Identity()
        self.relu = nn.ReLU()  # not in place: it would overwrite what was tapped

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.sum(self.bn2(self.conv2(y)) + self.downsample(x)))


@dataclass(frozen=True)
class ResNet18(Architecture):
    """Two blocks at each of four sizes, 64 to 512 maps: the larger network of the SPECTRE paper."""

    key: ClassVar[str] = "resnet18"
    title: ClassVar[str] = "ResNet-18"
    summary: ClassVar[str] = "Eight wide residual blocks, the paper's second network; slow without a GPU."
    citation: ClassVar[str] = "He et al. Deep Residual Learning for Image Recognition. CVPR 2016."
    default_layer: ClassVar[str] = "layer3.1.sum"  # the paper's tap: 256 x 8 x 8 = 16,384 on 32 x 32 images

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        from torchvision.models.resnet import BasicBlock, ResNet  # two seconds, so only when one is built

        network = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        network.conv1 = nn.Conv2d(shape[0], 64, 3, 1, 1, bias=False)  # 7x7 of stride 2 would waste 32 x 32 pixels
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        network.maxpool = nn.Identity()
        for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
            for i, plain in enumerate(stage):
                stage[i] = Block(plain)
        return network

    def layers(self) -> dict[str, str]:
        named = {}
        for stage in range(1, 5):
            for i in range(2):
                where = f"block {2 * stage + i - 1} of 8, {32 * 2**stage} maps at 1/{2 ** (stage - 1)} size"
                named[f"layer{stage}.{i}.sum"] = f"{where}, before its ReLU"
                named[f"layer{stage}.{i}"] = where
        return {**named, "avgpool": "pooled, 512 numbers, just before the classifier"}
