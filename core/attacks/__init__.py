"""Triggers, and how they get into a training set. A new attack is a file and a name in this catalogue."""

from core.attacks.base import Attack
from core.attacks.patch import Patch
from core.attacks.periodic import Periodic
from core.attacks.pixel import Pixel
from core.attacks.poisoning import PoisonTruth, check_classes, poison
from core.catalogue import Catalogue

ATTACKS: Catalogue[Attack] = Catalogue("attack", Patch, Pixel, Periodic)

__all__ = ["ATTACKS", "Attack", "Patch", "Periodic", "Pixel", "PoisonTruth", "check_classes", "poison"]
