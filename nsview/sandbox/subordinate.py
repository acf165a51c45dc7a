"""The ids of the host that stand for those inside a user namespace: subuid(5), subgid(5)."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from nsview.errors import NsviewError
from nsview.kernel.safe_open import read_below

_FILES: Final = ("/etc/subuid", "/etc/subgid")
#: In whose name a range may stand there; the first that has one.
_NAMES: Final = ("nsview", "root", "0")
_COUNT: Final = 1 << 16
#: What systemd keeps free of users for containers (systemd.io/UIDS-GIDS).
_FREE_FROM: Final = 0x00080000
_FREE_TO: Final = 0x6FFF0000


@dataclass(frozen=True, slots=True)
class Range:
    """Ids of one owner."""

    owner: str
    start: int
    count: int

    def overlaps(self, start: int, count: int) -> bool:
        """Say whether any of these ids is among them."""
        return self.start < start + count and start < self.start + self.count

    def as_map(self) -> bytes:
        """Ids from 0 on inside, as uid_map and gid_map take them."""
        return b"0 %d %d\n" % (self.start, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """What a user namespace is to be mapped to."""

    uids: Range
    gids: Range
    note: str | None = None
    """Where they are from, if nobody has set them apart."""


def choose_ids(seed: str) -> Ids:
    """The subordinate ranges of nsview or root; else some that nobody has. For others, themselves.

    `seed`, a sandbox's id, has each look for them elsewhere. Raises `NsviewError` where none is
    left.
    """
    if os.geteuid():
        uid, gid = Range("", os.geteuid(), 1), Range("", os.getegid(), 1)
        return Ids(uids=uid, gids=gid, note="user namespace: there is no user in it but root")
    uids, gids = (parse_ranges(read_below("/", path) or b"") for path in _FILES)
    own = _own(uids), _own(gids)
    if own[0] is not None and own[1] is not None:
        return Ids(uids=own[0], gids=own[1])
    users = [Range(one.pw_name, one.pw_uid, 1) for one in pwd.getpwall()]
    taken = [*uids, *gids, *users]
    for start in _candidates(int(seed[:8], 16)):
        if not any(one.overlaps(start, _COUNT) for one in taken):
            free = Range("", start, _COUNT)
            note = f"user namespace: ids {start} to {start + _COUNT - 1}, which no user has"
            return Ids(uids=free, gids=free, note=f"{note} (/etc/subuid has none for nsview)")
    raise NsviewError("no ids are free for a user namespace", hint="add nsview to /etc/subuid")


def parse_ranges(data: bytes) -> list[Range]:
    """Parse lines of ``owner:start:count``; others are passed over, as newuidmap(1) does."""
    ranges = []
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split(":")
        if len(words) == 3 and all(word.isdecimal() and word.isascii() for word in words[1:]):
            ranges.append(Range(words[0], int(words[1]), int(words[2])))
    return ranges


def _own(ranges: Iterable[Range]) -> Range | None:
    """A range that is long enough for the ids that images use, ``nobody`` among them."""
    for name in _NAMES:
        for one in ranges:
            if one.owner == name and one.count >= _COUNT:
                return Range(name, one.start, _COUNT)
    return None


def _candidates(seed: int) -> Iterator[int]:
    slots = (_FREE_TO - _FREE_FROM) // _COUNT
    return (_FREE_FROM + (seed + at) % slots * _COUNT for at in range(slots))
