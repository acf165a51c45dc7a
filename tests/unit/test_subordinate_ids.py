"""Lines of /etc/subuid, and the id map of a user who has them."""

from __future__ import annotations

from nsview.kernel.idmap import IdRange, format_id_map
from nsview.kernel.subordinate_ids import Range, map_of_user, parse_ranges


def test_lines_that_are_none_are_passed_over() -> None:
    data = b"alice:100000:65536\n\n# x\nbob:1\nb:x:1\nc:1:-1\nd:\xff:1\n1000:5:6\n"
    assert parse_ranges(data) == [Range("alice", 100000, 65536), Range("1000", 5, 6)]


def test_the_user_first_and_then_its_ranges_in_their_order() -> None:
    found = map_of_user(1000, [Range("me", 200000, 10), Range("1000", 100000, 5)])
    assert found == (IdRange(0, 1000, 1), IdRange(1, 200000, 10), IdRange(11, 100000, 5))
    assert format_id_map(found) == b"0 1000 1\n1 200000 10\n11 100000 5\n"


def test_no_id_is_taken_twice() -> None:
    """Else the kernel takes none of them: the same line by name and by number, say."""
    ranges = [Range("me", 100, 10), Range("1000", 100, 10), Range("me", 105, 10)]
    assert map_of_user(107, ranges) == (
        IdRange(0, 107, 1), IdRange(1, 100, 7), IdRange(8, 108, 2), IdRange(10, 110, 5),
    )  # fmt: skip


def test_nothing_beyond_the_last_id_and_no_more_ranges_than_the_kernel_takes() -> None:
    assert map_of_user(1, [Range("me", 0xFFFFFFFE, 10)])[1:] == (IdRange(1, 0xFFFFFFFE, 1),)
    assert map_of_user(1, [Range("me", 1 << 33, 10), Range("me", 5, 0)])[1:] == ()
    many = [Range("me", 10 * at, 1) for at in range(1, 1000)]
    assert len(map_of_user(1, many)) == 340
