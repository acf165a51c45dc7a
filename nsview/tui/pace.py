"""When the scanner looks next: in a rhythm, and sooner when something has happened. Pure.

Looking sooner costs what the rhythm was meant to bound, so it is paid from an account: looks that
process events asked for get a small share of the time, some of which can be saved up. A container
that starts is seen at once; a host that forks all day is looked at a little more often.
"""

from __future__ import annotations

#: Of the time that passes, for looks before their time.
SHARE = 0.05
#: Seconds of looking that can be saved up: a container takes a few looks to start, and many may
#: start one after the other.
SAVED = 0.5
#: What a job may leave as debt at most: minutes of reading say nothing of the looks after it.
DEBT = 0.1
#: Seconds from an event to the look: who forks will execve, and join or leave something before.
SETTLING = 0.03


class Pace:
    """Moments are those of time.monotonic()."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.due = 0.0
        self._early = False
        self._account = SAVED
        self._counted = 0.0

    @property
    def early(self) -> bool:
        """The next look was brought forward: no further event changes anything."""
        return self._early

    def hurry(self, now: float) -> None:
        """Something has happened: look soon, as the account allows."""
        debt = -min(0.0, self._balance(now))
        soon = now + max(SETTLING, debt / SHARE)
        if soon < self.due:
            self.due = soon
            self._early = True

    def looked(self, now: float, cost: float) -> None:
        """Somebody looked, which took `cost` seconds of the processor; the next look is due."""
        self._settle(now)
        if self._early:
            self._account -= cost
        self._early = False
        self.due = now + self.interval

    def worked(self, now: float, cost: float) -> None:
        """Something was read that followed from a look."""
        self._settle(now)
        self._account = max(self._account - cost, min(self._account, -DEBT))

    def _settle(self, now: float) -> None:
        self._account, self._counted = self._balance(now), now

    def _balance(self, now: float) -> float:
        return min(SAVED, self._account + (now - self._counted) * SHARE)
