from __future__ import annotations

import pytest
import torch

from core.models import Autoencoder, autoencoder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "WIDTHS", (8, 8, 16))
    monkeypatch.setattr(autoencoder, "CODE", 8)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (9, 15), (28, 20), (1, 3)])
def test_images_of_any_size_come_back_in_their_size_and_in_grey_levels(height: int, width: int, channels: int) -> None:
    x = torch.randint(0, 256, (2, channels, height, width)).byte()
    model = Autoencoder(channels).eval()
    code = model.encode(x)
    assert code.shape == (2, 8, -(-height // 8), -(-width // 8))
    again = model(x)
    assert again.shape == x.shape
    assert 0 <= again.min() <= again.max() <= 255
    torch.testing.assert_close(model.decode(code)[:, :, :height, :width], again)
