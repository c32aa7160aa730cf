from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.datasets import ImageParquet, table_files
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from tests.makers import coloured, encode, noise_images, write_image_parquet, write_parquet

CIFAR10 = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cifar10-jpeg"


def grey(n: int) -> list[bytes]:
    return [encode(image) for image in noise_images(n, size=8, channels=1)]


def same(left: ImageData, right: ImageData) -> bool:
    return np.array_equal(left.images, right.images) and np.array_equal(left.labels, right.labels)


def by_content(data: ImageData) -> list[tuple[bytes, int]]:
    return sorted((image.tobytes(), int(label)) for image, label in zip(data.images, data.labels, strict=True))


def test_train_and_test_files_are_read_as_they_are(tmp_path: Path) -> None:
    train, test = coloured(6, classes=3), coloured(2, classes=3, seed=1)
    write_image_parquet(tmp_path / "train-00000-of-00001.parquet", train)
    write_image_parquet(tmp_path / "test-00000-of-00001.parquet", test)
    split = ImageParquet(path=str(tmp_path)).load(0)
    assert same(split.train, train)
    assert same(split.test, test)
    assert split.train.class_names == train.class_names == split.test.class_names
    assert split.train.labels.dtype == np.int64


def test_validation_serves_where_there_is_no_test_file(tmp_path: Path) -> None:
    train, held_out = coloured(6), coloured(2, seed=1)
    write_image_parquet(tmp_path / "train.parquet", train)
    write_image_parquet(tmp_path / "validation.parquet", held_out)
    assert same(ImageParquet(path=str(tmp_path)).load(0).test, held_out)


@pytest.mark.parametrize("as_folder", [False, True])
def test_one_file_is_split(tmp_path: Path, as_folder: bool) -> None:
    data = coloured(20)
    file = write_image_parquet(tmp_path / "train.parquet", data)
    split = ImageParquet(path=str(tmp_path if as_folder else file), test_share=0.25).load(0)
    assert np.bincount(split.test.labels).tolist() == [5, 5]
    assert sorted([*by_content(split.train), *by_content(split.test)]) == by_content(data)


def test_parts_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    first, second = coloured(4), coloured(4, seed=1)
    write_image_parquet(tmp_path / "train-00001-of-00002.parquet", second)
    write_image_parquet(tmp_path / "train-00000-of-00002.parquet", first)
    write_image_parquet(tmp_path / "test.parquet", second)
    split = ImageParquet(path=str(tmp_path)).load(0)
    assert same(split.train.take(np.arange(8)), first)
    assert same(split.train.take(np.arange(8, 16)), second)
    assert split.train.class_names == first.class_names


def test_mirror_is_what_the_user_says(tmp_path: Path) -> None:
    file = str(write_image_parquet(tmp_path / "a.parquet", coloured(4)))
    assert ImageParquet(path=file).load(0).flip is True
    assert ImageParquet(path=file, mirror=False).load(0).flip is False


def test_without_metadata_classes_are_numbered(tmp_path: Path) -> None:
    file = write_image_parquet(tmp_path / "a.parquet", coloured(4, classes=3), with_names=False)
    assert ImageParquet(path=str(file)).load(0).train.class_names == ("0", "1", "2")


def test_metadata_with_too_few_names_is_not_trusted(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "a.parquet", grey(6), [0, 1, 2] * 2, names=["a", "b"])
    assert ImageParquet(path=str(file)).load(0).train.class_names == ("0", "1", "2")


def test_damaged_metadata_does_not_matter(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "a.parquet", grey(4), [0, 1] * 2)
    table = pq.read_table(file).replace_schema_metadata({"huggingface": "{not json"})
    pq.write_table(table, file)
    assert ImageParquet(path=str(file)).load(0).train.class_names == ("0", "1")


def test_other_column_names_are_found(tmp_path: Path) -> None:
    """CIFAR-10 says `img`; the path beside the bytes and other whole numbers are no labels."""
    file = write_parquet(tmp_path / "a.parquet", grey(4), [0, 1, 1, 0], image_column="img", label_column="fine_label")
    table = pq.read_table(file)
    pq.write_table(table.add_column(0, "row", pa.array([9, 9, 9, 9])), file)
    split = ImageParquet(path=str(file)).load(0)
    assert len(split.train.class_names) == 2


def test_a_column_of_bare_bytes_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": pa.array(grey(4), pa.binary()), "label": [0, 1, 0, 1]}), tmp_path / "a.parquet")
    assert ImageParquet(path=str(tmp_path / "a.parquet")).load(0).train.images.shape == (2, 8, 8, 1)


