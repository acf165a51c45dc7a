"""Garbage is looked for between two looks, among what the UI has made since."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from textual._styles_cache import StylesCache
from textual.color import Color

from nsview.tui import garbage
from nsview.tui.garbage import Garbage


class Circle:
    """Something that only a collection lets go of."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def taken_over() -> Iterator[Garbage]:
    """The interpreter does not look meanwhile; afterwards all is as it was."""
    threshold = gc.get_threshold()
    gc.collect()
    try:
        yield Garbage()
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


def left_behind() -> weakref.ref[Circle]:
    return weakref.ref(Circle())


def test_what_the_ui_left_behind_is_found(taken_over: Garbage) -> None:
    circle = left_behind()
    many = [[number] for number in range(10_000)]
    assert circle() is not None, "the interpreter did not wait for us"
    taken_over.collect()
    assert circle() is None
    del many


def test_what_a_look_has_made_is_not_gone_through(taken_over: Garbage) -> None:
    circle = left_behind()
    taken_over.keep()
    taken_over.collect()
    assert circle() is not None


def test_many_new_objects_make_it_look_through_everything(
    taken_over: Garbage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "_MANY", 10_000)
    circle = left_behind()
    taken_over.keep()
    many = [object() for _ in range(20_000)]
    taken_over.collect()
    assert circle() is None

    again = left_behind()
    taken_over.keep()
    taken_over.collect()  # as many are alive as the last time
    assert again() is not None
    del many


def test_lines_of_widgets_that_are_gone_go_then(
    taken_over: Garbage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = StylesCache()
    cache.get_inner_outer(Color(0, 0, 0), Color(1, 1, 1))
    gone = weakref.ref(cache)
    del cache
    taken_over.collect()
    assert gone() is not None, "textual no longer keeps it: no need to let go of it"
    monkeypatch.setattr(garbage, "_MANY", -1)
    again = Garbage()
    again.keep()
    again.collect()
    assert gone() is None
