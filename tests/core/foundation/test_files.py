"""Files that nobody reads half of, and folders that one process at a time writes into."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.foundation.errors import InputError
from core.foundation.files import claimed


def test_a_folder_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with claimed(out, "scan"):
        with pytest.raises(InputError, match=r"another scan is at work in .*out; wait for it"), claimed(out, "scan"):
            pass
        (out / "x").touch()
    assert [file.name for file in out.iterdir()] == ["x"]
    with claimed(out, "scan"):
        pass
    with pytest.raises(ValueError, match="no"), claimed(tmp_path / "empty", "scan"):
        raise ValueError("no")
    assert not (tmp_path / "empty").exists()
