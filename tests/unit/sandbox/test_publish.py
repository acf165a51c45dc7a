"""Ports to be published, and what is no port."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.errors import NsviewError
from nsview.sandbox.publish import Published, claim_ports, parse_published

WEB = Published(address=IPv4Address(0), host_port=8080, port=80, protocol="tcp")
LOCAL = replace(WEB, address=IPv4Address("127.0.0.1"), host_port=0)


def test_the_forms() -> None:
    assert parse_published("8080:80") == parse_published("8080:80/tcp") == WEB
    assert parse_published("127.0.0.1:0:80") == LOCAL
    assert parse_published("8080:80/udp") == replace(WEB, protocol="udp")


@pytest.mark.parametrize(
    "text",
    ["", "80", ":80", "80:", "0:0", "1:65536", "70000:1", "-1:80", "1:2:3", "::1:0:80", "a:b",
     "80:80\n", "256.0.0.1:1:1", "1.2.3:1:1", "8080:80/sctp", "8080:80/",
     "\N{FULLWIDTH DIGIT EIGHT}0:80"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"is n|a port is"):
        parse_published(text)


@given(st.text(alphabet="0123456789.:/tcpud "))
def test_any_text_is_ports_or_a_value_error(text: str) -> None:
    try:
        found = parse_published(text)
    except ValueError:
        return
    assert 0 <= found.host_port < 1 << 16 > found.port > 0


def test_a_port_is_claimed_once() -> None:
    with contextlib.ExitStack() as stack:
        wanted = [LOCAL, replace(LOCAL, protocol="udp")]
        (tcp, udp), sockets = claim_ports(wanted, stack)
        assert len(sockets) == 2
        for one, kind in ((tcp, socket.SOCK_STREAM), (udp, socket.SOCK_DGRAM)):
            with (
                socket.socket(socket.AF_INET, kind) as other,
                pytest.raises(OSError, match="in use"),
            ):
                other.bind(("127.0.0.1", one.host_port))
            with pytest.raises(NsviewError, match="the port is taken"):
                claim_ports([replace(one, address=IPv4Address(0))], stack)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", tcp.host_port))
    with contextlib.ExitStack() as stack:
        assert claim_ports([tcp, udp], stack)[0] == [tcp, udp]


def test_an_address_of_somebody_else() -> None:
    somebody = replace(LOCAL, address=IPv4Address("203.0.113.77"))
    with contextlib.ExitStack() as stack, pytest.raises(NsviewError, match="no such address"):
        claim_ports([somebody], stack)
