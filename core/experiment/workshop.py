"""The attacker's own models, for attacks that prepare their images: a classifier, an autoencoder.

Both are trained on the clean training set with seeds of their own, so that they know nothing of the victim, and are
kept on disk, so that a second run, or a preview, finds them ready.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.experiment.config import RunConfig
from core.foundation.cache import cached_arrays, is_cached
from core.foundation.images import ImageData, Split
from core.foundation.params import values_of
from core.models import Autoencoder
from core.training import Recipe, empty_classifier, train, train_autoencoder

VERSION = 1  # of what makes the models: a change of core.models or core.training makes those of before useless
Function = Callable[[Tensor], Tensor]


class Workshop:
    """Makes the models of one experiment when they are asked for; see `core.attacks.Resources`."""

    def __init__(
        self,
        config: RunConfig,
        split: Split,
        device: torch.device,
        on_step: Callable[[float], None] | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        """on_step: told the share of a training that is done. checkpoint: a file in which the training of a classifier that was ended
        finds where it was; who has kept what it was for removes it."""
        self.config, self.split, self.device, self.on_step, self.checkpoint = config, split, device, on_step, checkpoint
        self.clean: ImageData = split.train

    def is_ready(self, what: str) -> bool:
        """Whether the "classifier" or the "autoencoder" is on disk already, so that it costs nothing."""
        return is_cached(self._classifier_key() if what == "classifier" else self._key("autoencoder"))

    def classifier(self) -> Function:
        """A classifier of the run's architecture and recipe, trained on clean images from another seed."""
        config, data = self.config, self.clean
        architecture, recipe = config.make_model(), self._recipe()

        def build() -> dict[str, np.ndarray]:
            trained = train(
                data, architecture, recipe,
                flip=self.split.flip, seed=config.seed_for("attacker"), device=self.device,
                on_step=self.on_step, checkpoint=self.checkpoint,
            )  # fmt: skip
            return _arrays(trained)

        model = empty_classifier(architecture, data.shape, len(data.class_names))
        return self._ready(_fill(model, cached_arrays(self._classifier_key(), build)))

    def autoencoder(self) -> tuple[Function, Function]:
        """Encoder and decoder, trained on clean images."""
        channels = self.clean.images.shape[3]

        def build() -> dict[str, np.ndarray]:
            seed = self.config.seed_for("attacker")
            return _arrays(train_autoencoder(self.clean, seed=seed, device=self.device, on_step=self.on_step))

        model = Autoencoder(channels)
        self._ready(_fill(model, cached_arrays(self._key("autoencoder"), build)))
        return model.encode, model.decode

    def _recipe(self) -> Recipe:
        """The run's, from scratch and with epochs: the weights that a run begins with, or is, may be the victim's own."""
        left = {"weights"}
        if not self.config.make_recipe().epochs:
            left.add("epochs")  # as many as the data set suggests
        own = {name: value for name, value in self.config.training.items() if name not in left}
        return replace(self.config, training=own).make_recipe()

    def _classifier_key(self) -> str:
        config = self.config
        settings = config.model, values_of(config.make_model()), values_of(self._recipe()), self.split.flip
        return self._key("classifier", *settings)

    def _key(self, what: str, *settings: object) -> str:
        """Everything that the model depends on: its settings, the data, the seed, this code."""
        digest = hashlib.sha256(np.ascontiguousarray(self.clean.images).data)
        digest.update(np.ascontiguousarray(self.clean.labels).data)
        data = [*self.clean.images.shape, len(self.clean.class_names), digest.hexdigest()]
        made_by = [self.config.seed_for("attacker"), VERSION, torch.__version__, self.device.type]
        return f"attacker's {what} {json.dumps([settings, data, made_by], sort_keys=True)}"

    def _ready(self, model: nn.Module) -> nn.Module:
        return model.to(self.device).eval().requires_grad_(False)


def _arrays(model: nn.Module) -> dict[str, np.ndarray]:
    # "/" in place of ".": numpy takes every name in an archive but some that end in ".npy"
    return {name.replace(".", "/"): tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}


def _fill(model: nn.Module, arrays: dict[str, np.ndarray]) -> nn.Module:
    model.load_state_dict({name.replace("/", "."): torch.from_numpy(array.copy()) for name, array in arrays.items()})
    return model
