"""Networks, and the layers where their features can be tapped. A new one is a file and a name in this catalogue."""

from core.foundation.catalogue import Catalogue
from core.models.autoencoder import Autoencoder
from core.models.base import Architecture
from core.models.classifier import Classifier
from core.models.resnet import PreActResNet, ResNet32, SmallResNet
from core.models.resnet18 import ResNet18
from core.models.vgg import Vgg11
from core.models.vit import SmallVit

MODELS: Catalogue[Architecture] = Catalogue("model", SmallResNet, ResNet32, ResNet18, Vgg11, SmallVit)

__all__ = [
    "MODELS", "Architecture", "Autoencoder", "Classifier", "PreActResNet", "ResNet18", "ResNet32", "SmallResNet", "SmallVit",
    "Vgg11", "brought", "weights",
]  # fmt: skip
