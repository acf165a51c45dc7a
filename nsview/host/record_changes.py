"""Which records of a look differ from those of the look before. Pure.

Of ten thousand quiet processes nearly all records are the same bytes, which whole blocks of them
tell at once: nothing is made of a record until something has changed in it.
"""

from __future__ import annotations

import sys

from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Mapping, TypeVar

#: So many records are compared at once; where they differ, one by one.
_BLOCK: Final = 32
_NUMBER_BYTES: Final = 4

Row = TypeVar("Row")


class RecordChanges(NamedTuple):
    """What has to be looked at again."""

    fresh: list[bytes]
    """Records that were not there before."""
    gone: set[int]
    """Numbers whose record is not there any more, or is another one."""


def number_of(record: bytes) -> int:
    """What a record begins with."""
    return int.from_bytes(record[:_NUMBER_BYTES], sys.byteorder)


def find_changes(before: bytes, now: bytes, size: int) -> RecordChanges:
    """Both are records of `size` bytes, ascending by the number that each begins with."""
    fresh: list[bytes] = []
    gone: set[int] = set()
    block = size * _BLOCK
    old = new = 0
    while new < len(now) and old < len(before):
        if now[new : new + block] == before[old : old + block]:
            new, old = new + block, old + block
            continue
        end = new + block
        while new < min(end, len(now)) and old < len(before):
            record, other = now[new : new + size], before[old : old + size]
            if record == other:
                new, old = new + size, old + size
                continue
            number, other_number = number_of(record), number_of(other)
            if number <= other_number:
                fresh.append(record)
                new += size
            if number >= other_number:
                gone.add(other_number)
                old += size
    fresh += [now[at : at + size] for at in range(new, len(now), size)]
    gone.update(number_of(before[at : at + size]) for at in range(old, len(before), size))
    return RecordChanges(fresh, gone)


def replace_rows(before: dict[int, Row], changed: Mapping[int, Row | None]) -> dict[int, Row]:
    """The rows with these in the place of the others; None: without it. Ascending by number.

    `before` stays as it is, and is what is given back where nothing differs.
    """
    differing = {number: row for number, row in changed.items() if before.get(number) is not row}
    if not differing:
        return before
    now = before.copy()
    last = next(reversed(before), -1)
    in_order = True
    for number, row in sorted(differing.items()):
        if row is None:
            del now[number]
        else:
            in_order = in_order and (number in before or number > last)
            now[number] = row
    return now if in_order else {number: now[number] for number in sorted(now)}
