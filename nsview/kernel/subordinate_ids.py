"""/etc/subuid and /etc/subgid: ids that somebody may map in user namespaces, subuid(5)."""

from __future__ import annotations

from dataclasses import dataclass

from nsview.kernel.idmap import IdRange
from nsview.typed import Final, Iterable

#: UID_GID_MAP_MAX_EXTENTS (include/linux/user_namespace.h).
_MOST_RANGES: Final = 340
#: The highest id stands for none.
_END: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Range:
    """Ids of one owner."""

    owner: str
    """A name or a number."""
    start: int
    count: int

    def overlaps(self, start: int, count: int) -> bool:
        """Say whether any of these ids is among them."""
        return self.start < start + count and start < self.start + self.count


def parse_ranges(data: bytes) -> list[Range]:
    """Parse lines of ``owner:start:count``; others are passed over, as newuidmap(1) does."""
    ranges = []
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split(":")
        if len(words) == 3 and all(word.isdecimal() and word.isascii() for word in words[1:]):
            ranges.append(Range(words[0], int(words[1]), int(words[2])))
    return ranges


def map_of_user(own: int, ranges: Iterable[Range]) -> tuple[IdRange, ...]:
    """A user is root inside, and from 1 on its subordinate ids follow: podman's order.

    The kernel takes no id twice: what an earlier range has, or the user itself, is left out.
    """
    found = [IdRange(0, own, 1)]
    inside = 1
    for one in ranges:
        for start, count in _without(one.start, min(one.count, _END - one.start), found):
            if len(found) < _MOST_RANGES:
                found.append(IdRange(inside, start, count))
                inside += count
    return tuple(found)


def _without(start: int, count: int, taken: list[IdRange]) -> list[tuple[int, int]]:
    """What of some ids is not taken, as starts and counts."""
    left = []
    for one in sorted(taken, key=lambda one: one.outside):
        before = min(one.outside - start, count)
        if before > 0:
            left.append((start, before))
        after = max(start, one.outside + one.length)
        count -= after - start
        start = after
        if count <= 0:
            return left
    return [*left, (start, count)] if count > 0 else left
