"""What it took to read something, and so when it may be read again.

Nothing tells us that a layer was written to (inotify would take a watch for each directory), so
what is in sight is read again and again: all of it in the end, the dear seldom.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

#: Reading again takes at most one part in so many of a processor.
_PARTS: Final = 40
#: Seconds until something that went wrong is tried again.
_AFTER_FAILURE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds on the clock, and those of them that its thread computed."""

    waited: float = 0.0
    computed: float = 0.0
    ended: float = 0.0
    """As `time.monotonic` has it."""

    def is_due(self, among: int = 1) -> bool:
        """Whether it may be read again, as one of so many that share the time.

        On a busy machine a read may wait long and cost little: only then may it take half of the
        clock's time.
        """
        pause = max(self.computed * _PARTS, self.waited) * among
        return time.monotonic() - self.ended >= pause


def cost_of_failing() -> Cost:
    """Of what went wrong: nobody knows why, so nobody is told of it at every look."""
    return Cost(waited=_AFTER_FAILURE, ended=time.monotonic())


class Meter:
    """Measures from when it was made; only one thread uses it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._computed = time.thread_time()

    def cost(self) -> Cost:
        """Of what was done since."""
        computed = time.thread_time() - self._computed
        now = time.monotonic()
        return Cost(waited=now - self._began, computed=computed, ended=now)
