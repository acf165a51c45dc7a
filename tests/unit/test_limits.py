"""/proc/PID/limits: names with spaces in columns of fixed width."""

from __future__ import annotations

import os
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.limits import Limit, parse_limits
from nsview.kernel.procfs import Procfs

TABLE = (
    b"Limit                     Soft Limit           Hard Limit           Units     \n"
    b"Max cpu time              unlimited            unlimited            seconds   \n"
    b"Max open files            18446744073709551614 18446744073709551615 files     \n"
    b"Max realtime priority     0                    0                    \n"
)


def test_the_table() -> None:
    assert parse_limits(TABLE) == (
        Limit("Max cpu time", None, None, "seconds"),
        Limit("Max open files", 2**64 - 2, 2**64 - 1, "files"),
        Limit("Max realtime priority", 0, 0, ""),
    )
    assert parse_limits(b"") == ()


def test_a_torn_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_limits(TABLE[: TABLE.index(b"unlimited") + 5])


@given(st.binary().map(lambda noise: b"Limit\n" + noise) | st.binary())
def test_anything_else_is_a_value_error(data: bytes) -> None:
    try:
        parse_limits(data)
    except ValueError:
        return


def test_ourselves() -> None:
    data = Procfs().read(os.getpid(), "limits")
    assert data is not None
    limits = {limit.name: limit for limit in parse_limits(data)}
    assert len(limits) == 16
    expected = tuple(
        None if value == resource.RLIM_INFINITY else value
        for value in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    assert (limits["Max open files"].soft, limits["Max open files"].hard) == expected
