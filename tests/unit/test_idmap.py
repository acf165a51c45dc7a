"""uid_map and gid_map: both directions."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.idmap import IdRange, parse_id_map, to_inside, to_outside
from nsview.kernel.procfs import Procfs

#: Rootless podman: root inside is the user, the rest comes from /etc/subuid.
ROOTLESS = b"         0       1000          1\n         1     100000      65536\n"


def test_ranges() -> None:
    assert parse_id_map(ROOTLESS) == (IdRange(0, 1000, 1), IdRange(1, 100000, 65536))
    assert parse_id_map(b"") == ()


@pytest.mark.parametrize(
    ("inside", "outside"), [(0, 1000), (1, 100000), (33, 100032), (65536, 165535)]
)
def test_both_ways(inside: int, outside: int) -> None:
    ranges = parse_id_map(ROOTLESS)
    assert to_outside(ranges, inside) == outside
    assert to_inside(ranges, outside) == inside


def test_what_is_not_mapped() -> None:
    ranges = parse_id_map(ROOTLESS)
    assert to_outside(ranges, 65537) is None
    assert [to_inside(ranges, uid) for uid in (0, 999, 1001, 99999, 165536)] == [None] * 5


@pytest.mark.parametrize("data", [b"0 1000", b"0 1000 1 1", b"a b c", b"0 0 1\n5"])
def test_a_torn_map_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_id_map(data)


NUMBER = st.integers(0, 2**32 - 1)


@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER), max_size=5), NUMBER)
def test_what_goes_out_comes_back(rows: list[tuple[int, int, int]], number: int) -> None:
    text = "".join("{:10} {:10} {:10}\n".format(*row) for row in rows)
    ranges = parse_id_map(text.encode())
    assert ranges == tuple(IdRange(*row) for row in rows)
    for one in ranges:
        outside = to_outside([one], number)
        assert outside is None or to_inside([one], outside) == number


@given(st.binary())
def test_anything_else_is_a_value_error(data: bytes) -> None:
    try:
        parse_id_map(data)
    except ValueError:
        return


def test_ourselves() -> None:
    data = Procfs().read(os.getpid(), "uid_map")
    assert data is not None
    assert to_inside(parse_id_map(data), os.geteuid()) is not None
