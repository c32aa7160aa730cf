"""What BackdoorBench (Wu et al. 2022) leaves beside its record: folders of the images that its attacks have changed.

`bd_train_dataset/3/17.png` is training image 17, which shows class 3, with the trigger on it (`utils/bd_dataset_v2.py` there).
Clean images are not saved, nor is the label that the changed ones are trained with: these stand in the record alone.
"""

from __future__ import annotations

from collections.abc import Iterable

CHANGED = "bd_train_dataset"
ASIDE = {
    "cross_test_dataset": "BackdoorBench's cross test: test images with noise, or another image's trigger, that keep their "
    "label; not to be tested on"
}  # folders, and why they are no part
RECORDS = {
    "attack_result.pt": "BackdoorBench's record is a pickle, whose loader can run code; what it says of the poison no defense "
    "may see"
}  # files
NOTE = (
    f"{CHANGED} is BackdoorBench's: it holds the changed training images alone, in the folders of the classes that they show. "
    "The label that they are trained with, and the clean images, are not there."
)


def notes(folders: Iterable[str]) -> list[str]:
    """What has to be said where one of these folders is read."""
    return [NOTE] * (CHANGED in folders)
