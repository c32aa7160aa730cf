"""Somebody's own network, of our catalogue, by name or as ONNX, and the layers of it that can be tapped. No file of theirs runs code."""

from core.models.brought.base import Layer, Network, Taps
from core.models.brought.fitted import Fitted, check_channels, pooled
from core.models.brought.open import needs_weights, open_network

__all__ = ["Fitted", "Layer", "Network", "Taps", "check_channels", "needs_weights", "open_network", "pooled"]
