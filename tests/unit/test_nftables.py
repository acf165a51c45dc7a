"""Rules as the kernel gives them: captured from docker's iptables-nft, and made as nft(8) does."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netlink import pack_attribute
from nsview.kernel.nftables import may_be_asked, parse_rule
from nsview.kernel.procfs import Procfs
from nsview.kernel.xtables import Forward


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def expression(name: str, *values: tuple[int, bytes]) -> bytes:
    data = b"".join(pack_attribute(kind, value) for kind, value in values)
    return pack_attribute(1, pack_attribute(1, name.encode() + b"\0") + pack_attribute(2, data))


def rule(*expressions: bytes) -> bytes:
    return struct.pack("=BBH", 2, 0, 0) + pack_attribute(4, b"".join(expressions))


def compare(value: bytes, *, register: int = 1, operator: int = 0) -> bytes:
    data = pack_attribute(1, value)
    return expression("cmp", (1, number(register)), (2, number(operator)), (3, data))


def payload(base: int, offset: int, length: int) -> bytes:
    places = (number(one) for one in (1, base, offset, length))
    return expression("payload", *enumerate(places, start=1))


def immediate(register: int, value: bytes) -> bytes:
    return expression("immediate", (1, number(register)), (2, pack_attribute(1, value)))


NOT_DOCKER0 = (
    expression("meta", (2, number(6)), (1, number(1))),
    compare(b"docker0\0", operator=1),
)
TCP = (expression("meta", (2, number(16)), (1, number(1))), compare(b"\6"))
PORT = (payload(2, 2, 2), compare(struct.pack(">H", 18080)))
LOCALHOST = (payload(1, 16, 4), compare(bytes([127, 0, 0, 1])))
TO = socket.inet_aton("172.17.0.2")
NAT = expression("nat", (1, number(1)), (2, number(2)), (3, number(1)), (5, number(2)))


def xt_dnat(address: bytes, port: int, *, flags: int = 3) -> bytes:
    one = address.ljust(16, b"\0")
    ports = struct.pack(">HHH", port, port, 0)
    info = struct.pack("=I", flags) + one + one + ports.ljust(12, b"\0")
    return expression("target", (1, b"DNAT\0"), (2, number(2)), (3, info))


def xt_match(protocol: str, first: int, last: int) -> bytes:
    info = struct.pack("=HHHHBBBB", 0, 65535, first, last, 0, 0, 0, 0)
    return expression("match", (1, protocol.encode() + b"\0"), (2, number(0)), (3, info))


@pytest.mark.parametrize(
    ("expressions", "forward"),
    [
        ((*NOT_DOCKER0, *TCP, *PORT, xt_dnat(TO, 80)), (None, 18080, "172.17.0.2", 80)),
        (
            (*NOT_DOCKER0, *TCP, *LOCALHOST, *PORT, xt_dnat(TO, 80)),
            ("127.0.0.1", 18080, "172.17.0.2", 80),
        ),
        ((xt_match("tcp", 18080, 18080), xt_dnat(TO, 80)), (None, 18080, "172.17.0.2", 80)),
        ((*TCP, *PORT, xt_dnat(TO, 0, flags=1)), (None, 18080, "172.17.0.2", 18080)),
        (
            (*TCP, *PORT, xt_dnat(b"\xfd" + bytes(14) + b"\2", 80)),
            (None, 18080, "fd00::2", 80),
        ),
        (
            (*TCP, *PORT, immediate(1, TO), immediate(2, struct.pack(">H", 80)), NAT),
            (None, 18080, "172.17.0.2", 80),
        ),
        # No port of one's own, or no destination that stands in the rule.
        ((*TCP, xt_dnat(TO, 80)), None),
        ((*PORT, xt_dnat(TO, 80)), None),
        ((*TCP, *PORT), None),
        ((xt_match("tcp", 1, 65535), xt_dnat(TO, 80)), None),
        ((*TCP, payload(2, 2, 2), compare(b"\0\1", operator=1), xt_dnat(TO, 80)), None),
        ((*TCP, *PORT, NAT), None),
        ((*TCP, *PORT, immediate(1, TO), expression("nat", (1, number(0)), (3, number(1)))), None),
    ],
)
def test_a_rule(
    expressions: tuple[bytes, ...], forward: tuple[str | None, int, str, int] | None
) -> None:
    assert parse_rule(rule(*expressions)) == (forward and Forward("tcp", *forward))


@given(st.binary(), st.sampled_from(["payload", "meta", "immediate", "cmp", "match", "target"]))
def test_any_bytes(data: bytes, name: str) -> None:
    parse_rule(data)
    parse_rule(rule(data))
    target = ((1, b"DNAT\0"), (3, data)) if name == "target" else ((1, data), (2, data), (3, data))
    parse_rule(rule(*TCP, *PORT, expression(name, *target), NAT))


def test_a_module_that_is_not_loaded_is_not_asked(tmp_path: Path) -> None:
    assert may_be_asked(Procfs(str(tmp_path)))  # a kernel without modules
    (tmp_path / "modules").write_text("nf_tables 300000 1 nft_compat, Live 0x0\n")
    assert may_be_asked(Procfs(str(tmp_path)))
    (tmp_path / "modules").write_text("xfs 300000 1 - Live 0x0\n")
    assert not may_be_asked(Procfs(str(tmp_path)))
