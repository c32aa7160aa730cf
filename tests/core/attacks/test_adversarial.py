from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from core.attacks import adversarial
from core.attacks.adversarial import interpolate, pgd

BOUNDS = [("l2", 300.0), ("l2", 20.0), ("linf", 8.0), ("linf", 0.5)]


def images(n: int = 6, channels: int = 3, height: int = 8, width: int = 10, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, channels, height, width), generator=torch.Generator().manual_seed(seed)).byte()


def network(channels: int = 3, classes: int = 4, sharpness: float = 1.0) -> Callable[[Tensor], Tensor]:
    """A small network of random weights: not linear, so a step too far does not pay."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, classes)
        ).requires_grad_(False)  # fmt: skip
    return lambda x: sharpness * layers(x.float() / 255)


def losses(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(x), y, reduction="none")


def attack(
    x: Tensor, *, norm: str = "l2", bound: float = 300.0, steps: int = 10, seed: int = 0
) -> tuple[Tensor, Tensor]:
    y = network(x.shape[1])(x).argmax(1)  # what the model says now
    return pgd(network(x.shape[1]), x, y, norm=norm, bound=bound, steps=steps, seed=seed), y


@pytest.mark.parametrize(("norm", "bound"), BOUNDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_stay_within_the_bound_and_within_the_grey_levels(norm: str, bound: float, channels: int) -> None:
    x = images(channels=channels)
    changed, _ = attack(x, norm=norm, bound=bound)
    difference = (changed - x.float()).flatten(1)
    size = difference.norm(dim=1) if norm == "l2" else difference.abs().amax(1)
    assert (size <= bound * (1 + 1e-5)).all()
    assert (size > bound / 2).all(), "and it makes use of it"
    assert changed.dtype == torch.float32
    assert 0 <= changed.min() <= changed.max() <= 255


@pytest.mark.parametrize(("norm", "bound"), BOUNDS)
def test_every_image_is_harder_than_before_and_than_after_any_random_change(norm: str, bound: float) -> None:
    x = images(seed=1)
    changed, y = attack(x, norm=norm, bound=bound)
    model = network()
    assert (losses(model, changed, y) > losses(model, x, y)).all()
    dice = torch.Generator().manual_seed(9)
    for _ in range(20):
        noise = torch.randn(x.shape, generator=dice)
        noise = (
            noise.sign() * bound if norm == "linf" else noise * (bound / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
        )
        assert (losses(model, changed, y) > losses(model, (x + noise).clamp(0, 255), y)).all()


def test_more_steps_do_not_go_further_and_a_wider_bound_does() -> None:
    x = images()
    near, y = attack(x, bound=100.0, steps=40)
    far, _ = attack(x, bound=300.0, steps=40)
    assert ((near - x.float()).flatten(1).norm(dim=1) <= 100.01).all()
    assert (losses(network(), far, y) > losses(network(), near, y)).all()


def test_the_seed_fixes_the_start_and_nothing_given_is_changed() -> None:
    x = images()
    before, state = x.clone(), torch.random.get_rng_state()
    torch.testing.assert_close(attack(x, seed=1)[0], attack(x, seed=1)[0], rtol=0, atol=0)
    assert not torch.equal(attack(x, steps=1, seed=1)[0], attack(x, steps=1, seed=2)[0])
    assert torch.equal(x, before)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_model_that_is_sure_is_attacked_as_well(norm: str) -> None:
    """Its gradients are around 1e-25: the squares that a length is made of are 0 in float32."""
    x = images()
    sure = lambda v: torch.stack([1e-27 * v.float().mean((1, 2, 3)), torch.zeros(len(v)) - 0.5], 1)  # noqa: E731
    changed = pgd(sure, x, torch.zeros(len(x), dtype=torch.long), norm=norm, bound=8.0, steps=10, seed=0)
    darker = (x.float() - changed).flatten(1).mean(1)
    unit = 1.0 if norm == "linf" else 240**-0.5  # all of 3 x 8 x 10 values move alike
    assert (darker > 0.8 * 8.0 * unit).all()


def test_where_there_is_no_way_up_images_stay_within_the_bound() -> None:
    x = images()
    flat = lambda v: 0 * v.float().mean((1, 2, 3))[:, None].expand(-1, 2)  # noqa: E731
    changed = pgd(flat, x, torch.zeros(len(x), dtype=torch.long), norm="l2", bound=30.0, steps=3, seed=0)
    assert torch.isfinite(changed).all()
    assert ((changed - x.float()).flatten(1).norm(dim=1) <= 30.001).all()


def test_each_image_is_attacked_for_itself_whatever_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    x = images(n=5, height=32, width=32)
    whole, y = attack(x, steps=3)
    seen: list[int] = []

    def model(v: Tensor) -> Tensor:
        seen.append(len(v))
        return network()(v)

    monkeypatch.setattr(adversarial, "BATCH", 2)
    parts = pgd(model, x, y, norm="l2", bound=300.0, steps=3, seed=0)
    assert set(seen) == {2, 1}
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-2)


def test_no_images_give_none() -> None:
    assert attack(images(n=0))[0].shape == (0, 3, 8, 10)


# --- interpolation


def encode(x: Tensor) -> Tensor:
    return nn.functional.pad(x.float() / 255, [0, -x.shape[3] % 8, 0, -x.shape[2] % 8])


def decode(code: Tensor) -> Tensor:
    return 255 * code**2  # loses something, so that a reconstruction is not the image


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9, 1.0])
def test_the_step_is_taken_in_the_latent_space(share: float) -> None:
    x, others = images(n=3, height=5, width=7), images(n=3, height=5, width=7, seed=1)
    stepped = interpolate(encode, decode, x, others, share)
    a, b = x.double() / 255, others.double() / 255
    torch.testing.assert_close(stepped, (255 * ((1 - share) * a + share * b) ** 2).float(), rtol=1e-4, atol=1e-2)


def test_at_share_0_it_is_the_reconstruction_of_the_image() -> None:
    x, others = images(n=3), images(n=3, seed=1)
    expected = decode(encode(x))[:, :, : x.shape[2], : x.shape[3]]
    torch.testing.assert_close(interpolate(encode, decode, x, others, 0.0), expected)
    assert not torch.allclose(expected, x.float(), atol=1)


def test_batches_do_not_show_in_an_interpolation(monkeypatch: pytest.MonkeyPatch) -> None:
    x, others = images(n=5, height=32, width=32), images(n=5, height=32, width=32, seed=1)
    whole = interpolate(encode, decode, x, others, 0.3)
    monkeypatch.setattr(adversarial, "BATCH", 2)
    torch.testing.assert_close(interpolate(encode, decode, x, others, 0.3), whole)
