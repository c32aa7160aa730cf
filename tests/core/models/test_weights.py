from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.foundation.errors import InputError
from core.models import MODELS, Classifier, SmallResNet, weights
from tests.networks import built, some_images

Change = Callable[[dict[str, Tensor]], object]


def classifier(seed: int = 0, classes: int = 3, mean: float = 0.5) -> Classifier:
    torch.manual_seed(seed)
    network = SmallResNet(width=4).build((3, 16, 16), classes)
    return Classifier(network, [mean] * 3, [0.25] * 3).eval()


def logits(model: Classifier) -> Tensor:
    with torch.inference_mode():
        return model((some_images((3, 16, 16), n=4) * 40 + 128).clamp(0, 255).to(torch.uint8))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    weights.save(classifier(seed=1, mean=0.4), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def changed(file: Path, change: Change) -> Path:
    """The file again after a change to its tensors."""
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    return file


def without_prefix(tensors: dict[str, Tensor]) -> None:
    for name in list(tensors):
        value = tensors.pop(name)
        if name.startswith("network."):
            tensors[name.removeprefix("network.")] = value


@pytest.mark.parametrize("key", list(MODELS))
def test_every_network_comes_back_as_it_was(key: str, tmp_path: Path) -> None:
    first = Classifier(built(MODELS.make(key)), [0.5] * 3, [0.2] * 3)
    weights.save(first, tmp_path / "w.safetensors")
    torch.manual_seed(9)
    second = Classifier(MODELS.make(key).build((3, 32, 32), 10), [0.0] * 3, [1.0] * 3)
    weights.load(second, tmp_path / "w.safetensors")
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_the_statistics_of_the_file_go_before_those_of_the_data(file: Path) -> None:
    model = classifier(mean=0.5)
    weights.load(model, file)
    assert torch.equal(logits(model), logits(classifier(seed=1, mean=0.4)))


def test_names_of_the_network_alone_fit_and_the_data_gives_the_statistics(file: Path) -> None:
    model = classifier(mean=0.5)
    weights.load(model, str(changed(file, without_prefix)))
    assert torch.equal(logits(model), logits(classifier(seed=1, mean=0.5)))


def test_counters_of_batch_norm_may_be_missing(file: Path) -> None:
    def drop(tensors: dict[str, Tensor]) -> None:
        for name in [name for name in tensors if name.endswith("num_batches_tracked")]:
            del tensors[name]

    model = classifier()
    weights.load(model, changed(file, drop))
    assert torch.equal(logits(model), logits(classifier(seed=1, mean=0.4)))


def test_half_precision_is_taken_as_float32(file: Path) -> None:
    def halve(tensors: dict[str, Tensor]) -> None:
        for name, value in tensors.items():
            if value.is_floating_point():
                tensors[name] = value.to(torch.bfloat16)

    model = classifier()
    weights.load(model, changed(file, halve))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(model), logits(classifier(seed=1, mean=0.4)), atol=0.1, rtol=0.1)


def spoil(name: str, value: Tensor) -> Change:
    return lambda tensors: tensors.update({name: value})


HEAD = "network.head.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(HEAD), r"lacks head.weight \(3 x 16\); choose the model that the file was trained as"),
        (spoil("network.extra", torch.zeros(2)), r"has extra \(2\) besides"),
        (lambda t: [t.pop(n) for n in list(t) if "block1" in n], "block1.norm1.bias .* and [0-9]+ more"),
        (spoil(HEAD, torch.zeros(5, 16)), "head.weight is 5 x 16 in .* and 3 x 16 here; .* number of classes"),
        (spoil(HEAD, torch.zeros(3, 16, dtype=torch.int32)), "head.weight in .* is I32; save the weights as float32"),
        (spoil(HEAD, torch.full((3, 16), float("nan"))), "head.weight in .* not finite; train or save it again"),
        (spoil("normalise.deviation", torch.zeros(1, 3, 1, 1)), "normalise.deviation in .* must be above 0"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_the_model_stays(file: Path, change: Change, message: str) -> None:
    model = classifier()
    before = logits(model)
    with pytest.raises(InputError, match=message) as caught:
        weights.load(model, changed(file, change))
    assert "\n" not in str(caught.value)
    assert torch.equal(before, logits(model))


class Mischief:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("mischief"),))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4,
        pickle.dumps(Mischief()),
        struct.pack("<Q", 1 << 60) + b"{}",  # a header that claims to be larger than any disk
        struct.pack("<Q", 100) + b"{",
    ],
    ids=["empty", "short", "pickle", "huge header", "cut off"],
)
def test_files_of_another_kind_are_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"w.safetensors is not a sound safetensors file .*; save the weights again"):
        weights.load(classifier(), "w.safetensors")
    assert not (tmp_path / "mischief").exists()


def test_a_file_cut_in_half_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match="not a sound safetensors file"):
        weights.load(classifier(), file)


def test_a_tensor_that_claims_to_be_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    header = json.dumps({HEAD: {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 4 << 40]}}).encode()
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(InputError):
        weights.load(classifier(), tmp_path / "w.safetensors")


@pytest.mark.parametrize("path", ["nowhere.safetensors", "."])
def test_what_is_no_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*; give the path of a .safetensors file"):
        weights.load(classifier(), tmp_path / path)


def test_a_failed_save_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def fail(_tensors: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(weights, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        weights.save(classifier(), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
