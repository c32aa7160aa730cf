"""Triggers, and how they get into a training set. A new attack is a file and a name in this catalogue."""

from core.attacks.adaptive_blend import AdaptiveBlend
from core.attacks.adaptive_patch import AdaptivePatch
from core.attacks.all_to_all import AllToAll
from core.attacks.base import Attack, Resources
from core.attacks.blended import Blended
from core.attacks.label_consistent import LabelConsistent
from core.attacks.patch import Patch
from core.attacks.periodic import Periodic
from core.attacks.pixel import Pixel
from core.attacks.poisoning import LABELLINGS, Goal, Poisoning, PoisonTruth, check_goal, poison
from core.attacks.sig import SIG
from core.attacks.tact import TaCT
from core.attacks.transport import Transport, left_of_trigger
from core.attacks.wanet import WaNet
from core.foundation.catalogue import Catalogue

ATTACKS: Catalogue[Attack] = Catalogue(
    "attack",
    Patch,
    Pixel,
    Periodic,
    Blended,
    WaNet,
    SIG,
    LabelConsistent,
    TaCT,
    AllToAll,
    AdaptiveBlend,
    AdaptivePatch,
)

__all__ = [
    "ATTACKS",
    "LABELLINGS",
    "SIG",
    "AdaptiveBlend",
    "AdaptivePatch",
    "AllToAll",
    "Attack",
    "Blended",
    "Goal",
    "LabelConsistent",
    "Patch",
    "Periodic",
    "Pixel",
    "PoisonTruth",
    "Poisoning",
    "Resources",
    "TaCT",
    "Transport",
    "WaNet",
    "check_goal",
    "left_of_trigger",
    "pictures",
    "poison",
]