def test_grey_and_colour_in_one_file_become_colour(tmp_path: Path) -> None:
    cells = [*grey(2), *(encode(image) for image in noise_images(2, size=8))]
    file = write_parquet(tmp_path / "a.parquet", cells, [0, 1, 0, 1])
    assert ImageParquet(path=str(file)).load(0).train.images.shape == (2, 8, 8, 3)


def test_grey_training_and_colour_test_images_become_colour(tmp_path: Path) -> None:
    write_image_parquet(tmp_path / "train.parquet", coloured(4, channels=1))
    write_image_parquet(tmp_path / "test.parquet", coloured(4))
    split = ImageParquet(path=str(tmp_path)).load(0)
    assert split.train.images.shape[1:] == split.test.images.shape[1:] == (16, 16, 3)


def test_a_test_file_that_lacks_the_last_class_is_welcome(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", grey(6), [0, 1, 2] * 2)
    write_parquet(tmp_path / "test.parquet", grey(2), [0, 1])
    split = ImageParquet(path=str(tmp_path)).load(0)
    assert split.test.class_names == split.train.class_names == ("0", "1", "2")


def test_sizes_that_differ_need_a_size(tmp_path: Path) -> None:
    cells = [encode(noise_images(1, size=s)[0]) for s in (8, 8, 8, 10)]
    file = str(write_parquet(tmp_path / "a.parquet", cells, [0, 1, 0, 1]))
    with pytest.raises(InputError, match=r"a.parquet, row 3 is 10x10 where the first is 8x8; set a size"):
        ImageParquet(path=file).load(0)
    assert ImageParquet(path=file, size=9).load(0).train.images.shape == (2, 9, 9, 3)


def test_training_and_test_images_of_different_size_need_a_size(tmp_path: Path) -> None:
    write_image_parquet(tmp_path / "train.parquet", coloured(4, size=16))
    write_image_parquet(tmp_path / "test.parquet", coloured(4, size=12))
    with pytest.raises(InputError, match=r"differ in size.*; set a size"):
        ImageParquet(path=str(tmp_path)).load(0)
    assert ImageParquet(path=str(tmp_path), size=12).load(0).train.images.shape[1:] == (12, 12, 3)


def test_train_and_test_must_name_the_same_classes(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", grey(4), [0, 1] * 2, names=["cat", "dog"])
    write_parquet(tmp_path / "test.parquet", grey(4), [0, 1] * 2, names=["dog", "cat"])
    with pytest.raises(InputError, match="name different classes"):
        ImageParquet(path=str(tmp_path)).load(0)


def broken_image(file: Path) -> None:
    cells = grey(6)
    cells[4] = cells[4][:30]
    write_parquet(file, cells, [0, 1] * 3)


def no_labels(file: Path) -> None:
    write_parquet(file, grey(4), None)


def no_images(file: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), file)


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "broken image": (broken_image, r"a\.parquet, row 4 cannot be read as an image"),
    "empty cell": (
        lambda f: write_parquet(f, [*grey(2), None], [0, 1, 0]),
        r"a\.parquet, row 2 cannot be read as an image \(its file 2\.png is not there\)",
    ),
    "cell of 0 bytes": (lambda f: write_parquet(f, [*grey(2), b""], [0, 1, 0]), r"row 2 .* \(it is empty: 0 bytes\)"),
    "empty label": (lambda f: write_parquet(f, grey(3), [0, None, 1]), r"class '0' has 1 image"),
    "negative label": (lambda f: write_parquet(f, grey(3), [0, 1, -2]), "has -2 in row 2; labels must not be negative"),
    "no label column": (
        no_labels,
        "no column of labels among: image; say which it is: --set dataset.label_column=NAME",
    ),
    "no image column": (no_images, "no column of images among: text, label"),
    "no rows": (lambda f: write_parquet(f, [], []), "a.parquet has no rows"),
    "0 bytes": (lambda f: f.write_bytes(b""), r"a.parquet is empty \(0 bytes\), so it is no parquet file"),
    "text": (lambda f: f.write_text("hello\nworld\n" * 20), "a.parquet is not a readable parquet file"),
    "one class": (lambda f: write_parquet(f, grey(3), [0, 0, 0]), r"only one class \(0\); at least 2 are needed"),
    "every image broken": (lambda f: write_parquet(f, [b"x"] * 4, [0, 1] * 2), "none of the images can be read"),
    "one image of a class": (lambda f: write_parquet(f, grey(3), [0, 0, 1]), r"class '1' has 1 image"),
}


