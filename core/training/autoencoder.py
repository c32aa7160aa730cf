"""Train an autoencoder on clean images: an attacker's own work, before the victim's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from core.foundation.images import ImageData
from core.foundation.tensors import batch_for, exact_convolutions, to_device
from core.models import Autoencoder

STEPS = 940  # for a set of any size: 6 passes over 10,000 images
BATCH = 64  # images of 32x32
LEARNING_RATE = 2e-3


def train_autoencoder(
    data: ImageData, *, seed: int, device: torch.device, on_step: Callable[[float], None] | None = None
) -> Autoencoder:
    """Fit the images by mean squared error; about 40 s for 10,000 32x32 images on 3 CPU cores."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Autoencoder(data.images.shape[3]).to(device)
    images = to_device(data.images, device)
    batch = min(batch_for(images, at_32=BATCH), len(images))
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS + 1)
    dice = torch.Generator().manual_seed(seed)
    model.train()
    with exact_convolutions():
        for step in range(STEPS):
            x = images[torch.randint(len(images), (batch,), generator=dice).to(device)]
            loss = nn.functional.mse_loss(model(x), x.float()) / 255**2
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if on_step:
                on_step((step + 1) / STEPS)
    return model.eval()
