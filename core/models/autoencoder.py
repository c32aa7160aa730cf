"""A small convolutional autoencoder: the generator of an attacker who has none better at hand."""

from __future__ import annotations

from torch import Tensor, nn

WIDTHS = (32, 64, 128)  # maps at 1/2, 1/4 and 1/8 of the size
CODE = 32  # maps of the code, at 1/8 of the size: 512 numbers for a 32x32 image


class Autoencoder(nn.Module):
    """Images (n, c, h, w) of 0..255 of any size -> code (n, 32, ceil(h/8), ceil(w/8)) -> images of 0..255."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        down: list[nn.Module] = []
        inputs = channels
        for width in WIDTHS:
            down += [nn.Conv2d(inputs, width, 4, 2, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.1)]
            inputs = width
        self.down = nn.Sequential(*down, nn.Conv2d(inputs, CODE, 1))
        up: list[nn.Module] = [nn.Conv2d(CODE, inputs, 1)]
        for width in (*reversed(WIDTHS[:-1]), WIDTHS[0]):
            up += [nn.BatchNorm2d(inputs), nn.LeakyReLU(0.1), nn.ConvTranspose2d(inputs, width, 4, 2, 1)]
            inputs = width
        self.up = nn.Sequential(*up, nn.LeakyReLU(0.1), nn.Conv2d(inputs, channels, 3, 1, 1))

    def encode(self, images: Tensor) -> Tensor:
        """Images of 0..255, padded at the lower and right edge to a multiple of 8, to their codes."""
        height, width = images.shape[2:]
        padded = nn.functional.pad(images.float() / 255, [0, -width % 8, 0, -height % 8], mode="replicate")
        return self.down(padded)

    def decode(self, code: Tensor) -> Tensor:
        """Codes to images of 0..255 whose sides are multiples of 8."""
        return self.up(code).sigmoid() * 255

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        return self.decode(self.encode(images))[:, :, :height, :width]
