"""Which records differ is told whatever comes and goes, and in whichever block."""

from __future__ import annotations

import random
import sys

import pytest

from nsview.host.record_changes import find_changes, number_of, replace_rows

SIZE = 24


def record(number: int, content: int) -> bytes:
    return number.to_bytes(4, sys.byteorder) + content.to_bytes(SIZE - 4, sys.byteorder)


def whole(rows: dict[int, int]) -> bytes:
    return b"".join(record(number, content) for number, content in sorted(rows.items()))


def changed(rows: dict[int, int], chance: random.Random, share: float) -> dict[int, int]:
    later = {number: content + (chance.random() < share) for number, content in rows.items()
             if chance.random() >= share}  # fmt: skip
    for _ in range(round(len(rows) * share)):
        later.setdefault(chance.randrange(1, 2000), chance.randrange(9))
    return later


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(20))
def test_every_difference_is_found_and_nothing_else(seed: int, share: float) -> None:
    chance = random.Random(seed)
    before = {chance.randrange(1, 1500): chance.randrange(9) for _ in range(chance.randrange(400))}
    for _ in range(5):
        now = changed(before, chance, share)
        changes = find_changes(whole(before), whole(now), SIZE)
        assert changes.fresh == [
            record(number, content)
            for number, content in sorted(now.items())
            if before.get(number) != content
        ]
        assert changes.gone == {
            number for number, content in before.items() if now.get(number) != content
        }
        rows: dict[int, bytes | None] = dict.fromkeys(changes.gone)
        rows.update((number_of(one), one) for one in changes.fresh)
        old = {number: record(number, content) for number, content in sorted(before.items())}
        kept = dict(old)
        found = replace_rows(old, rows)
        assert list(found.items()) == [(n, record(n, c)) for n, c in sorted(now.items())]
        assert old == kept
        assert (found is old) == (now == before)
        before = now


def test_records_that_do_not_ascend_are_all_there_again() -> None:
    before = record(1, 1) + record(2, 2) + record(3, 3)
    changes = find_changes(before, record(1, 1) + record(3, 3) + record(2, 2), SIZE)
    assert changes.gone <= {number_of(one) for one in changes.fresh}


def test_the_same_rows_are_the_same_mapping() -> None:
    row = record(7, 7)
    before = {7: row, 9: record(9, 9)}
    assert replace_rows(before, {7: row}) is before
    assert list(replace_rows(before, {8: record(8, 8)})) == [7, 8, 9]
