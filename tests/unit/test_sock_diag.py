"""Bodies of inet_diag's answers, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netlink import pack_attribute
from nsview.kernel.sock_diag import parse_socket


def answer(
    *attributes: bytes,
    family: int = socket.AF_INET,
    state: int = 10,
    ports: tuple[int, int] = (80, 0),
    addresses: tuple[str, str] = ("0.0.0.0", "0.0.0.0"),
) -> bytes:
    local, remote = (socket.inet_pton(family, one).ljust(16, b"\0") for one in addresses)
    head = struct.pack("=BBBB", family, state, 0, 0) + struct.pack(">HH", *ports)
    rest = struct.pack("=III", 0, 1, 2) + struct.pack("=IIIII", 0, 0, 0, 1000, 4242)
    return head + local + remote + rest + b"".join(attributes)


def test_a_listener() -> None:
    (one,) = parse_socket(answer(), "tcp")
    assert (one.protocol, one.state, one.listening) == ("tcp", "LISTEN", True)
    assert (one.shown_address, one.port, one.uid, one.inode) == ("0.0.0.0", 80, 1000, 4242)


@pytest.mark.parametrize(
    ("address", "v6only", "shown"),
    [("::", 0, "*"), ("::", 1, "[::]"), ("::1", 0, "[::1]"), ("fd00::7", 1, "[fd00::7]")],
)
def test_ipv6_is_shown_as_ss_does(address: str, v6only: int, shown: str) -> None:
    only = pack_attribute(11, bytes([v6only]))
    (one,) = parse_socket(answer(only, family=socket.AF_INET6, addresses=(address, "::")), "tcp")
    assert one.shown_address == shown
    assert one.v6only == bool(v6only)


def test_a_connection() -> None:
    body = answer(state=1, ports=(51000, 443), addresses=("10.0.0.1", "10.0.0.2"))
    for protocol in ("tcp", "udp"):
        (one,) = parse_socket(body, protocol)
        assert (one.state, one.listening) == ("ESTAB", False)
        assert (one.remote_address, one.remote_port) == ("10.0.0.2", 443)


def test_udp_without_a_peer_listens() -> None:
    (one,) = parse_socket(answer(state=7), "udp")
    assert one.listening
    (one,) = parse_socket(answer(state=7), "tcp")
    assert not one.listening


def test_a_state_of_a_later_kernel() -> None:
    (one,) = parse_socket(answer(state=77), "tcp")
    assert one.state == "77"


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    list(parse_socket(data, "tcp"))
    list(parse_socket(answer(data), "udp"))
