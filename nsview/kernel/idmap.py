"""/proc/PID/uid_map and gid_map: how ids inside a user namespace stand for ids outside.

user_namespaces(7). The outside ids are shown in the user namespace of the reader.
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable


class IdRange(NamedTuple):
    """`length` ids from `inside` on are those from `outside` on."""

    inside: int
    outside: int
    length: int


def parse_id_map(data: bytes) -> tuple[IdRange, ...]:
    """Parse lines of three numbers; empty while no map is set. Raises ValueError when torn."""
    ranges = []
    for line in data.split(b"\n"):
        if line.strip():
            inside, outside, length = map(int, line.split())
            ranges.append(IdRange(inside, outside, length))
    return tuple(ranges)


def format_id_map(ranges: Iterable[IdRange]) -> bytes:
    """The same, as both files take it in one write."""
    return b"".join(b"%d %d %d\n" % one for one in ranges)


def to_outside(ranges: Iterable[IdRange], inside: int) -> int | None:
    """The id outside; None for one that is not mapped (it shows as 65534, "nobody")."""
    for one in ranges:
        if one.inside <= inside < one.inside + one.length:
            return one.outside + inside - one.inside
    return None


def to_inside(ranges: Iterable[IdRange], outside: int) -> int | None:
    """The id inside; None for one that is not mapped."""
    for one in ranges:
        if one.outside <= outside < one.outside + one.length:
            return one.inside + outside - one.outside
    return None
