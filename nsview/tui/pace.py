"""When the scanner looks next: in a rhythm, and sooner when something has happened. Pure.

Looking sooner costs what the rhythm was meant to bound, so it is paid from an account: looks that
process events asked for get a small share of the time, some of which can be saved up. A container
that starts is seen at once; a host that forks all day is looked at a little more often.
"""

from __future__ import annotations

import math

#: Of the time that passes, for looks before their time: showing what was seen costs as much again,
#: and both together are to be less than what the rhythm costs.
SHARE = 0.01
#: How many looks can be saved up: a container takes a few to start, and many may start one after
#: the other. On a large host a look costs more, and so does what is saved.
SAVED_LOOKS = 10
#: What a job may leave as debt at most: minutes of reading say nothing of the looks after it.
DEBT = 0.05
#: Seconds from an event to the look: who forks will execve, and join or leave something before.
SETTLING = 0.03


class Pace:
    """Moments are those of time.monotonic()."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.due = 0.0
        self._early = False
        self._was_early = False
        self._has_heard = False
        self._saved = 0.0
        self._account = math.inf  # as much as can be saved
        self._counted = 0.0

    @property
    def early(self) -> bool:
        """The next look was brought forward."""
        return self._early

    @property
    def listens(self) -> bool:
        """An event may still bring the next look forward.

        The first one since the last look decides: a debt that is paid as time passes is paid at the
        same moment whenever one asks. Being woken for each event of a storm costs more than looks.
        """
        return not self._has_heard

    def hurry(self, now: float) -> None:
        """Something has happened: look soon, as the account allows."""
        self._has_heard = True
        debt = -min(0.0, self._balance(now))
        soon = now + max(SETTLING, debt / SHARE)
        if soon < self.due:
            self.due = soon
            self._early = True

    def looked(self, now: float, cost: float) -> None:
        """Somebody looked, which took `cost` seconds of the processor; the next look is due."""
        self._saved = SAVED_LOOKS * cost
        self._settle(now)
        if self._early:
            self._account -= cost
        self._was_early, self._early = self._early, False
        self._has_heard = False
        self.due = now + self.interval

    def worked(self, now: float, cost: float) -> None:
        """Something was read that followed from a look; what follows from the rhythm is its."""
        if not self._was_early:
            return
        self._settle(now)
        self._account = max(self._account - cost, min(self._account, -DEBT))

    def _settle(self, now: float) -> None:
        self._account, self._counted = self._balance(now), now

    def _balance(self, now: float) -> float:
        return min(self._saved, self._account + (now - self._counted) * SHARE)
