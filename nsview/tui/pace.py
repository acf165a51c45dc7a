"""When the scanner looks next: in a rhythm, and sooner when something has happened. Pure.

Looking sooner costs what the rhythm was meant to bound, so it is paid from accounts, which get a
share of the time; some of it can be saved up. That a container has started or ended is news: rare,
and seen at once. A host whose other processes fork all day is looked at a little more often.
"""

from __future__ import annotations

import math

#: Of the time that passes, for looks before their time: showing what was seen costs as much again,
#: and both together are to be less than what the rhythm costs.
SHARE = 0.003
#: The same for news: what a host costs on which containers come and go without an end.
NEWS_SHARE = 0.05
#: How many looks can be saved up: a container takes a few to start, and many may start one after
#: the other. On a large host a look costs more, and so does what is saved.
SAVED_LOOKS = 10
NEWS_SAVED_LOOKS = 20
#: What a job may leave as debt at most: minutes of reading say nothing of the looks after it.
DEBT = 0.05
#: Seconds from an event until it is judged: who forks will execve, and join or leave something
#: before. Being woken for each event of a storm would cost more than looks.
SETTLING = 0.03


class _Account:
    """Seconds of the processor."""

    def __init__(self, share: float, saved_looks: int) -> None:
        self._share = share
        self._saved_looks = saved_looks
        self._most = 0.0
        self._balance = math.inf  # as much as can be saved
        self._counted = 0.0

    def in_credit(self, now: float) -> float:
        """From when on it has no debts."""
        return now - min(0.0, self._count(now)) / self._share

    def learn(self, now: float, cost: float) -> None:
        """A look costs so much."""
        self._most = self._saved_looks * cost
        self._count(now)

    def pay(self, now: float, cost: float, most: float = math.inf) -> None:
        """`most`: no debt larger than that comes of it."""
        balance = self._count(now)
        self._balance = max(balance - cost, min(balance, -most))

    def _count(self, now: float) -> float:
        earned = (now - self._counted) * self._share
        self._balance, self._counted = min(self._most, self._balance + earned), now
        return self._balance


class Pace:
    """Moments are those of time.monotonic()."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.due = 0.0
        self.settled = math.inf
        """When what was heard of is to be judged."""
        self._usual = _Account(SHARE, SAVED_LOOKS)
        self._news = _Account(NEWS_SHARE, NEWS_SAVED_LOOKS)
        self._payer: _Account | None = None
        """Of the next look, when it comes before its time."""
        self._last_payer: _Account | None = None

    @property
    def listens(self) -> bool:
        """Nothing has been heard of that was not judged."""
        return self.settled == math.inf

    def heard(self, now: float) -> None:
        """Something has happened, nobody knows what."""
        self.settled = min(self.settled, now + SETTLING)

    def hurry(self, now: float, *, news: bool) -> None:
        """That is what has happened: look now, or as soon as the account allows."""
        self.settled = math.inf
        payer = self._news if news else self._usual
        soon = payer.in_credit(now)
        if soon < self.due:
            self.due, self._payer = soon, payer

    def looked(self, now: float, cost: float) -> None:
        """Somebody looked, which took `cost` seconds of the processor; the next look is due."""
        for account in (self._usual, self._news):
            account.learn(now, cost)
        if self._payer is not None:
            self._payer.pay(now, cost)
        self._last_payer, self._payer = self._payer, None
        self.settled = math.inf
        self.due = now + self.interval

    def worked(self, now: float, cost: float) -> None:
        """Something was read that followed from a look; what follows from the rhythm is its."""
        if self._last_payer is not None:
            self._last_payer.pay(now, cost, most=DEBT)
