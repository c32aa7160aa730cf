from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.datasets import ImageFolder
from core.foundation.errors import InputError
from tests.makers import coloured, encode, noise_images, write_folder


def put(file: Path, channels: int = 3, size: int = 16) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode(noise_images(1, size=size, channels=channels)[0]))


def test_classes_are_the_subfolders_in_order_of_their_names(tmp_path: Path) -> None:
    data = coloured(10, classes=3)
    split = ImageFolder(path=str(write_folder(tmp_path, data)), size=16).load(0)
    assert split.train.class_names == data.class_names
    truth = {image.tobytes(): int(label) for image, label in zip(data.images, data.labels, strict=True)}
    seen = {}
    for part in (split.train, split.test):
        seen |= {image.tobytes(): int(label) for image, label in zip(part.images, part.labels, strict=True)}
    assert seen == truth
    assert np.bincount(split.test.labels).tolist() == [2, 2, 2]


def test_train_and_test_folders_are_read_as_they_are(tmp_path: Path) -> None:
    train, test = coloured(6), coloured(3, seed=1)
    write_folder(tmp_path / "train", train)
    write_folder(tmp_path / "test", test)
    split = ImageFolder(path=str(tmp_path), size=16).load(0)
    assert {i.tobytes() for i in split.train.images} == {i.tobytes() for i in train.images}
    assert {i.tobytes() for i in split.test.images} == {i.tobytes() for i in test.images}


def test_a_train_folder_alone_is_split(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", coloured(10))
    split = ImageFolder(path=str(tmp_path), size=16).load(0)
    assert (len(split.train), len(split.test)) == (16, 4)


def test_mirror_is_off_unless_asked_for(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    assert ImageFolder(path=str(tmp_path)).load(0).flip is False
    assert ImageFolder(path=str(tmp_path), mirror=True).load(0).flip is True


def test_any_sizes_come_to_one(tmp_path: Path) -> None:
    for i, size in enumerate((9, 16, 33)):
        put(tmp_path / "a" / f"{i}.png", size=size)
        put(tmp_path / "b" / f"{i}.png", size=size)
    assert ImageFolder(path=str(tmp_path), size=20).load(0).train.images.shape[1:] == (20, 20, 3)


def test_grey_and_colour_mixed_become_colour(tmp_path: Path) -> None:
    for i in range(2):
        put(tmp_path / "a" / f"{i}.png", channels=1)
        put(tmp_path / "b" / f"{i}.png", channels=3)
    assert ImageFolder(path=str(tmp_path)).load(0).train.images.shape[3] == 3


@pytest.mark.parametrize(("train", "test"), [(1, 3), (3, 1)])
def test_grey_on_one_side_becomes_colour_on_both(train: int, test: int, tmp_path: Path) -> None:
    write_folder(tmp_path / "train", coloured(4, channels=train))
    write_folder(tmp_path / "test", coloured(4, channels=test))
    split = ImageFolder(path=str(tmp_path), size=16).load(0)
    assert split.train.images.shape[3] == split.test.images.shape[3] == 3


def test_only_grey_stays_grey(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4, channels=1))
    assert ImageFolder(path=str(tmp_path)).load(0).train.images.shape[3] == 1


def test_other_files_and_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "class a" / "notes.txt").write_text("hello")
    split = ImageFolder(path=str(tmp_path)).load(0)
    assert len(split.train) + len(split.test) == 8
    assert split.train.class_names == ("class a", "class b")


def test_images_in_deeper_folders_and_upper_case_suffixes_count(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    put(tmp_path / "class a" / "more" / "X.PNG")
    split = ImageFolder(path=str(tmp_path)).load(0)
    assert len(split.train) + len(split.test) == 9


def test_a_folder_without_images_is_no_class_and_told(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    (tmp_path / "class c").mkdir()
    split = ImageFolder(path=str(tmp_path)).load(0)
    assert split.train.class_names == ("class a", "class b")
    assert "Folders without images, which are no classes: class c." in split.notes


@pytest.mark.parametrize("classes", [0, 1])
def test_fewer_than_two_classes_are_refused(classes: int, tmp_path: Path) -> None:
    for i in range(classes):
        put(tmp_path / f"{i}" / "a.png")
    with pytest.raises(InputError, match=rf"has {classes} class folder\(s\) and .*; at least 2 are needed"):
        ImageFolder(path=str(tmp_path)).load(0)


def test_broken_image_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    (tmp_path / "class b" / "zz.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"class b.zz.jpg cannot be read as an image"):
        ImageFolder(path=str(tmp_path)).load(0)


def test_a_class_that_only_the_test_folder_has_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", coloured(4, classes=2))
    write_folder(tmp_path / "test", coloured(4, classes=3))
    with pytest.raises(InputError, match="test has the class 'class c', which the training part lacks; leave it out"):
        ImageFolder(path=str(tmp_path)).load(0)


def test_a_class_that_the_test_folder_lacks_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", coloured(4, classes=3))
    write_folder(tmp_path / "test", coloured(4, classes=2))
    assert "No test images of class 'class c'" in ImageFolder(path=str(tmp_path)).load(0).notes[-1]


def test_missing_paths_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        ImageFolder().load(0)
    with pytest.raises(InputError, match="nowhere is not a folder"):
        ImageFolder(path=str(tmp_path / "nowhere")).load(0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is not a folder"):
        ImageFolder(path=str(tmp_path / "file")).load(0)


def test_broken_images_are_left_out_where_told_so(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", coloured(4))
    write_folder(tmp_path / "test", coloured(2, seed=1))
    (tmp_path / "train" / "class a" / "zz.jpg").write_bytes(b"no picture")
    (tmp_path / "test" / "class b" / "zz.png").touch()
    split = ImageFolder(path=str(tmp_path), skip_broken=True).load(0)
    assert (len(split.train), len(split.test)) == (8, 4)
    assert split.notes[0].startswith("2 images could not be read and were left out: ")
    for name in (Path("train/class a/zz.jpg"), Path("test/class b/zz.png")):
        assert str(name) in split.notes[0]


def test_a_class_that_loses_all_its_images_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, coloured(4))
    for i in range(3):
        (tmp_path / "class c").mkdir(exist_ok=True)
        (tmp_path / "class c" / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="nothing is left of class 'class c' without the broken images; mend some"):
        ImageFolder(path=str(tmp_path), skip_broken=True).load(0)


def test_three_images_in_all_are_too_few(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        put(tmp_path / name)
    with pytest.raises(InputError, match=r"class 'b' has 1 image\(s\); training and test need one each"):
        ImageFolder(path=str(tmp_path)).load(0)


def test_reading_is_reported(tmp_path: Path) -> None:
    told: list[float | None] = []
    ImageFolder(path=str(write_folder(tmp_path, coloured(4)))).load(0, lambda message, share: told.append(share))
    assert told[-1] == 1
