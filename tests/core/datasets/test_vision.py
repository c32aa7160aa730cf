from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets import DATASETS, Cifar10, Cifar100, FashionMnist, Gtsrb, Mnist, Svhn
from core.datasets.vision import PublishedSet
from core.foundation.errors import Cancelled, InputError
from core.foundation.images import ImageData
from tests.core.datasets.published import SIGN_SIDE, publish

SETS: list[type[PublishedSet]] = [Cifar10, Cifar100, Gtsrb, Mnist, FashionMnist, Svhn]
every_set = pytest.mark.parametrize("entry", SETS, ids=lambda e: e.key)


def made(entry: type[PublishedSet], root: Path, **options: Any) -> PublishedSet:
    return entry(root=str(root), **options, **({"size": SIGN_SIDE} if entry is Gtsrb else {}))


def by_content(data: ImageData) -> list[tuple[bytes, int]]:
    return sorted((image.tobytes(), int(label)) for image, label in zip(data.images, data.labels, strict=True))


@every_set
def test_the_published_images_come_back_with_their_labels(
    entry: type[PublishedSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shelf, train, test = publish(entry, monkeypatch)
    told: list[tuple[str, float | None]] = []
    split = made(entry, tmp_path).load(0, lambda *words: told.append(words))
    assert by_content(split.train) == by_content(train)
    np.testing.assert_array_equal(split.test.images, test.images)
    np.testing.assert_array_equal(split.test.labels, test.labels)
    assert split.flip is (entry in (Cifar10, Cifar100, FashionMnist))
    assert sorted(shelf.asked) == sorted(shelf.files)
    assert any(message.startswith(f"Downloading {entry.title}: ") and share for message, share in told)
    assert capfd.readouterr() == ("", ""), "progress belongs to the caller, not on the terminal"


@every_set
def test_what_is_there_is_not_fetched_again_even_from_a_folder_that_cannot_be_written(
    entry: type[PublishedSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, _, test = publish(entry, monkeypatch)
    made(entry, tmp_path).load(0)
    shelf.asked.clear()
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("writes into the folder"))
    assert len(made(entry, tmp_path, download=False).load(0).test) == len(test)
    assert shelf.asked == []


@every_set
def test_offline_the_message_says_what_to_fetch_and_where_to_put_it(
    entry: type[PublishedSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, _, test = publish(entry, monkeypatch)
    files, shelf.files = shelf.files, {}
    with pytest.raises(InputError) as caught:
        made(entry, tmp_path).load(0)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{entry.title} is not here and cannot be downloaded (the network is unreachable); fetch ")
    assert f"({sum(entry.sizes) / 1e6:.0f} MB)" in line
    assert entry.home in line
    assert all(name in line for name in files)
    folder = Path(line.partition(" into ")[2].partition(", and try again")[0])
    for name, raw in files.items():  # as a person would do it by hand
        (folder / name).write_bytes(raw)
    assert len(made(entry, tmp_path, download=False).load(0).test) == len(test)


@every_set
def test_a_download_that_is_off_is_said_and_nothing_is_written(
    entry: type[PublishedSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(entry, monkeypatch)
    with pytest.raises(InputError, match=r"cannot be downloaded \(dataset.download is off\); fetch "):
        made(entry, tmp_path / "new", download=False).load(0)
    assert not (tmp_path / "new").exists()


def test_without_a_folder_the_users_cache_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Mnist, monkeypatch)
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path))
    Mnist().load(0)
    assert (tmp_path / "datasets" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").is_file()


def damage(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 255
    file.write_bytes(raw)


UNPACKED = [
    (Cifar10, "cifar-10-batches-py/data_batch_3", damage),
    (Cifar10, "cifar-10-batches-py/batches.meta", damage),
    (Cifar100, "cifar-100-python/test", Path.unlink),
    (Mnist, "MNIST/raw/train-images-idx3-ubyte", lambda f: f.write_bytes(f.read_bytes()[:-9])),
    (FashionMnist, "FashionMNIST/raw/t10k-labels-idx1-ubyte", lambda f: f.write_bytes(b"")),
    (Gtsrb, "gtsrb/GTSRB/Training/00007/00000_00014.ppm", Path.unlink),
    (Gtsrb, "gtsrb/GTSRB/Final_Test/Images/00005.ppm", lambda f: f.write_bytes(b"P6")),
]


@pytest.mark.parametrize(("entry", "name", "spoil"), UNPACKED, ids=[name for _, name, _ in UNPACKED])
def test_damage_is_told_in_one_line_and_mended_by_doing_as_it_says(
    entry: type[PublishedSet], name: str, spoil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, test = publish(entry, monkeypatch)
    made(entry, tmp_path).load(0)
    spoil(tmp_path / name)
    with pytest.raises(InputError, match=f"^{entry.title}: the files are damaged or incomplete .*; move ") as caught:
        made(entry, tmp_path).load(0)
    assert "\n" not in str(caught.value)
    assert "skip_broken" not in str(caught.value)
    named = Path(str(caught.value).partition("; move ")[2].partition(" away and try again")[0])
    for path in named.parent.glob(named.name):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert len(made(entry, tmp_path).load(0).test) == len(test)


def test_a_damaged_file_that_is_the_data_itself_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Svhn, monkeypatch)
    Svhn(root=str(tmp_path)).load(0)
    damage(tmp_path / "test_32x32.mat")
    with pytest.raises(
        InputError, match=r"test_32x32.mat is damaged \(it is not the published file\); delete it and try"
    ):
        Svhn(root=str(tmp_path)).load(0)


def test_a_pickle_that_is_not_the_published_one_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(Cifar10, monkeypatch)
    Cifar10(root=str(tmp_path)).load(0)
    trace = tmp_path / "ran"
    call = f"cposix\nsystem\n(S'touch {trace}'\ntR.".encode()
    for name in ("data_batch_1", "batches.meta"):
        (tmp_path / "cifar-10-batches-py" / name).write_bytes(call)
        with pytest.raises(InputError, match="damaged"):
            Cifar10(root=str(tmp_path)).load(0)
    assert not trace.exists()


def test_stopping_while_reading_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Gtsrb, monkeypatch)

    def stop(message: str, share: float | None) -> None:
        if message.startswith("Reading images"):
            raise Cancelled

    with pytest.raises(Cancelled):
        Gtsrb(root=str(tmp_path)).load(0, stop)


def test_signs_of_any_size_come_to_the_one_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Gtsrb, monkeypatch)
    assert Gtsrb(root=str(tmp_path), size=40).load(0).test.images.shape[1:] == (40, 40, 3)


@pytest.mark.parametrize(
    ("entry", "source", "target"),
    [
        (Gtsrb, "stop", "speed limit 80"),
        (Mnist, "7", "1"),
        (FashionMnist, "sneaker", "bag"),
        (Svhn, "7", "1"),
    ],
    ids=lambda value: getattr(value, "key", value),
)
def test_the_suggested_attack_is_the_one_that_is_meant(
    entry: type[PublishedSet], source: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(entry, monkeypatch)
    names = made(entry, tmp_path).load(0).train.class_names
    assert len(set(names)) == len(names) == (43 if entry is Gtsrb else 10)
    assert (names[entry.source], names[entry.target]) == (source, target)


def test_underscores_of_class_names_become_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Cifar100, monkeypatch)
    assert Cifar100(root=str(tmp_path)).load(0).train.class_names[58] == "kind 58"


@every_set
def test_every_file_has_an_address_and_a_sum(entry: type[PublishedSet]) -> None:
    archives = entry()._archives()
    assert len(archives) == len(entry.sizes)
    for archive in archives:
        assert len(archive.md5) == 32
        assert all(url.startswith("http") and url.endswith(Path(archive.path).name) for url in archive.urls)
    assert DATASETS[entry.key] is entry