@pytest.mark.parametrize(("make", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_file_is_refused_in_one_line(make: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    make(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message) as caught:
        ImageParquet(path=str(tmp_path / "a.parquet")).load(0)
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    file = write_image_parquet(tmp_path / "a.parquet", coloured(4))
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"a\.parquet is not a readable parquet file"):
        ImageParquet(path=str(file)).load(0)


def test_a_broken_image_in_the_second_part_is_named_by_its_own_file_and_row(tmp_path: Path) -> None:
    cells = grey(4)
    write_parquet(tmp_path / "train-0.parquet", cells, [0, 1] * 2)
    write_parquet(tmp_path / "train-1.parquet", [cells[0], b"broken", *cells[2:]], [0, 1] * 2)
    with pytest.raises(InputError, match=r"train-1\.parquet, row 1 cannot be read"):
        ImageParquet(path=str(tmp_path)).load(0)


def test_broken_images_are_left_out_where_told_so(tmp_path: Path) -> None:
    train, test = coloured(6, classes=3), coloured(2, classes=3, seed=1)
    cells = [encode(image) for image in train.images]
    cells[2] = cells[2][:50]
    cells[7] = b""
    write_parquet(tmp_path / "train.parquet", cells, train.labels.tolist(), names=train.class_names)
    write_image_parquet(tmp_path / "test.parquet", test)
    with pytest.raises(InputError, match=r"2 of 24 images cannot be read: train.parquet, row 2 \(.*row 7 \("):
        ImageParquet(path=str(tmp_path)).load(0)
    split = ImageParquet(path=str(tmp_path), skip_broken=True).load(0)
    assert same(split.train, train.take(np.delete(np.arange(18), [2, 7])))
    assert same(split.test, test)
    assert split.notes[0].startswith("2 images could not be read and were left out: train.parquet, row 2 (")


def test_training_and_test_files_are_both_looked_at_before_any_is_refused(tmp_path: Path) -> None:
    for name in ("train", "test"):
        write_parquet(tmp_path / f"{name}.parquet", [*grey(4), b"x"], [0, 1, 0, 1, 0])
    with pytest.raises(InputError, match=r"2 of 10 .*train.parquet, row 4 .*test.parquet, row 4"):
        ImageParquet(path=str(tmp_path)).load(0)


def test_files_whose_columns_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train-0.parquet", grey(4), [0, 1] * 2)
    pq.write_table(pa.table({"image": ["a", "b"], "label": [0, 1]}), tmp_path / "train-1.parquet")
    with pytest.raises(InputError, match=r"train-0.parquet and the files beside it differ in their columns"):
        ImageParquet(path=str(tmp_path)).load(0)


def test_a_class_of_the_metadata_without_images_is_left_out_and_told(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", grey(4), [0, 2] * 2, names=["ant", "bee", "cow"])
    write_parquet(tmp_path / "test.parquet", grey(2), [0, 2], names=["ant", "bee", "cow"])
    split = ImageParquet(path=str(tmp_path)).load(0)
    assert split.train.class_names == split.test.class_names == ("ant", "cow")
    assert "1 of 3 named classes have no image and are left out: bee." in split.notes


def test_more_rows_than_are_copied_at_a_time_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "ROWS", 4)
    data = coloured(9)
    for name in ("train-0", "train-1", "test"):
        write_image_parquet(tmp_path / f"{name}.parquet", data)
    train = ImageParquet(path=str(tmp_path)).load(0).train
    np.testing.assert_array_equal(train.images, np.concatenate([data.images] * 2))


def test_missing_paths_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        ImageParquet().load(0)
    with pytest.raises(InputError, match="nowhere does not exist; give a parquet file"):
        ImageParquet(path=str(tmp_path / "nowhere")).load(0)
    with pytest.raises(InputError, match=r"holds no train\*.parquet"):
        ImageParquet(path=str(tmp_path)).load(0)


@pytest.mark.slow
@pytest.mark.skipif(not CIFAR10.is_dir(), reason=f"CIFAR-10 is not at {CIFAR10}")
def test_the_real_cifar10() -> None:
    split = ImageParquet(path=str(CIFAR10)).load(0)
    assert split.train.images.shape == (50_000, 32, 32, 3)
    assert split.test.images.shape == (10_000, 32, 32, 3)
    assert np.bincount(split.train.labels).tolist() == [5000] * 10
    assert np.bincount(split.test.labels).tolist() == [1000] * 10
    names = split.train.class_names
    assert (names[9], names[4], names[0], names[6]) == ("truck", "deer", "airplane", "frog")
    assert 100 < split.train.images.mean() < 140  # photographs: not blank, not inverted
