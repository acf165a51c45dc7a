"""/proc/PID/net/dev."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.net_dev import Carried, parse_net_dev, read_net_dev
from nsview.kernel.procfs import Procfs

HEAD = b"""\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
"""
LINE = b"%b: %d 7 0 0 0 0 0 0 %d 9 0 0 0 0 0 0\n"
_NAMES = st.binary(min_size=1, max_size=15).filter(
    lambda name: not set(name) & set(b" \t\n\v\f\r:/\0")
)


def test_a_file() -> None:
    data = HEAD + LINE % (b"    lo", 3193, 3193) + LINE % (b"  eth0", 526_000_000_000, 42)
    assert parse_net_dev(data) == {
        "lo": Carried(3193, 3193),
        "eth0": Carried(526_000_000_000, 42),
    }


@given(st.dictionaries(_NAMES, st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))))
def test_every_name_that_the_kernel_allows(interfaces: dict[bytes, tuple[int, int]]) -> None:
    data = HEAD + b"".join(LINE % (name.rjust(6), *both) for name, both in interfaces.items())
    assert list(parse_net_dev(data).values()) == [Carried(*both) for both in interfaces.values()]


def test_what_is_cut_short_is_left_out() -> None:
    assert parse_net_dev(b"") == {}
    assert parse_net_dev(HEAD + b"  eth0: 1 2 3") == {}


def test_our_own_and_that_of_nobody() -> None:
    assert "lo" in (read_net_dev(Procfs(), 1) or {})
    assert read_net_dev(Procfs(), 2**22 + 1) is None
