"""Of the host's name servers a sandbox gets those that it can reach."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.sandbox.resolver import keep_reachable


def test_what_is_kept() -> None:
    host = b"""\
# written by somebody
; too
nameserver 127.0.0.53
nameserver   192.0.2.53
nameserver 2001:db8::53
nameserver fe80::1%eth0
nameserver
nameserver \xff
search example.org lan
options edns0 trust-ad
sortlist 130.155.160.0
"""
    assert keep_reachable(host) == (
        b"nameserver   192.0.2.53\nsearch example.org lan\noptions edns0 trust-ad\n"
    )


@given(st.binary())
def test_any_file_is_read(data: bytes) -> None:
    kept = keep_reachable(data)
    assert keep_reachable(kept) == kept
