"""Networks, and the layers where their features can be tapped. A new one is a file and a name in this catalogue."""

from core.catalogue import Catalogue
from core.models.base import Architecture
from core.models.resnet import PreActResNet, ResNet32, SmallResNet

MODELS: Catalogue[Architecture] = Catalogue("model", SmallResNet, ResNet32)

__all__ = ["MODELS", "Architecture", "PreActResNet", "ResNet32", "SmallResNet"]
