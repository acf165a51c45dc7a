"""When the interpreter looks for garbage: between two looks, among what the UI has made since.

Python looks for circles of objects whenever a thousand more are alive, through all of the young
ones, and no other thread runs meanwhile. What is seen of a large host is most of them, and is none:
to go through it took up to 8 ms, in the midst of what the user waits for.
"""

from __future__ import annotations

import gc
import math
import sys
from typing import Final

from textual._styles_cache import StylesCache

#: New objects until the interpreter looks by itself after all: when nobody looks at the host. Ten
#: thousand rows of processes are more than a third of that.
_ALONE: Final = (600_000, 5, 4_000)
#: Blocks of memory until everything is gone through, which takes 30 ms, on a large host 100: some
#: 60 MB, or twenty pages that were opened and closed. A page of ten thousand processes is less.
_MANY: Final = 800_000


class Garbage:
    """Takes over from the interpreter, for the scanner's thread."""

    def __init__(self) -> None:
        gc.set_threshold(*_ALONE)
        gc.freeze()  # what is loaded stays
        self._most = math.inf

    def collect(self) -> None:
        """Let go of what the UI has made, and nobody needs."""
        if sys.getallocatedblocks() < self._most:
            gc.collect(1)
            return
        # Textual 8.2 keeps the lines of the last thousand widgets, most of them long gone.
        StylesCache.get_inner_outer.cache_clear()
        gc.unfreeze()
        gc.collect()
        self._most = sys.getallocatedblocks() + _MANY

    def keep(self) -> None:
        """What there is now is no garbage; when it is after all, it is seldom looked for.

        Counting references lets go of nearly all of it, as of everything.
        """
        gc.freeze()
        if self._most == math.inf:  # the host has been seen once
            self._most = sys.getallocatedblocks() + _MANY
