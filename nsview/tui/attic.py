"""Where large tables go before they are forgotten: a few at a time, by whoever made them.

Ten thousand rows that are let go of at once take 15 ms, in which no other thread of the
interpreter runs: the next key press would wait.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

#: Whoever shows the last one has let go of those before it.
_KEPT: Final = 2
_AT_ONCE: Final = 500


class Attic:
    """Holds what was made lately, so that nobody else is the last to let go of it."""

    def __init__(self) -> None:
        self._kept: deque[list[object]] = deque()

    def keep(self, things: Iterable[object]) -> None:
        """Hold these, and let go of the oldest, with room for other threads in between."""
        self._kept.append(list(things))
        while len(self._kept) > _KEPT:
            oldest = self._kept.popleft()
            while oldest:
                del oldest[-_AT_ONCE:]
                time.sleep(0)
