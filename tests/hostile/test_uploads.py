"""Door: what is uploaded on a page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from dashboard.audit import upload
from dashboard.audit.others import TAKEN
from dashboard.uploads import store_picture
from tests.cases import snapshot
from tests.hostile.cases import BROKEN, ESCAPE, MARKUP, refused
from tests.hostile.test_images import BAD_PICTURES

NAMES = (
    "../../x.npy",
    "/etc/x.npy",
    "C:\\x.npy",
    "x\0.npy",
    f"{ESCAPE}.npy",
    f"{BROKEN}.npy",
    "n" * 5000 + ".npy",
    ".npy",
)
ENDINGS = ("x", "x.pkl", "x.pt", "x.py", "x.html", "x.npy.exe", "x.npy/", "", f"x.{MARKUP}")


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_kept_under_a_name_of_our_own(name: str, tmp_path: Path) -> None:
    kept = upload.store(io.BytesIO(b"x" * 9), name, tmp_path / "audits")
    assert kept.parent == tmp_path / "audits" / ".uploads"
    assert kept.stem.isalnum()
    assert list(snapshot(tmp_path / "audits")) == [f".uploads/{kept.name}"]


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("allowed", [upload.SUFFIXES, TAKEN], ids=["tables", "opinions"])
def test_another_ending_is_refused(name: str, allowed: tuple[str, ...], tmp_path: Path) -> None:
    refused(lambda: upload.store(io.BytesIO(b"x"), name, tmp_path, allowed), "ending")
    assert not snapshot(tmp_path)


def test_0_bytes_are_refused(tmp_path: Path) -> None:
    refused(lambda: upload.store(io.BytesIO(), "x.npy", tmp_path), "0 bytes")
    assert not snapshot(tmp_path)


def test_more_than_there_is_room_for_is_refused_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "ROOM", 5 * upload.PIECE)
    refused(lambda: upload.store(io.BytesIO(bytes(9 * upload.PIECE)), "x.npy", tmp_path), "no room")
    assert not snapshot(tmp_path)


@pytest.mark.parametrize("data", [b"", *BAD_PICTURES.values()], ids=["0 bytes", *BAD_PICTURES])
def test_a_bad_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    refused(lambda: store_picture(data, tmp_path), "picture")
    assert not snapshot(tmp_path)
