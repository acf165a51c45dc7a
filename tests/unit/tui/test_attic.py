"""What others have stopped using is let go of by whoever made it."""

from __future__ import annotations

import gc
import weakref

from nsview.tui.attic import Attic


class _Thing:
    pass


def test_the_last_two_are_kept_and_older_ones_let_go_of() -> None:
    attic = Attic()
    seen = []
    for _ in range(4):
        things = [_Thing() for _ in range(1200)]
        seen.append([weakref.ref(one) for one in things])
        attic.keep(things)
        del things
    gc.disable()  # reference counts alone are to do it
    try:
        left = [sum(one() is not None for one in refs) for refs in seen]
    finally:
        gc.enable()
    assert left == [0, 0, 1200, 1200]


def test_what_it_was_given_stays_as_it_was() -> None:
    attic = Attic()
    given = [1, 2, 3]
    for _ in range(4):
        attic.keep(given)
    assert given == [1, 2, 3]
