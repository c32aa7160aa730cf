"""What never goes is set aside, so that clearing up after an answer stays short; what does go is still cleared."""

import gc
import sys
import types
import weakref

import pytest

from dashboard import settled


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(settled, "_known", 0)
    yield
    gc.unfreeze()


def test_what_lives_is_set_aside_once_and_again_when_modules_were_loaded(monkeypatch):
    settled.set_modules_aside()
    assert gc.get_freeze_count() > 10_000
    later = [[i] for i in range(1000)]  # lists made since are not set aside by a further call ...
    before = gc.get_freeze_count()
    settled.set_modules_aside()
    assert gc.get_freeze_count() <= before
    monkeypatch.setitem(sys.modules, "a_module_of_this_test", types.ModuleType("a_module_of_this_test"))
    settled.set_modules_aside()  # ... unless a module came with them
    assert gc.get_freeze_count() >= before + len(later)


def test_what_comes_and_goes_later_is_still_cleared():
    class Knot:
        def __init__(self):
            self.itself = self

    settled.set_modules_aside()
    seen = weakref.ref(Knot())
    gc.collect()
    assert seen() is None
