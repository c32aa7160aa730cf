"""Networks of torchvision and timm with somebody's weights, and what is refused."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn

from core.foundation.errors import InputError
from core.models import MODELS, Classifier, weights
from core.models.brought import open_network
from tests.networks import write_weights


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants to download something fails here."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def resnet(classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=classes).eval()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_weights(tmp_path / "r.safetensors", resnet())


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "network."])
def test_the_weights_say_how_many_classes_and_wrappers_are_no_part_of_names(prefix: str, tmp_path: Path) -> None:
    network = open_network("torchvision:resnet18", write_weights(tmp_path / "w.safetensors", resnet(), prefix), 32)
    module, name = network.tapped("fc")
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(module(images), resnet()(images))
    assert name == "fc"


def test_a_run_s_own_file_brings_its_statistics(tmp_path: Path) -> None:
    weights.save(Classifier(resnet(), [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), tmp_path / "w.safetensors")
    network = open_network("torchvision:resnet18", tmp_path / "w.safetensors")
    assert network.statistics[0] == pytest.approx([0.1, 0.2, 0.3])
    assert network.statistics[1] == pytest.approx([0.4, 0.5, 0.6])


def test_timm_takes_classes_channels_size_and_statistics(tmp_path: Path) -> None:
    small = timm.create_model("test_vit", num_classes=4, in_chans=1, img_size=32)
    network = open_network("timm:test_vit", write_weights(tmp_path / "w.safetensors", small), 32)
    assert (network.channels, network.size) == (1, 32)
    assert network.taps().layers[-1].shape == (4,)
    plain = open_network("timm:test_vit")
    assert plain.size == timm.get_pretrained_cfg("test_vit").input_size[-1]
    assert plain.statistics[0] == list(timm.get_pretrained_cfg("test_vit").mean)


def test_weights_without_a_head_make_a_network_without_one(tmp_path: Path) -> None:
    bare = timm.create_model("test_resnet", num_classes=0)
    network = open_network("timm:test_resnet", write_weights(tmp_path / "w.safetensors", bare), 64)
    assert "Linear" not in {layer.kind for layer in network.taps().layers}


@pytest.mark.parametrize("auxiliary", [True, False])
def test_second_heads_are_there_if_the_weights_have_them(auxiliary: bool, tmp_path: Path) -> None:
    made = torchvision.models.googlenet(num_classes=3, aux_logits=auxiliary, init_weights=False)
    network = open_network("torchvision:googlenet", write_weights(tmp_path / "w.safetensors", made), 64)
    assert any(name.startswith("aux1") for name, _ in network.tapped("")[0].named_modules()) == auxiliary


def spoil(file: Path, name: str, value: torch.Tensor | None) -> None:
    tensors = load_file(file)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    save_file(tensors, file)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer1.0.conv1.weight", None, r"lacks layer1.0.conv1.weight \(64 x 64 x 3 x 3\)"),
        ("extra", torch.zeros(2, 7), r"has extra \(2 x 7\) besides"),
        (
            "layer1.0.conv1.weight",
            torch.zeros(1, 2, 3, 3),
            "layer1.0.conv1.weight is 1 x 2 x 3 x 3 in r.safetensors and 64 x",
        ),
        ("fc.weight", None, "there is no fc.weight, which is the classifier of resnet18"),
        ("fc.weight", torch.zeros(200_000, 1), "fc.weight has 200,000 classes; 1 to 100,000"),
        ("fc.bias", torch.full((5,), float("nan")), "fc.bias in r.safetensors has values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(file: Path, name: str, value: torch.Tensor | None, message: str) -> None:
    spoil(file, name, value)
    with pytest.raises(InputError, match=message) as caught:
        open_network("torchvision:resnet18", file)
    assert "\n" not in str(caught.value)


class Mischief:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("mischief"),))


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.PKL", "m.ckpt", "m.bin", "m.tar"])
@pytest.mark.parametrize("as_model", [True, False])
def test_pickles_are_never_opened_and_the_way_out_is_told(
    name: str, as_model: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(pickle.dumps(Mischief()))
    with pytest.raises(InputError, match=r"is a pickle, .* weights_only=True\); safetensors.torch.save_file"):
        open_network(name) if as_model else open_network("torchvision:resnet18", Path(name))
    assert not Path("mischief").exists()


def test_the_way_out_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": resnet().state_dict(), "epoch": 3}, "m.pth")
    with pytest.raises(InputError) as caught:
        open_network("torchvision:resnet18", Path("m.pth"))
    exec(str(caught.value).partition("trust it: ")[2])
    assert open_network("torchvision:resnet18", Path("m.safetensors"), 32).taps().layers[-1].shape == (5,)


def test_an_archive_of_torch_export_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is an archive of torch.export, .* torch.export.load\('m.pt2'\).state_dict"):
        open_network(str(tmp_path / "m.pt2"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "resnet50",
            f"'resnet50' is no model: give {', '.join(MODELS)}, torchvision:NAME or timm:NAME",
        ),
        ("torchvision:resnet19", "torchvision has no classifier 'resnet19'"),
        ("torchvision:fasterrcnn_resnet50_fpn", "torchvision has no classifier"),  # it would fetch its backbone
        ("timm:hf-hub:timm/resnet18.a1_in1k", "timm has no model 'hf-hub:"),  # it would be fetched
        ("timm:local-dir:/tmp", "timm has no model 'local-dir:"),
        ("timm:resnet18.of_nobody", "timm has no model 'resnet18.of_nobody'"),
        ("timm:", "'timm:' is no model"),
    ],
)
def test_names_that_are_none_are_refused(model: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_network(model)


def test_a_size_that_a_network_cannot_take_is_one_line() -> None:
    with pytest.raises(InputError, match=r"vit_b_16 cannot be made for images of 30x30 .*; give another --size"):
        open_network("torchvision:vit_b_16", None, 30)
    with pytest.raises(InputError, match=r"does not take images of 3x3 .* --size that it was trained on"):
        open_network("torchvision:alexnet", None, 3).taps()
    with pytest.raises(InputError, match="between 1 and 4096"):
        open_network("torchvision:resnet18", None, 0)
